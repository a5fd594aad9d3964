#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agdb::made_up {

// Characters that look random and are always the same: secrets are put together here when a test
// runs, so that no file of this repository holds what looks like one.
inline std::string chars(std::size_t count, std::string_view alphabet) {
  std::string text;
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    text += alphabet[(state >> 16) % alphabet.size()];
  }
  return text;
}

inline constexpr std::string_view kUpperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
inline constexpr std::string_view kAlnum =
    "a1b2c3d4e5f6g7h8i9j0KLMNOPQRSTUVWXYZklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view kHex = "0123456789abcdef";

inline std::string alnum(std::size_t count) {
  return chars(count, kAlnum);
}
inline std::string hex(std::size_t count) {
  return chars(count, kHex);
}

inline std::string jwt() {
  return "ey" + std::string("J") + alnum(20) + "." + alnum(40) + "." + alnum(43);
}

// `line_end` stands for how the text escapes it.
inline std::string pem(std::string_view label, std::string_view line_end = "\n",
                       bool with_end = true) {
  std::string text = "-----BEGIN " + std::string(label) + "-----";
  for (int i = 0; i < 4; ++i) text += std::string(line_end) + alnum(64);
  text += std::string(line_end) + alnum(10) + "==" + std::string(line_end);
  if (with_end) text += "-----END " + std::string(label) + "-----";
  return text;
}

}  // namespace agdb::made_up
