#include "debug/runs/run_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace agdb {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::size_t kHeld = 10'000;  // beyond the page, between two looks at which are the best

constexpr std::pair<std::string_view, RunSort> kNames[] = {
    {"id", RunSort::kId},         {"time", RunSort::kTime},     {"latency", RunSort::kLatency},
    {"tokens", RunSort::kTokens}, {"errors", RunSort::kErrors}, {"retries", RunSort::kRetries},
    {"steps", RunSort::kSteps},
};

std::int64_t value_of(const RunSummary& run, RunSort sort) {
  switch (sort) {
    case RunSort::kId:
      return static_cast<std::int64_t>(raw(run.id));
    case RunSort::kTime:
      return run.timestamp;
    case RunSort::kLatency:
      return run.latency_ms;
    case RunSort::kTokens:
      return run.tokens_input + run.tokens_output;
    case RunSort::kErrors:
      return run.errors;
    case RunSort::kRetries:
      return run.retries;
    case RunSort::kSteps:
      return run.steps_executed;
  }
  return 0;
}

}  // namespace

std::optional<RunSort> run_sort_of(std::string_view name) {
  for (const auto& [known, sort] : kNames)
    if (known == name) return sort;
  return std::nullopt;
}

std::vector<std::string> run_sort_names() {
  std::vector<std::string> names;
  for (const auto& [name, sort] : kNames) names.emplace_back(name);
  return names;
}

Result<std::vector<RunSummary>> list_sorted(const TraceStore& store, const RunPage& page,
                                            const RunFilter& filter, RunSort sort) {
  if (sort == RunSort::kId) return store.recent(page, filter);
  const auto before = [sort](const RunSummary& a, const RunSummary& b) {
    const std::int64_t first = value_of(a, sort);
    const std::int64_t second = value_of(b, sort);
    return first != second ? first > second : a.id > b.id;
  };
  std::vector<RunSummary> best;
  const auto keep_best = [&] {
    std::ranges::sort(best, before);
    best.resize(std::min<std::size_t>(best.size(), page.limit));
  };
  RunPage next{.limit = kPage, .before = page.before};
  for (;;) {
    AGDB_TRY(std::vector<RunSummary> more, store.recent(next, filter));
    if (more.empty()) break;
    next.before = more.back().id;
    std::ranges::move(more, std::back_inserter(best));
    if (best.size() > page.limit + kHeld) keep_best();
  }
  keep_best();
  return best;
}

}  // namespace agdb
