#pragma once

#include <string>

#include "runtime/events/clock.h"

namespace agdb {

// "2026-03-08 10:00:00" in the machine's zone.
std::string local_time(WallTime time);
// Of today "10:00:00", else "03-08 10:00".
std::string short_time(WallTime time);

}  // namespace agdb
