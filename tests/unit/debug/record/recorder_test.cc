#include "debug/record/recorder.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Nanoseconds kNow = seconds(100);

class RecorderTest : public RecordTest {
 protected:
  std::size_t lines_in(const Recorder& recorder) {
    return read_lines(recorder.folder() + "/events.jsonl").size();
  }
  std::vector<std::string> types_in(const Recording& recording) {
    std::vector<std::string> types;
    for (std::size_t i = 0; i < recording.size(); ++i) types.push_back(recording.event_at(i)->type);
    return types;
  }
  ProcessEvents process_{pid(7)};
};

TEST_F(RecorderTest, MakesAFolderForTheOwnerOnly) {
  const auto recorder = this->recorder();
  EXPECT_EQ(recorder->record_id(), "7-1700000000");
  EXPECT_EQ(recorder->folder(), records_ + "/7-1700000000");
  struct stat info = {};
  ASSERT_EQ(::stat((recorder->folder() + "/events.jsonl").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(recorder->folder() + "/script.json"));
}

TEST_F(RecorderTest, TellsFromTheBeginningWhatItIs) {
  ProcessStart start = birth();
  start.script = std::make_shared<const std::string>("{\"main\":1}");
  start.forked_from = ForkOrigin{.record_id = "3-1", .seq_num = seq(4)};
  start.context_budget = 500;
  start.max_steps = 9;
  const WallTime recorded_at(seconds(1'800'000'000));
  const auto recorder = recorder_of(pid(7), start, {.host = "box", .recorded_at = recorded_at});
  const Result<RecordingMetadata> metadata = read_metadata(recorder->folder());
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->status, "recording");
  EXPECT_EQ(metadata->intent, "count the words");
  EXPECT_EQ(metadata->start_time, start.wall_start);
  EXPECT_EQ(metadata->process_start_time, start.wall_start);
  EXPECT_EQ(metadata->end_time, std::nullopt);
  EXPECT_EQ(metadata->recorded_at, recorded_at);
  EXPECT_EQ(metadata->format_version, 2);
  EXPECT_EQ(metadata->forked_from, start.forked_from);
  EXPECT_EQ(metadata->context_budget, 500);
  EXPECT_EQ(metadata->max_steps, 9);
  EXPECT_EQ(metadata->host, "box");
  EXPECT_NE(metadata->agdb_version, "");
  EXPECT_EQ(read_text(recorder->folder() + "/script.json"), "{\"main\":1}");
}

TEST_F(RecorderTest, NothingHappenedIsARecordingToo) {
  const auto recorder = this->recorder();
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "completed", 0));
  const Recording recording = open(*recorder);
  EXPECT_TRUE(recording.empty());
  EXPECT_EQ(recording.metadata().status, "completed");
  EXPECT_THAT(recording.notes(), IsEmpty());
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, NumbersEventsInTheOrderInWhichItTakesThem) {
  const auto recorder = this->recorder();
  EXPECT_EQ(recorder->record(process_.call("Open"), kNow), seq(1));
  EXPECT_EQ(recorder->record(process_.context(ctx(1), 0, {}, "p"), kNow), seq(2));
  EXPECT_EQ(recorder->record(process_.payload(LlmResponse{.model = "m"}), kNow), seq(3));
  EXPECT_EQ(recorder->record(process_.payload(StateChange{"running", "zombie"}), kNow), seq(4));
  EXPECT_EQ(recorder->record(process_.payload(Alert{.kind = "budget"}), kNow), seq(5));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "completed", process_.last_n()));
  const Recording recording = open(*recorder);
  EXPECT_THAT(types_in(recording),
              ElementsAre("syscall", "context_snapshot", "llm_response", "state_change", "alert"));
  EXPECT_EQ(recording.event(seq(3))->n, 3u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, TheEndTellsTheWhole) {
  const auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  recorder->record(process_.call("Close"), kNow);
  recorder->set_parent({.record_id = "1-1", .pid = pid(1), .seq_num = seq(6)});
  ASSERT_TRUE(recorder->finish(kStatusStopped, "why not", process_.last_n()));
  const RecordingMetadata metadata = *read_metadata(recorder->folder());
  EXPECT_EQ(metadata.status, "stopped");
  EXPECT_EQ(metadata.exit_reason, "why not");
  EXPECT_EQ(metadata.event_count, 2u);
  EXPECT_EQ(metadata.lost_events, 0u);
  EXPECT_EQ(metadata.parent->seq_num, seq(6));
  EXPECT_EQ(*metadata.end_time - *metadata.start_time, milliseconds(2) + microseconds(5));
  EXPECT_EQ(metadata.content_hash, xxh3_128(read_text(recorder->folder() + "/events.jsonl")).hex());
}

