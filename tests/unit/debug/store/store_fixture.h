#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/store/trace_store.h"

namespace agdb {

// A clock that stands still until it is told otherwise.
class SetClock final : public Clock {
 public:
  Nanoseconds now() const override { return passed; }
  WallTime wall() const override { return WallTime(std::chrono::seconds(seconds)); }

  std::int64_t seconds = 1'700'000'000;
  Nanoseconds passed{0};
};

// A store in a folder that goes when the test ends.
class StoreTest : public testing::Test {
 protected:
  StoreTest();
  ~StoreTest() override;

  const std::string& path() const { return path_; }
  Result<TraceStore> try_open(const StoreOptions& options = {}) const {
    return TraceStore::open(path_, clock, options);
  }
  // A failure to open ends the program: the test has no sense then.
  TraceStore open(const StoreOptions& options = {}) const;

  // Runs `work` in a process of its own; the exit code is 0 where it answers true.
  template <typename Work>
  static pid_t in_child(const Work& work) {
    return start_child([&] { return work() ? 0 : 1; });
  }
  static bool ended_well(pid_t child);

  SetClock clock;

 private:
  static pid_t start_child(const std::function<int()>& work);

  std::string folder_;
  std::string path_;
};

RunTrace a_run(std::string flow, RunStatus status = RunStatus::kSuccess,
               std::int64_t latency_ms = 100);
std::vector<std::uint64_t> ids_of(const std::vector<RunSummary>& runs);
// Of an answer that must be there.
std::vector<std::uint64_t> ids_of(const Result<std::vector<RunSummary>>& runs);
std::string message_of(const Error& error);

// Everything that is wrong with the sums of a store, looked at trace by trace.
std::string wrong_sums_of(const TraceStore& store);

}  // namespace agdb
