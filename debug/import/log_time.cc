#include "debug/import/log_time.h"

#include <cmath>

namespace agdb {
namespace {

constexpr double kMaxSpanSeconds = 10.0 * 366 * 86400;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
// The last second whose nanoseconds fit 64 bits.
constexpr std::int64_t kMaxSeconds = 9'223'372'036;

// Unix times of our era: seconds have 10 digits, milliseconds 13, microseconds 16, nanoseconds 19.
constexpr std::int64_t units_per_second(double number) {
  if (number < 1e11) return 1;
  if (number < 1e14) return 1'000;
  if (number < 1e17) return 1'000'000;
  return kNanosPerSecond;
}

std::optional<Nanoseconds> nanoseconds_of(double seconds) {
  const double whole = std::floor(seconds);
  if (!(whole >= 0) || whole >= static_cast<double>(kMaxSeconds)) return std::nullopt;
  const auto micros = static_cast<std::int64_t>(std::llround((seconds - whole) * 1e6));
  return Nanoseconds(static_cast<std::int64_t>(whole) * kNanosPerSecond + micros * 1000);
}

std::optional<WallTime> from_number(const Json& value) {
  const double number = *value.to_double();
  if (!(number >= 0)) return std::nullopt;
  const std::int64_t units = units_per_second(number);
  if (const auto exact = value.is_integer() ? value.to_int() : std::nullopt) {
    if (*exact / units > kMaxSeconds - 1) return std::nullopt;
    return WallTime(
        Nanoseconds(*exact / units * kNanosPerSecond + *exact % units * (kNanosPerSecond / units)));
  }
  const auto since = nanoseconds_of(number / static_cast<double>(units));
  if (!since) return std::nullopt;
  return WallTime(*since);
}

}  // namespace

std::optional<WallTime> read_log_time(const Json& value, bool* zone_missing) {
  if (value.is_number()) return from_number(value);
  const auto text = value.to_string();
  if (!text) return std::nullopt;
  bool missing = false;
  const auto time = parse_wall_time(*text, &missing);
  if (!time || time->time_since_epoch() < Nanoseconds{0}) return std::nullopt;
  if (zone_missing != nullptr && missing) *zone_missing = true;
  return *time;
}

std::optional<Nanoseconds> read_log_seconds(const Json& value) {
  const auto seconds = value.to_double();
  if (!seconds || !(*seconds <= kMaxSpanSeconds)) return std::nullopt;
  return nanoseconds_of(*seconds);
}

}  // namespace agdb
