#include "runtime/events/json_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace agdb::json_text {
namespace {

// In memory that is no larger than promised.
std::string in_quotes(std::string_view text, bool* ascii = nullptr) {
  std::vector<char> room(longest_text(text.size()));
  const Quoted result = put_quoted(room.data(), text);
  if (ascii != nullptr) *ascii = result.ascii;
  return {room.data(), result.end};
}

// The same, a byte at a time.
std::string in_quotes_slowly(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    constexpr std::string_view letters = "\"\\\b\f\n\r\t";
    constexpr std::string_view names = "\"\\bfnrt";
    const std::size_t known = letters.find(c);
    if (known != std::string_view::npos) {
      out += {'\\', names[known]};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <typename Number>
std::string number(Number value) {
  std::array<char, kLongestNumber> room;
  return {room.data(), put(room.data(), value)};
}

TEST(JsonText, PlainTextOfEveryLengthIsOnlyQuoted) {
  std::string text;
  for (std::size_t size = 0; size < 300; ++size) {
    EXPECT_EQ(in_quotes(text), '"' + text + '"');
    text += static_cast<char>('a' + size % 26);
  }
}

TEST(JsonText, EveryByteIsEscapedWhereverItStands) {
  for (std::size_t size : {1u, 2u, 3u, 5u, 7u, 8u, 9u, 15u, 16u, 17u, 63u, 79u, 80u, 81u, 96u}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        bool ascii = false;
        ASSERT_EQ(in_quotes(text, &ascii), in_quotes_slowly(text))
            << size << " " << at << " " << byte;
        ASSERT_EQ(ascii, byte < 0x80) << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(JsonText, TextOfEscapesAloneHasRoom) {
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string text(size, '\x01');
    EXPECT_EQ(in_quotes(text), in_quotes_slowly(text));
  }
}

TEST(JsonText, EscapesSideBySideAndApart) {
  std::string text;
  for (std::size_t gap = 0; gap < 90; ++gap) text += std::string(gap, 'y') + "\"\n\\\x1f";
  EXPECT_EQ(in_quotes(text), in_quotes_slowly(text));
  EXPECT_EQ(in_quotes(std::string_view(text).substr(7)), in_quotes_slowly(text.substr(7)));
}

TEST(JsonText, NumbersOfEveryLength) {
  std::uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits) {
    for (const std::uint64_t value : {power - 1, power, power + 1, power * 2 - 1, power / 7 * 9})
      EXPECT_EQ(number(value), std::to_string(value));
    power *= 10;
  }
  EXPECT_EQ(number(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(JsonText, EveryNumberOfFourDigitsInEitherHalf) {
  for (std::uint64_t value = 0; value < 10000; ++value) {
    ASSERT_EQ(number(value), std::to_string(value));
    ASSERT_EQ(number(value * 10000 + 9999 - value), std::to_string(value * 10000 + 9999 - value));
  }
}

TEST(JsonText, NegativeNumbers) {
  for (const std::int64_t value :
       {std::int64_t{-1}, std::int64_t{-99'999'999}, std::int64_t{-100'000'000},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(number(value), std::to_string(value));
}

}  // namespace
}  // namespace agdb::json_text
