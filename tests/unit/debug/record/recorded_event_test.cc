#include "debug/record/recorded_event.h"

#include "record_fixture.h"

namespace agdb {
namespace {

TEST(RecordedEvent, TypesHaveNamesAndKeys) {
  EXPECT_EQ(event_type_of("syscall"), EventType::kSyscall);
  EXPECT_EQ(event_type_of("gap"), EventType::kGap);
  EXPECT_EQ(event_type_of("Syscall"), EventType::kOther);
  EXPECT_EQ(event_type_of(""), EventType::kOther);
  EXPECT_EQ(payload_key(EventType::kContextSnapshot), "context");
  EXPECT_EQ(payload_key(EventType::kOther), "");
}

TEST(RecordedEvent, Version1TextsAreSplitAtTheFirstBracketAndBlank) {
  EXPECT_EQ(message_from_version1("[user] Hello"), message("user", "Hello"));
  EXPECT_EQ(message_from_version1("[] hi"), message("", "hi"));
  EXPECT_EQ(message_from_version1("[tool] [x] y"), message("tool", "[x] y"));
  EXPECT_EQ(message_from_version1("Hello"), message("user", "Hello"));
  EXPECT_EQ(message_from_version1("[user]Hello"), message("user", "[user]Hello"));
  EXPECT_EQ(message_from_version1("x [user] y"), message("user", "x [user] y"));
  EXPECT_EQ(message_from_version1(""), message("user", ""));
}

TEST(RecordedEvent, ALiveCallKeepsAllOfItsParts) {
  ProcessEvents process(pid(42));
  const Event live = process.call("Open", Json::object({{"flags", 2}}), "FD(3)");
  const RecordedEvent recorded = to_recorded(live);
  EXPECT_EQ(recorded.seq_num, seq(0));
  EXPECT_EQ(recorded.n, 1u);
  EXPECT_EQ(recorded.type, "syscall");
  EXPECT_EQ(std::get<Syscall>(recorded.payload), std::get<Syscall>(live.payload));
}

TEST(RecordedEventDeathTest, AContextChangeAloneMakesNoSnapshot) {
  ProcessEvents process(pid(42));
  const Event live = process.context(ctx(1), 0, {}, "prompt");
  EXPECT_DEATH(to_recorded(live), "to_recorded");
}

}  // namespace
}  // namespace agdb
