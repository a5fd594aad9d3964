#include "debug/record/recovery.h"

#include <cerrno>
#include <filesystem>

#include "debug/record/verify.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class RecoveryTest : public RecordTest {
 protected:
  // A recording whose writer died behind `count` steps, with `tail` at its end.
  std::string left_behind(int count, std::string_view tail = {}) {
    ProcessEvents process(pid(7));
    auto recorder = this->recorder();
    const std::string folder = recorder->folder();
    recorder->record(process.context(ctx(1), 0, {message("user", "a")}, "p"), Nanoseconds(1));
    for (int i = 1; i < count; ++i)
      recorder->record(process.call("Read", {}, std::string(400, 'x')), Nanoseconds(1));
    recorder.reset();
    const std::string path = folder + "/events.jsonl";
    write_text(path, read_text(path) + std::string(tail));
    return folder;
  }
  RecoveryReport recover(const std::string& folder) {
    const Result<RecoveryReport> report = recover_recording(files_, folder);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(RecoveryReport());
  }
};

TEST_F(RecoveryTest, OfWholeLinesNothingIsLost) {
  const std::string folder = left_behind(10);
  const std::string text = read_text(folder + "/events.jsonl");
  const RecoveryReport report = recover(folder);
  EXPECT_TRUE(report.recovered);
  EXPECT_EQ(report.events, 10u);
  EXPECT_EQ(report.bytes, text.size());
  EXPECT_EQ(report.torn_bytes, 0u);
  EXPECT_EQ(read_text(folder + "/events.jsonl"), text);
  EXPECT_FALSE(std::filesystem::exists(folder + "/events.torn"));
  const RecordingMetadata metadata = *read_metadata(folder);
  EXPECT_EQ(metadata.status, "interrupted");
  EXPECT_EQ(metadata.event_count, 10u);
  EXPECT_EQ(metadata.content_hash, xxh3_128(text).hex());
  EXPECT_FALSE(metadata.sums_hash.empty());
  expect_sound(folder);
}

TEST_F(RecoveryTest, ATornLineMovesAway) {
  const std::string folder = left_behind(3, "{\"seq_num\":4,");
  const RecoveryReport report = recover(folder);
  EXPECT_EQ(report.events, 3u);
  EXPECT_EQ(report.torn_bytes, 13u);
  EXPECT_EQ(read_text(folder + "/events.torn"), "{\"seq_num\":4,");
  EXPECT_THAT(report.notes, Contains(HasSubstr("13 bytes")));
  EXPECT_THAT(open(folder).notes(), Contains(HasSubstr("events.torn")));
  expect_sound(folder);
}

TEST_F(RecoveryTest, AWholeEventWithoutItsEndGetsIt) {
  const std::string folder = left_behind(
      2, R"({"seq_num":3,"timestamp":1,"pid":7,"type":"syscall","n":3,"syscall":{"syscall":"A"}})");
  EXPECT_EQ(recover(folder).events, 3u);
  EXPECT_TRUE(read_text(folder + "/events.jsonl").ends_with("}}\n"));
  expect_sound(folder);
}

TEST_F(RecoveryTest, OneWithoutEventsIsEmptyThen) {
  for (const char* tail : {"", "{"}) {
    const std::string folder = left_behind(1, "");
    write_text(folder + "/events.jsonl", tail);
    EXPECT_EQ(recover(folder).events, 0u);
    EXPECT_EQ(read_text(folder + "/events.jsonl"), "");
    expect_sound(folder);
  }
}

TEST_F(RecoveryTest, ItHappensOnceAndNotToWhatHasEnded) {
  const std::string folder = left_behind(3, "{");
  EXPECT_TRUE(recover(folder).recovered);
  EXPECT_FALSE(recover(folder).recovered);
  const auto recorder = this->recorder();
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", 0));
  EXPECT_FALSE(recover(recorder->folder()).recovered);
  EXPECT_EQ(read_metadata(recorder->folder())->status, "completed");
}

TEST_F(RecoveryTest, ALivingWriterKeepsItsRecording) {
  const auto recorder = this->recorder();
  const Result<RecoveryReport> report = recover_recording(files_, recorder->folder());
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("is being written"));
}

TEST_F(RecoveryTest, OpeningRecovers) {
  const std::string folder = left_behind(1000, "{\"torn");
  const Recording recording = open(folder);
  EXPECT_EQ(recording.size(), 1000u);
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_THAT(recording.notes(), testing::ElementsAre(HasSubstr("its writer died; 1000 events"),
                                                      HasSubstr("6 bytes at its end")));
  EXPECT_EQ(read_metadata(folder)->status, "interrupted");
  expect_sound(folder);
}

TEST_F(RecoveryTest, WhereNothingCanBeWrittenItIsDoneInMemory) {
  const std::string folder = left_behind(3, "{\"torn");
  // Stands in the way also of whoever may write everything.
  std::filesystem::create_directory(folder + "/events.torn");
  const Recording recording = open(folder);
  EXPECT_EQ(recording.size(), 3u);
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_EQ(recording.torn_tail()->length, 6u);
  EXPECT_THAT(recording.notes(), Contains(HasSubstr("nothing was changed")));
  EXPECT_EQ(read_metadata(folder)->status, "recording");
}

TEST_F(RecoveryTest, AFailureAtAnyWriteLeavesWhatCanBeRecoveredAgain) {
  for (std::uint64_t write = 1; write <= 6; ++write) {
    const std::string folder = left_behind(400, "{\"torn");
    files_.fail_writes({.first = files_.writes() + write,
                        .last = files_.writes() + write,
                        .error = ENOSPC,
                        .partial = 3});
    const Result<RecoveryReport> failed = recover_recording(files_, folder);
    files_.fail_writes({});
    if (failed) continue;  // there were fewer writes
    EXPECT_THAT(failed.error().message, HasSubstr("No space left"));
    EXPECT_EQ(recover(folder).events, 400u);
    EXPECT_THAT(read_text(folder + "/events.torn"), testing::EndsWith("{\"torn"));
    expect_sound(folder);
  }
}

}  // namespace
}  // namespace agdb
