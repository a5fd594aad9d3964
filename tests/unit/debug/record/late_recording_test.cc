// Recordings of processes that are alive already.

#include <cerrno>
#include <thread>

#include "debug/record/compress.h"
#include "debug/record/recovery.h"
#include "debug/record/verify.h"
#include "manager_fixture.h"
#include "runtime/events/emitter.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Running = RecordingManager::Running;

class LateRecordingTest : public ManagerTest {
 protected:
  LateRecordingTest() { start({.record_all = false}); }

  // Its id, and that it began.
  std::string begin(std::uint64_t number) {
    const Result<std::string> id = manager_->start(pid(number));
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or("");
  }
  std::vector<std::uint64_t> begin_with_children(std::uint64_t number) {
    const Result<std::vector<Running>> begun = manager_->start_with_children(pid(number));
    EXPECT_TRUE(begun) << begun.error().message;
    std::vector<std::uint64_t> numbers;
    if (begun)
      for (const Running& each : *begun) numbers.push_back(raw(each.pid));
    return numbers;
  }
  Error error_of_start(std::uint64_t number) {
    const Result<std::string> id = manager_->start(pid(number));
    EXPECT_FALSE(id) << *id;
    return id ? Error() : id.error();
  }
  std::vector<std::string> texts_at(const Recording& recording, std::uint64_t at) {
    const Result<RestoredContext> context = recording.context_at(seq(at));
    EXPECT_TRUE(context) << context.error().message;
    std::vector<std::string> texts;
    if (context)
      for (const Message& each : context->messages) texts.push_back(each.content);
    return texts;
  }
};

TEST_F(LateRecordingTest, BeginsWithTheContextsAndGoesOnFromThere) {
  born(7);
  context(7, "a");
  append(7, "b");
  EXPECT_EQ(begin(7), "7-1700000000");
  append(7, "c");
  call(7, "Open");
  dead(7);

  const Recording recording = open(folder_of(7));
  ASSERT_EQ(recording.size(), 3u);
  EXPECT_EQ(recording.event_at(0)->n, 0u) << "the recorder's own line";
  EXPECT_EQ(recording.event_at(1)->n, 3u);
  EXPECT_EQ(recording.event_at(2)->n, 4u);
  EXPECT_THAT(texts_at(recording, 1), ElementsAre("a", "b"));
  EXPECT_THAT(texts_at(recording, 3), ElementsAre("a", "b", "c"));
  EXPECT_EQ(recording.context_at(seq(1))->system_prompt, "be brief");
  EXPECT_EQ(recording.metadata().lost_events, 0u);
  EXPECT_EQ(recording.metadata().status, "completed");
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, SaysThatItBeganLateAndWhatWasBefore) {
  born(7);
  take(process(7).payload(StateChange{.from_state = "created", .to_state = "running"}));
  answer(7, 1000, 50);
  answer(7, 1100, 50);
  begin(7);
  EXPECT_EQ(metadata_of(7).began_late, (BeganLate{.n = 4,
                                                  .timestamp = std::chrono::milliseconds(3),
                                                  .state = "running",
                                                  .tokens_used = 2200,
                                                  .steps = 2}));
}

TEST_F(LateRecordingTest, FromBirthItDoesNot) {
  manager_->record(pid(7));
  born(7);
  EXPECT_EQ(metadata_of(7).began_late, std::nullopt);
}

TEST_F(LateRecordingTest, ItsTimesAreThoseOfTheRecordingAndOfTheProcess) {
  born(7);
  for (int i = 0; i < 5000; ++i) call(7, "Open");
  EXPECT_EQ(begin(7), "7-1700000005") << "named after its own start";
  call(7, "Close");
  dead(7);
  const RecordingMetadata metadata = metadata_of(7);
  EXPECT_EQ(metadata.process_start_time, birth().wall_start);
  EXPECT_EQ(*metadata.start_time - birth().wall_start, std::chrono::microseconds(5'000'005));
  EXPECT_EQ(*metadata.end_time - birth().wall_start, std::chrono::microseconds(5'001'005));
  EXPECT_EQ(open(folder_of(7)).event_at(0)->timestamp, std::chrono::milliseconds(5001));
}

