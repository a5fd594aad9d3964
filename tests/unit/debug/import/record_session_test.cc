#include "debug/import/record_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>

#include "debug/record/records_dir.h"
#include "tests/unit/debug/import/session_maker.h"

namespace agdb {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Takes so many changes of that kind; from then on none.
class WearyDisk final : public FileSystem {
 public:
  int make_dir(const std::string& path, unsigned mode) override {
    return make_dirs-- > 0 ? FileSystem::make_dir(path, mode) : -ENOSPC;
  }
  int rename(const std::string& from, const std::string& to) override {
    if (renames-- <= 0) return -ENOSPC;
    renamed.push_back(to);
    return FileSystem::rename(from, to);
  }

  std::int64_t make_dirs = 1000;
  std::int64_t renames = 1000;
  std::vector<std::string> renamed;
};

std::string new_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "agdb-import-XXXXXX").string();
  const char* const made = ::mkdtemp(path.data());
  AGDB_ASSERT(made != nullptr, path);
  return path;
}

// A root and so many sub-agents.
SessionRun run_of(std::size_t sub_agents) {
  SessionRun run;
  for (std::size_t i = 0; i <= sub_agents; ++i) {
    SessionProcess& process = run.processes.emplace_back();
    process.items.emplace_back(says("user", "go on"));
    if (i > 0) process.parent = 0;
  }
  return run;
}

class ImportRecorderTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ImportRecorder> recorder() {
    RecordingOptions options;
    options.records_dir = folder_;
    options.source = RecordingSource{.name = "log.json", .format = "otlp", .hash = "12"};
    return std::make_unique<ImportRecorder>(
        disk_, std::move(options), [this](const std::string& line) { logged_.push_back(line); });
  }
  // The status of each recording's process.
  std::vector<std::pair<std::uint64_t, std::string>> statuses() {
    std::vector<std::pair<std::uint64_t, std::string>> found;
    const auto list = list_recordings(folder_);
    EXPECT_TRUE(list);
    for (const ListedRecording& each : list->recordings)
      found.emplace_back(raw(each.metadata.pid), each.metadata.status);
    return found;
  }

  const std::string folder_ = new_folder();
  WearyDisk disk_;
  std::vector<std::string> logged_;
};

TEST_F(ImportRecorderTest, TheFirstRootIsCompletedLast) {
  const auto import = recorder();
  const auto first = import->record(run_of(2));
  ASSERT_TRUE(first);
  EXPECT_THAT(statuses(), UnorderedElementsAre(Pair(1, "recording"), Pair(2, "completed"),
                                               Pair(3, "completed")));
  ASSERT_TRUE(import->record(run_of(1)));
  EXPECT_THAT(statuses(),
              UnorderedElementsAre(Pair(1, "recording"), Pair(2, "completed"), Pair(3, "completed"),
                                   Pair(4, "completed"), Pair(5, "completed")));
  ASSERT_TRUE(import->finish());
  EXPECT_THAT(disk_.renamed.back(), EndsWith(first->record_ids.front() + "/metadata.json"));
  EXPECT_THAT(statuses(), Contains(Pair(1, "completed")));
  EXPECT_THAT(logged_, IsEmpty());
}

TEST_F(ImportRecorderTest, AllEventsAreCounted) {
  const auto import = recorder();
  const auto recorded = import->record(run_of(1));
  ASSERT_TRUE(recorded && import->finish());
  const Result<RecordingList> list = list_recordings(folder_);
  ASSERT_TRUE(list);
  std::uint64_t events = 0;
  for (const ListedRecording& each : list->recordings) events += each.metadata.event_count;
  EXPECT_GT(events, 0);
  EXPECT_EQ(recorded->events, events);
}

TEST_F(ImportRecorderTest, EachProcessIsTold) {
  int told = 0;
  ASSERT_TRUE(recorder()->record(run_of(3), [&] { ++told; }));
  EXPECT_EQ(told, 4);
}

TEST_F(ImportRecorderTest, WithoutItsEndAnImportIsNotComplete) {
  ASSERT_TRUE(recorder()->record(run_of(1)));
  EXPECT_THAT(statuses(), UnorderedElementsAre(Pair(1, "stopped"), Pair(2, "completed")));
}

TEST_F(ImportRecorderTest, WithoutRunsThereIsNothingToDo) {
  EXPECT_TRUE(recorder()->finish());
  EXPECT_THAT(statuses(), IsEmpty());
}

TEST_F(ImportRecorderTest, AProcessThatCannotBeRecordedLeavesItIncomplete) {
  disk_.make_dirs = 2;
  const auto import = recorder();
  const auto recorded = import->record(run_of(3));
  ASSERT_FALSE(recorded);
  EXPECT_THAT(recorded.error().message,
              HasSubstr("2 of 4 processes of log.json could not be recorded"));
  EXPECT_THAT(statuses(), UnorderedElementsAre(Pair(1, "stopped"), Pair(2, "completed")));
}

TEST_F(ImportRecorderTest, AnEndThatCannotBeWrittenLeavesItIncomplete) {
  const auto import = recorder();
  ASSERT_TRUE(import->record(run_of(0)));
  disk_.renames = 2;  // the second run's: two that begin
  const auto second = import->record(run_of(1));
  ASSERT_FALSE(second);
  EXPECT_THAT(statuses(), testing::Not(Contains(Pair(1, "completed"))));
}

TEST_F(ImportRecorderTest, ASealThatCannotBeWrittenIsAnError) {
  const auto import = recorder();
  ASSERT_TRUE(import->record(run_of(1)));
  disk_.renames = 0;
  const Status finished = import->finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message,
              HasSubstr("1 of 2 recordings of log.json could not be completed"));
  EXPECT_THAT(statuses(), UnorderedElementsAre(Pair(1, "interrupted"), Pair(2, "completed")));
}

}  // namespace
}  // namespace agdb
