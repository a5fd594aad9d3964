#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "runtime/events/duration.h"

namespace agdb {

// A raw reading of a counter that goes up steadily: half the price of asking the system for the
// time. What one step is worth only the reader at the other end finds out (TickRate).
enum class Ticks : std::uint64_t {};

constexpr std::uint64_t raw(Ticks ticks) {
  return static_cast<std::uint64_t>(ticks);
}

// The processor's counter: the same on all cores where cpu_ticks_are_steady(). Any thread.
inline Ticks read_cpu_ticks() {
#if defined(__x86_64__)
  return static_cast<Ticks>(__rdtsc());
#elif defined(__aarch64__)
  std::uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return static_cast<Ticks>(ticks);
#else
  return static_cast<Ticks>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

// Whether the processor says that its counter goes at one pace whatever the cores do ("invariant
// TSC": CPUID leaf 0x80000007, EDX bit 8; always so on arm64).
bool cpu_ticks_are_steady();

// Turns spans of the processor's counter into nanoseconds of CLOCK_MONOTONIC: compares both since
// its construction, so a span within that time is off by the noise of two readings (about 0.1 us),
// however long it is. One thread at a time.
class TickRate {
 public:
  TickRate();
  // Compares anew when that is due: often at first, then once a second. Cheap when it is not.
  void refine();
  // REQUIRES: refine() was called.
  Nanoseconds span(std::uint64_t ticks) const {
    return Nanoseconds(static_cast<std::int64_t>(static_cast<double>(ticks) * per_tick_));
  }

 private:
  struct Reading {
    std::uint64_t ticks = 0;
    std::int64_t nanoseconds = 0;
  };
  static Reading read();

  const Reading first_;
  double per_tick_ = 1.0;  // nanoseconds
  std::uint64_t due_ = 0;  // ticks
};

}  // namespace agdb