TEST_F(LateRecordingTest, BeforeTheFirstEventItIsWholeAllTheSame) {
  born(7);
  begin(7);
  context(7, "a");
  dead(7);
  EXPECT_EQ(metadata_of(7).began_late->n, 1u);
  EXPECT_EQ(open(folder_of(7)).size(), 1u);
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, AProcessWithoutContextsHasNone) {
  born(7);
  call(7, "Open");
  begin(7);
  dead(7);
  EXPECT_EQ(open(folder_of(7)).size(), 0u);
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, EveryContextIsToldInFull) {
  born(7);
  for (std::uint64_t number = 1; number <= 3; ++number)
    take(process(7).context(ctx(number), 0, {message("user", "of its own")}, "p"));
  take(process(7).call("CtxReclaim", Json::object({{"cid", 2}})));
  begin(7);
  dead(7);
  EXPECT_THAT(open(folder_of(7)).contexts(), ElementsAre(ctx(1), ctx(3)));
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, EventsLostBeforeAreToldApartFromThoseLostSince) {
  born(7);
  context(7, "a");
  process(7).lose(4);
  call(7, "Open");
  begin(7);
  process(7).lose(2);
  call(7, "Close");
  dead(7);
  EXPECT_EQ(metadata_of(7).began_late->lost_events, 4u);
  EXPECT_EQ(metadata_of(7).lost_events, 2u);
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, AContextInDoubtIsToldWhenItIsKnownAgain) {
  born(7);
  context(7, "a");
  process(7).lose(1);
  call(7, "Open");
  begin(7);
  append(7, "b");
  dead(7);
  const Recording recording = open(folder_of(7));
  ASSERT_EQ(recording.size(), 1u);
  EXPECT_THAT(texts_at(recording, 1), ElementsAre("a", "b"));
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, ALossThatIsNoticedOnlyLaterLiesInTheRecording) {
  born(7);
  context(7, "a");
  process(7).append(ctx(1), "user", "never seen");
  begin(7);
  call(7, "Open");
  dead(7);
  const Recording recording = open(folder_of(7));
  EXPECT_EQ(metadata_of(7).lost_events, 1u);
  ASSERT_EQ(recording.size(), 3u);
  EXPECT_EQ(recording.entry(1).type, EventType::kGap);
  EXPECT_EQ(recording.context_at(seq(3))->gap, seq(2)) << "it may have changed meanwhile";
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, ItsBudgetIsThePresentOne) {
  born(7);
  take(process(7).call("SetBudget", Json::object({{"budget", 5000}})));
  Event refused = process(7).call("SetBudget", Json::object({{"budget", 6000}}));
  std::get<Syscall>(refused.payload).err = "no";
  take(refused);
  for (const Json& nonsense : {Json(-1), Json("all")})
    take(process(7).call("SetBudget", Json::object({{"budget", nonsense}})));
  begin(7);
  EXPECT_EQ(metadata_of(7).context_budget, 5000);
}

TEST_F(LateRecordingTest, TheScriptIsThereToForkFrom) {
  ProcessStart start = birth();
  start.script = std::make_shared<const std::string>("{\"agdb_script\":1}");
  take({.pid = pid(7), .payload = start});
  begin(7);
  EXPECT_EQ(read_text(folder_of(7) + "/script.json"), "{\"agdb_script\":1}");
}

// Which processes.

TEST_F(LateRecordingTest, OnlyALivingProcessThatIsNotRecordedCanBeStarted) {
  born(7);
  begin(7);
  EXPECT_EQ(error_of_start(7).message, "process 7 is being recorded already (as 7-1700000000)");
  EXPECT_EQ(error_of_start(7).code, Code::kInvalid);
  dead(7);
  EXPECT_EQ(error_of_start(7).message, "process 7 has ended");
  EXPECT_EQ(error_of_start(7).code, Code::kInvalid);
  EXPECT_EQ(error_of_start(8).message, "no process with pid 8");
  EXPECT_EQ(error_of_start(8).code, Code::kNotFound);
  EXPECT_EQ(manager_->start_with_children(pid(8)).error().message, "no process with pid 8");
}

