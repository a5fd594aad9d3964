#include "runtime/events/json_text.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace agdb::json_text {
namespace {

// What stands behind the backslash, by byte: 0 = no escape, 'u' = as \u00xx.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}();

// One byte, escaped if need be.
char* put_byte(char* to, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  const char escape = kEscapes[byte];
  if (escape == 0) {
    *to = c;
    return to + 1;
  }
  *to++ = '\\';
  *to++ = escape;
  if (escape != 'u') return to;
  *to++ = '0';
  *to++ = '0';
  *to++ = digits[byte >> 4];
  *to++ = digits[byte & 15];
  return to;
}

#if defined(__SSE2__)

constexpr std::size_t kBlock = sizeof(__m128i);

// Copies a block whole. Which of its bytes need an escape, and which are not ASCII: a bit each.
struct Block {
  unsigned escapes;
  unsigned beyond_ascii;
};
Block copy_block(char* to, const char* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i any = _mm_or_si128(control, _mm_or_si128(quote, backslash));
  return {static_cast<unsigned>(_mm_movemask_epi8(any)),
          static_cast<unsigned>(_mm_movemask_epi8(bytes))};
}

#else

constexpr std::size_t kBlock = 8;

struct Block {
  unsigned escapes;
  unsigned beyond_ascii;
};
Block copy_block(char* to, const char* from) {
  std::memcpy(to, from, kBlock);
  Block block{0, 0};
  for (unsigned i = 0; i < kBlock; ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    block.escapes |= unsigned{kEscapes[byte] != 0} << i;
    block.beyond_ascii |= unsigned{byte >= 0x80} << i;
  }
  return block;
}

#endif

template <typename Number>
char* put_number(char* to, Number value) {
  return std::to_chars(to, to + kLongestNumber, value).ptr;
}

}  // namespace

char* put(char* to, std::string_view ready) {
  std::memcpy(to, ready.data(), ready.size());
  return to + ready.size();
}

char* put(char* to, std::int64_t value) {
  return put_number(to, value);
}
char* put(char* to, std::uint64_t value) {
  return put_number(to, value);
}
char* put(char* to, double value) {
  if (!std::isfinite(value)) return put(to, "null");
  if (value == 0 && std::signbit(value)) return put(to, "-0.0");
  return put_number(to, value);
}

Quoted put_quoted(char* to, std::string_view text) {
  *to++ = '"';
  const char* from = text.data();
  const char* const end = from + text.size();
  unsigned beyond_ascii = 0;
  while (static_cast<std::size_t>(end - from) >= kBlock) {
    const Block block = copy_block(to, from);
    beyond_ascii |= block.beyond_ascii;
    if (block.escapes == 0) {
      to += kBlock;
      from += kBlock;
      continue;
    }
    const int plain = std::countr_zero(block.escapes);
    from += plain;
    to = put_byte(to + plain, *from++);
  }
  for (; from < end; ++from) {
    beyond_ascii |= static_cast<unsigned char>(*from) & 0x80u;
    to = put_byte(to, *from);
  }
  *to++ = '"';
  return {to, beyond_ascii == 0};
}

}  // namespace agdb::json_text
