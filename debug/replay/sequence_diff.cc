#include "debug/replay/sequence_diff.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace agdb {

namespace {

using Ids = std::span<const std::uint32_t>;
using Positions = std::unordered_map<std::uint32_t, std::vector<std::size_t>>;

constexpr std::size_t kNoLink = std::numeric_limits<std::size_t>::max();

// One pair on some common subsequence, and the pair before it there.
struct ChainLink {
  SequenceMatch match;
  std::size_t previous = kNoLink;
};

std::size_t common_prefix(Ids from, Ids to) {
  const auto [end, ignored] = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  return static_cast<std::size_t>(end - from.begin());
}

std::size_t common_suffix(Ids from, Ids to) {
  const auto [end, ignored] = std::mismatch(from.rbegin(), from.rend(), to.rbegin(), to.rend());
  return static_cast<std::size_t>(end - from.rbegin());
}

// Where each element stands in `to`; those that would take the number of pairs over the limit are
// left out, the most repeated ones first.
Positions positions_within(Ids from, Ids to, std::uint64_t max_pairs, bool& all) {
  Positions positions;
  for (std::size_t j = 0; j < to.size(); ++j) positions[to[j]].push_back(j);
  std::unordered_map<std::uint32_t, std::uint64_t> pairs_of;
  for (const std::uint32_t id : from) {
    const auto found = positions.find(id);
    if (found != positions.end()) pairs_of[id] += found->second.size();
  }
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_pairs;
  by_pairs.reserve(pairs_of.size());
  for (const auto& [id, pairs] : pairs_of) by_pairs.emplace_back(pairs, id);
  std::sort(by_pairs.begin(), by_pairs.end());
  std::uint64_t total = 0;
  all = true;
  for (const auto& [pairs, id] : by_pairs) {
    total += pairs;
    if (total <= max_pairs) continue;
    positions.erase(id);
    all = false;
  }
  return positions;
}

std::vector<SequenceMatch> longest_chain(Ids from, const Positions& positions,
                                         std::uint64_t& steps) {
  std::vector<ChainLink> links;
  // The smallest end in `to` of a common subsequence of each length, and its last link.
  std::vector<std::size_t> ends;
  std::vector<std::size_t> last_links;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto found = positions.find(from[i]);
    if (found == positions.end()) continue;
    // Descending, so that element i is used at most once on each chain.
    for (auto j = found->second.rbegin(); j != found->second.rend(); ++j) {
      steps += static_cast<std::uint64_t>(std::bit_width(ends.size())) + 1;
      const auto place = std::lower_bound(ends.begin(), ends.end(), *j);
      if (place != ends.end() && *place == *j) continue;
      const auto length = static_cast<std::size_t>(place - ends.begin());
      links.push_back({{i, *j}, length == 0 ? kNoLink : last_links[length - 1]});
      if (place == ends.end()) {
        ends.push_back(*j);
        last_links.push_back(links.size() - 1);
      } else {
        *place = *j;
        last_links[length] = links.size() - 1;
      }
    }
  }
  std::vector<SequenceMatch> chain;
  for (std::size_t at = last_links.empty() ? kNoLink : last_links.back(); at != kNoLink;
       at = links[at].previous) {
    chain.push_back(links[at].match);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// Adds what stands equal at the edges of each gap: there the elements that were left out are found.
std::vector<SequenceMatch> grown_into_gaps(const std::vector<SequenceMatch>& matches, Ids from,
                                           Ids to) {
  std::vector<SequenceMatch> grown;
  const auto take = [&](std::size_t i, std::size_t j, std::size_t count) {
    for (std::size_t k = 0; k < count; ++k) grown.push_back({i + k, j + k});
  };
  std::size_t next = 0;
  for (const SequenceGap& gap : gaps_between(matches, from.size(), to.size())) {
    while (next < matches.size() && matches[next].from < gap.from_begin) {
      grown.push_back(matches[next++]);
    }
    const Ids left = from.subspan(gap.from_begin, gap.from_end - gap.from_begin);
    const Ids right = to.subspan(gap.to_begin, gap.to_end - gap.to_begin);
    const std::size_t head = common_prefix(left, right);
    const std::size_t tail = common_suffix(left.subspan(head), right.subspan(head));
    take(gap.from_begin, gap.to_begin, head);
    take(gap.from_end - tail, gap.to_end - tail, tail);
  }
  grown.insert(grown.end(), matches.begin() + static_cast<std::ptrdiff_t>(next), matches.end());
  return grown;
}

}  // namespace

std::uint32_t Interner::id(std::string_view text) {
  return ids_.try_emplace(text, static_cast<std::uint32_t>(ids_.size())).first->second;
}

CommonSubsequence longest_common_subsequence(Ids from, Ids to, std::uint64_t max_pairs) {
  CommonSubsequence result;
  const std::size_t head = common_prefix(from, to);
  const std::size_t tail = common_suffix(from.subspan(head), to.subspan(head));
  const Ids left = from.subspan(head, from.size() - head - tail);
  const Ids right = to.subspan(head, to.size() - head - tail);
  result.steps = from.size() + to.size();

  const Positions positions = positions_within(left, right, max_pairs, result.longest);
  std::vector<SequenceMatch> middle = longest_chain(left, positions, result.steps);
  if (!result.longest) middle = grown_into_gaps(middle, left, right);

  result.matches.reserve(head + middle.size() + tail);
  for (std::size_t k = 0; k < head; ++k) result.matches.push_back({k, k});
  for (const SequenceMatch& m : middle) result.matches.push_back({head + m.from, head + m.to});
  for (std::size_t k = tail; k > 0; --k) {
    result.matches.push_back({from.size() - k, to.size() - k});
  }
  return result;
}

std::vector<SequenceGap> gaps_between(const std::vector<SequenceMatch>& matches,
                                      std::size_t from_size, std::size_t to_size) {
  std::vector<SequenceGap> gaps;
  std::size_t from = 0;
  std::size_t to = 0;
  const auto close_at = [&](std::size_t from_end, std::size_t to_end) {
    if (from < from_end || to < to_end) gaps.push_back({from, from_end, to, to_end});
  };
  for (const SequenceMatch& match : matches) {
    close_at(match.from, match.to);
    from = match.from + 1;
    to = match.to + 1;
  }
  close_at(from_size, to_size);
  return gaps;
}

}  // namespace agdb
