#include "debug/record/reader.h"

#include <filesystem>

#include "debug/record/event_line.h"
#include "record_fixture.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The line of a call with that number; the process's own number is the same.
std::string call_line(std::uint64_t number, std::string name = "Call") {
  std::string out;
  append_line(
      out, {.seq_num = seq(number), .n = number, .timestamp = Nanoseconds(number), .pid = pid(7)},
      Syscall{.name = std::move(name), .args = {}, .result = {}, .err = {}});
  return out;
}

class ReaderTest : public RecordTest {
 protected:
  static std::vector<std::uint64_t> numbers_of(const Recording& recording) {
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < recording.size(); ++i)
      numbers.push_back(raw(recording.entry(i).seq_num));
    return numbers;
  }
  static std::string error_of(const std::string& folder) {
    const Result<Recording> recording = Recording::open(folder);
    EXPECT_FALSE(recording);
    return recording ? "" : recording.error().message;
  }
};

TEST_F(ReaderTest, AnEmptyRecordingHasNoEvents) {
  const Recording recording = open(this->recording(""));
  EXPECT_TRUE(recording.empty());
  EXPECT_EQ(recording.event(seq(1)).error().message, "event with SeqNum 1 not found");
  EXPECT_EQ(recording.range(seq(0), seq(99)), std::pair(std::size_t{0}, std::size_t{0}));
  EXPECT_FALSE(recording.has_snapshots());
  EXPECT_THAT(recording.notes(), IsEmpty());
}

TEST_F(ReaderTest, EventsAreFoundByPositionAndByNumber) {
  const Recording recording =
      open(this->recording(call_line(1, "A") + call_line(2, "B") + call_line(3, "C")));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2, 3));
  EXPECT_EQ(std::get<Syscall>(recording.event_at(1)->payload).name, "B");
  EXPECT_EQ(std::get<Syscall>(recording.event(seq(3))->payload).name, "C");
  EXPECT_EQ(*recording.line_at(0) + "\n", call_line(1, "A"));
  EXPECT_EQ(recording.index_of(seq(2)), 1u);
  EXPECT_EQ(recording.index_of(seq(4)), std::nullopt);
  const Result<RecordedEvent> missing = recording.event(seq(999));
  EXPECT_EQ(missing.error().message, "event with SeqNum 999 not found");
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  const EventEntry entry = recording.entry(1);
  EXPECT_EQ(entry.type, EventType::kSyscall);
  EXPECT_EQ(entry.timestamp, Nanoseconds(2));
  EXPECT_EQ(entry.offset, call_line(1, "A").size());
}

TEST_F(ReaderTest, ALineIsFetchedByNumberWithoutItsEvent) {
  const std::string any_order = R"({"type":"syscall","timestamp":3,"pid":7,"seq_num":3})";
  const std::string folder = this->recording(call_line(1, "A") + call_line(2, "B") + any_order +
                                             "\n" + call_line(3, "twin") + call_line(7, "C"));
  const Recording recording = open(folder);
  std::string line = "from before";
  for (std::uint64_t number : {7, 1, 2}) {
    const Result<EventEntry> entry = recording.fetch(seq(number), line);
    ASSERT_TRUE(entry) << number;
    EXPECT_EQ(*entry, recording.entry(*recording.index_of(seq(number))));
    EXPECT_EQ(line, *recording.line_at(*recording.index_of(seq(number))));
  }
  EXPECT_TRUE(recording.fetch(seq(3), line));
  EXPECT_EQ(line, any_order) << "the first of two";
  EXPECT_EQ(recording.fetch(seq(4), line).error().message, "event with SeqNum 4 not found");
  EXPECT_FALSE(recording.fetch(seq(0), line));

  std::string text = read_text(folder + "/events.jsonl");
  text[text.find("\"seq_num\":2") + 10] = '4';
  text[text.find("\"seq_num\":3}") + 10] = '4';
  write_text(folder + "/events.jsonl", text);
  EXPECT_THAT(recording.fetch(seq(2), line).error().message, HasSubstr("event 4 of time 2 is"));
  EXPECT_THAT(recording.fetch(seq(3), line).error().message, HasSubstr("event 4 of time 3 is"));
}

TEST_F(ReaderTest, RangesIncludeBothEnds) {
  std::string text;
  for (std::uint64_t i = 1; i <= 10; ++i) text += call_line(i);
  const Recording recording = open(this->recording(text));
  using Range = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(recording.range(seq(3), seq(7)), Range(2, 7));
  EXPECT_EQ(recording.range(seq(0), seq(100)), Range(0, 10));
  EXPECT_EQ(recording.range(seq(5), seq(5)), Range(4, 5));
  const Range reversed = recording.range(seq(7), seq(3));
  EXPECT_EQ(reversed.first, reversed.second);
}

TEST_F(ReaderTest, WhatIsMissingIsNamed) {
  const std::string folder = recording(call_line(1));
  std::filesystem::remove(folder + "/events.jsonl");
  EXPECT_THAT(error_of(folder), HasSubstr("events"));
  std::filesystem::remove(folder + "/metadata.json");
  EXPECT_THAT(error_of(folder), HasSubstr("metadata"));
  EXPECT_THAT(error_of(recording("{broken", call_line(1))), HasSubstr("parse metadata"));
  EXPECT_THAT(error_of(temp_ / "nowhere"), HasSubstr("nowhere"));
}

