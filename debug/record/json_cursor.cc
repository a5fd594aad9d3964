#include "debug/record/json_cursor.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "debug/record/digits.h"
#include "debug/record/json_escapes.h"
#include "runtime/events/result.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace agdb {
namespace {

// Whether a byte means something within a string, or may not stand there. find_special gives the
// first such byte, `end` if there is none.
bool is_special(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

#if defined(__SSE2__)

constexpr std::ptrdiff_t kBlock = sizeof(__m128i);

// All ones in the bytes for which is_special holds.
__m128i specials_at(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return _mm_or_si128(control, _mm_or_si128(quote, backslash));
}

// Most strings end within the first block; of those that do not, many are long.
const char* find_special(const char* at, const char* end, const char* readable_end) {
  for (; at < end && readable_end - at >= kBlock; at += kBlock) {
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(specials_at(at)));
    if (bits != 0) return std::min(at + std::countr_zero(bits), end);
    while (readable_end - at >= 5 * kBlock) {
      const char* const next = at + kBlock;
      const __m128i any = _mm_or_si128(
          _mm_or_si128(specials_at(next), specials_at(next + kBlock)),
          _mm_or_si128(specials_at(next + 2 * kBlock), specials_at(next + 3 * kBlock)));
      if (_mm_movemask_epi8(any) != 0 || next >= end) break;
      at += 4 * kBlock;
    }
  }
  return std::find_if(std::min(at, end), end, is_special);
}

#else

const char* find_special(const char* at, const char* end, const char*) {
  return std::find_if(at, end, is_special);
}

#endif

}  // namespace

// Steps over a string, whose beginning is here.
bool JsonCursor::skip_string(bool& escapes) {
  escapes = false;
  ++at_;
  while (true) {
    at_ = find_special(at_, end_, readable_end_);
    if (at_ == end_) return false;
    if (*at_ == '"') break;
    if (*at_ != '\\' || end_ - at_ < 2) return false;
    escapes = true;
    at_ += 2;
  }
  ++at_;
  return true;
}

// What stands between the quotes of the string that begins here.
bool JsonCursor::content(std::string_view& content, bool& escapes) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return false;
  const char* const begin = at_ + 1;
  if (!skip_string(escapes)) return false;
  content = {begin, static_cast<std::size_t>(at_ - 1 - begin)};
  return true;
}

bool JsonCursor::text(std::string_view& text) {
  bool escapes = false;
  return content(text, escapes) && !escapes;
}

bool JsonCursor::text(std::string& text) {
  std::string_view content;
  bool escapes = false;
  if (!this->content(content, escapes)) return false;
  if (!escapes) {
    // Assigned to an empty one, a text of 16 bytes would get room for 30.
    text = std::string(content);
    return true;
  }
  text.clear();
  return append_unescaped(text, content);
}

bool JsonCursor::text(std::string_view& text, std::string& room) {
  bool escapes = false;
  if (!content(text, escapes)) return false;
  if (!escapes) return true;
  const std::size_t before = room.size();
  AGDB_ASSERT(room.capacity() - before >= text.size(), "views of the room would be lost");
  if (!append_unescaped(room, text)) return false;
  text = std::string_view(room).substr(before);
  return true;
}

bool JsonCursor::value(std::string_view& value) {
  skip_space();
  const char* const begin = at_;
  if (!skip()) return false;
  value = {begin, static_cast<std::size_t>(at_ - begin)};
  return true;
}

bool JsonCursor::object(std::string_view& object) {
  skip_space();
  const char* const begin = at_;
  if (at_ == end_ || *at_ != '{' || !skip_nested()) return false;
  object = {begin, static_cast<std::size_t>(at_ - begin)};
  return true;
}

bool JsonCursor::digits(std::uint64_t& value) {
  constexpr std::ptrdiff_t kMostDigits = 19;  // all such numbers are below 2^64
  if (!read_digits(at_, end_, value, kMostDigits)) return false;
  // A fraction or an exponent makes it another kind of number.
  return at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
}

bool JsonCursor::count(std::uint64_t& value) {
  skip_space();
  return digits(value);
}

bool JsonCursor::integer(std::int64_t& value) {
  const bool negative = eat('-');
  if (!negative) skip_space();
  std::uint64_t size = 0;
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!digits(size) || size > kLargest) return false;
  value = negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
  return true;
}

bool JsonCursor::number(double& value) {
  skip_space();
  const char* const begin = at_;
  return at_ != end_ && skip_number() && std::from_chars(begin, at_, value).ec == std::errc();
}

bool JsonCursor::boolean(bool& value) {
  value = peek() == 't';
  return skip_literal(value ? "true" : "false");
}

bool JsonCursor::skip() {
  skip_space();
  if (at_ == end_) return false;
  bool escapes = false;
  switch (*at_) {
    case '"':
      return skip_string(escapes);
    case '{':
    case '[':
      return skip_nested();
    case 't':
      return skip_literal("true");
    case 'f':
      return skip_literal("false");
    case 'n':
      return skip_literal("null");
    default:
      return skip_number();
  }
}

bool JsonCursor::skip_literal(std::string_view literal) {
  const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
  if (!rest.starts_with(literal)) return false;
  at_ += literal.size();
  return true;
}

std::size_t JsonCursor::skip_digits() {
  const char* const begin = at_;
  while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return static_cast<std::size_t>(at_ - begin);
}

bool JsonCursor::skip_number() {
  if (*at_ == '-') ++at_;
  const char* const begin = at_;
  const std::size_t digits = skip_digits();
  if (digits == 0 || (digits > 1 && *begin == '0')) return false;
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (skip_digits() == 0) return false;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (skip_digits() == 0) return false;
  }
  return true;
}

// Steps over an object or an array, whose beginning is here, by its brackets.
bool JsonCursor::skip_nested() {
  int depth = 0;
  while (at_ < end_) {
    const char c = *at_;
    if (c == '"') {
      bool escapes = false;
      if (!skip_string(escapes)) return false;
      continue;
    }
    ++at_;
    if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return false;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return true;
    }
  }
  return false;
}

}  // namespace agdb
