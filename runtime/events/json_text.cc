#include "runtime/events/json_text.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace agdb::json_text {
namespace {

static_assert(std::endian::native == std::endian::little, "digits and texts are put as words");

// A byte as it stands in a text, escaped if need be; read and written as one word.
struct Escaped {
  std::array<char, 7> text = {};
  std::uint8_t size = 0;
};
static_assert(sizeof(Escaped) == 8);

constexpr std::array<Escaped, 256> kEscaped = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<Escaped, 256> all{};
  for (std::size_t c = 0; c < all.size(); ++c) all[c] = {{static_cast<char>(c)}, 1};
  for (std::size_t c = 0; c < 0x20; ++c)
    all[c] = {{'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6};
  all['"'] = {{'\\', '"'}, 2};
  all['\\'] = {{'\\', '\\'}, 2};
  all['\b'] = {{'\\', 'b'}, 2};
  all['\f'] = {{'\\', 'f'}, 2};
  all['\n'] = {{'\\', 'n'}, 2};
  all['\r'] = {{'\\', 'r'}, 2};
  all['\t'] = {{'\\', 't'}, 2};
  return all;
}();

// Writes 8 bytes, of which those that count.
char* put_byte(char* to, char c) {
  const Escaped& escaped = kEscaped[static_cast<unsigned char>(c)];
  std::memcpy(to, &escaped, sizeof escaped);
  return to + escaped.size;
}

constexpr std::uint64_t repeated(unsigned char byte) {
  return std::uint64_t{0x0101010101010101} * byte;
}

// Eight bytes of a text as a word.
constexpr std::size_t kWord = 8;

// Not 0 where one of the bytes needs an escape; its lowest bit is in the first that does.
std::uint64_t escapes_in(std::uint64_t word) {
  const std::uint64_t quote = word ^ repeated('"');
  const std::uint64_t backslash = word ^ repeated('\\');
  const std::uint64_t found = ((word - repeated(0x20)) & ~word) | ((quote - repeated(1)) & ~quote) |
                              ((backslash - repeated(1)) & ~backslash);
  return found & repeated(0x80);
}

// Fewer than eight bytes, and spaces behind them.
std::uint64_t short_word(const char* from, std::size_t size) {
  std::uint64_t word = 0;
  if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    word = first | std::uint64_t{last} << (8 * (size - sizeof last));
  } else {
    for (std::size_t i = 0; i < size; ++i)
      word |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  }
  return word | repeated(' ') << (8 * size);
}

// What is left of a text. `seen` gathers the bits of its bytes.
char* put_words(char* to, const char* from, const char* end, std::uint64_t& seen) {
  while (from < end) {
    const auto left = static_cast<std::size_t>(end - from);
    std::uint64_t word = 0;
    if (left >= kWord) {
      std::memcpy(&word, from, kWord);
    } else {
      word = short_word(from, left);
    }
    seen |= word;
    std::memcpy(to, &word, kWord);
    const std::size_t plain = static_cast<std::size_t>(std::countr_zero(escapes_in(word))) / 8;
    if (plain >= left || plain == kWord) {
      const std::size_t put = left < kWord ? left : kWord;
      to += put;
      from += put;
    } else {
      to = put_byte(to + plain, from[plain]);
      from += plain + 1;
    }
  }
  return to;
}

#if defined(__SSE2__)

constexpr std::size_t kBlock = sizeof(__m128i);

__m128i load(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
void store(char* to, __m128i bytes) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

// All ones in the bytes that need an escape.
__m128i escapes_in(__m128i bytes) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return _mm_or_si128(control, _mm_or_si128(quote, backslash));
}

std::uint64_t bits_of(__m128i bytes) {
  return static_cast<unsigned>(_mm_movemask_epi8(bytes));
}

// Four blocks, a bit each for those of their bytes that need an escape: so that a text with many
// is looked at only once. Reads up to a block beyond the four.
constexpr std::size_t kFour = 4 * kBlock;
char* put_four_escaped(char* to, const char* from, std::uint64_t escapes) {
  const auto copy = [&](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; at += kBlock) store(to + (at - begin), load(from + at));
    to += end - begin;
  };
  std::size_t begin = 0;
  for (; escapes != 0; escapes &= escapes - 1) {
    const auto at = static_cast<std::size_t>(std::countr_zero(escapes));
    copy(begin, at);
    to = put_byte(to, from[at]);
    begin = at + 1;
  }
  copy(begin, kFour);
  return to;
}

