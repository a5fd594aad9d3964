#include "debug/import/claude_code_tree.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "runtime/events/hash.h"

namespace agdb {
namespace {

using Lines = std::vector<const ClaudeLine*>;
constexpr std::size_t kNone = ClaudeTree::kNone;

std::vector<std::size_t> parents_of(const Lines& lines) {
  std::unordered_map<std::string_view, std::size_t> by_uuid;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i]->uuid.empty()) by_uuid.emplace(lines[i]->uuid, i);
  }
  std::vector<std::size_t> parent(lines.size(), kNone);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i]->parent_is != ClaudeLine::Parent::kNamed) continue;
    const auto at = by_uuid.find(lines[i]->parent_uuid);
    if (at != by_uuid.end() && at->second != i) parent[i] = at->second;
  }
  return parent;
}

// Of each circle of parents, the record that was written first has none.
void cut_circles(std::vector<std::size_t>& parent) {
  std::vector<std::size_t> seen_from(parent.size(), kNone);
  for (std::size_t i = 0; i < parent.size(); ++i) {
    std::size_t at = i;
    while (at != kNone && seen_from[at] == kNone) {
      seen_from[at] = i;
      at = parent[at];
    }
    if (at == kNone || seen_from[at] != i) continue;
    std::size_t first = at;
    for (std::size_t on = parent[at]; on != at; on = parent[on]) first = std::min(first, on);
    parent[first] = kNone;
  }
}

// Puts each record behind its parent: at once when that stands, else as soon as it does.
class Sorter {
 public:
  explicit Sorter(ClaudeTree& tree)
      : tree_(&tree), placed_(tree.parent.size()), waiting_(tree.parent.size()) {}

  // REQUIRES: no circles.
  void run() {
    for (std::size_t i = 0; i < placed_.size(); ++i) {
      const std::size_t parent = tree_->parent[i];
      if (parent == kNone || placed_[parent]) {
        place(i);
      } else {
        waiting_[parent].push_back(i);
      }
    }
  }

 private:
  void place(std::size_t line) {
    std::vector<std::size_t> next = {line};
    while (!next.empty()) {
      const std::size_t i = next.back();
      next.pop_back();
      placed_[i] = true;
      tree_->order.push_back(i);
      next.insert(next.end(), waiting_[i].rbegin(), waiting_[i].rend());
      waiting_[i].clear();
    }
  }

  ClaudeTree* tree_;
  std::vector<bool> placed_;
  std::vector<std::vector<std::size_t>> waiting_;
};

// What makes two records the same although their uuids differ. Messages only: bookkeeping may
// repeat.
bool may_repeat(const ClaudeLine& line) {
  const bool speaks =
      line.kind == ClaudeLine::Kind::kUser || line.kind == ClaudeLine::Kind::kAssistant;
  return speaks && line.time && line.parent_is != ClaudeLine::Parent::kAbsent;
}

std::string words_hash(const ClaudeLine& line) {
  std::string words(line.body.text("id"));
  words += '\n';
  dump_to(words, line.body["content"]);
  return xxh3_128(words).hex();
}

class RepeatFinder {
 public:
  RepeatFinder(const Lines& lines, ClaudeTree& tree) : lines_(&lines), tree_(&tree) {}

  void run() {
    for (const std::size_t i : tree_->order) tree_->repeats[i] = earlier(i);
  }

 private:
  using Place = std::tuple<std::size_t, ClaudeLine::Kind, WallTime>;
  struct First {
    std::size_t line;
    bool is_hashed = false;
  };

  std::size_t earlier(std::size_t i) {
    const ClaudeLine& line = *(*lines_)[i];
    if (!line.uuid.empty()) {
      const auto [at, is_new] = by_uuid_.emplace(line.uuid, i);
      if (!is_new) return at->second;
    }
    if (!may_repeat(line)) return kNone;
    std::size_t parent = tree_->parent[i];
    if (parent == kNone && line.parent_is == ClaudeLine::Parent::kNamed) return kNone;
    if (parent != kNone && tree_->repeats[parent] != kNone) parent = tree_->repeats[parent];
    return same_words({parent, line.kind, *line.time}, i);
  }

  // Records are hashed only where two stand in one place.
  std::size_t same_words(const Place& place, std::size_t i) {
    const auto [first, is_new] = by_place_.emplace(place, First{i});
    if (is_new) return kNone;
    if (!first->second.is_hashed) {
      first->second.is_hashed = true;
      const std::size_t line = first->second.line;
      by_words_.emplace(std::pair(place, words_hash(*(*lines_)[line])), line);
    }
    const auto [at, is_other] = by_words_.emplace(std::pair(place, words_hash(*(*lines_)[i])), i);
    return is_other ? kNone : at->second;
  }

  const Lines* lines_;
  ClaudeTree* tree_;
  std::unordered_map<std::string_view, std::size_t> by_uuid_;
  std::map<Place, First> by_place_;
  std::map<std::pair<Place, std::string>, std::size_t> by_words_;
};

}  // namespace

ClaudeTree order_claude_lines(const Lines& lines) {
  ClaudeTree tree;
  tree.parent = parents_of(lines);
  cut_circles(tree.parent);
  tree.order.reserve(lines.size());
  Sorter(tree).run();
  tree.repeats.assign(lines.size(), kNone);
  RepeatFinder(lines, tree).run();
  return tree;
}

}  // namespace agdb
