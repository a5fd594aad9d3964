#include "debug/runs/run_of_recordings.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <map>

#include "debug/record/recording_manager.h"

namespace agdb {
namespace {

using testing::SizeIs;

constexpr WallTime kStart = WallTime(std::chrono::seconds(1'700'000'000));

Event at(Pid pid, std::uint64_t n, std::int64_t ms, Event::Payload payload) {
  return {.pid = pid,
          .n = n,
          .timestamp = std::chrono::milliseconds(ms),
          .payload = std::move(payload)};
}

Syscall call(std::string name, Json args = {}, Json result = {}, std::string err = {}) {
  return {.name = std::move(name),
          .args = std::move(args),
          .result = std::move(result),
          .err = std::move(err),
          .duration = std::chrono::milliseconds(5)};
}

LlmResponse answer(std::int64_t request, std::int64_t response, std::string error = {}) {
  return {.model = "m-1",
          .request_tokens = request,
          .response_tokens = response,
          .error = std::move(error)};
}

// Gone at the end of the test.
class TempFolder {
 public:
  TempFolder() : path_((std::filesystem::temp_directory_path() / "agdb-runs-XXXXXX").string()) {
    AGDB_ASSERT(::mkdtemp(path_.data()) != nullptr, path_);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Recordings made of events, and what becomes of them.
class RunOfRecordings : public testing::Test {
 protected:
  RunOfRecordings() : manager_(files_, clock_, {.records_dir = records()}, [](const auto&) {}) {}

  std::string records() const { return temp_ / ".agdb/records"; }
  void start(Pid pid, Pid parent, std::string intent, std::int64_t after_ms = 0) {
    ProcessStart start{.intent = std::move(intent), .parent = parent, .run_id = "run-1"};
    start.trace_id = "0123456789abcdef0123456789abcdef";
    start.wall_start = kStart + std::chrono::milliseconds(after_ms);
    manager_.on_event(at(pid, 0, 0, std::move(start)));
  }
  void happens(Pid pid, std::int64_t ms, Event::Payload payload) {
    manager_.on_event(at(pid, ++n_[pid], ms, std::move(payload)));
  }
  void end(Pid pid, std::string reason) {
    manager_.on_event(at(pid, 0, 0, ProcessEnd{std::move(reason), n_[pid]}));
  }
  // Of the one run that was recorded.
  RunTrace trace() {
    EXPECT_TRUE(manager_.close_all());
    Result<RecordingList> list = list_recordings(records());
    const std::vector<RecordedParts> runs = by_run(std::move(list->recordings));
    EXPECT_THAT(runs, SizeIs(1));
    Result<TraceStore> store = TraceStore::open(store_path(records()), clock_);
    Result<RunTrace> trace = run_trace_of(runs.front(), *store, records());
    EXPECT_TRUE(trace) << trace.error().message;
    return *std::move(trace);
  }

  const Pid root_{1};
  const Pid child_{2};

 private:
  const TempFolder temp_;
  FileSystem files_;
  const RealClock clock_;
  RecordingManager manager_;
  std::map<Pid, std::uint64_t> n_;
};

TEST_F(RunOfRecordings, AnEmptyRunIsASuccessOfNoTime) {
  start(root_, kRuntimePid, "do nothing");
  end(root_, "completed");
  const RunTrace run = trace();
  EXPECT_EQ(run.flow_name, "do nothing");
  EXPECT_EQ(run.status, RunStatus::kSuccess);
  EXPECT_EQ(run.latency_ms, 0);
  EXPECT_EQ(run.timestamp, 1'700'000'000);
  EXPECT_EQ(run.run_id, "run-1");
  EXPECT_EQ(run.trace_id, "0123456789abcdef0123456789abcdef");
  EXPECT_FALSE(run.record_id.empty());
}

TEST_F(RunOfRecordings, SumsUpAllProcesses) {
  start(root_, kRuntimePid, "research\nin three parts");
  happens(root_, 10,
          call("Open", Json::object({{"path", "/dev/llm/prov"}, {"flags", 2}}),
               Json::object({{"fd", 3}})));
  happens(root_, 100, answer(1000, 50));
  happens(root_, 200,
          call("Spawn", Json::object({{"intent", "look up"}}), Json::object({{"pid", 2}})));
  start(child_, root_, "look up", 200);
  // Its birth stands in both recordings.
  happens(child_, 0, call("Spawn", Json::object({{"intent", "look up"}}), raw(child_)));
  LlmResponse retried = answer(300, 7);
  retried.attempt_starts = {Nanoseconds(1), Nanoseconds(2), Nanoseconds(3)};
  happens(child_, 50, retried);
  happens(child_, 4000, call("Read", Json::object({{"fd", 9}}), {}, "no such file: x"));
  end(child_, "completed");
  end(root_, "completed_with_tool_errors");
  const RunTrace run = trace();
  EXPECT_EQ(run.flow_name, "research");
  EXPECT_EQ(run.status, RunStatus::kPartial);
  EXPECT_EQ(run.steps_executed, 2);
  EXPECT_EQ(run.tokens_input, 1300);
  EXPECT_EQ(run.tokens_output, 57);
  EXPECT_EQ(run.retries, 2);
  EXPECT_EQ(run.errors, 1);
  EXPECT_EQ(run.backend, "prov/m-1");
  EXPECT_EQ(run.latency_ms, 4205);
  ASSERT_THAT(run.events, SizeIs(2));
  EXPECT_EQ(run.events[0], (RunEvent{"spawn", 200, "", "look up"}));
  EXPECT_EQ(run.events[1], (RunEvent{"error", 4200, "Read", "no such file: x"}));
}

TEST_F(RunOfRecordings, AFailureToldTwiceCountsOnce) {
  start(root_, kRuntimePid, "fail");
  happens(root_, 1, answer(0, 0, "overloaded"));
  happens(root_, 2, call("Read", Json::object({{"fd", 3}}), {}, "overloaded"));
  happens(root_, 3, call("ReasonStep", Json::object({{"step", 1}}), {}, "overloaded"));
  happens(root_, 4, call("Read", Json::object({{"fd", 3}}), {}, "overloaded"));
  happens(root_, 5, call("Read", Json::object({{"fd", 3}}), {}, "overloaded"));
  end(root_, "llm read failed");
  const RunTrace run = trace();
  EXPECT_EQ(run.errors, 3);
  EXPECT_EQ(run.status, RunStatus::kFailed);
}

TEST_F(RunOfRecordings, TwoToolsThatFailAlikeCountTwice) {
  start(root_, kRuntimePid, "fail");
  happens(root_, 1, call("Grep", {}, {}, "no such folder"));
  happens(root_, 2, call("Glob", {}, {}, "no such folder"));
  happens(root_, 3, call("Grep", {}, {}, "no such folder"));
  end(root_, "completed_with_tool_errors");
  EXPECT_EQ(trace().errors, 3);
}

TEST_F(RunOfRecordings, ALongIntentIsCut) {
  start(root_, kRuntimePid, "  \n" + std::string(300, 'x'));
  end(root_, "completed");
  EXPECT_EQ(trace().flow_name, std::string(120, 'x') + "...");
}

TEST_F(RunOfRecordings, WhatWasStoppedIsPartial) {
  start(root_, kRuntimePid, "go on for ever");
  EXPECT_EQ(trace().status, RunStatus::kPartial);
}

TEST(StorePath, IsBesideTheRecordsOrAmongThem) {
  EXPECT_EQ(store_path("/home/ann/.agdb/records"), "/home/ann/.agdb/store.db");
  EXPECT_EQ(store_path("/home/ann/.agdb/records/"), "/home/ann/.agdb/store.db");
  EXPECT_EQ(store_path("/tmp/elsewhere"), "/tmp/elsewhere/store.db");
}

}  // namespace
}  // namespace agdb
