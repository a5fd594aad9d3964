// Reading a recording while it is written: threads that hand over to each other, so that every
// order in these tests is the one that is meant.

#include <future>
#include <semaphore>
#include <thread>

#include "debug/record/verify.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LiveReadingTest : public RecordTest {
 protected:
  void record(Recorder& recorder, const Event& event) {
    recorder.record(event, Nanoseconds(1));
    EXPECT_TRUE(recorder.flush());
  }
  ProcessEvents process_{pid(7)};
};

TEST_F(LiveReadingTest, WhatIsThereSoFarIsRead) {
  const auto recorder = this->recorder();
  record(*recorder, process_.call("Open"));
  Recording recording = open(*recorder);
  EXPECT_TRUE(recording.live());
  EXPECT_EQ(recording.metadata().status, "recording");
  EXPECT_EQ(recording.size(), 1u);
  EXPECT_THAT(recording.notes(), ElementsAre(HasSubstr("still being written; 1 event")));
}

TEST_F(LiveReadingTest, ARefreshTakesInWhatIsNewAndTheEnd) {
  const auto recorder = this->recorder();
  Recording recording = open(*recorder);
  EXPECT_EQ(*recording.refresh(), 0u);
  record(*recorder, process_.context(ctx(1), 0, {message("user", "a")}, "p"));
  record(*recorder, process_.call("Open"));
  EXPECT_EQ(*recording.refresh(), 2u);
  EXPECT_EQ(recording.context_at(seq(2))->messages.size(), 1u);
  record(*recorder, process_.append(ctx(1), "user", "b"));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  EXPECT_EQ(*recording.refresh(), 1u);
  EXPECT_FALSE(recording.live());
  EXPECT_EQ(recording.metadata().status, "completed");
  EXPECT_EQ(recording.context_at(seq(3))->messages.size(), 2u);
  EXPECT_THAT(recording.notes(), IsEmpty());
  EXPECT_EQ(*recording.refresh(), 0u);
}

TEST_F(LiveReadingTest, HalfALineOfALivingWriterIsNoDamage) {
  const auto recorder = this->recorder();
  record(*recorder, process_.call("Open"));
  const std::string path = recorder->folder() + "/events.jsonl";
  const std::string whole = read_text(path);
  write_text(path, whole + whole.substr(0, 20));
  Recording recording = open(*recorder);
  EXPECT_EQ(recording.size(), 1u);
  EXPECT_EQ(recording.torn_tail(), std::nullopt);
  EXPECT_THAT(recording.damage(), IsEmpty());
}

TEST_F(LiveReadingTest, AWriterThatDiesIsNoticedByARefresh) {
  auto recorder = this->recorder();
  Recording recording = open(*recorder);
  record(*recorder, process_.call("Open"));
  recorder.reset();
  EXPECT_EQ(*recording.refresh(), 1u);
  EXPECT_FALSE(recording.live());
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_EQ(recording.metadata().event_count, 1u);
}

TEST_F(LiveReadingTest, SeveralReadersDisturbNeitherWriterNorEachOther) {
  const auto recorder = this->recorder();
  record(*recorder, process_.call("Open"));
  Recording first = open(*recorder);
  Recording second = open(*recorder);
  EXPECT_TRUE(first.live());
  EXPECT_TRUE(second.live());
  record(*recorder, process_.call("Close"));
  EXPECT_EQ(*first.refresh(), 1u);
  EXPECT_EQ(*second.refresh(), 1u);
}

TEST_F(LiveReadingTest, AFollowerInAnotherThreadSeesEveryEventOnceAndInOrder) {
  const auto recorder = this->recorder();
  std::binary_semaphore written(0);
  std::binary_semaphore seen(0);
  constexpr int kEvents = 60;
  std::thread follower([&] {
    Recording recording = open(*recorder);
    std::uint64_t next = 1;
    for (int i = 0; i < kEvents; ++i) {
      written.acquire();
      EXPECT_TRUE(recording.refresh());
      for (; next <= recording.size(); ++next) {
        const Result<RecordedEvent> event = recording.event_at(next - 1);
        ASSERT_TRUE(event) << event.error().message;
        EXPECT_EQ(event->seq_num, seq(next));
      }
      EXPECT_EQ(next, static_cast<std::uint64_t>(i) + 2);
      seen.release();
    }
  });
  record(*recorder, process_.context(ctx(1), 0, {message("user", "a")}, "p"));
  written.release();
  for (int i = 1; i < kEvents; ++i) {
    seen.acquire();
    record(*recorder, i % 2 == 0 ? process_.call("Open") : process_.append(ctx(1), "user", "b"));
    written.release();
  }
  follower.join();
}

TEST_F(LiveReadingTest, AReaderBesideABusyWriterSeesWholeEventsOnly) {
  const auto recorder = this->recorder();
  const std::string folder = recorder->folder();
  std::promise<void> reader_is_open;
  std::thread writer([&] {
    reader_is_open.get_future().wait();
    for (int i = 0; i < 400; ++i) {
      recorder->record(process_.call("Read", {}, std::string(500, 'x')), Nanoseconds(i));
      recorder->flush_if_due(Nanoseconds(i) + std::chrono::milliseconds(3));
    }
    EXPECT_TRUE(recorder->finish(kStatusCompleted, "", process_.last_n()));
  });
  Recording recording = open(folder);
  reader_is_open.set_value();
  while (recording.live()) ASSERT_TRUE(recording.refresh());
  writer.join();
  EXPECT_EQ(recording.size(), 400u);
  EXPECT_THAT(recording.damage(), IsEmpty());
  EXPECT_EQ(recording.metadata().status, "completed");
}

TEST_F(LiveReadingTest, OneRecordingIsReadByManyThreads) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  recorder->record(process.context(ctx(1), 0, {message("user", "a")}, "p"), Nanoseconds(1));
  for (int i = 0; i < 50; ++i)
    recorder->record(process.append(ctx(1), "user", "more"), Nanoseconds(1));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
  const Recording recording = open(*recorder);
  const auto read_all = [&] {
    for (std::uint64_t i = 1; i <= recording.size(); ++i) {
      EXPECT_TRUE(recording.event(seq(i)));
      EXPECT_EQ(recording.context_at(seq(i))->messages.size(), i);
    }
  };
  std::thread other(read_all);
  read_all();
  other.join();
}

}  // namespace
}  // namespace agdb
