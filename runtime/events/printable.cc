#include "runtime/events/printable.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdint>

#include "runtime/events/text.h"

namespace agdb {
namespace {

bool is_ascii(char byte) {
  return static_cast<unsigned char>(byte) < 0x80;
}

// How many bytes of printable characters `text`, which has no ASCII, begins with. The tables of
// what is printable are RE2's: letters, marks, numbers, punctuation, symbols, and in the plain
// style blanks.
std::size_t printable_run(std::string_view text, EscapeStyle style) {
  static const RE2 plain(R"([\pL\pM\pN\pP\pS\p{Zs}]+)");
  static const RE2 quoted(R"([\pL\pM\pN\pP\pS]+)");
  re2::StringPiece run;
  const RE2& pattern = style == EscapeStyle::kPlain ? plain : quoted;
  const re2::StringPiece piece(text.data(), text.size());
  if (!pattern.Match(piece, 0, piece.size(), RE2::ANCHOR_START, &run, 1)) return 0;
  return run.size();
}

char32_t decode(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  char32_t code =
      character.size() == 2 ? first & 0x1fu : first & (character.size() == 3 ? 0xfu : 7u);
  for (const char byte : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3fu);
  return code;
}

std::string escape_of(std::string_view character) {
  if (character.size() > 1) {
    const auto code = static_cast<std::uint32_t>(decode(character));
    return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
  }
  switch (character[0]) {
    case '\a':
      return "\\a";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\v':
      return "\\v";
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    default:
      return fmt::format("\\x{:02x}", static_cast<unsigned char>(character[0]));
  }
}

bool stands_as_it_is(char ascii, EscapeStyle style) {
  if (ascii < ' ' || ascii == '\x7f') return false;
  return style == EscapeStyle::kPlain || (ascii != '"' && ascii != '\\');
}

// The length of what stands at the start of `text` and may be shown as it is; 0 when an escape is
// due.
std::size_t plain_run(std::string_view text, EscapeStyle style) {
  std::size_t end = 0;
  if (!is_ascii(text[0])) {
    if (character_length(text, 0) == 1) return 0;  // no character at all
    // In pieces, so that a long row of characters to be escaped is not scanned again for each of
    // them.
    const std::size_t most = std::min<std::size_t>(text.size(), 256);
    while (end < most && !is_ascii(text[end])) ++end;
    return printable_run(text.substr(0, end), style);
  }
  while (end < text.size() && is_ascii(text[end]) && stands_as_it_is(text[end], style)) ++end;
  return end;
}

}  // namespace

std::size_t append_printable(std::string& out, std::string_view text, EscapeStyle style,
                             std::size_t max_size) {
  std::size_t at = 0;
  while (at < text.size() && out.size() < max_size) {
    const std::size_t room = max_size - out.size();
    // A run longer than the room need not be followed to its end; 3 bytes more finish a character.
    const std::string_view rest = text.substr(at, room < text.size() ? room + 3 : text.size());
    if (const std::size_t run = plain_run(rest, style); run > 0) {
      const std::string_view fitting = prefix_of_bytes(rest.substr(0, run), room);
      out += fitting;
      at += fitting.size();
      if (fitting.size() < run) break;
      continue;
    }
    const std::string_view character = text.substr(at, character_length(text, at));
    const std::string escape = escape_of(character);
    if (escape.size() > room) break;
    out += escape;
    at += character.size();
  }
  return at;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_printable(out, text, EscapeStyle::kPlain);
  return out;
}

}  // namespace agdb
