#include <cerrno>
#include <filesystem>
#include <map>

#include "debug/record/recorder.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

// A small run with everything in it, on a disk that fails at some write.
class RecorderFaultsTest : public RecordTest {
 protected:
  // Takes the run's events, each with a write of its own. Returns the recorder, ended.
  std::unique_ptr<Recorder> run(RecorderOptions options = {}) {
    ProcessEvents process(pid(7));
    auto recorder = this->recorder(std::move(options));
    now_ = seconds(1);
    const auto record = [&](const Event& event) {
      now_ += apart_;
      recorder->record(event, now_);
      recorder->flush_if_due(now_ + milliseconds(2));
    };
    record(process.context(ctx(1), 0, {message("user", std::string(300, 'a'))}, "prompt"));
    for (int step = 0; step < 5; ++step) {
      record(process.call("Read", Json::object({{"fd", 3}}), "some text"));
      record(process.payload(LlmResponse{.model = "m", .content = "answer"}));
      record(process.append(ctx(1), "assistant", "answer " + std::to_string(step)));
      record(process.call("CtxWrite", Json::object({{"cid", 1}})));
    }
    taken_ = process.last_n();
    ended_ = recorder->finish(kStatusCompleted, "completed", process.last_n());
    return recorder;
  }

  // Events of the process that stand in the recording, and those that its gaps tell of.
  std::pair<std::uint64_t, std::uint64_t> kept_and_told(const std::string& folder) {
    std::uint64_t kept = 0;
    std::uint64_t told = 0;
    const Recording recording = open(folder);
    for (std::size_t i = 0; i < recording.size(); ++i) {
      const RecordedEvent event = *recording.event_at(i);
      if (event.n != 0) ++kept;
      if (const auto* gap = std::get_if<Gap>(&event.payload)) told += gap->lost_events;
    }
    return {kept, told};
  }

  Nanoseconds apart_ = milliseconds(3);
  Nanoseconds now_{0};
  std::uint64_t taken_ = 0;
  Status ended_;
};

TEST_F(RecorderFaultsTest, ABriefFailureAtAnyWriteLosesNothing) {
  for (const int error : {ENOSPC, EIO}) {
    for (const std::size_t partial : {0, 1, 150}) {
      for (std::uint64_t write = 2; write <= 21; ++write) {
        files_ = {};
        files_.fail_writes({.first = write,
                            .last = write + (partial > 0 ? 1 : 0),
                            .error = error,
                            .partial = partial});
        const auto recorder = run();
        SCOPED_TRACE(testing::Message() << error << " after " << partial << " at " << write);
        ASSERT_TRUE(ended_) << ended_.error().message;
        const auto [kept, told] = kept_and_told(recorder->folder());
        EXPECT_EQ(kept, taken_);
        EXPECT_EQ(told, 0u);
        EXPECT_EQ(read_metadata(recorder->folder())->lost_events, 0u);
        expect_sound(recorder->folder());
      }
    }
  }
}

TEST_F(RecorderFaultsTest, InterruptionsAndShortWritesAreNoFailure) {
  for (std::uint64_t write = 2; write <= 22; ++write) {
    files_ = {};
    files_.fail_writes({.first = write, .last = write + 40, .error = EINTR, .partial = 9});
    run();
    EXPECT_THAT(logged_, IsEmpty());
    files_ = {};
    files_.fail_writes({.first = write, .last = write + 300});  // a byte each
    const auto recorder = run();
    EXPECT_THAT(logged_, IsEmpty());
    expect_sound(recorder->folder());
    EXPECT_EQ(kept_and_told(recorder->folder()).first, taken_);
  }
}

TEST_F(RecorderFaultsTest, ALongFailureCountsWhatItLostAndGoesOnWithAGapAndAFullSnapshot) {
  apart_ = milliseconds(60);  // so that the disk is asked again every other event
  for (std::uint64_t write = 2; write <= 16; ++write) {
    for (const std::size_t partial : {0, 40}) {
      SCOPED_TRACE(testing::Message() << "full after " << partial << " bytes of write " << write);
      logged_.clear();
      files_ = {};
      files_.fail_writes({.first = write, .last = write + 2, .error = ENOSPC, .partial = partial});
      // Room for nothing: what cannot be written at once is lost.
      const auto recorder = run({.max_waiting_bytes = 1});
      const auto [kept, told] = kept_and_told(recorder->folder());
      const RecordingMetadata metadata = *read_metadata(recorder->folder());
      EXPECT_EQ(kept + metadata.lost_events, taken_);
      EXPECT_EQ(told, metadata.lost_events);
      EXPECT_GT(told, 0u);
      expect_sound(recorder->folder());
      ASSERT_FALSE(logged_.empty());
      EXPECT_THAT(logged_[0], testing::AllOf(HasSubstr("7-1700000000"), HasSubstr("No space left"),
                                             HasSubstr("free some space")));
    }
  }
}

