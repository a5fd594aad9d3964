#include "debug/trace/span_tree.h"

#include <algorithm>
#include <numeric>

#include "debug/trace/saturating.h"
#include "debug/trace/span_id_table.h"

namespace agdb {
namespace {

constexpr std::uint32_t kNone = SpanTree::kNone;

// Puts spans into their places. Numbers are indexes of spans, positions those of nodes.
class TreeBuilder {
 public:
  TreeBuilder(const std::vector<Span>& spans, std::vector<SpanTree::Node>& nodes)
      : spans_(spans), nodes_(nodes), count_(static_cast<std::uint32_t>(spans.size())) {}

  void build() {
    find_parents();
    const std::uint32_t root = choose_root();
    list_children();
    nodes_.reserve(count_);
    placed_.assign(count_, false);
    place_tree(root, SpanTree::Top::kRoot);
    if (nodes_.size() < count_) place_rest();
  }

 private:
  void find_parents() {
    const SpanIdTable ids(spans_);
    same_id_.resize(count_);
    for (const std::uint32_t i : ids.same_ids()) same_id_[i] = true;
    parents_.resize(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (spans_[i].parent_span_id.empty()) tops_.push_back(i);
      // Siblings often stand together.
      const bool as_before = i > 0 && spans_[i].parent_span_id == spans_[i - 1].parent_span_id;
      parents_[i] = as_before ? parents_[i - 1] : ids.find(spans_[i].parent_span_id);
    }
  }

  bool is_earlier(std::uint32_t a, std::uint32_t b) const {
    return spans_[a].start < spans_[b].start;
  }

  std::uint32_t choose_root() {
    std::uint32_t root = kNone;
    for (const std::uint32_t i : tops_) {
      if (root == kNone || is_earlier(i, root)) root = i;
    }
    if (root == kNone) return top_above(0);
    for (const std::uint32_t i : tops_) {
      if (i != root) parents_[i] = root;
    }
    return root;
  }

  // The span above all others on the way up; in a ring the earliest of the ring.
  std::uint32_t top_above(std::uint32_t i) {
    steps_.resize(count_, 0);
    ++step_;
    while (parents_[i] != kNone && steps_[i] != step_) {
      steps_[i] = step_;
      i = parents_[i];
    }
    if (parents_[i] == kNone) return i;
    std::uint32_t earliest = i;
    for (std::uint32_t at = parents_[i]; at != i; at = parents_[at]) {
      if (is_earlier(at, earliest) || (!is_earlier(earliest, at) && at < earliest)) earliest = at;
    }
    return earliest;
  }

  // children_[first_[i]] to before children_[first_[i + 1]] are those of i.
  void list_children() {
    first_.assign(std::size_t{count_} + 1, 0);
    for (const std::uint32_t parent : parents_) {
      if (parent != kNone) ++first_[parent + 1];
    }
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    children_.resize(first_.back());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (parents_[i] != kNone) children_[next[parents_[i]]++] = i;
    }
    for (std::uint32_t i = 0; i < count_; ++i) {
      const auto begin = children_.begin() + first_[i];
      const auto end = children_.begin() + first_[i + 1];
      const auto earlier = [this](std::uint32_t a, std::uint32_t b) { return is_earlier(a, b); };
      if (!std::is_sorted(begin, end, earlier)) std::stable_sort(begin, end, earlier);
    }
  }

  // A span that stands already is left out: it is the top of a ring.
  void place_tree(std::uint32_t top, SpanTree::Top why) {
    place(top, kNone, 0);
    nodes_.back().top = why;
    while (!open_.empty()) {
      const Open at = open_.back();
      if (at.next == first_[at.span + 1]) {
        nodes_[at.position].end = static_cast<std::uint32_t>(nodes_.size());
        open_.pop_back();
        continue;
      }
      ++open_.back().next;
      const std::uint32_t child = children_[at.next];
      if (!placed_[child]) place(child, at.position, static_cast<std::uint32_t>(open_.size()));
    }
  }

  void place(std::uint32_t i, std::uint32_t parent, std::uint32_t depth) {
    const auto position = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.span = &spans_[i],
                      .parent = parent,
                      .end = position + 1,
                      .depth = depth,
                      .same_id = same_id_[i]});
    placed_[i] = true;
    open_.push_back({i, position, first_[i]});
  }

  // What the root does not reach: below spans whose parent is missing, and in rings.
  void place_rest() {
    std::vector<std::uint32_t> rest;
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (!placed_[i]) rest.push_back(i);
    }
    std::stable_sort(rest.begin(), rest.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return is_earlier(a, b); });
    for (const std::uint32_t i : rest) {
      if (!placed_[i] && parents_[i] == kNone) place_tree(i, SpanTree::Top::kOrphan);
    }
    for (const std::uint32_t i : rest) {
      if (!placed_[i]) place_tree(top_above(i), SpanTree::Top::kLoop);
    }
  }

  struct Open {
    std::uint32_t span = 0;
    std::uint32_t position = 0;
    std::uint32_t next = 0;  // of its children, in children_
  };

  const std::vector<Span>& spans_;
  std::vector<SpanTree::Node>& nodes_;
  std::uint32_t count_;
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> tops_;  // that name no parent
  std::vector<bool> same_id_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> children_;
  std::vector<bool> placed_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> steps_;  // the last way up that a span was met on
  std::uint32_t step_ = 0;
};

}  // namespace

std::optional<SpanTree> SpanTree::build(std::vector<Span> spans) {
  if (spans.empty()) return std::nullopt;
  AGDB_ASSERT(spans.size() < kNone / 2, "more spans than positions can tell");
  SpanTree tree;
  tree.spans_ = std::move(spans);
  TreeBuilder(tree.spans_, tree.nodes_).build();
  tree.fill_metadata();
  return tree;
}

bool SpanTree::counted_in_parent(std::size_t at) const {
  const Node& node = nodes_[at];
  return node.parent != kNone && node.span->kind != SpanKind::kProcess &&
         nodes_[node.parent].span->pid == node.span->pid;
}

std::vector<std::int64_t> SpanTree::own_tokens() const {
  std::vector<std::int64_t> own(nodes_.size());
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    const std::int64_t tokens = nodes_[at].span->tokens_used;
    own[at] = saturating_sum(own[at], tokens);
    if (counted_in_parent(at)) {
      std::int64_t& above = own[nodes_[at].parent];
      above = saturating_difference(above, tokens);
    }
  }
  for (std::int64_t& tokens : own) tokens = std::max<std::int64_t>(tokens, 0);
  return own;
}

void SpanTree::fill_metadata() {
  metadata_.total_spans = nodes_.size();
  metadata_.start = WallTime::max();
  metadata_.end = WallTime::min();
  for (const Span& span : spans_) {
    if (trace_id_.empty()) trace_id_ = span.trace_id;
    metadata_.start = std::min(metadata_.start, span.start);
    metadata_.end = std::max(metadata_.end, span.end());
    if (span.failed()) ++metadata_.error_count;
  }
  metadata_.total_duration =
      saturating_difference(metadata_.end.time_since_epoch(), metadata_.start.time_since_epoch());
  for (const std::int64_t tokens : own_tokens())
    metadata_.total_tokens = saturating_sum(metadata_.total_tokens, tokens);
  for (const Node& node : nodes_) {
    if (node.top == Top::kOrphan) ++metadata_.orphans;
    if (node.top == Top::kLoop) ++metadata_.loops;
    if (node.same_id) ++metadata_.same_ids;
  }
}

}  // namespace agdb
