#include "debug/record/recording_manager.h"

#include <cerrno>
#include <thread>

#include "manager_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecordingManagerTest : public ManagerTest {};

TEST_F(RecordingManagerTest, RecordsEachProcessFromBirthToDeath) {
  start({.source = RecordingSource{.name = "s.json"}, .host = "box"});
  born(1);
  EXPECT_TRUE(manager_->is_recording(pid(1)));
  born(2);
  call(1, "Open");
  call(2, "Open");
  call(2, "Close");
  EXPECT_EQ(manager_->event_count(pid(2)), 2u);
  dead(1);
  dead(2);
  EXPECT_FALSE(manager_->is_recording(pid(1)));
  EXPECT_EQ(metadata_of(1).event_count, 1u);
  EXPECT_EQ(metadata_of(2).event_count, 2u);
  EXPECT_EQ(metadata_of(1).status, "completed");
  EXPECT_EQ(metadata_of(1).exit_reason, "completed");
  EXPECT_EQ(metadata_of(1).source->name, "s.json");
  EXPECT_EQ(metadata_of(1).host, "box");
  EXPECT_EQ(metadata_of(1).recorded_at, clock_.wall());
  EXPECT_EQ(manager_->totals().recordings, 2u);
  EXPECT_EQ(manager_->totals().events, 3u);
  EXPECT_THAT(logged_, IsEmpty());
}

TEST_F(RecordingManagerTest, AProcessOfWhichNobodyHeardIsIgnored) {
  start();
  call(5, "Open");
  dead(5);
  EXPECT_EQ(manager_->record_id(pid(5)), std::nullopt);
  EXPECT_EQ(list_recordings(records_)->recordings.size(), 0u);
}

TEST_F(RecordingManagerTest, OnRequestRecordsThoseAskedForAndTheirChildren) {
  start({.record_all = false});
  manager_->record(pid(2));
  born(1);
  born(2, 1);
  born(3, 2);
  born(4, 3);
  born(5, 1);
  EXPECT_FALSE(manager_->is_recording(pid(1)));
  for (const std::uint64_t number : {2, 3, 4})
    EXPECT_TRUE(manager_->is_recording(pid(number))) << number;
  EXPECT_FALSE(manager_->is_recording(pid(5)));
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{.record_id = "", .pid = pid(1)}));
}

TEST_F(RecordingManagerTest, ASecondBirthDoesNotEndTheRecording) {
  start();
  born(1);
  call(1, "Open");
  born(1);
  call(1, "Close");
  dead(1);
  EXPECT_EQ(metadata_of(1).event_count, 2u);
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("PID 1 was born twice")));
}

// A parent's Spawn comes at any time relative to the child's life.

TEST_F(RecordingManagerTest, AChildLearnsWhoSpawnedItWhileItLives) {
  start();
  born(1);
  born(2, 1);
  call(1, "Open");
  spawn(1, 2);
  dead(2);
  dead(1);
  EXPECT_EQ(metadata_of(1).parent, std::nullopt);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(2)}));
}

TEST_F(RecordingManagerTest, AChildKnowsItsParentFromBirth) {
  start();
  born(1);
  born(2, 1);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(0)}));
}

TEST_F(RecordingManagerTest, AChildThatIsDeadAlreadyIsToldToo) {
  start();
  born(1);
  born(2, 1);
  dead(2);
  EXPECT_EQ(metadata_of(2).parent->seq_num, seq(0));
  spawn(1, 2);
  EXPECT_EQ(metadata_of(2).parent->seq_num, seq(1));
  EXPECT_EQ(metadata_of(2).status, "completed");
  dead(1);
}

TEST_F(RecordingManagerTest, InAnImportTheParentIsOverBeforeItsChildBegins) {
  start();
  born(1);
  spawn(1, 2);
  dead(1);
  born(2, 1);
  dead(2);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(1)}));
}

TEST_F(RecordingManagerTest, AProcessIsNotItsOwnParent) {
  start();
  born(1);
  spawn(1, 1);  // as the child's own stream shows its birth
  dead(1);
  EXPECT_EQ(metadata_of(1).parent, std::nullopt);
}

TEST_F(RecordingManagerTest, AFailedSpawnIsNobodysBirth) {
  start();
  born(1);
  Event failed = process(1).call("Spawn", {}, 2);
  std::get<Syscall>(failed.payload).err = "no";
  manager_->on_event(failed);
  born(2, 1);
  EXPECT_EQ(metadata_of(2).parent->seq_num, seq(0));
}

