#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "runtime/events/event.h"

namespace agdb {

// What those who take events in read off them. Times and numbers come from outside: sums that do
// not fit stay at the limit.

inline std::uint64_t add_up(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return b > most - a ? most : a + b;
}

inline std::int64_t add_up(std::int64_t a, std::int64_t b) {
  using Limits = std::numeric_limits<std::int64_t>;
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? Limits::min() : Limits::max();
}

inline Nanoseconds add_up(Nanoseconds a, Nanoseconds b) {
  return Nanoseconds(add_up(a.count(), b.count()));
}

// The call that gives a context up.
inline constexpr std::string_view kCtxReclaim = "CtxReclaim";

// The call that sets how many tokens may be spent in all.
inline constexpr std::string_view kSetBudget = "SetBudget";

// When it was over, since the process's start.
Nanoseconds end_of(const Event& event);
// The context that a process gives up with this event.
std::optional<CtxId> reclaimed_context(const Event& event);
// The budget that the process has from this event on; 0 = no limit.
std::optional<std::int64_t> new_budget(const Event& event);

}  // namespace agdb