TEST_F(ReaderTest, BlankLinesAndCarriageReturnsAreNoDamage) {
  std::string first = call_line(1);
  first.insert(first.size() - 1, "\r");
  const Recording recording = open(this->recording("\n" + first + "\n \t\r\n" + call_line(2)));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2));
  EXPECT_THAT(recording.damage(), IsEmpty());
  EXPECT_TRUE(recording.event_at(0));
}

TEST_F(ReaderTest, DamagedLinesAreReportedAndTheRestIsRead) {
  const std::string bad = R"({"seq_num":2,"type":"sys)";
  const std::string text = call_line(1) + bad + "\n" + call_line(3) + "[]\n" + call_line(5);
  const Recording recording = open(this->recording(text));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 3, 5));
  ASSERT_EQ(recording.damage().size(), 2u);
  EXPECT_EQ(recording.damage()[0].line, 2u);
  EXPECT_EQ(recording.damage()[0].offset, call_line(1).size());
  EXPECT_EQ(recording.damage()[0].length, bad.size());
  EXPECT_TRUE(recording.damage()[0].skipped);
  EXPECT_EQ(recording.damage()[1].line, 4u);
  EXPECT_THAT(recording.damage()[1].why, HasSubstr("expected an object"));
  EXPECT_THAT(recording.notes(),
              ElementsAre(HasSubstr("counts 5 events, 3 can be read"),
                          testing::AllOf(HasSubstr("2 lines"), HasSubstr("line 2 (byte "))));
}

TEST_F(ReaderTest, WrongNumbersAreReportedAndTheEventsRead) {
  const Recording recording =
      open(this->recording(call_line(1) + call_line(3) + call_line(3) + call_line(2)));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2, 3, 3));
  ASSERT_EQ(recording.damage().size(), 3u);
  EXPECT_FALSE(recording.damage()[0].skipped);
  EXPECT_EQ(recording.damage()[0].line, 2u);
  EXPECT_EQ(recording.damage()[0].why, "seq_num 3 stands behind 1: 1 missing");
  EXPECT_EQ(recording.damage()[1].why, "seq_num 3 stands behind 3");
  EXPECT_EQ(recording.index_of(seq(3)), 2u) << "the first of two";
}

TEST_F(ReaderTest, ALineOf50MiBIsReadAndOneOverTheLimitReported) {
  std::string text = call_line(1, std::string(std::size_t{50} << 20, 'x'));
  text += "{\"seq_num\":2,\"a\":\"" + std::string(kMaxLineBytes, 'x') + "\"}\n";
  text += call_line(3);
  const Recording recording = open(this->recording(text));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 3));
  EXPECT_EQ(std::get<Syscall>(recording.event_at(0)->payload).name.size(), std::size_t{50} << 20);
  ASSERT_EQ(recording.damage().size(), 1u);
  EXPECT_THAT(recording.damage()[0].why, HasSubstr("the limit is"));
}

TEST_F(ReaderTest, DeepNestingIsDamage) {
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  const Recording recording =
      open(this->recording(call_line(1) + R"({"seq_num":2,"x":)" + deep + "}\n" + call_line(3)));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 3));
  EXPECT_EQ(recording.damage().size(), 1u);
}

TEST_F(ReaderTest, BytesThatAreNotUtf8AreKept) {
  std::string line = call_line(1, "a?b");
  line[line.find('?')] = '\xff';
  const Recording recording = open(this->recording(line));
  EXPECT_EQ(std::get<Syscall>(recording.event_at(0)->payload).name,
            "a\xff"
            "b");
}

TEST_F(ReaderTest, LoneSurrogatesAreCounted) {
  const Recording recording =
      open(this->recording(R"({"seq_num":1,"type":"syscall","syscall":{"syscall":"\ud800"}})"
                           "\n"));
  EXPECT_EQ(std::get<Syscall>(recording.event_at(0)->payload).name, "\uFFFD");
  EXPECT_THAT(recording.notes(), ElementsAre(HasSubstr("1 lone surrogate")));
}

TEST_F(ReaderTest, UnknownTypesAreCountedAndKept) {
  const Recording recording = open(this->recording(
      "{\"seq_num\":1,\"type\":\"dream\",\"dream\":{}}\n{\"seq_num\":2,\"type\":\"dream\"}\n"));
  EXPECT_EQ(recording.size(), 2u);
  EXPECT_THAT(recording.unknown_types(), ElementsAre(std::pair("dream", 2)));
  EXPECT_EQ(recording.entry(0).type, EventType::kOther);
  EXPECT_THAT(recording.notes(), ElementsAre(HasSubstr("2 events of a type")));
}

// The end of the file.

TEST_F(ReaderTest, ACompleteLastLineWithoutItsEndCounts) {
  std::string text = call_line(1) + call_line(2);
  text.pop_back();
  const Recording recording = open(this->recording(text));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2));
  EXPECT_EQ(recording.torn_tail(), std::nullopt);
}

