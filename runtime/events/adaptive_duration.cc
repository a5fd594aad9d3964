#include "runtime/events/adaptive_duration.h"

#include <fmt/format.h>

#include <cstdint>

namespace agdb {

std::string adaptive_duration(Nanoseconds duration) {
  const std::int64_t ns = duration.count();
  if (ns < 1'000'000) return fmt::format_int(ns / 1'000).str() + "µs";
  if (ns < 1'000'000'000) return fmt::format_int(ns / 1'000'000).str() + "ms";
  return fmt::format("{:.2f}s", static_cast<double>(ns) / 1e9);
}

}  // namespace agdb