TEST_F(LateRecordingTest, OneThatWasNeverRecordedHasEndedToo) {
  born(7);
  dead(7);
  EXPECT_EQ(error_of_start(7).message, "process 7 has ended");
}

TEST_F(LateRecordingTest, ADiskThatTakesNothingIsAnErrorAndCanBeTriedAgain) {
  born(7);
  context(7, "a");
  files_.fail_writes({.first = 1, .last = 1, .error = ENOSPC});
  EXPECT_THAT(error_of_start(7).message, HasSubstr("No space left"));
  EXPECT_FALSE(manager_->is_recording(pid(7)));
  EXPECT_EQ(manager_->totals().failed, 1u);
  EXPECT_EQ(begin(7), "7-1700000000") << "nothing was left behind";
}

TEST_F(LateRecordingTest, StoppedAndStartedAgainItIsASecondRecording) {
  born(7);
  context(7, "a");
  const std::string first = begin(7);
  append(7, "b");
  ASSERT_TRUE(manager_->stop(pid(7)));
  append(7, "c");
  const std::string second = begin(7);
  EXPECT_NE(first, second);
  append(7, "d");
  dead(7);
  EXPECT_THAT(texts_at(open(records_ + "/" + first), 2), ElementsAre("a", "b"));
  EXPECT_THAT(texts_at(open(records_ + "/" + second), 1), ElementsAre("a", "b", "c"));
  EXPECT_THAT(texts_at(open(records_ + "/" + second), 2), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(*manager_->record_id(pid(7)), second);
  EXPECT_EQ(open(records_ + "/" + first).metadata().status, "stopped");
  expect_sound(records_ + "/" + first);
  expect_sound(records_ + "/" + second);
}

TEST_F(LateRecordingTest, AStoppedRecordingFromBirthCanGoOnAsAnother) {
  start({.record_all = true});
  born(7);
  answer(7, 10, 1);
  ASSERT_TRUE(manager_->stop(pid(7)));
  answer(7, 20, 1);
  begin(7);
  EXPECT_EQ(metadata_of(7).began_late->tokens_used, 32);
  EXPECT_EQ(metadata_of(7).began_late->steps, 2u);
}

TEST_F(LateRecordingTest, TheListShowsThoseUnderWay) {
  EXPECT_THAT(manager_->list(), IsEmpty());
  born(7);
  born(8);
  born(9);
  context(9, "a");
  begin(9);
  begin(7);
  call(7, "Open");
  call(7, "Close");
  EXPECT_THAT(manager_->list(),
              ElementsAre(Running{pid(7), "7-1700000000", 2}, Running{pid(9), "9-1700000000", 1}));
  dead(7);
  EXPECT_THAT(manager_->list(), SizeIs(1));
}

// Families.

TEST_F(LateRecordingTest, WithChildrenTakesInThoseAliveAndThoseToCome) {
  born(1);
  born(2, 1);
  born(3, 2);
  born(4);
  born(5, 1);
  dead(5);
  EXPECT_THAT(begin_with_children(1), ElementsAre(1, 2, 3));
  born(6, 3);
  born(7, 4);
  born(8, 6);
  for (const std::uint64_t number : {6, 8})
    EXPECT_TRUE(manager_->is_recording(pid(number))) << number;
  for (const std::uint64_t number : {4, 5, 7})
    EXPECT_FALSE(manager_->is_recording(pid(number))) << number;
}

TEST_F(LateRecordingTest, WithoutChildrenItIsAlone) {
  born(1);
  born(2, 1);
  begin(1);
  born(3, 1);
  EXPECT_FALSE(manager_->is_recording(pid(2)));
  EXPECT_FALSE(manager_->is_recording(pid(3)));
}

TEST_F(LateRecordingTest, ChildrenThatAreRecordedAlreadyGoOn) {
  born(1);
  born(2, 1);
  born(3, 2);
  const std::string id = begin(2);
  EXPECT_THAT(begin_with_children(1), ElementsAre(1, 3));
  EXPECT_EQ(manager_->record_id(pid(2)), id);
  born(4, 2);
  EXPECT_TRUE(manager_->is_recording(pid(4)));
}

TEST_F(LateRecordingTest, AChildThatCannotBeRecordedStopsNobodyElse) {
  born(1);
  born(2, 1);
  born(3, 1);
  files_.fail_writes({.first = 2, .last = 2, .error = ENOSPC});
  EXPECT_THAT(begin_with_children(1), ElementsAre(1, 3));
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("PID 2 is not recorded")));
}

