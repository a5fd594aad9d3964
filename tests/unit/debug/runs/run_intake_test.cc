#include "debug/runs/run_intake.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "debug/record/recording_manager.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string new_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "agdb-intake-XXXXXX").string();
  const char* const made = ::mkdtemp(path.data());
  AGDB_ASSERT(made != nullptr, path);
  return path;
}

// Recorded runs, a store beside them, and who brings the ones into the other.
class RunIntakeTest : public testing::Test {
 protected:
  ~RunIntakeTest() override { std::filesystem::remove_all(folder_); }

  std::string records() const { return folder_ + "/.agdb/records"; }
  // Answers the record id.
  std::string recorded(std::uint64_t pid, const std::string& intent, bool ends = true) {
    ProcessStart start{.intent = intent, .run_id = "run of " + intent};
    start.wall_start = WallTime(std::chrono::seconds(1'700'000'000 + pid));
    manager_.on_event({.pid = Pid{pid}, .n = 0, .payload = std::move(start)});
    std::string id = manager_.record_id(Pid{pid}).value_or("");
    if (ends) manager_.on_event({.pid = Pid{pid}, .n = 0, .payload = ProcessEnd{"completed", 0}});
    return id;
  }
  void damage_store() { std::ofstream(store_path(records())) << "this is no store"; }
  RunIntake intake() {
    return {records(), clock_, [this](const std::string& line) { told_.push_back(line); }};
  }
  TraceStore store() { return *TraceStore::open(store_path(records()), clock_); }
  std::vector<std::string> flows() {
    const Result<std::vector<RunSummary>> runs = store().recent({});
    std::vector<std::string> flows;
    for (const RunSummary& run : *runs) flows.push_back(run.flow_name);
    return flows;
  }
  void tidy_all(RunIntake& intake) {
    while (intake.tidy()) {
    }
  }

  std::vector<std::string> told_;

 private:
  const std::string folder_ = new_folder();
  FileSystem files_;
  const RealClock clock_;
  RecordingManager manager_{files_, clock_, {.records_dir = records()}, [](const auto&) {}};
};

TEST_F(RunIntakeTest, TakesInTheRunsThatItIsToldOf) {
  const std::string one = recorded(1, "one");
  recorded(2, "two");
  RunIntake taking = intake();
  EXPECT_TRUE(taking.take({one}));
  EXPECT_THAT(flows(), ElementsAre("one"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(RunIntakeTest, MakesNoStoreWhereThereIsNothingToKeep) {
  RunIntake idle = intake();
  EXPECT_FALSE(idle.tidy());
  EXPECT_FALSE(std::filesystem::exists(store_path(records())));
}

TEST_F(RunIntakeTest, FillsAStoreThatWasBegunAnew) {
  EXPECT_TRUE(intake().take({recorded(1, "one"), recorded(2, "two")}));
  damage_store();
  RunIntake filling = intake();
  tidy_all(filling);
  EXPECT_THAT(flows(), ElementsAre("two", "one"));
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_THAT(told_.front(), HasSubstr("corrupt-1"));
  EXPECT_THAT(told_.back(), HasSubstr("filled again from 2 recorded runs"));
  EXPECT_EQ(store().lacks_recorded_runs(), false);
}

TEST_F(RunIntakeTest, RunsThatEndMeanwhileDoNotWaitForTheFilling) {
  EXPECT_TRUE(intake().take({recorded(1, "one"), recorded(2, "two")}));
  damage_store();
  RunIntake filling = intake();
  EXPECT_TRUE(filling.take({recorded(3, "three")}));
  EXPECT_THAT(flows(), ElementsAre("three"));
  EXPECT_EQ(store().lacks_recorded_runs(), true);
  tidy_all(filling);
  EXPECT_THAT(flows(), testing::UnorderedElementsAre("one", "two", "three"));
}

TEST_F(RunIntakeTest, AFillingThatWasBrokenOffIsBegunAgain) {
  EXPECT_TRUE(intake().take({recorded(1, "one"), recorded(2, "two")}));
  damage_store();
  EXPECT_TRUE(intake().tidy());
  EXPECT_THAT(flows(), ElementsAre("one"));
  RunIntake again = intake();
  tidy_all(again);
  EXPECT_THAT(flows(), ElementsAre("two", "one"));
}

TEST_F(RunIntakeTest, WhatCannotBeReadIsToldAndGoneOver) {
  const std::string one = recorded(1, "one");
  EXPECT_TRUE(intake().take({one, recorded(2, "two"), recorded(3, "three", false)}));
  damage_store();
  std::filesystem::resize_file(records() + "/" + one + "/metadata.json", 5);
  RunIntake filling = intake();
  tidy_all(filling);
  EXPECT_THAT(flows(), ElementsAre("two"));
  EXPECT_THAT(told_, testing::Contains(HasSubstr(one)));
}

}  // namespace
}  // namespace agdb
