#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace agdb {

// Gives equal texts (or hashes, as bytes) the same small number, so that sequences of them can be
// compared quickly. Borrows the texts: they outlive the interner.
class Interner {
 public:
  std::uint32_t id(std::string_view text);

 private:
  std::unordered_map<std::string_view, std::uint32_t> ids_;
};

// Element `from` of the one sequence is element `to` of the other.
struct SequenceMatch {
  std::size_t from = 0;
  std::size_t to = 0;

  bool operator==(const SequenceMatch&) const = default;
};

struct CommonSubsequence {
  // Ascending in both.
  std::vector<SequenceMatch> matches;
  // Whether no longer one exists.
  bool longest = true;
  // Elements and pairs looked at: what the comparison cost.
  std::uint64_t steps = 0;
};

// Pairs of equal elements that a comparison looks at. Two contexts have about as many as the
// messages that they share; only often repeated elements make more. Bounds the memory to about 50
// MB.
inline constexpr std::uint64_t kMaxMatchingPairs = std::uint64_t{1} << 21;

// A longest common subsequence, by Hunt and Szymanski's algorithm: O((n + r) log n) for n elements
// and r pairs of equal ones, however many differences there are (Myers' algorithm is the other
// candidate; it is quadratic in the differences). With more than `max_pairs` pairs the most
// repeated elements are only matched next to others: then what is returned is still common, but
// perhaps not the longest.
CommonSubsequence longest_common_subsequence(std::span<const std::uint32_t> from,
                                             std::span<const std::uint32_t> to,
                                             std::uint64_t max_pairs = kMaxMatchingPairs);

// A stretch of the one sequence that the other has replaced: [from_begin, from_end) by
// [to_begin, to_end), at least one of them not empty.
struct SequenceGap {
  std::size_t from_begin = 0;
  std::size_t from_end = 0;
  std::size_t to_begin = 0;
  std::size_t to_end = 0;

  bool operator==(const SequenceGap&) const = default;
};

// What lies between the matches of sequences of these lengths.
std::vector<SequenceGap> gaps_between(const std::vector<SequenceMatch>& matches,
                                      std::size_t from_size, std::size_t to_size);

}  // namespace agdb
