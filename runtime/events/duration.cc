#include "runtime/events/duration.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace agdb {
namespace {

// `value` units of which one has `scale` smaller parts, as a decimal number without trailing zeros.
std::string decimal(std::uint64_t value, std::uint64_t scale) {
  std::string out = std::to_string(value / scale);
  std::uint64_t rest = value % scale;
  if (rest == 0) return out;
  out += '.';
  while (rest != 0) {
    scale /= 10;
    out += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  return out;
}

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

// The longer of two names that begin alike comes first.
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\u00b5s", 1'000},
                                         {"\u03bcs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};

constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Number {
  std::uint64_t whole = 0;
  std::string_view fraction;
};

std::unexpected<Error> bad_duration(std::string_view text, std::string_view why) {
  return fail(Code::kInvalid, fmt::format("\"{}\" is no duration: {}", text.substr(0, 60), why),
              "write it like 850ms, 1.5s or 1h30m");
}

// Takes a decimal number from the front of `rest`; nothing when there is none or it is out of
// range.
std::optional<Number> take_number(std::string_view& rest) {
  Number number;
  std::size_t at = 0;
  for (; at < rest.size() && is_digit(rest[at]); ++at) {
    const auto digit = static_cast<std::uint64_t>(rest[at] - '0');
    if (number.whole > (kMax - digit) / 10) return std::nullopt;
    number.whole = number.whole * 10 + digit;
  }
  std::size_t digits = at;
  if (at < rest.size() && rest[at] == '.') {
    const std::size_t begin = ++at;
    while (at < rest.size() && is_digit(rest[at])) ++at;
    number.fraction = rest.substr(begin, at - begin);
    digits += number.fraction.size();
  }
  if (digits == 0) return std::nullopt;
  rest.remove_prefix(at);
  return number;
}

const Unit* take_unit(std::string_view& rest) {
  for (const Unit& unit : kUnits) {
    if (!rest.starts_with(unit.name)) continue;
    rest.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// Whole nanoseconds in the fraction of one unit; what is smaller is cut. Of an hour, the fifteenth
// digit is less than a nanosecond.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t unit) {
  std::uint64_t sum = 0;
  std::uint64_t denominator = 1;
  for (const char c : digits.substr(0, 15)) {
    sum = sum * 10 + static_cast<std::uint64_t>(c - '0');
    denominator *= 10;
  }
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{sum} * unit / denominator);
}

}  // namespace

std::string format_duration(Nanoseconds duration) {
  const std::int64_t count = duration.count();
  const std::uint64_t ns = count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count)
                                     : static_cast<std::uint64_t>(count);
  const std::string sign = count < 0 ? "-" : "";
  if (ns == 0) return "0s";
  if (ns < 1'000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + decimal(ns, 1'000) + "\u00b5s";
  if (ns < 1'000'000'000) return sign + decimal(ns, 1'000'000) + "ms";
  constexpr std::uint64_t minute = 60'000'000'000;
  std::string out = sign;
  if (ns >= 60 * minute) out += std::to_string(ns / (60 * minute)) + "h";
  if (ns >= minute) out += std::to_string(ns / minute % 60) + "m";
  return out + decimal(ns % minute, 1'000'000'000) + "s";
}

Result<Nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return Nanoseconds{0};
  if (text.empty()) return bad_duration(text, "it is empty");
  if (text.front() == '-') return bad_duration(text, "it is negative");
  std::string_view rest = text;
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const char first = rest.front();
    const std::optional<Number> number = take_number(rest);
    if (!number && is_digit(first)) return bad_duration(text, "it is too long");
    if (!number) return bad_duration(text, "a number is missing");
    const Unit* unit = take_unit(rest);
    if (unit == nullptr) return bad_duration(text, "a unit (ns, us, ms, s, m, h) is missing");
    if (number->whole > kMax / unit->nanoseconds) return bad_duration(text, "it is too long");
    const std::uint64_t part =
        number->whole * unit->nanoseconds + fraction_of(number->fraction, unit->nanoseconds);
    if (part > kMax - total) return bad_duration(text, "it is too long");
    total += part;
  }
  return Nanoseconds{static_cast<std::int64_t>(total)};
}

}  // namespace agdb
