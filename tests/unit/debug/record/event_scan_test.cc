#include "debug/record/event_scan.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;

std::string call_line(std::uint64_t number, std::string data = {}) {
  std::string out;
  append_line(
      out, {.seq_num = seq(number), .n = number, .timestamp = Nanoseconds(number), .pid = pid(7)},
      Syscall{.name = "Call",
              .args = Json::object({{"data", std::move(data)}}),
              .result = {},
              .err = {}});
  return out;
}

class EventScanTest : public RecordTest {};

TEST_F(EventScanTest, AnEmptyRecordingEndsAtOnce) {
  const Recording recording = open(this->recording(""));
  Result<EventScan> scan = EventScan::open(recording);
  ASSERT_TRUE(scan);
  EXPECT_FALSE(scan->next());
}

// Short lines, lines longer than a piece, and lines across pieces.
TEST_F(EventScanTest, GivesWhatReadingOneByOneGives) {
  std::string text;
  for (std::uint64_t number = 1; number <= 400; ++number)
    text += call_line(number, std::string(number % 50 == 0 ? 300'000 : number * 17, 'x'));
  const Recording recording = open(this->recording(text));
  Result<EventScan> scan = EventScan::open(recording);
  ASSERT_TRUE(scan);
  for (std::size_t i = 0; i < recording.size(); ++i) {
    ASSERT_TRUE(scan->next());
    EXPECT_EQ(scan->position(), i);
    EXPECT_EQ(scan->entry(), recording.entry(i));
    EXPECT_EQ(*scan->line(), *recording.line_at(i));
    EXPECT_EQ(*scan->event(), *recording.event_at(i));
  }
  EXPECT_FALSE(scan->next());
}

TEST_F(EventScanTest, GoesOverAPart) {
  const Recording recording = open(this->recording(call_line(1) + call_line(2) + call_line(3)));
  Result<EventScan> scan = EventScan::open(recording, 1, 2);
  ASSERT_TRUE(scan);
  ASSERT_TRUE(scan->next());
  EXPECT_EQ(raw(scan->entry().seq_num), 2u);
  EXPECT_EQ(raw(scan->event()->seq_num), 2u);
  EXPECT_FALSE(scan->next());
}

TEST_F(EventScanTest, AnyOrderOfKeysWillDo) {
  const Recording recording = open(this->recording(
      R"({"type":"alert","pid":7,"timestamp":1,"alert":{"kind":"budget"}, "seq_num":1})"
      "\n"));
  Result<EventScan> scan = EventScan::open(recording);
  ASSERT_TRUE(scan && scan->next());
  EXPECT_EQ(std::get<Alert>(scan->event()->payload).kind, "budget");
}

TEST_F(EventScanTest, AFileThatChangedUnderItIsAnError) {
  const std::string folder = this->recording(call_line(1) + call_line(2));
  const Recording recording = open(folder);
  Result<EventScan> scan = EventScan::open(recording);
  ASSERT_TRUE(scan && scan->next());
  write_text(folder + "/events.jsonl", call_line(2) + call_line(1));
  EXPECT_THAT(scan->line().error().message, HasSubstr("stands event 2, not 1"));
  EXPECT_FALSE(scan->event());
}

TEST_F(EventScanTest, AFileThatWasCutIsAnError) {
  const std::string folder = this->recording(call_line(1) + call_line(2));
  const Recording recording = open(folder);
  Result<EventScan> scan = EventScan::open(recording);
  ASSERT_TRUE(scan && scan->next() && scan->next());
  std::filesystem::resize_file(folder + "/events.jsonl", 10);
  EXPECT_FALSE(scan->line());
}

}  // namespace
}  // namespace agdb
