#include "debug/store/trace_store.h"

#include "store_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RunTrace full_run() {
  RunTrace run = a_run("Deploy the docs", RunStatus::kPartial, 1234);
  run.steps_executed = 7;
  run.tokens_input = 1000;
  run.tokens_output = 50;
  run.anchor_checks = 3;
  run.anchor_breaches = 1;
  run.errors = 2;
  run.retries = 4;
  run.source_file = "scripts/deploy.json";
  run.backend = "prov/model-1";
  run.client_key = "ann";
  run.replay_of = StoredId{1};
  run.correlation_id = "req-1";
  run.record_id = "7-1700000000";
  run.run_id = "run-1";
  run.trace_id = "0123456789abcdef0123456789abcdef";
  run.events = {{"step", 0, "plan", "first"}, {"error", 900, "", "no such file: x"}};
  return run;
}

using Store = StoreTest;

TEST_F(Store, GivesBackWhatItWasGiven) {
  TraceStore store = open();
  const Result<StoredId> id = store.record(full_run());
  ASSERT_TRUE(id) << id.error().message;
  RunTrace expected = full_run();
  expected.id = StoredId{1};
  expected.timestamp = clock.seconds;
  expected.event_count = 2;
  EXPECT_EQ(store.get(*id), expected);
  EXPECT_EQ(*store.find_run("run-1"), expected);
  EXPECT_FALSE(*store.find_run("run-2"));
  EXPECT_FALSE(*store.find_run(""));
}

TEST_F(Store, AnImportsTimeIsKept) {
  TraceStore store = open();
  RunTrace run = a_run("old");
  run.timestamp = 1'000'000'000;
  ASSERT_TRUE(store.record(run));
  EXPECT_EQ(store.get(StoredId{1})->timestamp, 1'000'000'000);
}

TEST_F(Store, WhatIsNotThereIsNotFound) {
  TraceStore store = open();
  for (const StoredId id : {StoredId{0}, StoredId{1}, StoredId{~0ull}}) {
    const Result<RunTrace> trace = store.get(id);
    ASSERT_FALSE(trace);
    EXPECT_EQ(trace.error().code, Code::kNotFound);
    EXPECT_EQ(store.annotate(id, {}).error().code, Code::kNotFound);
    EXPECT_EQ(store.set_correlation(id, "c").error().code, Code::kNotFound);
    EXPECT_FALSE(store.record_with_id(a_run("a"), id));
  }
}

TEST_F(Store, ReservedIdsCountForNothing) {
  TraceStore store = open();
  EXPECT_EQ(store.reserve_id(), StoredId{1});
  EXPECT_EQ(store.record(a_run("b")), StoredId{2});
  EXPECT_EQ(store.len(), 1);
  EXPECT_EQ(store.total_recorded(), 1);
  ASSERT_TRUE(store.record_with_id(a_run("a"), StoredId{1}));
  EXPECT_EQ(store.record(a_run("c")), StoredId{3});
  EXPECT_THAT(ids_of(store.recent({})), ElementsAre(3, 2, 1));
  const Status again = store.record_with_id(a_run("a"), StoredId{1});
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("already"));
  EXPECT_EQ(store.len(), 3);
}

TEST_F(Store, IdsAreNeverReused) {
  TraceStore store = open();
  ASSERT_TRUE(store.record(a_run("a")));
  ASSERT_TRUE(store.record(a_run("b")));
  const std::vector<StoredId> both = {StoredId{1}, StoredId{2}};
  EXPECT_EQ(store.bulk_delete(both), 2u);
  EXPECT_EQ(store.record(a_run("c")), StoredId{3});
  ASSERT_TRUE(store.clear());
  EXPECT_EQ(store.record(a_run("d")), StoredId{4});
  EXPECT_EQ(store.total_recorded(), 4);
  EXPECT_EQ(store.len(), 1);
}

TEST_F(Store, DisabledItAnswers0AndKeepsNothing) {
  TraceStore store = open({.enabled = false});
  EXPECT_EQ(store.record(a_run("a")), StoredId{0});
  EXPECT_EQ(store.reserve_id(), StoredId{0});
  RunTrace run = a_run("a");
  run.run_id = "r";
  EXPECT_EQ(store.record_run(run), StoredId{0});
  EXPECT_EQ(store.len(), 0);
  EXPECT_EQ(open().reserve_id(), StoredId{1});
}

TEST_F(Store, EventsBeyondTheLimitAreCut) {
  TraceStore store = open({.max_events_per_trace = 2});
  RunTrace run = a_run("a");
  for (int i = 0; i < 5; ++i) run.events.push_back({.event_type = std::to_string(i)});
  ASSERT_TRUE(store.record(run));
  const Result<RunTrace> kept = store.get(StoredId{1});
  ASSERT_THAT(kept->events, SizeIs(2));
  EXPECT_EQ(kept->event_count, 2);
  EXPECT_EQ(kept->events[1].event_type, "1");
}

