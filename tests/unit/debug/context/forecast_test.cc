#include "debug/context/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace agdb {
namespace {

using testing::DoubleNear;

std::vector<CallTokens> calls(std::initializer_list<std::int64_t> tokens) {
  std::vector<CallTokens> list;
  for (const std::int64_t one : tokens) list.push_back({one});
  return list;
}

Forecast forecast_of(const std::vector<CallTokens>& made, std::int64_t budget) {
  const auto forecast = forecast_calls({.calls = made, .budget = budget});
  EXPECT_TRUE(forecast.has_value());
  return forecast.value_or(Forecast{});
}

TEST(ForecastTest, NothingWithoutCallsOrBudget) {
  const auto one = calls({100});
  EXPECT_FALSE(forecast_calls({.calls = {}, .budget = 100}));
  EXPECT_FALSE(forecast_calls({.calls = one, .budget = 0}));
  EXPECT_FALSE(forecast_calls({.calls = one, .budget = -1}));
}

TEST(ForecastTest, SpentBudgetHasRoomForNone) {
  EXPECT_EQ(forecast_of(calls({60, 40}), 100).calls, 0);
  const Forecast over = forecast_of(calls({60, 50}), 100);
  EXPECT_EQ(over.calls, 0);
  EXPECT_EQ(over.low, 0) << "never negative";
}

TEST(ForecastTest, OneCallIsAllThereIsToGoBy) {
  EXPECT_DOUBLE_EQ(forecast_of(calls({100}), 350).calls, 2.5);
}

TEST(ForecastTest, SteadyGrowthMakesEachCallCostMore) {
  // 100 200 300 so far; 400 and 500 follow, and 300 of the next 600.
  const Forecast forecast = forecast_of(calls({100, 200, 300}), 600 + 400 + 500 + 300);
  EXPECT_DOUBLE_EQ(forecast.growth_per_call, 100);
  EXPECT_DOUBLE_EQ(forecast.calls, 2.5);
  EXPECT_FALSE(forecast.context_ceiling);
}

TEST(ForecastTest, OneJumpDoesNotMakeTheGrowth) {
  // Growths 10 10 10 10 900; the quartiles are 10 and 10.
  EXPECT_DOUBLE_EQ(forecast_of(calls({100, 110, 120, 130, 140, 1040}), 100'000).growth_per_call,
                   10);
}

TEST(ForecastTest, QuartilesAreInterpolated) {
  // Growths 0 10 20 100: quartiles 7.5 and 40, clamped 7.5 10 20 40.
  EXPECT_DOUBLE_EQ(forecast_of(calls({1000, 1000, 1010, 1030, 1130}), 100'000).growth_per_call,
                   19.375);
}

TEST(ForecastTest, CompactionIsSeenAndExpectedAgain) {
  // It rises by 1,000 up to 10,000, falls to 4,000 and has risen to 8,000 again.
  const auto made = calls({8000, 9000, 10'000, 4000, 5000, 6000, 7000, 8000});
  const std::int64_t spent = 57'000;
  const Forecast forecast = forecast_of(made, spent + 9000 + 10'000 + 4000 + 2500);
  EXPECT_EQ(forecast.context_ceiling, 10'000);
  EXPECT_DOUBLE_EQ(forecast.growth_per_call, 1000);
  EXPECT_DOUBLE_EQ(forecast.calls, 3.5);
}

TEST(ForecastTest, DropsAtTheLimitsAreNone) {
  EXPECT_FALSE(forecast_of(calls({10'000, 7000}), 1'000'000).context_ceiling)
      << "0.7 is not under 0.7";
  EXPECT_TRUE(forecast_of(calls({10'001, 7000}), 1'000'000).context_ceiling);
  EXPECT_FALSE(forecast_of(calls({5000, 2000}), 1'000'000).context_ceiling)
      << "3,000 is not over 3,000";
  EXPECT_TRUE(forecast_of(calls({5001, 2000}), 1'000'000).context_ceiling);
}

TEST(ForecastTest, MarkedCompactionCountsHoweverSmall) {
  auto made = calls({5000, 4900, 4950});
  made[1].after_compaction = true;
  const Forecast forecast = forecast_of(made, 1'000'000);
  EXPECT_EQ(forecast.context_ceiling, 5000);
  EXPECT_DOUBLE_EQ(forecast.growth_per_call, 50);
}

TEST(ForecastTest, CeilingThatWasPassedIsNone) {
  EXPECT_EQ(forecast_of(calls({10'000, 4000, 10'200}), 1'000'000).context_ceiling, 10'200)
      << "2 % above still is the ceiling, and moves it";
  EXPECT_FALSE(forecast_of(calls({10'000, 4000, 10'201}), 1'000'000).context_ceiling);
}

TEST(ForecastTest, KnownRangeServesUntilTheRunShowsItsOwn) {
  const CompactionRange range{1000, 400};
  const auto climbing = calls({700, 800});
  const auto known = forecast_calls(
      {.calls = climbing, .budget = 1500 + 900 + 1000 + 400 + 250, .known_range = range});
  EXPECT_EQ(known->context_ceiling, 1000);
  EXPECT_DOUBLE_EQ(known->calls, 3.5);
  const auto above = calls({1000, 1100});
  EXPECT_FALSE(
      forecast_calls({.calls = above, .budget = 100'000, .known_range = range})->context_ceiling);
  const auto compacted = calls({10'000, 4000, 5000});
  EXPECT_EQ(
      forecast_calls(
          {.calls = compacted, .budget = 100'000, .known_range = CompactionRange{50'000, 100}})
          ->context_ceiling,
      10'000);
}

TEST(ForecastTest, ShrinkingCallsDoNotShrinkToNothing) {
  // Growth -100 from 400: 300, then never below half of the last call.
  EXPECT_DOUBLE_EQ(forecast_of(calls({600, 500, 400}), 1500 + 300 + 200 + 200 + 100).calls, 3.5);
}

TEST(ForecastTest, NoEndInSightIsTheMostThatIsLookedAt) {
  EXPECT_EQ(forecast_of(calls({0, 0}), 1).calls, kMaxForecastCalls);
}

TEST(ForecastTest, CallsBeforeTheGivenOnesCount) {
  const auto made = calls({200, 300});
  const auto forecast =
      forecast_calls({.calls = made, .budget = 1800, .tokens_before = 100, .calls_before = 1});
  EXPECT_EQ(forecast, forecast_of(calls({100, 200, 300}), 1800));
}

TEST(ForecastTest, RangeWidensWithTheDistance) {
  // Calls of 100 without growth: x of k.
  const auto range_at = [](int made, int ahead) {
    const std::vector<CallTokens> list(static_cast<std::size_t>(made), CallTokens{100});
    const Forecast forecast = forecast_of(list, 100 * (made + ahead));
    EXPECT_DOUBLE_EQ(forecast.calls, ahead);
    return std::pair(forecast.low, forecast.high);
  };
  const auto expect = [&](int made, int ahead, double low, double high) {
    const auto [actual_low, actual_high] = range_at(made, ahead);
    EXPECT_THAT(actual_low, DoubleNear((ahead + .5) * low - .5, 1e-9)) << made << " " << ahead;
    EXPECT_THAT(actual_high, DoubleNear((ahead + .5) * high - .5, 1e-9)) << made << " " << ahead;
  };
  expect(100, 35, .955, 1.031);
  expect(100, 36, .885, 1.062);
  expect(100, 75, .885, 1.062);
  expect(100, 76, .835, 1.132);
  expect(100, 150, .835, 1.132);
  expect(100, 151, .669, 1.123);
}

TEST(ForecastTest, HostileNumbersDoNoHarm) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  for (const auto& made : {calls({kMax, kMax}), calls({kMax, 0, kMax}), calls({kMin, kMax}),
                           calls({kMin, kMin}), calls({-1, -5000, 3})})
    for (const std::int64_t budget : {std::int64_t{1}, kMax}) {
      const Forecast forecast = forecast_of(made, budget);
      EXPECT_GE(forecast.calls, 0);
      EXPECT_LE(forecast.calls, kMaxForecastCalls);
      EXPECT_FALSE(forecast_json(forecast).is_null());
    }
}

TEST(ForecastTest, JsonShowsWholeCalls) {
  EXPECT_EQ(dump(forecast_json({12.9, 8.2, 15.99, 123.45, 155'000})),
            R"({"calls":12,"context_ceiling":155000,"growth_per_call":123.5,"high":15,"low":8})");
  EXPECT_TRUE(forecast_json({})["context_ceiling"].is_null());
}

}  // namespace
}  // namespace agdb