TEST_F(LateRecordingTest, AfterAStopChildrenAreNotRecordedAnyMore) {
  born(1);
  begin_with_children(1);
  ASSERT_TRUE(manager_->stop(pid(1)));
  born(2, 1);
  EXPECT_FALSE(manager_->is_recording(pid(2)));
}

// Who spawned whom.

TEST_F(LateRecordingTest, ASpawnFromBeforeTheParentsRecordingHasNoNumber) {
  born(1);
  born(2, 1);
  spawn(1, 2);
  begin_with_children(1);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(0)}));
  dead(2);
  dead(1);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(0)}));
}

TEST_F(LateRecordingTest, ASpawnThatIsRecordedIsKnownToALateChild) {
  born(1);
  context(1, "a");
  begin(1);
  born(2, 1);
  spawn(1, 2);
  begin(2);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"1-1700000000", pid(1), seq(2)}));
}

TEST_F(LateRecordingTest, AParentThatWasStoppedIsNotRecorded) {
  born(1);
  begin(1);
  ASSERT_TRUE(manager_->stop(pid(1)));
  born(2, 1);
  spawn(1, 2);
  begin(2);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{"", pid(1), seq(0)}));
}

TEST_F(LateRecordingTest, TheSpawnStandsInTheRecordingThatTheParentHadThen) {
  born(1);
  const std::string first = begin(1);
  born(2, 1);
  spawn(1, 2);
  ASSERT_TRUE(manager_->stop(pid(1)));
  begin(1);
  begin(2);
  EXPECT_EQ(metadata_of(2).parent, (RecordingParent{first, pid(1), seq(1)}));
}

TEST_F(LateRecordingTest, EveryRecordingOfAChildLearnsOfItsSpawn) {
  born(1);
  begin(1);
  born(2, 1);
  const std::string first = begin(2);
  ASSERT_TRUE(manager_->stop(pid(2)));
  const std::string second = begin(2);
  ASSERT_TRUE(manager_->stop(pid(2)));
  begin(2);
  spawn(1, 2);
  dead(2);
  const RecordingParent expected{"1-1700000000", pid(1), seq(1)};
  EXPECT_EQ(open(records_ + "/" + first).metadata().parent, expected);
  EXPECT_EQ(open(records_ + "/" + second).metadata().parent, expected);
  EXPECT_EQ(metadata_of(2).parent, expected);
}

TEST_F(LateRecordingTest, AnUnrecordedChildThatIsDeadBeforeItsSpawnHarmsNobody) {
  born(1);
  begin(1);
  born(2, 1);
  dead(2);
  spawn(1, 2);
  dead(1);
  expect_sound(folder_of(1));
}

// What comes after.

TEST_F(LateRecordingTest, ItsFirstNumberMustBeTheOneItClaims) {
  born(7);
  context(7, "a");
  call(7, "Open");
  begin(7);
  call(7, "Read");
  dead(7);
  RecordingMetadata metadata = metadata_of(7);
  const auto finding = [&]() -> std::string {
    EXPECT_TRUE(write_metadata(files_, folder_of(7), metadata, Persist::kNothing));
    const Result<VerifyReport> report = verify_recording(folder_of(7));
    EXPECT_TRUE(report);
    return report->findings.empty() ? "" : report->findings.front().what;
  };
  EXPECT_EQ(finding(), "");
  metadata.began_late->n = 2;
  EXPECT_THAT(finding(), HasSubstr("n 3 stands behind 1: 1 events are missing"));
  metadata.began_late->n = 4;
  EXPECT_THAT(finding(), HasSubstr("n 3 stands behind 3"));
  metadata.began_late->n = 0;
  EXPECT_THAT(finding(), HasSubstr("does not say with which event"));
  metadata.began_late = std::nullopt;
  metadata.start_time = metadata.process_start_time;
  EXPECT_THAT(finding(), HasSubstr("n 3 stands behind 0: 2 events are missing"));
}

