#include "runtime/events/ticks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <limits>

namespace agdb {

bool cpu_ticks_are_steady() {
#if defined(__x86_64__)
  constexpr unsigned kPowerManagement = 0x80000007;
  constexpr unsigned kInvariantTsc = 1u << 8;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(kPowerManagement, &eax, &ebx, &ecx, &edx) != 0 && (edx & kInvariantTsc) != 0;
#elif defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

TickRate::TickRate() : first_(read()) {}

// Of some readings the one that was interrupted the least.
TickRate::Reading TickRate::read() {
  Reading best;
  std::uint64_t narrowest = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before = raw(read_cpu_ticks());
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::uint64_t width = raw(read_cpu_ticks()) - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = {before + width / 2, std::chrono::duration_cast<Nanoseconds>(now).count()};
  }
  return best;
}

void TickRate::refine() {
  if (raw(read_cpu_ticks()) < due_) return;
  const Reading now = read();
  const std::uint64_t ticks = now.ticks - first_.ticks;
  if (ticks == 0) return;
  per_tick_ =
      static_cast<double>(now.nanoseconds - first_.nanoseconds) / static_cast<double>(ticks);
  // When as much time has passed again, at the latest in a second.
  const double second = 1e9 / std::max(per_tick_, 1e-3);
  due_ = now.ticks + std::min(ticks, static_cast<std::uint64_t>(second));
}

}  // namespace agdb
