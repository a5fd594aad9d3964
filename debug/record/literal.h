#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace agdb {

namespace literal_detail {

inline std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// As memcmp, for a size that is known: whole words, of which the last two may overlap.
template <std::size_t N>
bool is_same(const char* a, const char* b) {
  if constexpr (N < 8) {
    return std::memcmp(a, b, N) == 0;
  } else {
    std::uint64_t difference = word_at(a + N - 8) ^ word_at(b + N - 8);
    for (std::size_t at = 0; at + 8 < N; at += 8) difference |= word_at(a + at) ^ word_at(b + at);
    return difference == 0;
  }
}

}  // namespace literal_detail

// Steps over this very text, within bounds. False: something else stands at `at`, which stays.
template <std::size_t N>
bool skip_literal(const char*& at, const char* end, const char (&literal)[N]) {
  if (static_cast<std::size_t>(end - at) < N - 1 || !literal_detail::is_same<N - 1>(at, literal))
    return false;
  at += N - 1;
  return true;
}

}  // namespace agdb
