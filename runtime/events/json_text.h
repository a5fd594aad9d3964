#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The smallest pieces of JSON text, written to memory of which the caller knows that it is large
// enough. Each returns the end of what it wrote, and may write a few bytes behind it. Any thread.
namespace agdb::json_text {

// Room that a number takes at most: the longest shortest form of a double has 24 characters, and
// integers are written 8 digits at once.
inline constexpr std::size_t kLongestNumber = 32;
// Room that a text takes at most, quotes included.
constexpr std::size_t longest_text(std::size_t bytes) {
  return 6 * bytes + 2 + 16;  // 16: whole blocks are copied
}

inline char* put(char* to, std::string_view ready) {
  std::memcpy(to, ready.data(), ready.size());
  return to + ready.size();
}
char* put(char* to, std::int64_t value);
char* put(char* to, std::uint64_t value);
// Shortest form; NaN and infinities as null, negative zero as -0.0, which stays a double when read.
char* put(char* to, double value);

// A text with quotes and escapes. `ascii` tells whether it was: what is not still has to be checked
// for being UTF-8.
struct Quoted {
  char* end;
  bool ascii;
};
Quoted put_quoted(char* to, std::string_view text);

}  // namespace agdb::json_text