TEST_F(LateRecordingTest, WhenTheWriterDiesItIsRecovered) {
  born(7);
  context(7, "a");
  begin(7);
  append(7, "b");
  const std::string folder = folder_of(7);
  manager_.reset();
  const Recording recording = open(folder);
  EXPECT_EQ(recording.metadata().status, "interrupted");
  EXPECT_EQ(recording.metadata().began_late->n, 2u);
  EXPECT_EQ(*recording.metadata().end_time - birth().wall_start, std::chrono::milliseconds(2));
  EXPECT_THAT(texts_at(recording, 2), ElementsAre("a", "b"));
  expect_sound(folder);
}

TEST_F(LateRecordingTest, WhatIsLostOnAFullDiskIsToldAsEver) {
  born(7);
  context(7, "a");
  begin(7);
  files_.fail_writes({.first = files_.writes() + 1, .last = files_.writes() + 1, .error = ENOSPC});
  for (int i = 0; i < 300; ++i) take(process(7).call("Read", {}, std::string(2000, 'x')));
  clock_.pass(std::chrono::seconds(1));
  call(7, "Close");
  dead(7);
  EXPECT_GT(metadata_of(7).lost_events, 0u);
  EXPECT_EQ(metadata_of(7).lost_events + open(folder_of(7)).size() - 1 - 2, 301u)
      << "but for the first snapshot, the gap and the snapshot behind it";
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, IsCompressedAndReadAsEver) {
  born(7);
  context(7, "a");
  call(7, "Open");
  begin(7);
  append(7, "b");
  dead(7);
  const std::string folder = folder_of(7);
  ASSERT_TRUE(compress_recording(files_, folder));
  EXPECT_THAT(texts_at(open(folder), 2), ElementsAre("a", "b"));
  const Result<VerifyReport> report = verify_recording(folder);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->findings, IsEmpty());
}

TEST_F(LateRecordingTest, EventsThatComeFromARingGiveTheSame) {
  EventBus bus;
  bus.add(*manager_);
  EventBus::Producer producer = bus.make_producer();
  Emitter emitter(producer, clock_, pid(7));
  emitter.start(birth());
  emitter.context({.ctx_id = ctx(1),
                   .messages = {std::make_shared<const Message>(message("user", "a"))},
                   .system_prompt = std::make_shared<const std::string>("be brief")});
  for (int i = 0; i < 49; ++i) emitter.call("Open", emitter.begin(), returned(i));
  emitter.call("SetBudget", emitter.begin(), returned(), arg("budget", 900));
  bus.flush();
  begin(7);
  for (int i = 0; i < 50; ++i) emitter.call("Read", emitter.begin(), returned(i));
  emitter.end("completed");
  bus.flush();
  bus.remove(*manager_);
  const Recording recording = open(folder_of(7));
  EXPECT_EQ(recording.size(), 51u);
  EXPECT_EQ(recording.event_at(1)->n, 52u);
  EXPECT_EQ(recording.metadata().context_budget, 900);
  expect_sound(folder_of(7));
}

TEST_F(LateRecordingTest, StartsAndStopsFromOtherThreadsLoseNothing) {
  EventBus bus;
  bus.add(*manager_);
  EventBus::Producer producer = bus.make_producer();
  Emitter emitter(producer, clock_, pid(7));
  emitter.start(birth());
  bus.flush();
  std::vector<std::string> ids;
  std::thread person([&] {
    for (int i = 0; i < 20; ++i) {
      ids.push_back(begin(7));
      manager_->list();
      EXPECT_TRUE(manager_->stop(pid(7)));
    }
    ids.push_back(begin(7));
  });
  for (int i = 0; i < 2000; ++i) emitter.call("Open", emitter.begin(), returned(i));
  person.join();
  emitter.end("completed");
  bus.flush();
  bus.remove(*manager_);
  for (const std::string& id : ids) {
    SCOPED_TRACE(id);
    EXPECT_EQ(open(records_ + "/" + id).metadata().lost_events, 0u);
    expect_sound(records_ + "/" + id);
  }
}

}  // namespace
}  // namespace agdb