TEST_F(RecorderTest, ASecondEndDoesNothing) {
  const auto recorder = this->recorder();
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "completed", 0));
  ASSERT_TRUE(recorder->finish(kStatusStopped, "again", 0));
  EXPECT_EQ(read_metadata(recorder->folder())->status, "completed");
}

TEST_F(RecorderTest, TwoInOneSecondGetDifferentFolders) {
  const auto first = recorder();
  const auto second = recorder();
  EXPECT_NE(first->folder(), second->folder());
  first->record(process_.call("Open"), kNow);
  ASSERT_TRUE(first->finish(kStatusCompleted, "", 1));
  ASSERT_TRUE(second->finish(kStatusCompleted, "", 0));
  EXPECT_EQ(open(*first).size(), 1u);
  EXPECT_EQ(open(*second).size(), 0u);
}

TEST_F(RecorderTest, AFailureToBeginLeavesNothingBehind) {
  for (std::uint64_t failing = 1; failing <= 2; ++failing) {
    FaultyFileSystem full;
    full.fail_writes({.first = failing, .last = failing, .error = ENOSPC});
    ProcessStart start = birth();
    start.script = std::make_shared<const std::string>("{}");
    const auto created = Recorder::create(full, records_, pid(7), start, {}, log());
    ASSERT_FALSE(created) << failing;
    EXPECT_THAT(created.error().message, HasSubstr("No space left"));
    EXPECT_TRUE(std::filesystem::is_empty(records_)) << failing;
  }
}

class ReadOnlyFileSystem : public FileSystem {
 public:
  int make_dir(const std::string&, unsigned) override { return -EROFS; }
};

TEST_F(RecorderTest, AReadOnlyPlaceIsOneClearError) {
  ReadOnlyFileSystem read_only;
  const auto created = Recorder::create(read_only, records_, pid(7), birth(), {}, log());
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kPermission);
  EXPECT_THAT(created.error().message, HasSubstr(records_));
  EXPECT_THAT(created.error().hint, HasSubstr("--records"));
}

// When lines leave the program.

TEST_F(RecorderTest, LinesWaitShortlyForMore) {
  const auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  recorder->flush_if_due(kNow + milliseconds(1));
  EXPECT_EQ(lines_in(*recorder), 0u);
  recorder->flush_if_due(kNow + milliseconds(2));
  EXPECT_EQ(lines_in(*recorder), 1u);
}

TEST_F(RecorderTest, ALineNeverWaitsForLaterOnes) {
  const auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  recorder->record(process_.call("Close"), kNow + milliseconds(3));
  EXPECT_EQ(lines_in(*recorder), 2u);
}

TEST_F(RecorderTest, AHundredLinesLeaveAtOnce) {
  const auto recorder = this->recorder();
  for (int i = 0; i < 99; ++i) recorder->record(process_.call("Open"), kNow);
  EXPECT_EQ(lines_in(*recorder), 0u);
  recorder->record(process_.call("Open"), kNow);
  EXPECT_EQ(lines_in(*recorder), 100u);
}

TEST_F(RecorderTest, AFloodLeavesOnceAMillisecond) {
  const auto recorder = this->recorder();
  for (int i = 0; i < 350; ++i) recorder->record(process_.call("Open"), kNow);
  EXPECT_EQ(lines_in(*recorder), 100u);
  recorder->record(process_.call("Open"), kNow + milliseconds(1));
  EXPECT_EQ(lines_in(*recorder), 351u);
}

