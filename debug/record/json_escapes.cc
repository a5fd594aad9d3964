#include "debug/record/json_escapes.h"

#include <charconv>
#include <cstdint>

namespace agdb {
namespace {

constexpr std::size_t kDigits = 4;  // of an escape \u00e9

bool is_high(std::uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low(std::uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

// The four digits behind "\u", which are taken away.
bool take_unit(std::string_view& rest, std::uint32_t& unit) {
  const std::string_view digits = rest.substr(0, kDigits);
  const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), unit, 16);
  rest.remove_prefix(digits.size());
  return error == std::errc() && stop == digits.end() && digits.size() == kDigits;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto last = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), last(0)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | code >> 12), last(6), last(0)};
  } else {
    out += {static_cast<char>(0xf0 | code >> 18), last(12), last(6), last(0)};
  }
}

bool append_code_point(std::string& out, std::string_view& rest) {
  std::uint32_t code = 0;
  if (!take_unit(rest, code) || is_low(code)) return false;
  if (is_high(code)) {
    std::uint32_t low = 0;
    if (!rest.starts_with("\\u")) return false;
    rest.remove_prefix(2);
    if (!take_unit(rest, low) || !is_low(low)) return false;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(out, code);
  return true;
}

// The character that a backslash and this one mean; 0: none.
char meant_by(char escaped) {
  switch (escaped) {
    case '"':
    case '\\':
    case '/':
      return escaped;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

bool append_unescaped(std::string& out, std::string_view content) {
  while (true) {
    const std::size_t plain = content.find('\\');
    out += content.substr(0, plain);
    if (plain == std::string_view::npos) return true;
    if (plain + 1 == content.size()) return false;
    const char escaped = content[plain + 1];
    content.remove_prefix(plain + 2);
    if (escaped == 'u') {
      if (!append_code_point(out, content)) return false;
    } else if (const char meant = meant_by(escaped); meant != '\0') {
      out += meant;
    } else {
      return false;
    }
  }
}

}  // namespace agdb
