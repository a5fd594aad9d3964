#include "debug/context/growth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "debug/context/rounding.h"

namespace agdb {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// Cumulative tokens at steps 1, 2, …, a second each.
std::vector<TokenSnapshot> history(std::initializer_list<std::int64_t> tokens) {
  std::vector<TokenSnapshot> list;
  for (const std::int64_t one : tokens) {
    const auto step = static_cast<std::int64_t>(list.size()) + 1;
    list.push_back({step, one, step * 1000});
  }
  return list;
}

Growth growth_of(std::int64_t used, std::int64_t budget, std::int64_t step, std::int64_t max_steps,
                 std::vector<TokenSnapshot> snapshots) {
  return predict_growth({Pid{1}, used, budget, step, max_steps, std::move(snapshots)});
}

TEST(Round1Test, HalfGoesAwayFromZero) {
  EXPECT_EQ(round1(13.75), 13.8);
  EXPECT_EQ(round1(-13.75), -13.8);
  EXPECT_EQ(round1(92.5), 92.5);
  EXPECT_EQ(round1(2466.6666667), 2466.7);
  EXPECT_EQ(round1(0), 0);
}

TEST(GrowthTest, NothingUsedYet) {
  const Growth growth = growth_of(0, 0, 0, 0, {});
  EXPECT_EQ(growth.avg_tokens_per_step, 0);
  EXPECT_EQ(growth.recent_rate, 0);
  EXPECT_EQ(growth.alert_level, AlertLevel::kNone);
}

TEST(GrowthTest, WithoutABudgetOnlyRates) {
  const Growth growth = growth_of(750, 0, 3, 50, history({250, 500, 750}));
  EXPECT_EQ(growth.usage_pct, 0);
  EXPECT_EQ(growth.avg_tokens_per_step, 250);
  EXPECT_EQ(growth.recent_rate, 250);
  EXPECT_EQ(growth.remaining_budget, 0);
  EXPECT_EQ(growth.est_remaining, 0);
  EXPECT_FALSE(growth.predict_exhaust);
}

TEST(GrowthTest, CriticalBudget) {
  const Growth growth = growth_of(7400, 8000, 3, 50, history({3000, 5000, 7400}));
  EXPECT_EQ(growth.usage_pct, 92.5);
  EXPECT_EQ(growth.avg_tokens_per_step, 2466.7);
  EXPECT_EQ(growth.recent_rate, 2200);
  EXPECT_EQ(growth.remaining_budget, 600);
  EXPECT_EQ(growth.est_remaining, 0);
  EXPECT_TRUE(growth.predict_exhaust);
  EXPECT_EQ(growth.alert_level, AlertLevel::kCritical);
}

TEST(GrowthTest, OneSnapshotGivesTheAverage) {
  const Growth growth = growth_of(300, 8000, 1, 50, history({300}));
  EXPECT_EQ(growth.usage_pct, 3.8);
  EXPECT_EQ(growth.recent_rate, 300);
  EXPECT_EQ(growth.est_remaining, 25);
}

TEST(GrowthTest, RecentRateIsOfTheLastFiveAndOfRisesOnly) {
  EXPECT_EQ(growth_of(1000, 0, 6, 0, history({5000, 5100, 5200, 5300, 5400, 5500})).recent_rate,
            100);
  EXPECT_EQ(growth_of(1000, 0, 6, 0, history({0, 5100, 5200, 5300, 5400, 5500})).recent_rate, 100)
      << "the sixth from the end does not count";
  EXPECT_EQ(growth_of(1000, 0, 3, 0, history({100, 300, 300, 200, 600})).recent_rate, 300);
  EXPECT_EQ(growth_of(900, 0, 3, 0, history({300, 300, 300})).recent_rate, 300) << "the average";
}

TEST(GrowthTest, ExhaustsWhenTheBudgetEndsNotAfterTheSteps) {
  const auto rising = history({100, 200, 300});
  EXPECT_TRUE(growth_of(300, 500, 3, 5, rising).predict_exhaust) << "at the very last step";
  EXPECT_FALSE(growth_of(300, 500, 3, 4, rising).predict_exhaust);
  EXPECT_FALSE(growth_of(300, 1000, 3, 0, rising).predict_exhaust);
  EXPECT_FALSE(growth_of(0, 1000, 0, 10, {}).predict_exhaust) << "no rate";
}

TEST(GrowthTest, RemainingIsNeverNegative) {
  const Growth growth = growth_of(9000, 8000, 3, 50, history({3000, 6000, 9000}));
  EXPECT_EQ(growth.usage_pct, 112.5);
  EXPECT_EQ(growth.remaining_budget, 0);
  EXPECT_EQ(growth.est_remaining, 0);
  EXPECT_TRUE(growth.predict_exhaust);
}

TEST(GrowthTest, AlertLevelsAtTheirLimits) {
  const auto level = [](std::int64_t used) {
    return growth_of(used, 10'000, 1, 0, {}).alert_level;
  };
  EXPECT_EQ(level(8000), AlertLevel::kNone) << "20 % are left";
  EXPECT_EQ(level(8004), AlertLevel::kNone) << "rounded it is 20.0 %";
  EXPECT_EQ(level(8005), AlertLevel::kWarning);
  EXPECT_EQ(level(9000), AlertLevel::kWarning) << "10 % are left";
  EXPECT_EQ(level(9005), AlertLevel::kCritical);
  EXPECT_EQ(level(10'000), AlertLevel::kCritical);
}

TEST(GrowthTest, HostileNumbersDoNoHarm) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t used : {kMin, std::int64_t{-1}, std::int64_t{0}, kMax})
    for (const std::int64_t budget : {kMin, std::int64_t{1}, kMax})
      for (const std::int64_t step : {kMin, std::int64_t{1}, kMax}) {
        Growth growth = growth_of(used, budget, step, kMax, history({kMin, kMax, kMin, 0, 1}));
        growth.forecast = Forecast{5, 4, 6, 1e300, kMax};
        EXPECT_GE(growth.remaining_budget, 0);
        EXPECT_FALSE(growth_text(growth).empty());
      }
}

TEST(GrowthJsonTest, KeysInTheirOrder) {
  EXPECT_EQ(dump(growth_json(growth_of(300, 8000, 1, 50, history({300}))), {.sorted = false}),
            R"({"pid":1,"tokens_used":300,"context_budget":8000,"usage_pct":3.8,"current_step":1,)"
            R"("max_steps":50,"avg_tokens_per_step":300,"recent_rate":300,"remaining_budget":7700,)"
            R"("est_remaining":25,"predict_exhaust":true,"alert_level":"none",)"
            R"("history":[{"step":1,"tokens":300,"delta_ms":1000}]})");
}

TEST(GrowthJsonTest, EmptyHistoryIsAList) {
  EXPECT_EQ(growth_json(Growth{})["history"], Json::array());
}

TEST(GrowthJsonTest, ForecastIsAFurtherKey) {
  Growth growth;
  EXPECT_EQ(growth_json(growth).find("forecast"), nullptr);
  growth.forecast = Forecast{2.5, 2, 3, 100, {}};
  EXPECT_EQ(growth_json(growth)["forecast"]["calls"], Json(2));
}

TEST(GrowthJsonTest, ReadsBackWhatItWrote) {
  const Growth growth = growth_of(7400, 8000, 3, 50, history({3000, 5000, 7400}));
  const auto json = parse_json(dump(growth_json(growth)));
  ASSERT_TRUE(json);
  EXPECT_EQ(growth_from_json(*json), growth);
}

TEST(GrowthJsonTest, MissingKeysAreZeroAndUnknownOnesIgnored) {
  EXPECT_EQ(growth_from_json(Json::object({{"new_key", 1}})), Growth{});
}

TEST(GrowthJsonTest, WrongShapesAreErrorsThatNameTheKey) {
  const auto message = [](const Json& json) {
    const auto growth = growth_from_json(json);
    return growth ? "" : growth.error().message;
  };
  EXPECT_EQ(message(Json(1)), "growth: not an object");
  EXPECT_EQ(message(Json::object({{"tokens_used", "many"}})),
            "growth: tokens_used is not an integer");
  EXPECT_EQ(message(Json::object({{"pid", -1}})), "growth: pid is not a positive integer");
  EXPECT_EQ(message(Json::object({{"usage_pct", "x"}})), "growth: usage_pct is not a number");
  EXPECT_EQ(message(Json::object({{"predict_exhaust", 1}})),
            "growth: predict_exhaust is not true or false");
  EXPECT_EQ(message(Json::object({{"alert_level", "mild"}})),
            "growth: alert_level is not none, warning or critical");
  EXPECT_EQ(message(Json::object({{"history", 3}})), "growth: history is not a list");
  EXPECT_EQ(message(Json::object({{"history", Json::Array{Json::object({{"step", "x"}})}}})),
            "growth: step is not an integer");
}

TEST(GrowthTextTest, WithoutABudget) {
  EXPECT_EQ(growth_text(growth_of(750, 0, 3, 50, history({250, 500, 750}))),
            "Context Growth: PID 1  |  750 tok  |  No budget set\n"
            "\n"
            "── Growth Trend ─────────────────────────────────────\n"
            "Step  1:     250 tok  (+250)\n"
            "Step  2:     500 tok  (+250)\n"
            "Step  3:     750 tok  (+250)\n");
}

TEST(GrowthTextTest, WithAWarning) {
  EXPECT_EQ(growth_text(growth_of(6800, 8000, 4, 50, history({2000, 4000, 6000, 6800}))),
            "Context Growth: PID 1  |  6800/8000 tok  |  85.0% used\n"
            "\n"
            "── Growth Trend ─────────────────────────────────────\n"
            "Step  1:    2000 tok  (+2000)\n"
            "Step  2:    4000 tok  (+2000)\n"
            "Step  3:    6000 tok  (+2000)\n"
            "Step  4:    6800 tok  (+800)\n"
            "\n"
            "── Prediction ──────────────────────────────────────\n"
            "Avg Rate:     1700.0 tok/step\n"
            "Recent Rate:  1600.0 tok/step  (last 4 steps)\n"
            "Remaining:    1200 tok\n"
            "Alert:        ⚠ WARNING  (remaining < 20%)\n"
            "\n"
            "── Budget ─────────────────────────────────────────\n"
            "[██████████████████████████░░░░] 85.0%\n");
}

TEST(GrowthTextTest, WithoutHistory) {
  EXPECT_EQ(growth_text(growth_of(500, 8000, 0, 50, {})),
            "Context Growth: PID 1  |  500/8000 tok  |  6.3% used\n"
            "\n"
            "── Prediction ──────────────────────────────────────\n"
            "Avg Rate:     0.0 tok/step\n"
            "Remaining:    7500 tok\n"
            "Alert:        none ✓\n"
            "\n"
            "── Budget ─────────────────────────────────────────\n"
            "[██░░░░░░░░░░░░░░░░░░░░░░░░░░░░] 6.3%\n");
}

TEST(GrowthTextTest, SaysHowManyStepsAreLeft) {
  const std::string text = growth_text(growth_of(300, 8000, 1, 50, history({300})));
  EXPECT_THAT(text, HasSubstr("Avg Rate:     300.0 tok/step\nRemaining:    7700 tok\n"
                              "Est. Steps:   ~25 steps remaining\nAlert:        none ✓\n"));
}

TEST(GrowthTextTest, BarIsNeverLongerThanFull) {
  EXPECT_THAT(growth_text(growth_of(9000, 8000, 3, 50, {})),
              EndsWith("[██████████████████████████████] 112.5%\n"));
  EXPECT_THAT(growth_text(growth_of(-9000, 8000, 3, 50, {})),
              EndsWith("[░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░] -112.5%\n"));
}

TEST(GrowthTextTest, FallingTokensHaveOneSign) {
  EXPECT_THAT(growth_text(growth_of(200, 0, 2, 0, history({300, 200}))), EndsWith("(-100)\n"));
}

TEST(GrowthTextTest, HistoryThatBeginsLateSaysSo) {
  const std::string text = growth_text(growth_of(600, 0, 8, 0, {{7, 500, 1}, {8, 600, 2}}));
  EXPECT_THAT(text,
              HasSubstr("Step  7:     500 tok  (+500 in 7 steps)\nStep  8:     600 tok  (+100)\n"));
}

Growth with_forecast(std::int64_t step, std::int64_t max_steps, Forecast forecast) {
  Growth growth = growth_of(500, 8000, step, max_steps, {});
  growth.forecast = forecast;
  return growth;
}

TEST(GrowthTextTest, ForecastIsASectionOfItsOwnAtTheEnd) {
  const Growth growth = with_forecast(5, 50, {12.9, 8.2, 15.99, 123.45, 155'000});
  Growth without = growth;
  without.forecast.reset();
  EXPECT_EQ(growth_text(growth), growth_text(without) +
                                     "\n"
                                     "── Forecast ───────────────────────────────────────\n"
                                     "Calls:        ~12 more fit  (8 in 10 runs: 8 to 15)\n"
                                     "Growth:       +123.5 tok/call\n"
                                     "Ceiling:      ~155000 tok/call, then compaction\n"
                                     "End:          budget spent after step ~17 of 50\n");
}

TEST(GrowthTextTest, ForecastKnowsTheStepLimit) {
  EXPECT_THAT(growth_text(with_forecast(5, 17, {12, 8, 15, 1, {}})),
              EndsWith("End:          budget spent after step ~17 of 17\n"));
  EXPECT_THAT(growth_text(with_forecast(5, 16, {12, 8, 15, 1, {}})),
              EndsWith("End:          the step limit of 16 comes first\n"));
  EXPECT_THAT(growth_text(with_forecast(5, 0, {12, 8, 15, 1, {}})),
              EndsWith("End:          budget spent after step ~17\n"));
}

TEST(GrowthTextTest, ForecastWithoutAnEnd) {
  EXPECT_THAT(growth_text(with_forecast(5, 0, {double{kMaxForecastCalls}, 0, 0, 0, {}})),
              EndsWith("Calls:        100000 or more\nGrowth:       +0.0 tok/call\n"));
}

}  // namespace
}  // namespace agdb
