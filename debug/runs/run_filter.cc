#include "debug/runs/run_filter.h"

#include <fmt/format.h>

#include "runtime/events/clock.h"
#include "runtime/events/duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr const char* kForms =
    "conditions are flow=NAME, status=success|failed|partial|timeout, client=KEY, tag=TAG, "
    "errors=yes|no, duration=2s.., since=24h, until=1h";

std::unexpected<Error> wrong(std::string_view expression, std::string_view expected) {
  return fail(
      Code::kInvalid,
      fmt::format("filter \"{}\": expected {}", printable(truncate(expression, 200)), expected),
      kForms);
}

Result<std::int64_t> least_ms(std::string_view expression, std::string_view sign,
                              std::string_view value) {
  if (sign == "=") {
    if (!value.ends_with("..")) return wrong(expression, "duration=2s.. (at least 2 s)");
    value.remove_suffix(2);
  }
  const Result<Nanoseconds> duration = parse_duration(value);
  if (!duration) return wrong(expression, "a duration with its unit, as 2s or 150ms");
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*duration).count();
  const bool whole = std::chrono::milliseconds(ms) == *duration;
  return sign == ">" && whole ? ms + 1 : ms;
}

// A time, or how long ago it was.
Result<std::int64_t> time_of(std::string_view expression, std::string_view value,
                             std::int64_t now) {
  if (const Result<Nanoseconds> ago = parse_duration(value))
    return now - std::chrono::floor<std::chrono::seconds>(*ago).count();
  bool zone_missing = false;
  const Result<WallTime> time = parse_wall_time(value, &zone_missing);
  if (!time) return wrong(expression, "how long ago (24h), or a time (2026-03-08T10:00:00Z)");
  return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

struct Parts {
  std::string_view key;
  std::string_view sign;
  std::string_view value;
};

Parts split(std::string_view expression) {
  const std::size_t end = std::min(expression.find_first_of("=<>"), expression.size());
  std::size_t signs = end < expression.size() ? 1 : 0;
  if (expression.substr(end).starts_with(">=")) signs = 2;
  return {expression.substr(0, end), expression.substr(end, signs), expression.substr(end + signs)};
}

Status add_condition(std::string_view expression, std::int64_t now, RunFilter& filter) {
  const auto [key, sign, value] = split(expression);
  if (key == "duration" && (sign == "=" || sign == ">" || sign == ">=")) {
    AGDB_TRY(filter.min_latency_ms, least_ms(expression, sign, value));
    return {};
  }
  if (sign != "=") return wrong(expression, "KEY=VALUE");
  if (key == "flow") {
    filter.flow_name = value;
  } else if (key == "client") {
    filter.client_key = value;
  } else if (key == "tag") {
    filter.tag = value;
  } else if (key == "status") {
    filter.status = run_status_of(value);
    if (!filter.status) return wrong(expression, "success, failed, partial or timeout");
  } else if (key == "errors") {
    if (value != "yes" && value != "no") return wrong(expression, "errors=yes or errors=no");
    filter.has_errors = value == "yes";
  } else if (key == "since") {
    AGDB_TRY(filter.since, time_of(expression, value, now));
  } else if (key == "until") {
    AGDB_TRY(filter.until, time_of(expression, value, now));
  } else {
    return wrong(expression, "a condition that there is");
  }
  return {};
}

}  // namespace

Result<RunFilter> parse_run_filter(std::span<const std::string> expressions, std::int64_t now) {
  RunFilter filter;
  for (const std::string& expression : expressions)
    AGDB_CHECK_OK(add_condition(expression, now, filter));
  return filter;
}

}  // namespace agdb