TEST_F(Store, TheOldestGoesAtCapacity) {
  TraceStore store = open({.capacity = 2});
  const std::vector<RunTrace> runs = {a_run("a", RunStatus::kFailed, 9999), a_run("b"), a_run("c")};
  ASSERT_TRUE(store.record_all(runs));
  EXPECT_THAT(ids_of(store.recent({})), ElementsAre(3, 2));
  EXPECT_EQ(store.total_recorded(), 3);
  EXPECT_THAT(ids_of(store.search("a", {})), IsEmpty());
  EXPECT_EQ(store.stats()->buffered.max_latency_ms, 100);
  EXPECT_EQ(store.stats()->ever.max_latency_ms, 9999);
  EXPECT_EQ(wrong_sums_of(store), "");
}

TEST_F(Store, ASmallerCapacityTakesEffectWithTheNextTrace) {
  {
    TraceStore store = open();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.record(a_run("a")));
  }
  TraceStore store = open({.capacity = 3});
  ASSERT_TRUE(store.record(a_run("a")));
  EXPECT_THAT(ids_of(store.recent({})), ElementsAre(11, 10, 9));
}

TEST_F(Store, TheAgeLimitStaysWithTheFile) {
  {
    TraceStore store = open();
    EXPECT_EQ(store.set_max_age_secs(60), 0);
    ASSERT_TRUE(store.record(a_run("old")));
    clock.seconds += 61;
  }
  TraceStore store = open();
  EXPECT_EQ(store.evict_expired(), 1u);
  EXPECT_EQ(store.evict_expired(), 0u);
  ASSERT_TRUE(store.record(a_run("older")));
  clock.seconds += 61;
  ASSERT_TRUE(store.record(a_run("new")));
  EXPECT_THAT(ids_of(store.recent({})), ElementsAre(3));
  EXPECT_EQ(store.set_max_age_secs(0), 60);
  EXPECT_FALSE(store.set_max_age_secs(-1));
}

TEST_F(Store, NumbersOutOfRangeAreRefusedAndNothingIsKept) {
  TraceStore store = open();
  RunTrace bad = a_run("bad");
  bad.tokens_input = -1;
  const std::vector<RunTrace> runs = {a_run("good"), bad};
  const Result<std::vector<StoredId>> ids = store.record_all(runs);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, Code::kInvalid);
  EXPECT_THAT(ids.error().message, HasSubstr("tokens_input"));
  EXPECT_EQ(store.len(), 0);
  bad.tokens_input = kMaxRunNumber + 1;
  EXPECT_FALSE(store.record(bad));
  bad.tokens_input = kMaxRunNumber;
  EXPECT_EQ(store.record(bad), StoredId{1});
}

TEST_F(Store, ARunThatIsThereIsReplaced) {
  TraceStore store = open();
  RunTrace run = full_run();
  run.correlation_id.clear();
  EXPECT_EQ(store.record_run(run), StoredId{1});
  ASSERT_TRUE(store.annotate(StoredId{1}, {.author = "eve", .text = "look", .tags = {"bug"}}));
  ASSERT_TRUE(store.set_correlation(StoredId{1}, "req-9"));
  run.latency_ms = 5;
  run.events.clear();
  EXPECT_EQ(store.record_run(run), StoredId{1});
  const Result<RunTrace> kept = store.get(StoredId{1});
  EXPECT_EQ(kept->latency_ms, 5);
  EXPECT_EQ(kept->correlation_id, "req-9");
  EXPECT_THAT(kept->annotations, SizeIs(1));
  EXPECT_THAT(ids_of(store.recent({}, {.tag = "bug"})), ElementsAre(1));
  EXPECT_EQ(store.total_recorded(), 1);
  EXPECT_EQ(wrong_sums_of(store), "");
  EXPECT_FALSE(store.record_run(a_run("no run id")));
}

TEST_F(Store, AnnotationsAreFoundByTagAndText) {
  TraceStore store = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.record(a_run("a")));
  const std::vector<StoredId> ids = {StoredId{1}, StoredId{3}, StoredId{3}, StoredId{9}};
  EXPECT_EQ(store.bulk_annotate(ids, {.author = "eve", .text = "Flaky!", .tags = {"t1", "t2"}}),
            2u);
  EXPECT_THAT(ids_of(store.recent({}, {.tag = "t2"})), ElementsAre(3, 1));
  EXPECT_THAT(ids_of(store.search("FLAKY", {})), ElementsAre(3, 1));
  EXPECT_EQ(store.get(StoredId{3})->annotations.front().timestamp, clock.seconds);
  EXPECT_FALSE(store.annotate(StoredId{1}, {.tags = std::vector<std::string>(101, "x")}));
}

