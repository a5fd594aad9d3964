#include <algorithm>
#include <utility>

#include "debug/replay/context_diff.h"
#include "debug/replay/screen_text.h"
#include "debug/replay/sequence_diff.h"

namespace agdb {

namespace {

// From this share of common text on, a message counts as an edit of another one rather than as new.
constexpr double kAlike = 0.5;
// How many added messages a removed one is compared with: edits keep their place, or nearly.
constexpr std::size_t kReach = 4;

// The hash of what a model sees of a message; `turn` is the simulated model's bookmark.
Hash128 visible_hash(const Message& message) {
  if (message.turn == 0) return hash_of(message);
  Message visible = message;
  visible.turn = 0;
  return hash_of(visible);
}

std::vector<Hash128> visible_hashes(const std::vector<Message>& messages) {
  std::vector<Hash128> hashes;
  hashes.reserve(messages.size());
  for (const Message& message : messages) hashes.push_back(visible_hash(message));
  return hashes;
}

std::vector<std::uint32_t> ids_of(const std::vector<Hash128>& hashes, Interner& interner) {
  std::vector<std::uint32_t> ids;
  ids.reserve(hashes.size());
  for (const Hash128& hash : hashes) {
    const auto* bytes = reinterpret_cast<const char*>(hash.bytes.data());
    ids.push_back(interner.id({bytes, hash.bytes.size()}));
  }
  return ids;
}

bool same_result_slot(const Message& a, const Message& b) {
  return !a.tool_call_id.empty() && a.tool_call_id == b.tool_call_id;
}

// Whether `b` may be what became of `a`.
bool is_edit(const Message& a, const Message& b) {
  if (a.role != b.role) return false;
  if (same_result_slot(a, b)) return true;
  const std::string from = message_body(a);
  const std::string to = message_body(b);
  // Texts of very different lengths cannot be alike; that spares reading most of them.
  const auto total = static_cast<double>(from.size() + to.size());
  if (2 * static_cast<double>(std::min(from.size(), to.size())) < kAlike * total) return false;
  return similarity(from, to) >= kAlike;
}

ChangedMessage changed_message(std::size_t from_index, const Message& from, std::size_t to_index,
                               const Message& to) {
  ChangedMessage changed{.from_index = from_index, .to_index = to_index, .from = from, .to = to};
  const std::string from_body = message_body(from);
  const std::string to_body = message_body(to);
  changed.lines = diff_lines(from_body, to_body);
  if (changed.lines.empty() && from_body != to_body) changed.fields.emplace_back("content");
  if (from.name != to.name) changed.fields.emplace_back("name");
  if (from.tool_call_id != to.tool_call_id) changed.fields.emplace_back("tool_call_id");
  // Names and arguments are among the lines, ids are not.
  if (from_body == to_body && from.tool_calls != to.tool_calls) {
    changed.fields.emplace_back("tool_calls");
  }
  return changed;
}

DiffMessage only_message(std::size_t index, const Message& message) {
  return {index, message_text(message), message};
}

// Sorts one gap's messages into edited, removed and added ones.
void sort_gap(MessagesDiff& diff, const SequenceGap& gap, const std::vector<Message>& from,
              const std::vector<Message>& to) {
  std::size_t next_to = gap.to_begin;
  for (std::size_t i = gap.from_begin; i < gap.from_end; ++i) {
    const std::size_t reach_end = std::min(gap.to_end, next_to + kReach);
    std::size_t j = next_to;
    while (j < reach_end && !is_edit(from[i], to[j])) ++j;
    if (j == reach_end) {
      diff.removed.push_back(only_message(i, from[i]));
      continue;
    }
    for (; next_to < j; ++next_to) diff.added.push_back(only_message(next_to, to[next_to]));
    diff.changed.push_back(changed_message(i, from[i], j, to[j]));
    next_to = j + 1;
  }
  for (; next_to < gap.to_end; ++next_to) {
    diff.added.push_back(only_message(next_to, to[next_to]));
  }
}

}  // namespace

MessagesDiff diff_by_prefix(const std::vector<std::string>& from,
                            const std::vector<std::string>& to) {
  MessagesDiff diff{.added = {}, .removed = {}, .from_count = from.size(), .to_count = to.size()};
  const auto [from_rest, to_rest] = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  const auto common = static_cast<std::size_t>(from_rest - from.begin());
  for (std::size_t i = common; i < from.size(); ++i) diff.removed.push_back({i, from[i], {}});
  for (std::size_t i = common; i < to.size(); ++i) diff.added.push_back({i, to[i], {}});
  diff.steps = common;
  return diff;
}

MessagesDiff diff_by_subsequence(const std::vector<Message>& from, const std::vector<Message>& to) {
  MessagesDiff diff{.added = {}, .removed = {}, .from_count = from.size(), .to_count = to.size()};
  const std::vector<Hash128> from_hashes = visible_hashes(from);
  const std::vector<Hash128> to_hashes = visible_hashes(to);
  Interner interner;
  const CommonSubsequence common =
      longest_common_subsequence(ids_of(from_hashes, interner), ids_of(to_hashes, interner));
  diff.steps = common.steps;
  for (const SequenceGap& gap : gaps_between(common.matches, from.size(), to.size())) {
    sort_gap(diff, gap, from, to);
  }
  return diff;
}

}  // namespace agdb
