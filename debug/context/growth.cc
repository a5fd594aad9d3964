#include "debug/context/growth.h"

#include <algorithm>

#include "debug/context/rounding.h"
#include "debug/context/saturating.h"

namespace agdb {
namespace {

// Snapshots over which the recent rate is taken.
constexpr std::size_t kRecentSnapshots = 5;

double as_double(std::int64_t number) {
  return static_cast<double>(number);
}

// The mean rise between the newest snapshots; 0 when none of them rises.
double recent_rate(const std::vector<TokenSnapshot>& history) {
  const std::size_t count = std::min(history.size(), kRecentSnapshots);
  double sum = 0;
  int rises = 0;
  for (std::size_t i = history.size() - count + 1; i < history.size(); ++i) {
    if (history[i].tokens <= history[i - 1].tokens) continue;
    sum += as_double(history[i].tokens) - as_double(history[i - 1].tokens);
    ++rises;
  }
  return rises == 0 ? 0 : round1(sum / rises);
}

}  // namespace

std::string_view name_of(AlertLevel level) {
  switch (level) {
    case AlertLevel::kNone:
      return "none";
    case AlertLevel::kWarning:
      return "warning";
    case AlertLevel::kCritical:
      return "critical";
  }
  return {};
}

AlertLevel alert_level(double usage_pct) {
  const double left = 100 - usage_pct;
  if (left < 10) return AlertLevel::kCritical;
  return left < 20 ? AlertLevel::kWarning : AlertLevel::kNone;
}

Growth predict_growth(const GrowthInput& input) {
  Growth growth;
  growth.pid = input.pid;
  growth.tokens_used = input.tokens_used;
  growth.context_budget = input.context_budget;
  growth.current_step = input.current_step;
  growth.max_steps = input.max_steps;
  growth.history = input.history;

  if (input.current_step > 0)
    growth.avg_tokens_per_step =
        round1(as_double(input.tokens_used) / as_double(input.current_step));
  growth.recent_rate = recent_rate(input.history);
  if (growth.recent_rate <= 0) growth.recent_rate = growth.avg_tokens_per_step;
  if (input.context_budget <= 0) return growth;

  growth.usage_pct = round1(as_double(input.tokens_used) / as_double(input.context_budget) * 100);
  growth.alert_level = alert_level(growth.usage_pct);
  growth.remaining_budget =
      std::max<std::int64_t>(saturating_subtract(input.context_budget, input.tokens_used), 0);
  if (growth.recent_rate <= 0) return growth;
  growth.est_remaining = saturating_floor(as_double(growth.remaining_budget) / growth.recent_rate);
  growth.predict_exhaust =
      saturating_add(input.current_step, growth.est_remaining) <= input.max_steps;
  return growth;
}

}  // namespace agdb