TEST_F(RecorderTest, AFloodLeavesWhenTheBufferIsFull) {
  const auto recorder = this->recorder();
  for (int i = 0; i < 100; ++i) recorder->record(process_.call("Open"), kNow);
  for (int i = 0; i < 3; ++i)
    recorder->record(process_.call("Read", {}, std::string(100'000, 'x')), kNow);
  EXPECT_EQ(lines_in(*recorder), 103u);
}

TEST_F(RecorderTest, WithoutDurabilityLinesWaitForTheBuffer) {
  const auto recorder = this->recorder({.durability = Durability::kNone});
  for (int i = 0; i < 200; ++i) recorder->record(process_.call("Open"), kNow);
  recorder->flush_if_due(kNow + seconds(9));
  EXPECT_EQ(lines_in(*recorder), 0u);
  recorder->record(process_.call("Read", {}, std::string(270'000, 'x')), kNow);
  EXPECT_EQ(lines_in(*recorder), 201u);
}

TEST_F(RecorderTest, FsyncReachesTheDiskOnceASecondAndAtTheEnd) {
  const auto recorder = this->recorder({.durability = Durability::kFsync});
  std::uint64_t before = files_.syncs();
  const auto synced = [&] { return files_.syncs() - std::exchange(before, files_.syncs()); };
  recorder->record(process_.call("Open"), kNow);
  recorder->flush_if_due(kNow + milliseconds(2));
  EXPECT_EQ(synced(), 1u);
  recorder->record(process_.call("Open"), kNow + milliseconds(3));
  recorder->flush_if_due(kNow + milliseconds(900));
  EXPECT_EQ(synced(), 0u);
  recorder->flush_if_due(kNow + milliseconds(1100));
  EXPECT_EQ(synced(), 1u);
  recorder->flush_if_due(kNow + seconds(3));
  EXPECT_EQ(synced(), 0u) << "nothing new";
  recorder->record(process_.call("Open"), kNow + seconds(4));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  EXPECT_GE(synced(), 1u);
}

// What did not arrive.

TEST_F(RecorderTest, AHoleInTheProcessesNumbersBecomesAGapWhereItIs) {
  const auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  process_.lose(3);
  EXPECT_EQ(recorder->record(process_.call("Close"), kNow), seq(3));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  const Recording recording = open(*recorder);
  EXPECT_THAT(types_in(recording), ElementsAre("syscall", "gap", "syscall"));
  const RecordedEvent gap = *recording.event(seq(2));
  EXPECT_EQ(gap.n, 0u);
  EXPECT_EQ(gap.timestamp, recording.entry(2).timestamp);
  EXPECT_EQ(std::get<Gap>(gap.payload).first_n, 2u);
  EXPECT_EQ(std::get<Gap>(gap.payload).lost_events, 3u);
  EXPECT_EQ(recording.metadata().lost_events, 3u);
  EXPECT_THAT(recording.notes(), ElementsAre(HasSubstr("3 events lost")));
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, LossesAtTheBeginningAndAtTheEndAreTold) {
  const auto recorder = this->recorder();
  process_.lose(2);
  recorder->record(process_.call("Open"), kNow);
  process_.lose(1);
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  const Recording recording = open(*recorder);
  EXPECT_THAT(types_in(recording), ElementsAre("gap", "syscall", "gap"));
  EXPECT_EQ(std::get<Gap>(recording.event(seq(3))->payload).first_n, 4u);
  EXPECT_EQ(recording.metadata().lost_events, 3u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, AfterAGapAContextIsFullAgainOnceItIsKnown) {
  const auto recorder = this->recorder();
  recorder->record(process_.context(ctx(1), 0, {message("user", std::string(900, 'x'))}, "p"),
                   kNow);
  process_.lose(1);
  recorder->record(process_.append(ctx(1), "user", "more"), kNow);
  recorder->record(process_.append(ctx(1), "user", "and more"), kNow);
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  const Recording recording = open(*recorder);
  ASSERT_THAT(types_in(recording),
              ElementsAre("context_snapshot", "gap", "context_snapshot", "context_snapshot"));
  const auto kind = [&](std::uint64_t number) {
    return std::get<ContextSnapshot>(recording.event(seq(number))->payload).kind;
  };
  EXPECT_EQ(kind(3), ContextSnapshot::Kind::kFull);
  EXPECT_EQ(kind(4), ContextSnapshot::Kind::kDelta);
  EXPECT_EQ(recording.context_at(seq(2))->gap, seq(2)) << "the context may have changed unseen";
  EXPECT_EQ(recording.context_at(seq(3))->gap, seq(0));
  EXPECT_EQ(recording.context_at(seq(3))->messages.size(), 2u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, AContextThatIsNoLongerKnownIsLostNotInvented) {
  const auto recorder = this->recorder();
  recorder->record(process_.context(ctx(1), 0, {message("user", "a")}, "p"), kNow);
  process_.append(ctx(1), "user", "a full ring refuses this change");
  EXPECT_EQ(recorder->record(process_.append(ctx(1), "user", "b"), kNow), seq(0));
  recorder->record(process_.call("Open"), kNow);
  recorder->record(process_.context(ctx(1), 0, {message("user", "all of it")}, "p"), kNow);
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  const Recording recording = open(*recorder);
  EXPECT_THAT(types_in(recording),
              ElementsAre("context_snapshot", "gap", "syscall", "context_snapshot"));
  EXPECT_EQ(std::get<Gap>(recording.event(seq(2))->payload).lost_events, 2u);
  EXPECT_EQ(recording.context_at(seq(4))->messages.size(), 1u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, AnEventTooLongForALineIsLostAndTold) {
  const auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  EXPECT_EQ(recorder->record(process_.call("Read", {}, std::string(kMaxLineBytes, 'x')), kNow),
            seq(0));
  recorder->record(process_.call("Close"), kNow);
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  const Recording recording = open(*recorder);
  EXPECT_THAT(types_in(recording), ElementsAre("syscall", "gap", "syscall"));
  EXPECT_THAT(std::get<Gap>(recording.event(seq(2))->payload).reason, HasSubstr("64 MiB"));
  expect_sound(recorder->folder());
}

TEST_F(RecorderTest, NumbersFromOutsideMayBeAnything) {
  const auto recorder = this->recorder();
  Event event = process_.call("Open");
  for (const std::uint64_t n : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{5},
                                ~std::uint64_t{0}, std::uint64_t{5}}) {
    event.n = n;
    event.timestamp = Nanoseconds::max();
    recorder->record(event, kNow);
  }
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", ~std::uint64_t{0}));
  EXPECT_EQ(open(*recorder).metadata().pid, pid(7));
  EXPECT_EQ(recorder->lost_events(), ~std::uint64_t{0});
}

TEST_F(RecorderTest, GoneWithoutAnEndItLooksAsIfKilled) {
  auto recorder = this->recorder();
  recorder->record(process_.call("Open"), kNow);
  const std::string folder = recorder->folder();
  recorder.reset();
  EXPECT_EQ(read_metadata(folder)->status, "recording");
  const Recording recording = open(folder);
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_EQ(recording.size(), 1u);
}

TEST_F(RecorderTest, TheSameEventsGiveTheSameBytes) {
  std::vector<std::string> texts;
  for (int i = 0; i < 2; ++i) {
    ProcessEvents process(pid(7));
    const auto recorder = this->recorder();
    recorder->record(process.context(ctx(1), 0, {message("user", "a")}, "p"), kNow * (i + 1));
    recorder->record(process.call("Open", Json::object({{"b", 1}, {"a", 2}})), kNow * (i + 2));
    recorder->record(process.append(ctx(1), "user", "b"), kNow * (i + 3));
    ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
    texts.push_back(read_text(recorder->folder() + "/events.jsonl"));
  }
  EXPECT_EQ(texts[0], texts[1]);
}

}  // namespace
}  // namespace agdb
