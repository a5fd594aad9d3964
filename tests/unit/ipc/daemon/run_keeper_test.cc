#include "ipc/daemon/run_keeper.h"

#include <gmock/gmock.h>

#include <future>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Stored = std::vector<std::vector<std::string>>;

// Processes that are born, are recorded and end, and the runs that are stored of them.
class RunKeeperTest : public ::testing::Test {
 protected:
  void born(std::uint64_t pid, const std::string& run) {
    keeper().on_event({.pid = Pid{pid}, .payload = ProcessStart{.run_id = run}});
  }
  void recorded(const std::string& id, const std::string& run) {
    keeper().recorded({.record_id = id, .run_id = run});
  }
  void ends(std::uint64_t pid) {
    keeper().on_event({.pid = Pid{pid}, .payload = ProcessEnd{"completed"}});
  }
  void one(std::uint64_t pid) {
    const std::string name = std::to_string(pid);
    born(pid, "run " + name);
    recorded(name, "run " + name);
    ends(pid);
  }
  RunKeeper& keeper() {
    if (!keeper_)
      keeper_ = std::make_unique<RunKeeper>(
          [this](const std::vector<std::string>& ids) { return store(ids); },
          [this] { return tidy(); }, [this](const std::string& line) { log_.push_back(line); });
    return *keeper_;
  }
  // What is stored in all.
  const Stored& stored() {
    keeper().close();
    return stored_;
  }
  // The first run that comes is being stored until the test ends it.
  void hold() { held_ = release_.get_future(); }
  void release() { release_.set_value(); }
  void fail() { works_ = false; }
  // So many steps of tidying are worth it.
  void untidy(int steps) { steps_ = steps; }
  void wait_for_tidying() { tidying_ended_.get(); }
  const std::vector<std::string>& log() const { return log_; }

 private:
  bool store(const std::vector<std::string>& ids) {
    if (held_.valid()) held_.get();
    stored_.push_back(ids);
    return works_;
  }

  bool tidy() {
    if (steps_ == 0) return false;
    if (--steps_ == 0) tidied_.set_value();
    return steps_ > 0;
  }

  Stored stored_;
  std::vector<std::string> log_;
  std::promise<void> tidied_;
  std::future<void> tidying_ended_ = tidied_.get_future();
  int steps_ = 0;
  std::promise<void> release_;
  std::future<void> held_;
  bool works_ = true;
  std::unique_ptr<RunKeeper> keeper_;
};

TEST_F(RunKeeperTest, NothingIsStoredOfNothing) {
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(RunKeeperTest, ARunIsStoredWhenItsProcessHasEnded) {
  one(1);
  EXPECT_THAT(stored(), ElementsAre(ElementsAre("1")));
  EXPECT_EQ(keeper().counts().stored, 1u);
  EXPECT_EQ(keeper().counts().waiting, 0u);
}

TEST_F(RunKeeperTest, AProcessThatIsNotRecordedLeavesNothing) {
  born(1, "a");
  ends(1);
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(RunKeeperTest, ATreeIsStoredOnceWhenTheLastOfItHasEnded) {
  born(1, "a");
  born(2, "a");
  recorded("1-1", "a");
  ends(1);
  EXPECT_EQ(keeper().counts().waiting + keeper().counts().stored, 0u);
  recorded("2-1", "a");
  ends(2);
  EXPECT_THAT(stored(), ElementsAre(ElementsAre("1-1", "2-1")));
}

TEST_F(RunKeeperTest, RunsBesideEachOtherDoNotMix) {
  born(1, "a");
  born(2, "b");
  recorded("2-1", "b");
  ends(2);
  recorded("1-1", "a");
  ends(1);
  EXPECT_THAT(stored(), ElementsAre(ElementsAre("2-1"), ElementsAre("1-1")));
}

TEST_F(RunKeeperTest, ARecordingThatWasStoppedBelongsToItsRun) {
  born(1, "a");
  recorded("1-1", "a");
  recorded("1-2", "a");
  ends(1);
  EXPECT_THAT(stored(), ElementsAre(ElementsAre("1-1", "1-2")));
}

TEST_F(RunKeeperTest, WhatEndedUnseenIsStoredAtTheEnd) {
  born(1, "a");
  recorded("1-1", "a");
  EXPECT_THAT(stored(), ElementsAre(ElementsAre("1-1")));
}

TEST_F(RunKeeperTest, AProcessThatEndsTwiceOrWasNeverBornChangesNothing) {
  ends(7);
  one(1);
  ends(1);
  EXPECT_THAT(stored(), SizeIs(1));
}

TEST_F(RunKeeperTest, WhatCannotBeStoredIsCounted) {
  fail();
  one(1);
  EXPECT_THAT(stored(), SizeIs(1));
  EXPECT_EQ(keeper().counts().stored, 0u);
  EXPECT_EQ(keeper().counts().not_stored, 1u);
}

TEST_F(RunKeeperTest, AFullQueueLeavesRunsOutAndSaysSoOnce) {
  hold();
  // One is being stored or waits, too.
  const std::uint64_t many = RunKeeper::kMaxWaiting + 10;
  for (std::uint64_t pid = 1; pid <= many; ++pid) one(pid);
  const std::uint64_t left_out = keeper().counts().not_stored;
  EXPECT_GE(left_out, 9u);
  EXPECT_LE(left_out, 10u);
  release();
  EXPECT_THAT(stored(), SizeIs(many - left_out));
  EXPECT_EQ(keeper().counts().stored, many - left_out);
  ASSERT_THAT(log(), SizeIs(1));
  EXPECT_THAT(log().front(), HasSubstr("agdb runs rebuild"));
}

TEST_F(RunKeeperTest, WhenNoRunWaitsTheStoreIsTidied) {
  untidy(3);
  one(1);
  wait_for_tidying();
  EXPECT_THAT(stored(), SizeIs(1));
}

TEST_F(RunKeeperTest, ARunOfTooManyRecordingsIsLeftOut) {
  born(1, "a");
  for (std::size_t i = 0; i <= RunKeeper::kMaxRecordings; ++i) recorded("1-1", "a");
  ends(1);
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(keeper().counts().not_stored, 1u);
  ASSERT_THAT(log(), SizeIs(1));
  EXPECT_THAT(log().front(), HasSubstr("more than 100000 recordings"));
}

TEST_F(RunKeeperTest, WhatEndsAfterTheEndIsLeftOut) {
  keeper().close();
  one(1);
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(keeper().counts().not_stored, 1u);
}

}  // namespace
}  // namespace agdb
