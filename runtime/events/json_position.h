#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace agdb {

// A place in a text, as compilers name it: both from 1, columns in bytes.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;

  bool operator==(const TextPosition&) const = default;
};

TextPosition position_at(std::string_view text, std::size_t offset);

// One step from a JSON value to one inside it: a member by its name (of several the last), or an
// element by its number.
using JsonStep = std::variant<std::string_view, std::size_t>;
using JsonPath = std::span<const JsonStep>;

// Where in the text the value stands that the path leads to from the root, for messages about a
// document that has been parsed: it reads the text again, up to there. Nothing when there is no
// such value. REQUIRES: parse_json takes the text, which does not begin with a byte order mark.
std::optional<std::size_t> offset_of_value(std::string_view text, JsonPath path);
// Where the name of the member stands that the path leads to. REQUIRES as above; the last step is a
// name.
std::optional<std::size_t> offset_of_key(std::string_view text, JsonPath path);

// How a person writes the path: agents.coder.turns[3], agents["two words"]. Elements count from 0.
std::string path_text(JsonPath path);

// The first byte of a JSON text that is not UTF-8, or the first `\u` escape that is a surrogate
// without its other half: what parse_json counts in its notes.
std::optional<std::size_t> offset_of_bad_character(std::string_view text);

}  // namespace agdb