TEST_F(RecorderFaultsTest, AfterAGapEveryContextStandsInFull) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder({.max_waiting_bytes = 1});
  now_ = seconds(1);
  recorder->record(process.context(ctx(1), 0, {message("user", "one")}, "p1"), now_);
  recorder->record(process.context(ctx(2), 0, {message("user", "two")}, "p2"), now_);
  ASSERT_TRUE(recorder->flush());
  files_.fail_writes({.first = 1, .last = 1'000'000, .error = ENOSPC});
  recorder->record(process.call("Waits"), now_);
  EXPECT_FALSE(recorder->flush());
  EXPECT_EQ(recorder->record(process.append(ctx(1), "user", "lost"), now_), seq(0));
  EXPECT_EQ(recorder->record(process.call("Lost"), now_), seq(0));
  files_.fail_writes({});
  now_ += seconds(1);
  recorder->record(process.call("Open"), now_);
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
  const Recording recording = open(*recorder);
  ASSERT_EQ(recording.size(), 7u);
  EXPECT_EQ(recording.entry(2).type, EventType::kSyscall);
  EXPECT_EQ(recording.entry(3).type, EventType::kGap);
  const auto gap = std::get<Gap>(recording.event(seq(4))->payload);
  EXPECT_EQ(gap.first_n, 4u);
  EXPECT_EQ(gap.lost_events, 2u);
  EXPECT_THAT(gap.reason, HasSubstr("No space left"));
  EXPECT_EQ(recording.context_at(seq(7), ctx(1))->snapshot, seq(5));
  EXPECT_EQ(recording.context_at(seq(7), ctx(1))->messages.back().content, "lost")
      << "the event is lost, what it did to the context is not";
  EXPECT_EQ(recording.context_at(seq(7), ctx(2))->snapshot, seq(6));
  EXPECT_EQ(recording.context_at(seq(7))->gap, seq(0));
  expect_sound(recorder->folder());
}

TEST_F(RecorderFaultsTest, TroubleIsSaidOnceAndItsEndToo) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  now_ = seconds(1);
  files_.fail_writes({.first = files_.writes() + 1, .last = 1'000'000, .error = ENOSPC});
  for (int i = 0; i < 100; ++i) {
    now_ += milliseconds(50);
    recorder->record(process.call("Open"), now_);
    recorder->flush_if_due(now_);
  }
  EXPECT_EQ(logged_.size(), 1u);
  EXPECT_LT(files_.writes(), 60u) << "a full disk is not asked again for every event";
  files_.fail_writes({});
  now_ += seconds(1);
  recorder->flush_if_due(now_);
  ASSERT_EQ(logged_.size(), 2u);
  EXPECT_THAT(logged_[1], HasSubstr("works again"));
}

TEST_F(RecorderFaultsTest, ADiskThatStaysFullEndsTheRecordingBeforeTheLoss) {
  for (const std::size_t partial : {0, 40}) {
    files_ = {};
    files_.fail_writes({.first = 8, .last = 1'000'000, .error = ENOSPC, .partial = partial});
    const auto recorder = run();
    EXPECT_FALSE(ended_);
    const std::string text = read_text(recorder->folder() + "/events.jsonl");
    EXPECT_TRUE(text.ends_with('\n'));
    EXPECT_EQ(recorder->event_count() + recorder->lost_events(), taken_);
    const Recording recording = open(*recorder);
    EXPECT_EQ(recording.size(), recorder->event_count());
    EXPECT_EQ(recording.metadata().status, "interrupted") << "its metadata could not be written";
  }
}

TEST_F(RecorderFaultsTest, ALossThatReachesTheMetadataOnlyIsInIt) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  recorder->record(process.call("Open"), seconds(1));
  ASSERT_TRUE(recorder->flush());
  recorder->record(process.call("Close"), seconds(1));
  // The last flush fails; then the metadata's write goes through.
  files_.fail_writes({.first = files_.writes() + 1, .last = files_.writes() + 1, .error = EIO});
  EXPECT_FALSE(recorder->finish(kStatusCompleted, "", 2));
  const RecordingMetadata metadata = *read_metadata(recorder->folder());
  EXPECT_EQ(metadata.status, "completed");
  EXPECT_EQ(metadata.event_count, 1u);
  EXPECT_EQ(metadata.lost_events, 1u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderFaultsTest, HalfALineThatCannotBeCutIsCompletedLater) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  files_.fail_truncate(true);
  files_.fail_writes(
      {.first = files_.writes() + 1, .last = files_.writes() + 2, .error = ENOSPC, .partial = 30});
  recorder->record(process.call("Open"), seconds(1));
  EXPECT_FALSE(recorder->flush());
  EXPECT_EQ(read_text(recorder->folder() + "/events.jsonl").size(), 30u);
  recorder->record(process.call("Close"), seconds(2));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", 2));
  EXPECT_EQ(open(*recorder).size(), 2u);
  expect_sound(recorder->folder());
}