TEST_F(ReaderTest, ATornLastLineIsNoEventWhereverItIsTorn) {
  const std::string first = call_line(1);
  const std::string second = call_line(2);
  for (std::size_t length = 1; length + 1 < second.size(); ++length) {
    const Recording recording = open(this->recording(first + second.substr(0, length)));
    ASSERT_THAT(numbers_of(recording), ElementsAre(1)) << length;
    ASSERT_TRUE(recording.torn_tail()) << length;
    EXPECT_EQ(recording.torn_tail()->offset, first.size());
    EXPECT_EQ(recording.torn_tail()->length, length);
    EXPECT_THAT(recording.damage(), IsEmpty());
    EXPECT_THAT(recording.notes(), ElementsAre(HasSubstr("no whole line")));
  }
}

TEST_F(ReaderTest, ATailThatIsAnObjectButNoEventIsDamage) {
  const Recording recording = open(this->recording(call_line(1) + R"({"seq_num":"x"})"));
  EXPECT_EQ(recording.torn_tail(), std::nullopt);
  EXPECT_EQ(recording.damage().size(), 1u);
}

TEST_F(ReaderTest, ATailThatIsNoObjectIsTorn) {
  for (const char* tail : {"12", "\"x\"", "[]", "x"}) {
    const Recording recording = open(this->recording(call_line(1) + tail));
    EXPECT_TRUE(recording.torn_tail()) << tail;
    EXPECT_EQ(recording.size(), 1u);
  }
}

// Files that change under the reader.

TEST_F(ReaderTest, AFileThatIsCutWhileOpenGivesAnError) {
  const std::string folder = recording(call_line(1) + call_line(2));
  const Recording recording = open(folder);
  std::filesystem::resize_file(folder + "/events.jsonl", 10);
  const Result<RecordedEvent> event = recording.event(seq(2));
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code, Code::kCorrupt);
  EXPECT_THAT(event.error().message, HasSubstr("has become shorter"));
}

TEST_F(ReaderTest, AFileThatIsChangedWhileOpenGivesAnErrorNotAWrongEvent) {
  const std::string folder = recording(call_line(1) + call_line(2));
  const Recording recording = open(folder);
  write_text(folder + "/events.jsonl", call_line(3) + call_line(4));
  EXPECT_THAT(recording.event(seq(2)).error().message, HasSubstr("no longer at byte"));
}

TEST_F(ReaderTest, ReadingWhatHasEndedChangesNothing) {
  const std::string folder = recording(call_line(1) + call_line(2));
  const auto before = std::filesystem::last_write_time(folder);
  EXPECT_EQ(open(folder).size(), 2u);
  EXPECT_EQ(std::filesystem::last_write_time(folder), before);
}

// Version 1.

std::string version1_line(std::uint64_t number) {
  return "{\"seq_num\":" + std::to_string(number) +
         ",\"timestamp\":0,\"pid\":42,\"type\":\"syscall\",\"syscall\":{\"syscall\":\"S" +
         std::to_string(number) + "\",\"duration\":0}}\n";
}

TEST_F(ReaderTest, Version1MayBeUnsortedAndHaveHolesAndTwins) {
  const Recording recording = open(this->recording(
      version1_line(9) + version1_line(2) + version1_line(5) + version1_line(2), 1));
  EXPECT_THAT(numbers_of(recording), ElementsAre(2, 2, 5, 9));
  EXPECT_LT(recording.entry(0).offset, recording.entry(1).offset);
  EXPECT_EQ(std::get<Syscall>(recording.event(seq(5))->payload).name, "S5");
  EXPECT_THAT(recording.damage(), IsEmpty());
  EXPECT_THAT(recording.notes(), IsEmpty());
}

TEST_F(ReaderTest, AFixtureOfVersion1IsRead) {
  const Recording recording = open(fixture_path("recordings/v1-unsorted"));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2, 3, 5, 6));
  EXPECT_EQ(recording.metadata().status, "stopped");
  EXPECT_EQ(recording.metadata().format_version, 1);
  const Result<RestoredContext> context = recording.context_at(seq(6));
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->version1);
  EXPECT_EQ(context->snapshot, seq(5));
  EXPECT_EQ(context->system_prompt, "You count.");
  EXPECT_THAT(context->texts, ElementsAre("[system] You count.", "[user] [3] apples?", "no bracket",
                                          "[assistant] three"));
  EXPECT_EQ(context->messages[1], message("user", "[3] apples?"));
  EXPECT_EQ(context->messages[2], message("user", "no bracket"));
}

TEST_F(ReaderTest, AFixtureOfVersion1LeftBehindIsReadAsInterrupted) {
  const Recording recording = open(fixture_path("recordings/v1-killed"));
  EXPECT_THAT(numbers_of(recording), ElementsAre(1, 2));
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_TRUE(recording.torn_tail());
  EXPECT_THAT(recording.notes(),
              ElementsAre(HasSubstr("its writer died; 2 events"), HasSubstr("no whole line")));
}

}  // namespace
}  // namespace agdb
