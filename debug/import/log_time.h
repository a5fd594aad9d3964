#pragma once

#include <optional>

#include "runtime/events/clock.h"
#include "runtime/events/json.h"

namespace agdb {

// A time as logs write it: ISO 8601 text (without a zone it is taken as UTC and `zone_missing` is
// set), or Unix time as a number, whose size tells seconds, milliseconds, microseconds or
// nanoseconds. Fractions of a second beyond what a double holds today (microseconds) are rounded
// away. Nothing when it is neither, or out of range (before 1970, after 2261).
std::optional<WallTime> read_log_time(const Json& value, bool* zone_missing = nullptr);

// A time span in seconds, as a number; nothing when it is none, negative, or over ten years.
std::optional<Nanoseconds> read_log_seconds(const Json& value);

}  // namespace agdb
