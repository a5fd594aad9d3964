#include "debug/strace/call_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace agdb {
namespace {

using namespace std::chrono_literals;

Syscall call(std::string name, Nanoseconds duration, std::string err = {}) {
  return {std::move(name), {}, {}, std::move(err), duration};
}

TEST(DurationHistogramTest, EmptyHasNoPercentile) {
  EXPECT_EQ(DurationHistogram().percentile(0.99), 0ns);
}

TEST(DurationHistogramTest, SmallValuesAreExact) {
  DurationHistogram histogram;
  for (int i = 0; i < 256; ++i) histogram.add(Nanoseconds(i));
  EXPECT_EQ(histogram.percentile(0.5), 127ns);
  EXPECT_EQ(histogram.percentile(1), 255ns);
}

TEST(DurationHistogramTest, ExtremesHaveTheirClass) {
  DurationHistogram histogram;
  histogram.add(Nanoseconds::max());
  EXPECT_EQ(histogram.percentile(1), Nanoseconds::max());
  DurationHistogram negative;
  negative.add(-5ns);
  EXPECT_EQ(negative.percentile(1), 0ns);
}

TEST(DurationHistogramTest, PercentilesAreRightToOnePercent) {
  std::mt19937_64 random(20260308);
  std::vector<std::int64_t> values;
  DurationHistogram histogram;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<std::int64_t>(random() >> (20 + random() % 40)));
    histogram.add(Nanoseconds(values.back()));
  }
  std::ranges::sort(values);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const auto exact = values[static_cast<std::size_t>(share * 10'000) - 1];
    const auto told = histogram.percentile(share).count();
    EXPECT_GE(told, exact);
    EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * 1.01 + 1) << share;
  }
}

TEST(CallStatsTest, NothingCounted) {
  const CallStats stats;
  EXPECT_TRUE(stats.rows().empty());
  EXPECT_EQ(stats.total(), (CallStats::Row{"total"}));
}

TEST(CallStatsTest, FiguresByName) {
  CallStats stats;
  stats.add(call("Read", 100ns));
  stats.add(call("Read", 200ns, "no such file"));
  stats.add(call("Open", 100ns));
  const auto rows = stats.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], (CallStats::Row{"Read", 2, 1, 300ns, 150ns, 200ns, 200ns, 75}));
  EXPECT_EQ(rows[1], (CallStats::Row{"Open", 1, 0, 100ns, 100ns, 100ns, 100ns, 25}));
  EXPECT_EQ(stats.total().calls, 3u);
  EXPECT_EQ(stats.total().errors, 1u);
  EXPECT_EQ(stats.total().share_pct, 100);
}

TEST(CallStatsTest, EqualTimesAreSortedByName) {
  CallStats stats;
  for (const char* name : {"c", "a", "b"}) stats.add(call(name, 5ns));
  EXPECT_EQ(stats.rows()[0].name, "a");
  EXPECT_EQ(stats.rows()[2].name, "c");
}

TEST(CallStatsTest, NoTimeAtAllHasNoShares) {
  CallStats stats;
  stats.add(call("a", 0ns));
  EXPECT_EQ(stats.rows()[0].share_pct, 0);
}

TEST(CallStatsTest, HostileDurationsSaturate) {
  CallStats stats;
  stats.add(call("a", Nanoseconds::max()));
  stats.add(call("a", Nanoseconds::max()));
  stats.add(call("a", Nanoseconds::min()));
  EXPECT_EQ(stats.total().total, Nanoseconds::max());
}

TEST(CallStatsTest, NamesWithoutEndAreCountedTogether) {
  CallStats stats;
  for (std::size_t i = 0; i < CallStats::kMaxNames + 5; ++i)
    stats.add(call(std::to_string(i), 1ns));
  const auto rows = stats.rows();
  EXPECT_EQ(rows.size(), CallStats::kMaxNames + 1);
  EXPECT_EQ(rows[0].name, "(others)");
  EXPECT_EQ(rows[0].calls, 5u);
}

TEST(CallStatsTest, Table) {
  CallStats stats;
  stats.add(call("Read", 1500ms));
  stats.add(call("Read", 500ms, "x"));
  stats.add(call("Open", 120us));
  EXPECT_EQ(
      call_stats_text(stats),
      "% time      total       mean        p99        max     calls    errors syscall\n"
      "------ ---------- ---------- ---------- ---------- --------- --------- ----------------\n"
      " 99.99      2.00s      1.00s      1.50s      1.50s         2         1 Read\n"
      "  0.01      120µs      120µs      120µs      120µs         1           Open\n"
      "------ ---------- ---------- ---------- ---------- --------- --------- ----------------\n"
      "100.00      2.00s      666ms      1.50s      1.50s         3         1 total\n");
}

TEST(CallStatsTest, TableSaysWhatIsMissing) {
  CallStats stats;
  stats.add_lost(1);
  EXPECT_THAT(call_stats_text(stats), testing::EndsWith("1 event was lost and not counted here\n"));
  stats.add_lost(2);
  EXPECT_THAT(call_stats_text(stats),
              testing::EndsWith("3 events were lost and not counted here\n"));
}

TEST(CallStatsTest, HostileNamesAreTameInTheTable) {
  CallStats stats;
  stats.add(call("\x1b[2J\n", 1ns));
  EXPECT_THAT(call_stats_text(stats), testing::HasSubstr(" \\x1b[2J\\n\n"));
}

TEST(CallStatsTest, JsonForm) {
  CallStats stats;
  stats.add(call("Read", 10ns, "x"));
  stats.add_lost(4);
  EXPECT_EQ(
      dump(call_stats_json(stats)),
      R"({"calls":[{"calls":1,"errors":1,"max_ns":10,"mean_ns":10,"p99_ns":10,"share_pct":100,)"
      R"("syscall":"Read","total_ns":10}],"lost_events":4,"total":{"calls":1,"errors":1,"max_ns":10,)"
      R"("mean_ns":10,"p99_ns":10,"share_pct":100,"syscall":"total","total_ns":10}})");
}

}  // namespace
}  // namespace agdb