// Ends.

TEST_F(RecordingManagerTest, StoppingEndsTheRecordingNotTheProcess) {
  start();
  born(1);
  call(1, "Open");
  EXPECT_EQ(*manager_->stop(pid(1)), 1u);
  call(1, "Close");
  dead(1);
  EXPECT_EQ(metadata_of(1).status, "stopped");
  EXPECT_EQ(metadata_of(1).event_count, 1u);
  const Result<std::uint64_t> again = manager_->stop(pid(1));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "PID 1 is not being recorded");
}

TEST_F(RecordingManagerTest, ClosingEndsAll) {
  start();
  born(1);
  born(2);
  EXPECT_TRUE(manager_->close_all());
  EXPECT_EQ(metadata_of(1).status, "stopped");
  EXPECT_EQ(metadata_of(2).status, "stopped");
  EXPECT_EQ(manager_->event_count(pid(1)), 0u);
}

TEST_F(RecordingManagerTest, LossesAtTheEndAreCounted) {
  start();
  born(1);
  call(1, "Open");
  process(1).lose(4);
  dead(1);
  EXPECT_EQ(metadata_of(1).lost_events, 4u);
  EXPECT_EQ(manager_->totals().lost_events, 4u);
}

TEST_F(RecordingManagerTest, LinesLeaveWhenNothingHappens) {
  start();
  born(1);
  call(1, "Open");
  clock_.pass(std::chrono::milliseconds(2));
  manager_->on_idle();
  EXPECT_EQ(open(records_ + "/" + *manager_->record_id(pid(1))).size(), 1u);
}

TEST_F(RecordingManagerTest, ARecordingThatCannotBeginIsCountedAndSaid) {
  start();
  files_.fail_writes({.first = 1, .last = 1, .error = ENOSPC});
  born(1);
  born(2);
  call(1, "Open");
  call(2, "Open");
  dead(1);
  dead(2);
  EXPECT_EQ(manager_->totals().failed, 1u);
  EXPECT_EQ(manager_->totals().recordings, 1u);
  EXPECT_THAT(logged_, ElementsAre(testing::AllOf(HasSubstr("PID 1 is not recorded"),
                                                  HasSubstr("No space left"))));
  EXPECT_EQ(metadata_of(2).event_count, 1u);
}

TEST_F(RecordingManagerTest, AnEndThatCannotBeWrittenIsSaid) {
  start();
  born(1);
  files_.fail_renames(EIO);
  dead(1);
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("did not end well")));
}

TEST_F(RecordingManagerTest, IsASubscriberThatOthersAskMeanwhile) {
  start();
  EventBus bus;
  bus.add(*manager_);
  EventBus::Producer producer = bus.make_producer();
  std::thread asker([&] {
    for (int i = 0; i < 200; ++i) {
      manager_->is_recording(pid(1));
      manager_->event_count(pid(1));
      manager_->totals();
    }
    manager_->stop(pid(2));
  });
  for (const std::uint64_t number : {1, 2}) {
    producer.emit({.pid = pid(number), .payload = birth()});
    for (int i = 0; i < 500; ++i) producer.emit(process(number).call("Open"));
  }
  asker.join();
  bus.flush();
  bus.remove(*manager_);
  EXPECT_TRUE(manager_->close_all());
  EXPECT_EQ(metadata_of(1).event_count, 500u);
  expect_sound(records_ + "/" + *manager_->record_id(pid(1)));
  expect_sound(records_ + "/" + *manager_->record_id(pid(2)));
}

TEST_F(RecordingManagerTest, TheRecordingsOfTheNewestEndedAreKnown) {
  start({.ended_kept = 2});
  for (std::uint64_t number = 1; number <= 3; ++number) {
    born(number);
    dead(number);
  }
  born(4);
  EXPECT_FALSE(manager_->record_id(pid(1)));
  for (std::uint64_t number = 2; number <= 4; ++number)
    EXPECT_TRUE(manager_->record_id(pid(number))) << number;
}

TEST_F(RecordingManagerTest, AWishThatIsTakenBackIsNobodysRecording) {
  start({.record_all = false});
  manager_->record(pid(1));
  manager_->withdraw(pid(1));
  born(1);
  EXPECT_FALSE(manager_->is_recording(pid(1)));
}

}  // namespace
}  // namespace agdb
