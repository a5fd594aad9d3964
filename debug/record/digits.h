#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace agdb {

namespace digits_detail {

constexpr std::uint64_t repeated(unsigned char byte) {
  return std::uint64_t{0x0101010101010101} * byte;
}

// How many of these eight bytes, from the first, are digits.
inline std::size_t leading(std::uint64_t word) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t values = word ^ repeated('0');
  // Digits become 0 to 9, and 9 is the most to which 0x76 can be added without reaching 0x80.
  const std::uint64_t others = ((values + repeated(0x76)) | values) & repeated(0x80);
  return static_cast<std::size_t>(std::countr_zero(others)) / 8;
}

// The number that the first `count` bytes are, which are digits: pairs, then fours, then all eight.
inline std::uint64_t value(std::uint64_t word, std::size_t count) {
  if (count == 0) return 0;
  word = (word - repeated('0')) << (8 * (8 - count));
  word = word * 10 + (word >> 8);
  return ((word & 0x000000ff000000ff) * 0x000f424000000064 +
          ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
         32;
}

}  // namespace digits_detail

// Steps over the digits of a number as JSON wants them, without a leading zero, eight at a time.
// False: there are none, or more than `most`; `value` means nothing then. REQUIRES: most <= 19.
inline bool read_digits(const char*& at, const char* end, std::uint64_t& value,
                        std::ptrdiff_t most = 18) {
  constexpr std::array<std::uint64_t, 9> kPowers = {
      1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};
  const char* const begin = at;
  value = 0;
  std::size_t found = 8;
  while (found == 8 && end - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    found = digits_detail::leading(word);
    value = value * kPowers[found] + digits_detail::value(word, found);
    at += found;
  }
  while (found == 8 && at < end && *at >= '0' && *at <= '9')
    value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  const std::ptrdiff_t digits = at - begin;
  return digits == 1 || (digits > 1 && digits <= most && *begin != '0');
}

}  // namespace agdb
