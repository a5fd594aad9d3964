#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

using Nanoseconds = std::chrono::nanoseconds;

// Go's notation: "0s", "100ns", "1.2ms", "1h1m1.5s": never rounded, no trailing zeros.
std::string format_duration(Nanoseconds duration);
// The same notation read back: a sequence of decimal numbers with a unit (ns, us, µs, ms, s, m, h),
// or "0". Negative and out of range (over about 292 years) are errors.
Result<Nanoseconds> parse_duration(std::string_view text);

}  // namespace agdb
