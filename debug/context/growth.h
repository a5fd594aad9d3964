#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/context/forecast.h"
#include "runtime/events/ids.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// How fast a process spends its budget: the linear figures that the reference's users know, and
// beside them, where the single calls are known, a forecast that is worth more (forecast.h).

// What was spent by the end of a step.
struct TokenSnapshot {
  std::int64_t step = 0;      // from 1
  std::int64_t tokens = 0;    // cumulative: request + response of all calls so far
  std::int64_t delta_ms = 0;  // since the process was created

  bool operator==(const TokenSnapshot&) const = default;
};

struct GrowthInput {
  Pid pid{};
  std::int64_t tokens_used = 0;
  std::int64_t context_budget = 0;  // tokens that may be spent in all; 0 = no limit
  std::int64_t current_step = 0;
  std::int64_t max_steps = 0;
  std::vector<TokenSnapshot> history;  // oldest first
};

enum class AlertLevel { kNone, kWarning, kCritical };
// "none", "warning", "critical".
std::string_view name_of(AlertLevel level);
// By the share of the budget that is left: under 10 % critical, under 20 % warning; exactly 10 % is
// still a warning, exactly 20 % none. `usage_pct` is rounded to one decimal before.
AlertLevel alert_level(double usage_pct);

struct Growth {
  Pid pid{};
  std::int64_t tokens_used = 0;
  std::int64_t context_budget = 0;
  double usage_pct = 0;  // this and the two rates rounded to one decimal
  std::int64_t current_step = 0;
  std::int64_t max_steps = 0;
  double avg_tokens_per_step = 0;
  double recent_rate = 0;  // over the last 5 snapshots; the average where those tell nothing
  std::int64_t remaining_budget = 0;  // never negative
  std::int64_t est_remaining = 0;     // steps, at the recent rate
  bool predict_exhaust = false;       // the budget ends before the steps do, at the recent rate
  AlertLevel alert_level = AlertLevel::kNone;
  std::vector<TokenSnapshot> history;
  std::optional<Forecast> forecast;

  bool operator==(const Growth&) const = default;
};

// The linear figures. `forecast` is left empty: the caller sets it from forecast_calls, where it
// knows the single calls.
Growth predict_growth(const GrowthInput& input);

// Keys: pid tokens_used context_budget usage_pct current_step max_steps avg_tokens_per_step
// recent_rate remaining_budget est_remaining predict_exhaust alert_level
// history[{step,tokens,delta_ms}], and `forecast` when there is one.
Json growth_json(const Growth& growth);
// The reference's keys read back (`forecast` is not). Missing keys are zero; a wrong type is an
// error.
Result<Growth> growth_from_json(const Json& json);

// The reference's text; after it, when there is a forecast, a section of its own.
std::string growth_text(const Growth& growth);

}  // namespace agdb