// As many blocks as there are.
char* put_blocks(char* to, const char*& from, const char* end, std::uint64_t& seen) {
  __m128i all = _mm_setzero_si128();
  while (static_cast<std::size_t>(end - from) >= kFour + kBlock) {
    const __m128i a = load(from);
    const __m128i b = load(from + kBlock);
    const __m128i c = load(from + 2 * kBlock);
    const __m128i d = load(from + 3 * kBlock);
    all = _mm_or_si128(all, _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
    const __m128i in_a = escapes_in(a);
    const __m128i in_b = escapes_in(b);
    const __m128i in_c = escapes_in(c);
    const __m128i in_d = escapes_in(d);
    if (bits_of(_mm_or_si128(_mm_or_si128(in_a, in_b), _mm_or_si128(in_c, in_d))) == 0) {
      store(to, a);
      store(to + kBlock, b);
      store(to + 2 * kBlock, c);
      store(to + 3 * kBlock, d);
      to += kFour;
    } else {
      to = put_four_escaped(
          to, from,
          bits_of(in_a) | bits_of(in_b) << 16 | bits_of(in_c) << 32 | bits_of(in_d) << 48);
    }
    from += kFour;
  }
  while (static_cast<std::size_t>(end - from) >= kBlock) {
    const __m128i bytes = load(from);
    store(to, bytes);
    all = _mm_or_si128(all, bytes);
    const std::uint64_t escapes = bits_of(escapes_in(bytes));
    const int plain = escapes == 0 ? int{kBlock} : std::countr_zero(escapes);
    to += plain;
    from += plain;
    if (escapes != 0) to = put_byte(to, *from++);
  }
  if (bits_of(all) != 0) seen |= repeated(0x80);
  return to;
}

#else

char* put_blocks(char* to, const char*&, const char*, std::uint64_t&) {
  return to;
}

#endif

// The digits of a value below 10^8, the first in the lowest byte: two numbers of four digits side
// by side, then four of two, then eight of one. The factors are 2^20/100 and 2^10/10, rounded up:
// right for every number that comes.
std::uint64_t eight_digits(std::uint64_t value) {
  const std::uint64_t fours = value / 10000 | (value % 10000) << 32;
  const std::uint64_t hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f;
  const std::uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
  const std::uint64_t tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  return tens | (twos - tens * 10) << 8;
}

constexpr std::uint64_t kEightDigits = 100'000'000;

char* put_all_eight(char* to, std::uint64_t value) {
  const std::uint64_t text = eight_digits(value) | repeated('0');
  std::memcpy(to, &text, sizeof text);
  return to + sizeof text;
}

// Without leading zeros. REQUIRES: value > 0.
char* put_up_to_eight(char* to, std::uint64_t value) {
  const std::uint64_t digits = eight_digits(value);
  const int zeros = std::countr_zero(digits) / 8;
  const std::uint64_t text = (digits | repeated('0')) >> (8 * zeros);
  std::memcpy(to, &text, sizeof text);
  return to + (8 - zeros);
}

}  // namespace

char* put(char* to, std::int64_t value) {
  if (value >= 0) return put(to, static_cast<std::uint64_t>(value));
  *to = '-';
  return put(to + 1, std::uint64_t{0} - static_cast<std::uint64_t>(value));
}

char* put(char* to, std::uint64_t value) {
  if (value < 10) {  // most file descriptors and pids
    *to = static_cast<char>('0' + value);
    return to + 1;
  }
  if (value < kEightDigits) return put_up_to_eight(to, value);
  const std::uint64_t upper = value / kEightDigits;
  if (upper < kEightDigits) {
    to = put_up_to_eight(to, upper);
  } else {
    to = put_all_eight(put_up_to_eight(to, upper / kEightDigits), upper % kEightDigits);
  }
  return put_all_eight(to, value % kEightDigits);
}

char* put(char* to, double value) {
  if (!std::isfinite(value)) return put(to, "null");
  if (value == 0 && std::signbit(value)) return put(to, "-0.0");
  return std::to_chars(to, to + kLongestNumber, value).ptr;
}

Quoted put_quoted(char* to, std::string_view text) {
  *to++ = '"';
  const char* from = text.data();
  const char* const end = from + text.size();
  std::uint64_t seen = 0;
  to = put_blocks(to, from, end, seen);
  to = put_words(to, from, end, seen);
  *to++ = '"';
  return {to, (seen & repeated(0x80)) == 0};
}

}  // namespace agdb::json_text
