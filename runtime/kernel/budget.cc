#include "runtime/kernel/budget.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "runtime/kernel/process.h"

namespace agdb {
namespace {

// Calls that the estimate of an alert looks back on.
constexpr std::size_t kEstimateCalls = 5;
// Calls remembered, for whoever shows how the process grows.
constexpr std::size_t kRecentCalls = 32;

constexpr std::array<std::pair<BudgetPolicy, std::string_view>, 3> kPolicies = {
    {{BudgetPolicy::kKill, "kill"},
     {BudgetPolicy::kPause, "pause"},
     {BudgetPolicy::kWarn, "warn"}}};

// Token counts come from scripts and providers: a sum that does not fit stays at the largest
// number.
std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

std::int64_t estimated_steps(const Process& p, std::int64_t remaining) {
  const std::size_t calls = std::min(p.recent_calls.size(), kEstimateCalls);
  std::int64_t recent = 0;
  for (std::size_t i = 0; i < calls; ++i)
    recent = add(recent, p.recent_calls[p.recent_calls.size() - 1 - i]);
  const std::int64_t mean = recent / std::max<std::int64_t>(1, static_cast<std::int64_t>(calls));
  return mean <= 0 ? 0 : remaining / mean;
}

}  // namespace

std::optional<BudgetPolicy> budget_policy_from(std::string_view name) {
  for (const auto& [policy, known] : kPolicies)
    if (name == known) return policy;
  return std::nullopt;
}

std::string_view name_of(BudgetPolicy policy) {
  for (const auto& [known, name] : kPolicies)
    if (policy == known) return name;
  return "unknown";
}

void spend(Process& p, const LlmResponse& response) {
  const std::int64_t cost = add(response.request_tokens, response.response_tokens);
  p.tokens_used = add(p.tokens_used, cost);
  p.recent_calls.push_back(cost);
  if (p.recent_calls.size() > kRecentCalls) p.recent_calls.pop_front();
}

bool check_budget(Process& p) {
  if (p.budget == 0) return false;
  const std::int64_t left = p.budget - p.tokens_used;
  // Under 20 %, under 10 %, nothing; divided rather than multiplied, so that nothing overflows.
  const std::array crossed = {left < p.budget / 5 + (p.budget % 5 != 0),
                              left < p.budget / 10 + (p.budget % 10 != 0), left < 0};
  static constexpr std::array kLevels = {"warning", "critical", "exceeded"};
  for (std::size_t level = p.alerts_given; level < crossed.size() && crossed[level]; ++level) {
    p.alert_level = kLevels[level];
    p.emitter.alert(make_alert(p, "budget", kLevels[level]));
    p.alerts_given = level + 1;
  }
  return left < 0;
}

Alert make_alert(const Process& p, std::string_view kind, std::string_view level,
                 std::optional<std::int64_t> steps) {
  const std::int64_t remaining = std::max<std::int64_t>(0, p.budget - p.tokens_used);
  Alert alert;
  alert.kind = kind;
  alert.level = level;
  alert.tokens_used = p.tokens_used;
  alert.context_budget = p.budget;
  alert.remaining_pct =
      p.budget == 0 ? 0 : 100.0 * static_cast<double>(remaining) / static_cast<double>(p.budget);
  alert.est_remaining_steps = steps ? *steps : estimated_steps(p, remaining);
  alert.step = p.steps;
  return alert;
}

}  // namespace agdb
