#include <fmt/format.h>

#include <random>

#include "model_store.h"
#include "store_fixture.h"

namespace agdb {
namespace {

// Everything that can be done to a store, in any order, does the same to the model.
class RandomStore : public StoreTest, public testing::WithParamInterface<unsigned> {
 protected:
  RandomStore() : random_(GetParam()), store_(open(options_)), model_(clock, options_) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T>
  T one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  RunTrace some_run() {
    RunTrace run;
    run.flow_name = one_of<std::string>({"", "Deploy docs", "deploy \"site\"", "fix bug 7", "Ä b"});
    run.status = kRunStatuses[below(4)];
    run.client_key = one_of<std::string>({"", "ann", "BOB"});
    run.backend = one_of<std::string>({"", "prov/model-1", "prov/model-2"});
    run.latency_ms = one_of<std::int64_t>({0, 1, 7, 8, 63, 64, 1000, kMaxRunNumber});
    if (one_in(2)) run.latency_ms = static_cast<std::int64_t>(below(3000));
    run.errors = one_in(3) ? static_cast<std::int64_t>(below(4)) : 0;
    run.retries = static_cast<std::int64_t>(below(3));
    run.steps_executed = static_cast<std::int64_t>(below(9));
    run.tokens_input = static_cast<std::int64_t>(below(9999));
    run.tokens_output = static_cast<std::int64_t>(below(999));
    run.anchor_checks = static_cast<std::int64_t>(below(5));
    if (one_in(4)) run.timestamp = clock.seconds - static_cast<std::int64_t>(below(500));
    if (one_in(4)) run.correlation_id = one_of<std::string>({"req-1", "req-2"});
    for (std::size_t i = below(7); i > 0; --i)
      run.events.push_back({.event_type = "step",
                            .offset_ms = static_cast<std::int64_t>(below(100)),
                            .step_name = one_of<std::string>({"", "plan", "Read file"}),
                            .detail = one_of<std::string>({"", "ok", "no such FILE: a%b_c"})});
    return run;
  }

