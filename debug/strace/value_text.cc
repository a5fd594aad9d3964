#include "debug/strace/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Shortest digits that read back to the same number, with an exponent when it is below -4 or
// from 6.
std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  constexpr double kExact = 9007199254740992.0;  // 2^53: up to here every integer is a double
  if (std::trunc(value) == value && std::abs(value) <= kExact)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  char buffer[64];
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  const std::string_view exponent_text = text.substr(text.find('e') + 1);
  int exponent = 0;
  const char* digits = exponent_text.data() + (exponent_text[0] == '+' ? 1 : 0);
  std::from_chars(digits, exponent_text.data() + exponent_text.size(), exponent);
  if (exponent < -4 || exponent >= 6) return std::string(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

void append_value(std::string& out, const Json& value, std::size_t max_bytes);

void append_list(std::string& out, const Json& list, std::size_t max_bytes) {
  out += '[';
  for (const Json& item : list.items()) {
    if (&item != &list.items().front()) out += ' ';
    append_value(out, item, max_bytes);
    if (out.size() > max_bytes) return;
  }
  out += ']';
}

void append_map(std::string& out, const Json& object, std::size_t max_bytes) {
  out += "map[";
  bool first = true;
  for (const Json::Member* member : sorted_members(object)) {
    if (!first) out += ' ';
    first = false;
    out += member->key;
    out += ':';
    append_value(out, member->value, max_bytes);
    if (out.size() > max_bytes) return;
  }
  out += ']';
}

// Text is taken up to one character beyond the limit: it then is longer, and cut where a character
// ends.
void append_text(std::string& out, std::string_view text, std::size_t max_bytes) {
  const std::size_t room = max_bytes > out.size() ? max_bytes - out.size() : 0;
  out += room < text.size() && text.size() - room > 4 ? prefix_of_bytes(text, room + 4) : text;
}

// Values are nested at most as deep as parse_json lets them be, so recursion is bounded.
void append_value(std::string& out, const Json& value, std::size_t max_bytes) {
  switch (value.type()) {
    case Json::Type::kNull:
      out += "<nil>";
      return;
    case Json::Type::kBool:
      out += *value.to_bool() ? "true" : "false";
      return;
    case Json::Type::kInt:
      out += fmt::format("{}", *value.to_int());
      return;
    case Json::Type::kUint:
      out += fmt::format("{}", *value.to_uint());
      return;
    case Json::Type::kDouble:
      out += double_text(*value.to_double());
      return;
    case Json::Type::kString:
      append_text(out, value.string(), max_bytes);
      return;
    case Json::Type::kArray:
      append_list(out, value, max_bytes);
      return;
    case Json::Type::kObject:
      append_map(out, value, max_bytes);
      return;
  }
}

}  // namespace

std::string value_text(const Json& value, std::size_t max_bytes) {
  std::string out;
  append_value(out, value, max_bytes);
  return out;
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  append_printable(out, text, EscapeStyle::kQuoted);
  return out += '"';
}

std::string printable_within(std::string_view text, std::size_t limit) {
  std::string out;
  if (append_printable(out, text, EscapeStyle::kPlain, limit) == text.size()) return out;
  out.clear();
  append_printable(out, text, EscapeStyle::kPlain, limit > 3 ? limit - 3 : 0);
  return out += "...";
}

std::string quoted_within(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  if (append_printable(out, text, EscapeStyle::kQuoted, limit + 1) == text.size())
    return out += '"';
  out = "\"";
  append_printable(out, text, EscapeStyle::kQuoted, limit > 2 ? limit - 1 : 1);
  return out += "...\"";
}

std::vector<const Json::Member*> sorted_members(const Json& object) {
  std::vector<const Json::Member*> members;
  if (!object.is_object()) return members;
  members.reserve(object.size());
  for (const Json::Member& member : object.members()) members.push_back(&member);
  std::ranges::stable_sort(members, {}, &Json::Member::key);
  const auto same_key = [](const auto* a, const auto* b) { return a->key == b->key; };
  // Of equal keys the last counts: unique keeps the first, so it runs from the back.
  const auto kept = std::unique(members.rbegin(), members.rend(), same_key).base();
  members.erase(members.begin(), kept);
  return members;
}

}  // namespace agdb