TEST_F(Store, StatsTellFlowsByCountThenName) {
  TraceStore store = open();
  for (const char* flow : {"b", "a", "c", "c", "d", "e", "f", "g", "h", "i", "j", "k"})
    ASSERT_TRUE(store.record(a_run(flow)));
  const Result<StoreStats> stats = store.stats();
  ASSERT_THAT(stats->top_flows, SizeIs(10));
  EXPECT_EQ(stats->top_flows[0], (FlowCount{"c", 2}));
  EXPECT_EQ(stats->top_flows[1], (FlowCount{"a", 1}));
  EXPECT_EQ(stats->by_status, (std::map<std::string, std::int64_t>{{"success", 12}}));
  EXPECT_EQ(stats->avg_latency_ms(), 100);
}

TEST_F(Store, PercentilesAreByNearestRank) {
  TraceStore store = open();
  for (std::int64_t i = 1; i <= 10; ++i)
    ASSERT_TRUE(store.record(a_run("a", RunStatus::kSuccess, i * 10)));
  const Result<RunAggregate> all = store.aggregate(0);
  EXPECT_EQ(all->p50_latency_ms, 50);
  EXPECT_EQ(all->p95_latency_ms, 100);
  EXPECT_EQ(all->p99_latency_ms, 100);
  EXPECT_EQ(all->avg_latency_ms, 55);
  EXPECT_EQ(store.aggregate(60), all);
  clock.seconds += 61;
  EXPECT_EQ(store.aggregate(60), RunAggregate{});
  EXPECT_FALSE(store.aggregate(-1));
}

TEST_F(Store, OneTraceIsItsOwnPercentile) {
  TraceStore store = open();
  ASSERT_TRUE(store.record(a_run("a", RunStatus::kFailed, 0)));
  const Result<RunAggregate> all = store.aggregate(0);
  EXPECT_EQ(all->p50_latency_ms, 0);
  EXPECT_EQ(all->p99_latency_ms, 0);
  EXPECT_EQ(all->error_rate, 1);
}

TEST_F(Store, AHistogramByPowersOfTwo) {
  TraceStore store = open();
  for (const std::int64_t ms : {0, 1, 2, 3, 4, 1023, 1024})
    ASSERT_TRUE(store.record(a_run("a", RunStatus::kSuccess, ms)));
  EXPECT_EQ(store.latency_histogram(),
            (std::map<int, std::int64_t>{{0, 1}, {1, 1}, {2, 2}, {3, 1}, {10, 1}, {11, 1}}));
}

TEST_F(Store, ALimitOf0IsNothingAndAHugeOneEverything) {
  TraceStore store = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.record(a_run("abc")));
  EXPECT_THAT(ids_of(store.recent({.limit = 0})), IsEmpty());
  EXPECT_THAT(ids_of(store.recent({.limit = ~std::size_t{0}})), SizeIs(3));
  EXPECT_THAT(ids_of(store.search("abc", {.limit = ~std::size_t{0}})), SizeIs(3));
  EXPECT_THAT(ids_of(store.search("a", {.limit = 2})), ElementsAre(3, 2));
  EXPECT_THAT(ids_of(store.recent({.before = StoredId{~0ull}})), SizeIs(3));
  EXPECT_THAT(ids_of(store.recent({.before = StoredId{1}})), IsEmpty());
}

TEST_F(Store, VisitingEndsWhenTheVisitorHasEnough) {
  TraceStore store = open();
  std::vector<RunTrace> runs(1200, a_run("a"));
  ASSERT_TRUE(store.record_all(runs));
  std::size_t seen = 0;
  EXPECT_TRUE(store.for_each({}, [&](const RunTrace&) { return ++seen < 700; }));
  EXPECT_EQ(seen, 700u);
  seen = 0;
  EXPECT_TRUE(store.for_each({}, [&](const RunTrace&) { return ++seen > 0; }));
  EXPECT_EQ(seen, 1200u);
}

TEST_F(Store, AVisitorMayWrite) {
  TraceStore store = open();
  std::vector<RunTrace> runs(3, a_run("a"));
  ASSERT_TRUE(store.record_all(runs));
  EXPECT_TRUE(store.for_each({}, [&](const RunTrace& run) {
    return store.annotate(run.id, {.text = "seen"}).has_value();
  }));
  EXPECT_THAT(ids_of(store.search("seen", {})), SizeIs(3));
}

}  // namespace
}  // namespace agdb
