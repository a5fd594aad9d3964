#include "runtime/events/json_position.h"

#include <algorithm>
#include <charconv>

#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Walks over a text that is known to be good JSON. Still never leaves the text, whatever it holds.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { skip_space(); }

  // Where the key and the value of the member or element stand that the last step led to.
  std::size_t key() const { return key_; }
  std::size_t value() const { return at_; }

  // Moves from a container to what is inside it. False: there is no such thing.
  bool enter(const JsonStep& step) {
    const bool is_object = std::holds_alternative<std::string_view>(step);
    if (peek() != (is_object ? '{' : '[')) return false;
    ++at_;
    return is_object ? member(std::get<std::string_view>(step))
                     : element(std::get<std::size_t>(step));
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void skip_value() {
    std::size_t depth = 0;
    do {
      skip_space();
      const char c = peek();
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[' || c == '}' || c == ']') {
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        at_ = std::min(text_.find_first_of(",:]} \t\r\n", at_), text_.size());
      }
    } while (depth > 0 && at_ < text_.size());
  }

  // To the next member or element. False: that was the last one.
  bool next() {
    skip_space();
    if (peek() != ',') return false;
    ++at_;
    return true;
  }

  bool member(std::string_view name) {
    std::optional<std::size_t> found;
    skip_space();
    if (peek() == '}') return false;
    do {
      skip_space();
      const std::size_t key = at_;
      skip_string();
      const bool is_it = is_quoted(text_.substr(key, at_ - key), name);
      skip_space();
      at_ = std::min(at_ + 1, text_.size());  // the colon
      skip_space();
      if (is_it) {
        key_ = key;
        found = at_;
      }
      skip_value();
    } while (next());
    at_ = found.value_or(at_);
    return found.has_value();
  }

  bool element(std::size_t index) {
    skip_space();
    if (peek() == ']') return false;
    for (; index > 0; --index) {
      skip_value();
      if (!next()) return false;
    }
    skip_space();
    return true;
  }

  static bool is_quoted(std::string_view quoted, std::string_view name) {
    if (quoted.find('\\') == std::string_view::npos)
      return quoted.size() == name.size() + 2 && quoted.substr(1, name.size()) == name;
    const Result<Json> key = parse_json(quoted);
    return key && key->to_string() == name;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t key_ = 0;
};

// Names from outside may be of any length; a message shows so many characters of one.
constexpr std::size_t kLongestName = 60;

bool is_plain_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), is_plain);
}

// The number behind "\u" at `at`, or nothing when no such escape stands there.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  const std::string_view escape = text.substr(std::min(at, text.size()), 6);
  if (escape.size() < 6 || !escape.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* end = escape.data() + escape.size();
  const auto read = std::from_chars(escape.data() + 2, end, unit, 16);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return unit;
}

// How many bytes the escape takes that begins at `at`; 0 when it is half of a pair.
std::size_t escape_length(std::string_view text, std::size_t at) {
  const auto unit = escaped_unit(text, at);
  if (!unit || *unit < 0xd800 || *unit > 0xdfff) return 2;
  const auto other = *unit < 0xdc00 ? escaped_unit(text, at + 6) : std::nullopt;
  return other && *other >= 0xdc00 && *other <= 0xdfff ? 12 : 0;
}

}  // namespace

TextPosition position_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
  return {static_cast<std::size_t>(lines) + 1, before.size() - line_begin + 1};
}

std::optional<std::size_t> offset_of_value(std::string_view text, JsonPath path) {
  Scanner scanner(text);
  for (const JsonStep& step : path) {
    if (!scanner.enter(step)) return std::nullopt;
  }
  return scanner.value();
}

std::optional<std::size_t> offset_of_key(std::string_view text, JsonPath path) {
  Scanner scanner(text);
  for (const JsonStep& step : path) {
    if (!scanner.enter(step)) return std::nullopt;
  }
  return scanner.key();
}

std::string path_text(JsonPath path) {
  std::string out;
  for (const JsonStep& step : path) {
    if (const auto* index = std::get_if<std::size_t>(&step)) {
      out += '[' + std::to_string(*index) + ']';
      continue;
    }
    const std::string_view name = std::get<std::string_view>(step);
    if (is_plain_name(name)) {
      if (!out.empty()) out += '.';
      out += name;
    } else {
      out += '[';
      dump_string_to(out, truncate(name, kLongestName));
      out += ']';
    }
  }
  return out;
}

std::optional<std::size_t> offset_of_bad_character(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const bool is_ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::size_t length =
        text[at] == '\\' ? escape_length(text, at) : character_length(text, at);
    if (length == 0 || (length == 1 && !is_ascii)) return at;
    at += length;
  }
  return std::nullopt;
}

}  // namespace agdb
