#include "debug/record/record_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxLength = 255;  // of a file name on Linux

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_id_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
         c == '-';
}

// The digits at the front, taken off; leading zeros do not count.
std::string_view take_number(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

}  // namespace

Status check_record_id(std::string_view id) {
  const bool fits = !id.empty() && id.size() <= kMaxLength && id.front() != '.' &&
                    std::all_of(id.begin(), id.end(), is_id_character);
  if (fits) return {};
  return fail(Code::kInvalid, fmt::format("\"{}\" is no record id", truncate(to_utf8(id), 100)),
              "an id has letters, digits, '.', '_' and '-' and does not begin with a dot; "
              "`agdb record list` shows them");
}

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view number_a = take_number(a);
      const std::string_view number_b = take_number(b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
    } else {
      if (a.front() != b.front()) return a.front() < b.front();
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // they differ in leading zeros at most
}

}  // namespace agdb
