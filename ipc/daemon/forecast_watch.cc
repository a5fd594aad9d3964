#include "ipc/daemon/forecast_watch.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "debug/context/forecast.h"

namespace agdb {
namespace {

// What a forecast looks back on; more changes little.
constexpr std::size_t kCallsUsed = 50;

}  // namespace

void ForecastWatch::answered(Pid pid, const LlmResponse& response) {
  const std::optional<ProcessInfo> info = kernel_.info(pid);
  if (!info) return;
  Watched& watched = processes_[pid];
  watched.history.add(response, info->elapsed);
  if (watched.budget != info->budget) {
    watched.budget = info->budget;
    watched.told = 0;
  }
  if (info->budget == 0 || info->tokens_used > info->budget) return;
  const std::vector<CallTokens>& calls = watched.history.calls();
  if (calls.size() < kLeastCalls) return;
  const std::size_t used = std::min(calls.size(), kCallsUsed);
  ForecastInput input;
  input.calls = std::span(calls).last(used);
  input.budget = info->budget;
  input.calls_before = calls.size() - used;
  input.tokens_before = info->tokens_used;
  for (const CallTokens& call : input.calls) input.tokens_before -= call.tokens;
  const std::optional<Forecast> forecast = forecast_calls(input);
  if (!forecast) return;
  const int level = forecast->calls <= kCriticalAt ? 2 : forecast->calls <= kWarnAt ? 1 : 0;
  if (level <= watched.told) return;
  watched.told = level;
  const auto steps = static_cast<std::int64_t>(std::floor(forecast->calls));
  // It can only fail when the process is ending just now, and then nobody needs warning.
  (void)kernel_.raise_alert(pid, "forecast", level == 2 ? "critical" : "warning", steps);
}

}  // namespace agdb
