#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "debug/context/growth.h"
#include "debug/context/saturating.h"
#include "debug/context/section.h"

namespace agdb {
namespace {

constexpr int kBarCells = 30;

void add_header(std::string& text, const Growth& growth) {
  text += fmt::format("Context Growth: PID {}  |  ", raw(growth.pid));
  if (growth.context_budget > 0) {
    text += fmt::format("{}/{} tok  |  {:.1f}% used\n", growth.tokens_used, growth.context_budget,
                        growth.usage_pct);
  } else {
    text += fmt::format("{} tok  |  No budget set\n", growth.tokens_used);
  }
}

// By how much a snapshot is above the one before. Where the first one is not that of step 1, what
// went before it is known as a sum only.
std::string rise_text(const std::vector<TokenSnapshot>& history, std::size_t i) {
  const std::int64_t rise =
      saturating_subtract(history[i].tokens, i == 0 ? 0 : history[i - 1].tokens);
  if (i == 0 && history[i].step > 1)
    return fmt::format("({:+} in {} steps)", rise, history[i].step);
  return fmt::format("({:+})", rise);
}

void add_trend(std::string& text, const std::vector<TokenSnapshot>& history) {
  if (history.empty()) return;
  text += section("Growth Trend", 37);
  for (std::size_t i = 0; i < history.size(); ++i)
    text += fmt::format("Step {:>2}:  {:>6} tok  {}\n", history[i].step, history[i].tokens,
                        rise_text(history, i));
}

std::string_view alert_text(AlertLevel level) {
  switch (level) {
    case AlertLevel::kNone:
      return "none ✓";
    case AlertLevel::kWarning:
      return "⚠ WARNING  (remaining < 20%)";
    case AlertLevel::kCritical:
      return "⚠ CRITICAL  (remaining < 10%)";
  }
  return {};
}

void add_prediction(std::string& text, const Growth& growth) {
  text += section("Prediction", 38);
  text += fmt::format("Avg Rate:     {:.1f} tok/step\n", growth.avg_tokens_per_step);
  if (growth.recent_rate > 0 && growth.recent_rate != growth.avg_tokens_per_step)
    text += fmt::format("Recent Rate:  {:.1f} tok/step  (last {} steps)\n", growth.recent_rate,
                        std::min<std::size_t>(growth.history.size(), 5));
  text += fmt::format("Remaining:    {} tok\n", growth.remaining_budget);
  if (growth.est_remaining > 0)
    text += fmt::format("Est. Steps:   ~{} steps remaining\n", growth.est_remaining);
  text += fmt::format("Alert:        {}\n", alert_text(growth.alert_level));
}

void add_budget(std::string& text, double usage_pct) {
  const double share = std::clamp(usage_pct / 100, 0.0, 1.0);
  const auto filled = static_cast<int>(std::round(share * kBarCells));
  text += section("Budget", 41) + "[";
  for (int i = 0; i < kBarCells; ++i) text += i < filled ? "█" : "░";
  text += fmt::format("] {:.1f}%\n", usage_pct);
}

std::int64_t whole(double calls) {
  return static_cast<std::int64_t>(calls);
}

std::string calls_text(const Forecast& forecast) {
  if (forecast.calls >= kMaxForecastCalls) return fmt::format("{} or more", kMaxForecastCalls);
  if (forecast.high <= 0) return "none";
  return fmt::format("~{} more fit  (8 in 10 runs: {} to {})", whole(forecast.calls),
                     whole(forecast.low), whole(forecast.high));
}

// Where the budget ends, against where the steps do.
std::string end_text(const Growth& growth) {
  if (growth.context_budget > 0 && growth.remaining_budget == 0) {
    for (const TokenSnapshot& snapshot : growth.history)
      if (snapshot.tokens >= growth.context_budget)
        return fmt::format("the budget was spent at step {}", snapshot.step);
  }
  const std::int64_t calls = whole(growth.forecast->calls);
  const std::int64_t steps_left = saturating_subtract(growth.max_steps, growth.current_step);
  if (growth.max_steps > 0 && calls > steps_left)
    return fmt::format("the step limit of {} comes first", growth.max_steps);
  std::string text =
      fmt::format("budget spent after step ~{}", saturating_add(growth.current_step, calls));
  if (growth.max_steps > 0) text += fmt::format(" of {}", growth.max_steps);
  return text;
}

void add_forecast(std::string& text, const Growth& growth) {
  const Forecast& forecast = *growth.forecast;
  text += section("Forecast", 39);
  text += fmt::format("Calls:        {}\n", calls_text(forecast));
  text += fmt::format("Growth:       {:+.1f} tok/call\n", forecast.growth_per_call);
  if (forecast.context_ceiling)
    text += fmt::format("Ceiling:      ~{} tok/call, then compaction\n", *forecast.context_ceiling);
  if (forecast.calls < kMaxForecastCalls)
    text += fmt::format("End:          {}\n", end_text(growth));
}

}  // namespace

std::string growth_text(const Growth& growth) {
  std::string text;
  add_header(text, growth);
  add_trend(text, growth.history);
  if (growth.context_budget > 0) {
    add_prediction(text, growth);
    add_budget(text, growth.usage_pct);
  }
  if (growth.forecast) add_forecast(text, growth);
  return text;
}

}  // namespace agdb
