#pragma once

#include <optional>
#include <string_view>

#include "runtime/events/event.h"

namespace agdb {

struct Process;

// What happens to a process that has spent more than its budget.
enum class BudgetPolicy {
  kKill,   // it ends with "budget_exceeded"
  kPause,  // it is suspended before its next call, until it is given more or told to go on
  kWarn,   // nothing but the alerts
};
// "kill", "pause", "warn"; nothing for others.
std::optional<BudgetPolicy> budget_policy_from(std::string_view name);
std::string_view name_of(BudgetPolicy policy);

// The accounts of one process. Kernel's thread only.

// Counts what a call cost.
void spend(Process& process, const LlmResponse& response);
// Emits an alert for each threshold of the budget that was crossed and not told yet: less than
// 20 % left, less than 10 %, exceeded. True: it has spent more than it may.
bool check_budget(Process& process);
// An alert of that kind and level with the process's figures. `steps`: how many more steps the
// budget lasts; nothing: estimated from the newest calls.
Alert make_alert(const Process& process, std::string_view kind, std::string_view level,
                 std::optional<std::int64_t> steps = std::nullopt);

}  // namespace agdb
