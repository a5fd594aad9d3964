#pragma once

#include <cstdint>
#include <map>

#include "debug/context/token_history.h"
#include "runtime/events/event.h"
#include "runtime/kernel/kernel.h"

namespace agdb {

// Predicts, answer by answer, when each process will have spent its budget, and has the kernel say
// so in time: an alert of kind "forecast", level "warning" when about kWarnAt more calls fit,
// "critical" at kCriticalAt. Once each, and anew for a new budget. Kernel's thread.
class ForecastWatch {
 public:
  static constexpr double kWarnAt = 10;
  static constexpr double kCriticalAt = 3;
  // Fewer calls say too little about how an agent grows.
  static constexpr std::size_t kLeastCalls = 3;

  // The kernel outlives it.
  explicit ForecastWatch(Kernel& kernel) : kernel_(kernel) {}

  void answered(Pid pid, const LlmResponse& response);
  void forget(Pid pid) { processes_.erase(pid); }

 private:
  struct Watched {
    TokenHistory history;
    std::int64_t budget = 0;  // that `told` is about
    int told = 0;             // levels
  };
  Kernel& kernel_;
  std::map<Pid, Watched> processes_;
};

}  // namespace agdb
