#include "runtime/events/clock.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <optional>

#include "runtime/events/text.h"

namespace agdb {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// Reads a time field by field from the front of a text. The first field that does not fit leaves
// `failed` set, and all later ones are 0.
struct FieldReader {
  std::string_view rest;
  bool failed = false;

  // A number of exactly `width` digits.
  int digits(std::size_t width) {
    if (rest.size() < width) failed = true;
    int value = 0;
    for (std::size_t i = 0; i < width && !failed; ++i) {
      if (rest[i] < '0' || rest[i] > '9') failed = true;
      value = value * 10 + (rest[i] - '0');
    }
    if (failed) return 0;
    rest.remove_prefix(width);
    return value;
  }

  bool take(std::string_view any_of) {
    if (failed || rest.empty() || !any_of.contains(rest.front())) return false;
    rest.remove_prefix(1);
    return true;
  }

  void expect(std::string_view any_of) {
    if (!take(any_of)) failed = true;
  }

  // Nanoseconds of ".123…"; digits beyond the ninth are cut. 0 when there is no fraction.
  std::int64_t fraction() {
    if (!take(".")) return 0;
    std::int64_t value = 0;
    std::int64_t unit = kNanosecondsPerSecond / 10;
    std::size_t at = 0;
    for (; at < rest.size() && rest[at] >= '0' && rest[at] <= '9'; ++at, unit /= 10)
      value += unit * (rest[at] - '0');
    if (at == 0) failed = true;
    rest.remove_prefix(at);
    return value;
  }
};

std::unexpected<Error> bad_time(std::string_view text, std::string_view why) {
  return fail(Code::kInvalid,
              fmt::format("\"{}\" is no time: {}", to_utf8(text.substr(0, 60)), why),
              "write it like 2026-03-08T10:00:00Z");
}

// Seconds east of UTC of "Z", "+hh:mm" or "-hh:mm"; nothing when there is no zone.
std::optional<seconds> take_zone(FieldReader& reader) {
  if (reader.take("Zz")) return seconds{0};
  const bool west = reader.rest.starts_with('-');
  if (!reader.take("+-")) return std::nullopt;
  const int hours = reader.digits(2);
  reader.expect(":");
  const int minutes = reader.digits(2);
  if (hours > 23 || minutes > 59) reader.failed = true;
  const seconds offset{hours * 3600 + minutes * 60};
  return west ? -offset : offset;
}

// Nothing when the sum does not fit 64 bits of nanoseconds (before 1677 or after 2262).
std::optional<WallTime> wall_time_of(seconds whole, std::int64_t nanoseconds) {
  constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / kNanosecondsPerSecond;
  if (whole.count() <= -limit || whole.count() >= limit) return std::nullopt;
  return WallTime(Nanoseconds{whole.count() * kNanosecondsPerSecond + nanoseconds});
}

}  // namespace

Nanoseconds RealClock::now() const {
  return std::chrono::duration_cast<Nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

WallTime RealClock::wall() const {
  return std::chrono::time_point_cast<Nanoseconds>(std::chrono::system_clock::now());
}

std::string format_wall_time(WallTime time) {
  // Apart from the nanoseconds before the seconds become a day: the beginning of the first day does
  // not fit 64 bits of nanoseconds.
  const std::int64_t count = time.time_since_epoch().count();
  std::int64_t nanoseconds = count % kNanosecondsPerSecond;
  if (nanoseconds < 0) nanoseconds += kNanosecondsPerSecond;
  const std::int64_t whole =
      count / kNanosecondsPerSecond - (count < 0 && nanoseconds != 0 ? 1 : 0);
  const std::chrono::sys_seconds moment(seconds{whole});
  const auto day = std::chrono::floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<seconds> clock(moment - day);
  // 64 bits of nanoseconds do not leave the years of four digits.
  std::string out = "0000-00-00T00:00:00.000000000";
  const auto put = [&out](std::size_t at, std::size_t digits, auto number) {
    auto rest = static_cast<std::uint64_t>(number);
    for (; digits > 0; rest /= 10) out[at + --digits] = static_cast<char>('0' + rest % 10);
  };
  put(0, 4, static_cast<int>(date.year()));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, clock.hours().count());
  put(14, 2, clock.minutes().count());
  put(17, 2, clock.seconds().count());
  put(20, 9, nanoseconds);
  out.resize(nanoseconds == 0 ? out.find('.') : out.find_last_not_of('0') + 1);
  return out += 'Z';
}

Result<WallTime> parse_wall_time(std::string_view text, bool* zone_missing) {
  FieldReader reader{text};
  const std::chrono::year year(reader.digits(4));
  reader.expect("-");
  const std::chrono::month month(static_cast<unsigned>(reader.digits(2)));
  reader.expect("-");
  const std::chrono::day day(static_cast<unsigned>(reader.digits(2)));
  reader.expect("Tt ");
  const int hour = reader.digits(2);
  reader.expect(":");
  const int minute = reader.digits(2);
  reader.expect(":");
  const int second = reader.digits(2);
  const std::int64_t nanoseconds = reader.fraction();
  const std::optional<seconds> offset = take_zone(reader);
  if (reader.failed || !reader.rest.empty()) return bad_time(text, "it is not in RFC 3339 form");
  const std::chrono::year_month_day date(year, month, day);
  // A minute may have a leap second.
  if (!date.ok() || static_cast<int>(year) < 1 || hour > 23 || minute > 59 || second > 60)
    return bad_time(text, "there is no such day or hour");
  if (!offset && zone_missing == nullptr) return bad_time(text, "its time zone is missing");
  if (!offset) *zone_missing = true;
  const seconds whole = std::chrono::sys_days(date).time_since_epoch() +
                        seconds{hour * 3600 + minute * 60 + second} - offset.value_or(seconds{0});
  const std::optional<WallTime> time = wall_time_of(whole, nanoseconds);
  if (!time) return bad_time(text, "it is not between the years 1678 and 2262");
  return *time;
}

}  // namespace agdb
