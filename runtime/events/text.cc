#include "runtime/events/text.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

namespace agdb {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// What the second byte of a character may be, and the character's length, by its first byte (table
// 3-7 of the Unicode standard). length 0: begins no character.
struct Lead {
  std::size_t length;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {0};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

// A character, or the longest run of bytes that could have begun one.
struct Sequence {
  std::size_t length;
  bool good;
};

Sequence sequence_at(std::string_view text, std::size_t at) {
  const Lead lead = lead_of(byte_at(text, at));
  if (lead.length == 0) return {1, false};
  for (std::size_t i = 1; i < lead.length; ++i) {
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xbf;
    if (at + i >= text.size() || byte_at(text, at + i) < low || byte_at(text, at + i) > high)
      return {i, false};
  }
  return {lead.length, true};
}

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i)
    values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

}  // namespace

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string to_utf8(std::string_view text, std::uint64_t* bad) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    const Sequence sequence = sequence_at(text, at);
    out += sequence.good ? text.substr(at, sequence.length) : kReplacement;
    if (!sequence.good && bad != nullptr) *bad += sequence.length;
    at += sequence.length;
  }
  return out;
}

std::size_t character_length(std::string_view text, std::size_t at) {
  const Sequence sequence = sequence_at(text, at);
  return sequence.good ? sequence.length : 1;
}

std::size_t count_characters(std::string_view text) {
  if (is_utf8(text)) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
  }
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += character_length(text, at)) ++count;
  return count;
}

std::string_view prefix_of_bytes(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  // Only a character that begins up to three bytes before the cut can reach over it.
  const std::size_t first = max_bytes - std::min<std::size_t>(max_bytes, 3);
  for (std::size_t at = first; at < max_bytes; ++at) {
    if (at + character_length(text, at) > max_bytes) return text.substr(0, at);
  }
  return text.substr(0, max_bytes);
}

std::string_view prefix_of_characters(std::string_view text, std::size_t max_characters) {
  if (text.size() <= max_characters) return text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < max_characters && at < text.size(); ++i)
    at += character_length(text, at);
  return text.substr(0, at);
}

std::string truncate(std::string_view text, std::size_t max_characters) {
  const std::string_view prefix = prefix_of_characters(text, max_characters);
  if (prefix.size() == text.size()) return std::string(text);
  return std::string(prefix) + "...";
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? byte_at(bytes, at + i) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= count ? kBase64Digits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::size_t digits = 4;
    if (at + 4 == text.size()) {
      while (digits > 2 && text[at + digits - 1] == '=') --digits;
    }
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const int value = i < digits ? kBase64Values[byte_at(text, at + i)] : 0;
      if (value < 0) return std::nullopt;
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    // Bits behind the last byte must be zero, so that every byte string has one text only.
    if (digits < 4 && (group & (digits == 2 ? 0xffffu : 0xffu)) != 0) return std::nullopt;
    for (std::size_t i = 0; i + 1 < digits; ++i)
      out += static_cast<char>(group >> (16 - 8 * i) & 0xff);
  }
  return out;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace agdb
