#include "ipc/otlp/retry.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace agdb {
namespace {

// Doubling more often than this is beyond every limit.
constexpr unsigned kMostDoublings = 30;
// No collector means more; and in nanoseconds it fits.
constexpr std::int64_t kMostSeconds = 1'000'000'000;

}  // namespace

bool may_try_again(unsigned status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

Nanoseconds wait_before(unsigned attempt, const RetryRules& rules, double random) {
  const unsigned doublings = std::min(attempt < 2 ? 0 : attempt - 2, kMostDoublings);
  const double doubled =
      static_cast<double>(rules.first_wait.count()) * static_cast<double>(1u << doublings);
  const double whole = std::min(doubled, static_cast<double>(rules.longest_wait.count()));
  return Nanoseconds(std::llround(whole * (1 - random / 2)));
}

std::optional<Nanoseconds> read_retry_after(std::string_view value, WallTime now) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc() && end == value.data() + value.size() && !value.empty())
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kMostSeconds));
  // The one form of date that may be sent today. strptime knows names of days and months by the
  // locale, which this program never sets.
  tm date = {};
  const std::string text(value);
  const char* const behind = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (behind == nullptr || *behind != '\0') return std::nullopt;
  const auto at = std::chrono::sys_time<std::chrono::seconds>(std::chrono::seconds(timegm(&date)));
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(at - std::chrono::floor<std::chrono::seconds>(now));
  return std::chrono::seconds(std::clamp<std::int64_t>(left.count(), 0, kMostSeconds));
}

}  // namespace agdb