TEST_F(RecorderFaultsTest, AFailedFdatasyncIsSaid) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder({.durability = Durability::kFsync});
  recorder->record(process.call("Open"), seconds(1));
  files_.fail_syncs(EIO);
  recorder->flush_if_due(seconds(2));
  EXPECT_THAT(logged_, testing::ElementsAre(HasSubstr("cannot flush")));
}

// The files beside the events: what goes wrong with them never hurts the recording.
TEST_F(RecorderFaultsTest, AFailureAtAnyWriteOfIndexOrSumsIsSaidOnceAndLosesNothing) {
  for (const char* name : {"/events.idx", "/events.sum"}) {
    for (const int error : {ENOSPC, EIO, EINTR, 0}) {
      for (std::uint64_t write = 1; write <= 6; ++write) {
        SCOPED_TRACE(testing::Message() << name << " " << error << " at " << write);
        files_ = {};
        files_.only(name);
        files_.fail_writes({.first = write, .last = write, .error = error, .partial = 3});
        logged_.clear();
        ProcessEvents process(pid(7));
        const auto recorder = this->recorder();
        for (int i = 0; i < 700; ++i)
          recorder->record(process.call("Read", {}, std::string(300, 'x')), Nanoseconds(1));
        ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
        const bool met = files_.writes() >= write && (error == ENOSPC || error == EIO);
        if (error == EINTR || error == 0) EXPECT_THAT(logged_, IsEmpty());
        if (!logged_.empty()) {
          EXPECT_TRUE(met);
          EXPECT_EQ(logged_.size(), 1u);
          EXPECT_THAT(logged_[0], HasSubstr(name));
        }
        EXPECT_EQ(open(*recorder).size(), 700u);
        expect_sound(recorder->folder());
      }
    }
  }
}

// Forgets at a power cut what was not synced.
class PowerCutFileSystem : public FileSystem {
 public:
  int open(const std::string& path, int flags, unsigned mode) override {
    const int fd = FileSystem::open(path, flags, mode);
    if (fd >= 0) paths_[fd] = path;
    return fd;
  }
  std::int64_t write(int fd, std::string_view bytes) override {
    synced_.try_emplace(paths_[fd], 0);
    return FileSystem::write(fd, bytes);
  }
  int sync(int fd) override {
    if (std::filesystem::is_regular_file(paths_[fd]))
      synced_[paths_[fd]] = std::filesystem::file_size(paths_[fd]);
    return 0;
  }
  int rename(const std::string& from, const std::string& to) override {
    if (const auto moved = synced_.extract(from)) synced_[to] = moved.mapped();
    return FileSystem::rename(from, to);
  }
  void cut() {
    for (const auto& [path, size] : synced_) {
      if (std::filesystem::exists(path)) std::filesystem::resize_file(path, size);
    }
  }

 private:
  std::map<int, std::string> paths_;
  std::map<std::string, std::uintmax_t> synced_;  // bytes, by path
};

TEST_F(RecorderFaultsTest, WhatWasSyncedSurvivesAPowerCut) {
  for (const int before : {1, 50, 900}) {
    PowerCutFileSystem disk;
    auto created = Recorder::create(disk, records_, pid(7), birth(),
                                    {.durability = Durability::kFsync}, log());
    ASSERT_TRUE(created);
    std::unique_ptr<Recorder> recorder = *std::move(created);
    const std::string folder = recorder->folder();
    ProcessEvents process(pid(7));
    for (int i = 0; i < before; ++i)
      recorder->record(process.call("Read", {}, std::string(300, 'x')), milliseconds(1));
    ASSERT_TRUE(recorder->flush());
    recorder->flush_if_due(seconds(2));  // and to the disk
    for (int i = 0; i < 500; ++i) recorder->record(process.call("Lost"), seconds(2));
    ASSERT_TRUE(recorder->flush());
    recorder.reset();
    disk.cut();
    const Recording recording = open(folder);
    EXPECT_EQ(recording.size(), static_cast<std::size_t>(before));
    EXPECT_EQ(recording.metadata().status, "interrupted");
    expect_sound(folder);
  }
}

TEST_F(RecorderFaultsTest, AnEndedRecordingSurvivesAPowerCutWhole) {
  PowerCutFileSystem disk;
  auto created =
      Recorder::create(disk, records_, pid(7), birth(), {.durability = Durability::kFsync}, log());
  ASSERT_TRUE(created);
  ProcessEvents process(pid(7));
  for (int i = 0; i < 20; ++i) (*created)->record(process.call("Open"), milliseconds(1));
  ASSERT_TRUE((*created)->finish(kStatusCompleted, "", process.last_n()));
  disk.cut();
  const Recording recording = open((*created)->folder());
  EXPECT_EQ(recording.size(), 20u);
  EXPECT_EQ(recording.metadata().status, "completed");
}

}  // namespace
}  // namespace agdb
