#include "ipc/api/event_pages.h"

#include <limits>

#include "debug/record/reader.h"
#include "tests/unit/debug/trace/recorded_runs.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr SeqNum kLast{std::numeric_limits<std::uint64_t>::max()};
constexpr std::size_t kMuch = 1 << 20;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// Put together here, so that no file holds what looks like a key.
std::string key() {
  return std::string("sk-ant-") + "api03-" + "a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4";
}

class EventPagesTest : public RecordedRunsCase {
 protected:
  // Of a process that makes these calls.
  Recording recording(std::initializer_list<const char*> calls) {
    id_ = record({.run_id = "run", .trace_id = std::string(kOne)}, calls);
    Result<Recording> opened = Recording::open(folder_of(id_));
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }

  static EventPages::Wanted wanted(std::uint64_t limit = kNoLimit) {
    return {.from = SeqNum{0}, .to = kLast, .limit = limit};
  }
  static EventPages::Wanted between(std::uint64_t from, std::uint64_t to) {
    return {.from = SeqNum{from}, .to = SeqNum{to}, .limit = kNoLimit};
  }
  static EventPages::Wanted fitting(const std::string& filter) {
    return {.from = SeqNum{0}, .to = kLast, .limit = kNoLimit, .filter = *Filter::parse(filter)};
  }

  // All that is left, as "3 Open", and that each piece tells rightly whether more follows.
  static std::vector<std::string> rest(EventPages& pages, std::size_t bytes = kMuch) {
    std::vector<std::string> told;
    for (bool more = true; more;) {
      std::string piece;
      const Result<bool> next = pages.next(piece, "\n", bytes);
      EXPECT_TRUE(next);
      more = next && *next;
      std::istringstream lines(piece);
      for (std::string line; std::getline(lines, line);) {
        const Json event = *parse_json(line);
        told.push_back(std::to_string(event.integer("seq_num")) + " " +
                       std::string(event["syscall"].text("syscall")));
      }
    }
    return told;
  }
  std::vector<std::string> told(std::initializer_list<const char*> calls,
                                EventPages::Wanted asked) {
    EventPages pages(recording(calls), std::move(asked));
    return rest(pages);
  }

  std::string id_;
};

TEST_F(EventPagesTest, ARecordingWithoutEvents) {
  EventPages pages(recording({}), wanted());
  std::string out;
  EXPECT_FALSE(*pages.next(out, "\n", kMuch));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(pages.more());
  EXPECT_EQ(pages.unreadable(), 0U);
}

TEST_F(EventPagesTest, OneEventAsItStandsThere) {
  const Recording same = recording({"Open"});
  EventPages pages(*Recording::open(folder_of(id_)), wanted());
  std::string out = "before:";
  EXPECT_FALSE(*pages.next(out, ";", kMuch));
  EXPECT_EQ(out, "before:" + *same.line_at(0) + ";");
}

TEST_F(EventPagesTest, PieceByPieceItIsTheSame) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{150}, kMuch}) {
    EventPages pages(recording({"A", "B", "C", "D"}), wanted());
    EXPECT_THAT(rest(pages, bytes), ElementsAre("1 A", "2 B", "3 C", "4 D")) << bytes;
    EXPECT_FALSE(pages.more());
  }
}

TEST_F(EventPagesTest, APieceOfNoBytesIsEmptyAndMoreFollows) {
  EventPages pages(recording({"A"}), wanted());
  std::string out;
  EXPECT_TRUE(*pages.next(out, "\n", 0));
  EXPECT_EQ(out, "");
}

TEST_F(EventPagesTest, TheLimitTellsWhereTheNextPageBegins) {
  const std::initializer_list<const char*> calls = {"A", "B", "C", "D"};
  EventPages two(recording(calls), wanted(2));
  EXPECT_THAT(rest(two), ElementsAre("1 A", "2 B"));
  EXPECT_EQ(two.more(), SeqNum{3});
  EventPages all(recording(calls), wanted(4));
  EXPECT_THAT(rest(all), ElementsAre("1 A", "2 B", "3 C", "4 D"));
  EXPECT_FALSE(all.more());
  EventPages none(recording(calls), wanted(0));
  EXPECT_THAT(rest(none), IsEmpty());
  EXPECT_EQ(none.more(), SeqNum{1});
}

TEST_F(EventPagesTest, RangesAndWhatIsNoRange) {
  const std::initializer_list<const char*> calls = {"A", "B", "C", "D"};
  EXPECT_THAT(told(calls, between(2, 3)), ElementsAre("2 B", "3 C"));
  EXPECT_THAT(told(calls, between(4, 4)), ElementsAre("4 D"));
  EXPECT_THAT(told(calls, between(0, 1)), ElementsAre("1 A"));
  EXPECT_THAT(told(calls, between(3, 2)), IsEmpty());
  EXPECT_THAT(told(calls, between(5, 9)), IsEmpty());
  EXPECT_THAT(told(calls, between(0, 0)), IsEmpty());
  EXPECT_THAT(told(calls, {.from = kLast, .to = kLast, .limit = kNoLimit}), IsEmpty());
}

TEST_F(EventPagesTest, AFilterIsAppliedBeforeTheLimitAndWithinTheRange) {
  const std::initializer_list<const char*> calls = {"A", "B", "A", "B", "A"};
  EXPECT_THAT(told(calls, fitting("trace=A")), ElementsAre("1 A", "3 A", "5 A"));
  EXPECT_THAT(told(calls, fitting("trace=Z")), IsEmpty());
  EventPages::Wanted late = fitting("trace=A");
  late.from = SeqNum{2};
  late.to = SeqNum{4};
  EXPECT_THAT(told(calls, std::move(late)), ElementsAre("3 A"));
  EventPages::Wanted two = fitting("trace=A");
  two.limit = 2;
  EventPages pages(recording(calls), std::move(two));
  EXPECT_THAT(rest(pages), ElementsAre("1 A", "3 A"));
  EXPECT_EQ(pages.more(), SeqNum{5});
}

TEST_F(EventPagesTest, SecretsAreMaskedAndCountedUnlessRaw) {
  const std::string secret = key();
  for (const bool raw : {false, true}) {
    EventPages::Wanted asked = wanted();
    asked.raw = raw;
    EventPages pages(recording({"A", secret.c_str()}), std::move(asked));
    std::string out;
    EXPECT_FALSE(*pages.next(out, "\n", kMuch));
    EXPECT_EQ(out.contains(secret), raw);
    EXPECT_EQ(pages.masked().of(SecretKind::kAnthropicKey), raw ? 0U : 1U);
  }
}

// The file is cut behind our back.
TEST_F(EventPagesTest, WhatCannotBeReadIsCountedAndGoneOver) {
  for (const char* const filter : {"", "trace=A,B"}) {
    Recording opened = recording({"A", "B"});
    const std::string path = folder_of(id_) + "/events.jsonl";
    const std::size_t first = read_text(path).find('\n') + 1;
    std::filesystem::resize_file(path, first + 5);
    EventPages pages(std::move(opened), *filter == '\0' ? wanted() : fitting(filter));
    EXPECT_THAT(rest(pages), ElementsAre("1 A"));
    EXPECT_EQ(pages.unreadable(), 1U) << filter;
  }
}

}  // namespace
}  // namespace agdb
