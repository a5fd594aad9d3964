#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// What bytes may stand in the tokens that keys are made of. ASCII only: a byte of a longer
// character is in no class.
namespace agdb::byte_class {

inline constexpr std::uint16_t kLower = 1;
inline constexpr std::uint16_t kUpper = 2;
inline constexpr std::uint16_t kDigit = 4;
inline constexpr std::uint16_t kUnderscore = 8;
inline constexpr std::uint16_t kHyphen = 16;
inline constexpr std::uint16_t kBase64Sign = 32;  // + / =
inline constexpr std::uint16_t kDotTilde = 64;    // . ~
inline constexpr std::uint16_t kHex = 128;        // 0-9 a-f A-F
inline constexpr std::uint16_t kGap = 256;        // may stand between a name and its "=" or ":"
inline constexpr std::uint16_t kWordEnd = 512;    // ends a value that is not in quotes
inline constexpr std::uint16_t kLetter = kLower | kUpper;
inline constexpr std::uint16_t kAlnum = kLetter | kDigit;
inline constexpr std::uint16_t kWord = kAlnum | kUnderscore;
inline constexpr std::uint16_t kBase64Url = kWord | kHyphen;
inline constexpr std::uint16_t kBase64 = kAlnum | kBase64Sign;
inline constexpr std::uint16_t kCredential = kBase64Url | kBase64Sign | kDotTilde;  // RFC 6750

consteval std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = kLower;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = kUpper;
  for (int c = '0'; c <= '9'; ++c) table[c] = kDigit | kHex;
  for (int c = 0; c < 6; ++c) {
    table['a' + c] |= kHex;
    table['A' + c] |= kHex;
  }
  table['_'] = kUnderscore;
  table['-'] = kHyphen;
  table['+'] = table['/'] = table['='] = kBase64Sign;
  table['.'] = table['~'] = kDotTilde;
  for (const char c : std::string_view(" \t\"'`\\]?")) table[static_cast<unsigned char>(c)] |= kGap;
  for (int c = 0; c <= ' '; ++c) table[c] |= kWordEnd;
  for (const char c : std::string_view("\"'`,;&<>()[]{}|\\"))
    table[static_cast<unsigned char>(c)] |= kWordEnd;
  return table;
}
inline constexpr std::array<std::uint16_t, 256> kTable = make_table();

constexpr bool is(char c, std::uint16_t classes) {
  return (kTable[static_cast<unsigned char>(c)] & classes) != 0;
}
constexpr char lower(char c) {
  return is(c, kUpper) ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Where the bytes of these classes that begin at `at` end; looks at `limit` bytes at most.
constexpr std::size_t run_end(std::string_view text, std::size_t at, std::uint16_t classes,
                              std::size_t limit = std::string_view::npos) {
  const std::size_t stop = limit < text.size() - at ? at + limit : text.size();
  while (at < stop && is(text[at], classes)) ++at;
  return at;
}

// Whether `text` has `word` (in small letters) at `at`, in any case.
constexpr bool has_word(std::string_view text, std::size_t at, std::string_view word) {
  if (at > text.size() || text.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (lower(text[at + i]) != word[i]) return false;
  }
  return true;
}

}  // namespace agdb::byte_class
