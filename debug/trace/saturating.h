#pragma once

#include <cstdint>
#include <limits>

#include "runtime/events/duration.h"

namespace agdb {

// Sums over numbers from outside: what does not fit stays at the limit.
constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

constexpr std::int64_t saturating_difference(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

constexpr Nanoseconds saturating_sum(Nanoseconds a, Nanoseconds b) {
  return Nanoseconds(saturating_sum(a.count(), b.count()));
}

constexpr Nanoseconds saturating_difference(Nanoseconds a, Nanoseconds b) {
  return Nanoseconds(saturating_difference(a.count(), b.count()));
}

}  // namespace agdb
