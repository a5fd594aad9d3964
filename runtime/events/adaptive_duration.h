#pragma once

#include <string>

#include "runtime/events/duration.h"

namespace agdb {

// For columns that a person scans: "850µs", "12ms", "1.20s": below a millisecond whole
// microseconds, below a second whole milliseconds (both cut), else seconds with two decimals.
std::string adaptive_duration(Nanoseconds duration);

}  // namespace agdb
