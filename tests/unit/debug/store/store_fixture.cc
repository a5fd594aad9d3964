#include "store_fixture.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace agdb {

StoreTest::StoreTest() {
  std::string folder = (std::filesystem::temp_directory_path() / "agdb-store-XXXXXX").string();
  AGDB_ASSERT(::mkdtemp(folder.data()) != nullptr, folder);
  folder_ = folder;
  path_ = folder_ + "/.agdb/store.db";
}

StoreTest::~StoreTest() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TraceStore StoreTest::open(const StoreOptions& options) const {
  Result<TraceStore> store = try_open(options);
  AGDB_ASSERT(store, store.error().message);
  return *std::move(store);
}

pid_t StoreTest::start_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  AGDB_ASSERT(child >= 0, "fork");
  if (child == 0) ::_exit(work());
  return child;
}

bool StoreTest::ended_well(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

RunTrace a_run(std::string flow, RunStatus status, std::int64_t latency_ms) {
  RunTrace run;
  run.flow_name = std::move(flow);
  run.status = status;
  run.latency_ms = latency_ms;
  run.errors = status == RunStatus::kSuccess ? 0 : 1;
  return run;
}

std::vector<std::uint64_t> ids_of(const std::vector<RunSummary>& runs) {
  std::vector<std::uint64_t> ids;
  for (const RunSummary& run : runs) ids.push_back(raw(run.id));
  return ids;
}

std::vector<std::uint64_t> ids_of(const Result<std::vector<RunSummary>>& runs) {
  EXPECT_TRUE(runs) << (runs ? "" : runs.error().message);
  return runs ? ids_of(*runs) : std::vector<std::uint64_t>{};
}

std::string message_of(const Error& error) {
  return error.message + "; " + error.hint;
}

std::string wrong_sums_of(const TraceStore& store) {
  RunSums sums;
  std::map<std::string, std::int64_t> flows;
  std::map<std::string, std::int64_t> statuses;
  const Status read = store.for_each({}, [&](const RunTrace& run) {
    ++sums.count;
    sums.with_errors += run.errors > 0 ? 1 : 0;
    sums.latency_ms += run.latency_ms;
    sums.max_latency_ms = std::max(sums.max_latency_ms, run.latency_ms);
    sums.steps += run.steps_executed;
    sums.tokens_input += run.tokens_input;
    sums.tokens_output += run.tokens_output;
    sums.anchor_checks += run.anchor_checks;
    sums.anchor_breaches += run.anchor_breaches;
    sums.errors += run.errors;
    sums.retries += run.retries;
    ++flows[run.flow_name];
    ++statuses[std::string(run_status_name(run.status))];
    return true;
  });
  if (!read) return read.error().message;
  const Result<StoreStats> stats = store.stats();
  if (!stats) return stats.error().message;
  if (stats->buffered != sums)
    return fmt::format("kept: {} traces, {} ms, most {}; there: {}, {}, {}", stats->buffered.count,
                       stats->buffered.latency_ms, stats->buffered.max_latency_ms, sums.count,
                       sums.latency_ms, sums.max_latency_ms);
  if (stats->by_status != statuses) return "the counts by status are wrong";
  const Result<RunAggregate> all = store.aggregate(0);
  if (!all) return all.error().message;
  if (all->flows.size() != flows.size()) return "the flows are wrong";
  for (const FlowAggregate& flow : all->flows)
    if (flows[flow.flow_name] != flow.count) return "the count of a flow is wrong";
  return {};
}

}  // namespace agdb
