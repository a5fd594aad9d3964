#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "runtime/events/base64_sibling.h"
#include "runtime/events/json.h"
#include "runtime/events/json_order.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// Whether any of eight bytes needs an escape: exact as a whole, though a borrow may mark further
// bytes behind the first that does.
bool any_needs_escape(std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x; };
  const std::uint64_t below_space = (bytes - 0x20 * ones) & ~bytes;
  const std::uint64_t quote = has_zero(bytes ^ ('"' * ones));
  const std::uint64_t backslash = has_zero(bytes ^ ('\\' * ones));
  return ((below_space | quote | backslash) & highs) != 0;
}

// The offset of the first byte from `at` that needs an escape, or the text's size.
std::size_t end_of_plain_run(std::string_view text, std::size_t at) {
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    if (any_needs_escape(bytes)) break;
  }
  while (at < text.size() && !needs_escape(text[at])) ++at;
  return at;
}

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u00";
  out += digits[static_cast<unsigned char>(c) >> 4];
  out += digits[static_cast<unsigned char>(c) & 15];
}

// REQUIRES: the text is UTF-8.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_plain_run(text, at);
    out.append(text, at, end - at);
    at = end;
    for (; at < text.size() && needs_escape(text[at]); ++at) append_escape(out, text[at]);
  }
  out += '"';
}

template <typename Number>
void append_number(std::string& out, Number value) {
  // The longest shortest form of a double has 24 characters.
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else if (value == 0 && std::signbit(value)) {
    out += "-0.0";  // "-0" would be read back as the integer 0
  } else {
    append_number(out, value);
  }
}

class Writer {
 public:
  Writer(std::string& out, const DumpStyle& style) : out_(out), style_(style) {}

  void value(const Json& json) {
    switch (json.type()) {
      case Json::Type::kNull:
        out_ += "null";
        break;
      case Json::Type::kBool:
        out_ += *json.to_bool() ? "true" : "false";
        break;
      case Json::Type::kInt:
        append_number(out_, *json.to_int());
        break;
      case Json::Type::kUint:
        append_number(out_, *json.to_uint());
        break;
      case Json::Type::kDouble:
        append_double(out_, *json.to_double());
        break;
      case Json::Type::kString:
        dump_string_to(out_, json.string());
        break;
      case Json::Type::kArray:
        array(json.items());
        break;
      case Json::Type::kObject:
        object(json.members());
        break;
    }
  }

 private:
  void array(const Json::Array& items) {
    open('[');
    for (const Json& item : items) {
      next();
      value(item);
    }
    close(']', items.empty());
  }

  void object(const Json::Object& members) {
    open('{');
    const auto in_order = [](const Json::Member& a, const Json::Member& b) {
      return a.key < b.key;
    };
    const auto out_of_order = [&](const auto& a, const auto& b) { return !in_order(a, b); };
    if (!style_.sorted ||
        std::adjacent_find(members.begin(), members.end(), out_of_order) == members.end()) {
      for (const Json::Member& each : members) member(each);
    } else {
      sorted_object(members);
    }
    close('}', members.empty());
  }

  void sorted_object(const Json::Object& members) {
    const std::vector<const Json::Member*> sorted = members_by_key(members);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const bool is_last_of_name = i + 1 == sorted.size() || sorted[i + 1]->key != sorted[i]->key;
      if (is_last_of_name) member(*sorted[i]);
    }
  }

  void member(const Json::Member& member) {
    next();
    key(member.key);
    value(member.value);
    if (!style_.keep_bytes || !member.value.is_string() || is_utf8(member.value.string())) return;
    next();
    key(fmt::format("{}{}", member.key, kBase64Suffix));
    append_quoted(out_, to_base64(member.value.string()));
  }

  void key(std::string_view name) {
    dump_string_to(out_, name);
    out_ += style_.indent > 0 ? ": " : ":";
  }

  void open(char bracket) {
    out_ += bracket;
    first_ = true;
    ++level_;
  }

  void next() {
    if (!first_) out_ += ',';
    first_ = false;
    line();
  }

  void close(char bracket, bool is_empty) {
    --level_;
    first_ = false;
    if (!is_empty) line();
    out_ += bracket;
  }

  void line() {
    if (style_.indent <= 0) return;
    out_ += '\n';
    out_.append(level_ * static_cast<std::size_t>(style_.indent), ' ');
  }

  std::string& out_;
  const DumpStyle& style_;
  std::size_t level_ = 0;
  bool first_ = true;
};

}  // namespace

std::string dump(const Json& value, const DumpStyle& style) {
  std::string out;
  dump_to(out, value, style);
  return out;
}

void dump_to(std::string& out, const Json& value, const DumpStyle& style) {
  Writer(out, style).value(value);
}

bool dump_string_to(std::string& out, std::string_view text) {
  const bool valid = is_utf8(text);
  if (valid) {
    append_quoted(out, text);
  } else {
    append_quoted(out, to_utf8(text));
  }
  return valid;
}

void dump_text_member_to(std::string& out, std::string_view key, std::string_view text) {
  append_quoted(out, key);
  out += ':';
  if (dump_string_to(out, text)) return;
  out += ',';
  append_quoted(out, fmt::format("{}{}", key, kBase64Suffix));
  out += ':';
  append_quoted(out, to_base64(text));
}

}  // namespace agdb