  StoredId some_id() { return StoredId{1 + below(ids_ + 3)}; }
  std::vector<StoredId> some_ids() {
    std::vector<StoredId> ids;
    for (std::size_t i = below(6); i > 0; --i) ids.push_back(some_id());
    return ids;
  }
  RunAnnotation some_note() {
    return {.author = "eve",
            .text = one_of<std::string>({"look here", "SLOW again", ""}),
            .tags = one_in(2) ? std::vector<std::string>{one_of<std::string>({"bug", "cost"})}
                              : std::vector<std::string>{"bug", "bug"}};
  }
  RunFilter some_filter() {
    RunFilter filter;
    if (one_in(3)) filter.flow_name = one_of<std::string>({"", "Deploy docs", "fix bug 7", "none"});
    if (one_in(3)) filter.status = kRunStatuses[below(4)];
    if (one_in(3)) filter.client_key = one_of<std::string>({"", "ann", "bob"});
    if (one_in(3)) filter.min_latency_ms = one_of<std::int64_t>({0, 1, 8, 64, 500, 100'000});
    if (one_in(3)) filter.has_errors = one_in(2);
    if (one_in(4)) filter.tag = one_of<std::string>({"bug", "cost", "none"});
    if (one_in(5)) filter.since = clock.seconds - static_cast<std::int64_t>(below(300));
    if (one_in(5)) filter.until = clock.seconds - static_cast<std::int64_t>(below(300));
    return filter;
  }

  void change() {
    switch (below(14)) {
      case 0:
        EXPECT_EQ(store_.reserve_id(), model_.reserve());
        ++ids_;
        break;
      case 1: {
        const StoredId id = some_id();
        const RunTrace run = some_run();
        EXPECT_EQ(store_.record_with_id(run, id).has_value(), model_.record_with_id(run, id));
        break;
      }
      case 2: {
        const auto ids = some_ids();
        const RunAnnotation note = some_note();
        EXPECT_EQ(store_.bulk_annotate(ids, note), model_.annotate(ids, note));
        break;
      }
      case 3: {
        const StoredId id = some_id();
        EXPECT_EQ(store_.set_correlation(id, "req-2").has_value(), model_.correlate(id, "req-2"));
        break;
      }
      case 4: {
        const auto ids = some_ids();
        const Result<std::size_t> done = store_.bulk_delete(ids);
        EXPECT_EQ(done, model_.erase(ids));
        break;
      }
      case 5:
        clock.seconds += static_cast<std::int64_t>(below(60));
        break;
      case 6:
        change_age();
        break;
      default:
        record_some();
    }
  }

  void change_age() {
    if (one_in(12)) {
      EXPECT_TRUE(store_.clear());
      model_.clear();
      return;
    }
    const std::int64_t age = one_of<std::int64_t>({0, 400, 200});
    EXPECT_TRUE(store_.set_max_age_secs(age));
    model_.set_max_age(age);
    EXPECT_EQ(store_.evict_expired(), model_.evict_expired());
  }

  void record_some() {
    std::vector<RunTrace> runs;
    for (std::size_t i = below(4); i > 0; --i) runs.push_back(some_run());
    EXPECT_EQ(store_.record_all(runs), model_.record_all(runs));
    ids_ += runs.size();
  }

  void compare() {
    EXPECT_EQ(store_.len(), static_cast<std::int64_t>(model_.runs().size()));
    EXPECT_EQ(store_.total_recorded(), model_.total());
    std::vector<RunTrace> all;
    EXPECT_TRUE(store_.for_each({}, [&](const RunTrace& run) {
      all.push_back(run);
      return true;
    }));
    EXPECT_EQ(all, model_.list({}));
    EXPECT_EQ(wrong_sums_of(store_), "");
    compare_lists();
    for (const char* text : {"deploy", "FILE", "a%b", "ug", "b", "\"site\"", "none", "Ä b", "1"})
      EXPECT_EQ(ids_of(store_.search(text, {.limit = 999})), ids_of_traces(model_.search(text)))
          << text;
    EXPECT_EQ(ids_of(store_.by_correlation("req-2")), ids_of_traces(model_.correlated("req-2")));
    compare_latencies(0);
    compare_latencies(150);
  }

  static std::vector<std::uint64_t> ids_of_traces(const std::vector<RunTrace>& runs) {
    std::vector<std::uint64_t> ids;
    for (const RunTrace& run : runs) ids.push_back(raw(run.id));
    return ids;
  }

  void compare_lists() {
    for (int i = 0; i < 20; ++i) {
      const RunFilter filter = some_filter();
      const std::vector<std::uint64_t> expected = ids_of_traces(model_.list(filter));
      // Page by page, and all at once.
      std::vector<std::uint64_t> paged;
      RunPage page{.limit = 1 + below(9)};
      for (;;) {
        const std::vector<std::uint64_t> more = ids_of(store_.recent(page, filter));
        if (more.empty()) break;
        paged.insert(paged.end(), more.begin(), more.end());
        page.before = StoredId{more.back()};
      }
      EXPECT_EQ(paged, expected);
      EXPECT_EQ(ids_of(store_.recent({.limit = 1000}, filter)), expected);
    }
  }

  void compare_latencies(std::int64_t window) {
    std::vector<std::int64_t> latencies;
    const RunFilter within{.since = clock.seconds - window};
    for (const RunTrace& run : model_.list(window == 0 ? RunFilter{} : within))
      latencies.push_back(run.latency_ms);
    std::ranges::sort(latencies);
    const auto rank = [&](std::size_t percent) {
      return latencies[std::max<std::size_t>((percent * latencies.size() + 99) / 100, 1) - 1];
    };
    const Result<RunAggregate> sums = store_.aggregate(window);
    ASSERT_TRUE(sums) << sums.error().message;
    EXPECT_EQ(sums->count, static_cast<std::int64_t>(latencies.size()));
    if (latencies.empty()) return;
    EXPECT_EQ(sums->min_latency_ms, latencies.front());
    EXPECT_EQ(sums->max_latency_ms, latencies.back());
    EXPECT_EQ(sums->p50_latency_ms, rank(50));
    EXPECT_EQ(sums->p95_latency_ms, rank(95));
    EXPECT_EQ(sums->p99_latency_ms, rank(99));
  }

  std::mt19937 random_;
  const StoreOptions options_{.capacity = 60, .max_events_per_trace = 4};
  TraceStore store_;
  ModelStore model_;
  std::size_t ids_ = 0;
};

TEST_P(RandomStore, DoesWhatAListInMemoryDoes) {
  for (int round = 0; round < 6 && !HasFailure(); ++round) {
    for (int i = 0; i < 40; ++i) change();
    compare();
    // Another process would see the same.
    if (round % 2 == 1) store_ = open(options_);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStore, testing::Range(1u, 7u));

}  // namespace
}  // namespace agdb
