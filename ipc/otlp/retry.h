#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "runtime/events/clock.h"

namespace agdb {

// When a request is tried again, by the rules of OTLP.
struct RetryRules {
  unsigned attempts = 6;  // in all, the first one included; at least 1
  Nanoseconds first_wait = std::chrono::seconds(1);
  Nanoseconds longest_wait = std::chrono::seconds(30);
  // A collector that asks for more than this by Retry-After is not waited for.
  Nanoseconds longest_asked = std::chrono::minutes(5);
};

// 429, 502, 503, 504.
bool may_try_again(unsigned status);

// Before attempt number `attempt` (from 2 on): doubling, less up to half of it by `random` in [0,
// 1).
Nanoseconds wait_before(unsigned attempt, const RetryRules& rules, double random);

// The header's value: seconds, or a date (RFC 9110), of which what is left at `now`. Nothing for
// what is neither; never negative.
std::optional<Nanoseconds> read_retry_after(std::string_view value, WallTime now);

}  // namespace agdb
