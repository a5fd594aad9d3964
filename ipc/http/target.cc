#include "ipc/http/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::unexpected<Error> wrong(std::string_view why) {
  return fail(Code::kInvalid, fmt::format("the target {}", why));
}

Result<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += plus_is_blank && text[at] == '+' ? ' ' : text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return wrong("has a % without two hex digits behind it");
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  if (std::ranges::any_of(decoded, is_control)) return wrong("holds a control character");
  if (!is_utf8(decoded)) return wrong("is not UTF-8");
  return decoded;
}

Status add_path(std::string_view text, Target& target) {
  text.remove_prefix(1);
  if (text.empty()) return {};
  for (;;) {
    const std::size_t end = std::min(text.find('/'), text.size());
    AGDB_TRY(std::string segment, decode(text.substr(0, end), false));
    if (segment == "." || segment == "..") return wrong("has a segment of dots");
    if (target.path.size() >= kMaxPathSegments) return wrong("has too many segments");
    target.path.push_back(std::move(segment));
    if (end == text.size()) return {};
    text.remove_prefix(end + 1);
  }
}

Status add_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const std::size_t sign = std::min(part.find('='), part.size());
    AGDB_TRY(std::string name, decode(part.substr(0, sign), true));
    AGDB_TRY(std::string value, decode(part.substr(std::min(sign + 1, part.size())), true));
    if (target.query.size() >= kMaxQueryParts) return wrong("has too many query parameters");
    target.query.push_back({std::move(name), std::move(value)});
  }
  return {};
}

bool is_plain_ascii(char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.asterisk = true;
    return target;
  }
  if (!std::ranges::all_of(text, is_plain_ascii))
    return wrong("holds a character that must be written as %XX");
  if (to_lower_ascii(text.substr(0, 7)) == "http://") {
    text.remove_prefix(7);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    if (target.authority.empty()) return wrong("names no host");
    text.remove_prefix(end);
    if (text.empty()) text = "/";
  }
  const std::size_t path_end = std::min(text.find('?'), text.size());
  if (!text.starts_with('/')) return wrong("is no path");
  AGDB_CHECK_OK(add_path(text.substr(0, path_end), target));
  if (path_end < text.size()) AGDB_CHECK_OK(add_query(text.substr(path_end + 1), target));
  return target;
}

}  // namespace agdb
