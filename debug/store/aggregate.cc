#include "debug/store/aggregate.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "debug/store/totals.h"

namespace agdb {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The place, from 1, of a percentile among so many values.
std::int64_t rank_of(std::int64_t percent, std::int64_t count) {
  return std::max<std::int64_t>((percent * count + 99) / 100, 1);
}

// REQUIRES: 1 <= rank <= values.size().
std::int64_t value_at(std::vector<std::int64_t>& values, std::int64_t rank) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The latency at any rank, by way of the counts of the classes: only a class that is asked for is
// fetched, and once.
class RankedLatencies {
 public:
  RankedLatencies(Database& database, std::map<int, std::int64_t> classes)
      : database_(database), classes_(std::move(classes)) {}

  Result<std::int64_t> at(std::int64_t rank) {
    for (const auto& [number, count] : classes_) {
      if (rank > count) {
        rank -= count;
        continue;
      }
      AGDB_CHECK_OK(fetch(number));
      const auto found = static_cast<std::int64_t>(latencies_.size());
      if (rank > found) break;
      return value_at(latencies_, rank);
    }
    return fail(Code::kCorrupt, "the store's counts of latencies are not those of its traces",
                "`agdb runs rebuild` makes the store again from the recordings");
  }

 private:
  Status fetch(int number) {
    if (fetched_ == number) return {};
    latencies_.clear();
    fetched_ = number;
    AGDB_TRY(Query query, database_.query("SELECT latency_ms FROM runs INDEXED BY runs_by_latency "
                                          "WHERE latency_class = ?"));
    query.bind(number);
    for (;;) {
      AGDB_TRY(const bool row, query.step());
      if (!row) return {};
      latencies_.push_back(query.integer(0));
    }
  }

  Database& database_;
  const std::map<int, std::int64_t> classes_;
  std::optional<int> fetched_;
  std::vector<std::int64_t> latencies_;
};

struct Flow {
  std::int64_t count = 0;
  std::int64_t latency_ms = 0;
  std::int64_t with_errors = 0;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// One pass over the traces of a window.
struct Window {
  std::vector<std::int64_t> latencies;
  std::int64_t latency_ms = 0;
  std::int64_t with_errors = 0;
  std::int64_t tokens = 0;
  std::int64_t steps = 0;
  std::unordered_map<std::string, Flow, TextHash, std::equal_to<>> flows;

  void take(const Query& row) {
    const std::int64_t latency = row.integer(1);
    const std::int64_t failed = row.integer(2) > 0 ? 1 : 0;
    latencies.push_back(latency);
    latency_ms += latency;
    with_errors += failed;
    tokens += row.integer(3) + row.integer(4);
    steps += row.integer(5);
    const std::string_view name = row.text(0);
    auto flow = flows.find(name);
    if (flow == flows.end()) flow = flows.emplace(std::string(name), Flow{}).first;
    ++flow->second.count;
    flow->second.latency_ms += latency;
    flow->second.with_errors += failed;
  }
};

std::vector<FlowAggregate> in_order(const Window& window) {
  std::vector<FlowAggregate> flows;
  flows.reserve(window.flows.size());
  for (const auto& [name, flow] : window.flows)
    flows.push_back({.flow_name = name,
                     .count = flow.count,
                     .avg_latency_ms = share(flow.latency_ms, flow.count),
                     .with_errors = flow.with_errors});
  std::ranges::sort(flows, [](const FlowAggregate& a, const FlowAggregate& b) {
    return a.count != b.count ? a.count > b.count : a.flow_name < b.flow_name;
  });
  return flows;
}

RunAggregate summed_up(Window& window) {
  RunAggregate sum;
  sum.count = static_cast<std::int64_t>(window.latencies.size());
  if (sum.count == 0) return sum;
  sum.error_rate = share(window.with_errors, sum.count);
  sum.avg_latency_ms = share(window.latency_ms, sum.count);
  const auto [least, most] = std::ranges::minmax(window.latencies);
  sum.min_latency_ms = least;
  sum.max_latency_ms = most;
  sum.p50_latency_ms = value_at(window.latencies, rank_of(50, sum.count));
  sum.p95_latency_ms = value_at(window.latencies, rank_of(95, sum.count));
  sum.p99_latency_ms = value_at(window.latencies, rank_of(99, sum.count));
  sum.total_tokens = window.tokens;
  sum.avg_steps = share(window.steps, sum.count);
  sum.flows = in_order(window);
  return sum;
}

}  // namespace

Result<RunAggregate> aggregate_all(Database& database) {
  AGDB_TRY(const StoreStats stats, read_stats(database));
  const RunSums& live = stats.buffered;
  RunAggregate sum;
  sum.count = live.count;
  if (sum.count == 0) return sum;
  sum.error_rate = share(live.with_errors, live.count);
  sum.avg_latency_ms = stats.avg_latency_ms();
  sum.max_latency_ms = live.max_latency_ms;
  sum.total_tokens = live.tokens_input + live.tokens_output;
  sum.avg_steps = share(live.steps, live.count);
  AGDB_TRY(auto classes, read_latency_classes(database));
  RankedLatencies latencies(database, std::move(classes));
  AGDB_TRY(sum.min_latency_ms, latencies.at(1));
  AGDB_TRY(sum.p50_latency_ms, latencies.at(rank_of(50, sum.count)));
  AGDB_TRY(sum.p95_latency_ms, latencies.at(rank_of(95, sum.count)));
  AGDB_TRY(sum.p99_latency_ms, latencies.at(rank_of(99, sum.count)));
  AGDB_TRY(sum.flows, read_flows(database));
  return sum;
}

Result<RunAggregate> aggregate_since(Database& database, std::int64_t since) {
  AGDB_TRY(Query query,
           database.query("SELECT flow_name, latency_ms, errors, tokens_input, tokens_output, "
                          "steps_executed FROM runs INDEXED BY runs_by_time "
                          "WHERE timestamp >= ?"));
  query.bind(since);
  Window window;
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return summed_up(window);
    window.take(query);
  }
}

}  // namespace agdb
