#include "debug/trace/critical_path.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace agdb {
namespace {

using Nodes = std::vector<SpanTree::Node>;

// Which spans held others up although they are not below them, as links tell: the process that a
// wait was for, the sending of what was received, the spawn of a process.
std::vector<std::uint32_t> find_causes(const Nodes& nodes, std::uint32_t size) {
  std::vector<std::uint32_t> causes(size, SpanTree::kNone);
  std::vector<std::pair<std::string_view, std::uint32_t>> ids;
  for (std::uint32_t at = 0; at < size; ++at) ids.emplace_back(nodes[at].span->span_id, at);
  std::sort(ids.begin(), ids.end());
  for (std::uint32_t at = 0; at < size; ++at) {
    const Span& span = *nodes[at].span;
    if (span.links.empty()) continue;
    const std::string_view id = span.links.front().span_id;
    const auto found = std::lower_bound(ids.begin(), ids.end(), std::pair(id, std::uint32_t{0}));
    if (found == ids.end() || found->first != id) continue;
    const SpanKind other = nodes[found->second].span->kind;
    if (span.kind == SpanKind::kSpawn && other == SpanKind::kProcess) causes[found->second] = at;
    const bool waited = (span.kind == SpanKind::kWait && other == SpanKind::kProcess) ||
                        (span.kind == SpanKind::kChannelMatch && other == SpanKind::kChannelEmit);
    if (waited) causes[at] = found->second;
  }
  return causes;
}

// Explains the time from the end backwards. What is later than at_ is explained, so at_ only falls,
// and a span that was left for its cause can be entered again further back.
class PathFinder {
 public:
  explicit PathFinder(const SpanTree& tree)
      : nodes_(tree.nodes()),
        size_(static_cast<std::uint32_t>(tree.root_size())),
        last_end_(size_, WallTime::min()),
        causes_(find_causes(nodes_, size_)),
        followed_(size_),
        first_(size_, kNotListed),
        rest_(size_),
        jump_steps_(kJumpStepsEach * std::size_t{size_}) {}

  std::vector<PathPiece> find() {
    for (std::uint32_t at = size_; at-- > 0;) {
      last_end_[at] = std::max(last_end_[at], nodes_[at].span->end());
      if (at == 0) continue;
      WallTime& above = last_end_[nodes_[at].parent];
      above = std::max(above, last_end_[at]);
    }
    at_ = last_end_[0];
    enter(0);
    while (!open_.empty()) step();
    std::reverse(pieces_.begin(), pieces_.end());
    return std::move(pieces_);
  }

 private:
  static constexpr std::size_t kNotListed = SIZE_MAX;
  // How far up and down the tree all jumps to causes may go together, for each span: beyond, in
  // traces that nobody makes by accident, causes are left out.
  static constexpr std::size_t kJumpStepsEach = 64;

  void enter(std::uint32_t node) {
    open_.push_back(node);
    if (first_[node] != kNotListed) return;
    first_[node] = children_.size();
    for (std::uint32_t child = node + 1; child < nodes_[node].end; child = nodes_[child].end)
      children_.push_back(child);
    rest_[node] = children_.size();
    // The last to end stands last; of those that end together the longest.
    std::stable_sort(children_.begin() + static_cast<std::ptrdiff_t>(first_[node]), children_.end(),
                     [this](std::uint32_t a, std::uint32_t b) {
                       if (last_end_[a] != last_end_[b]) return last_end_[a] < last_end_[b];
                       return nodes_[a].span->start > nodes_[b].span->start;
                     });
  }

  void step() {
    const std::uint32_t node = open_.back();
    while (rest_[node] > first_[node]) {
      const std::uint32_t child = children_[--rest_[node]];
      if (last_end_[child] > at_) continue;
      own_work(node, last_end_[child]);
      return enter(child);
    }
    const Span& span = *nodes_[node].span;
    const bool is_process = span.kind == SpanKind::kProcess;
    if (!is_process && may_follow(node)) {
      const WallTime ready = nodes_[causes_[node]].span->end();
      if (ready <= at_ && ready > span.start) {
        own_work(node, ready);
        return jump(node);
      }
    }
    own_work(node, span.start);
    if (is_process && may_follow(node)) return jump(node);
    open_.pop_back();
  }

  bool may_follow(std::uint32_t node) const {
    return causes_[node] != SpanTree::kNone && !followed_[node] && jump_steps_ > 0;
  }

  bool is_within(std::uint32_t node, std::uint32_t above) const {
    return above <= node && node < nodes_[above].end;
  }

  // Goes on with what caused a span: leaves the spans that it is not within, and enters those that
  // it is, down to it.
  void jump(std::uint32_t from) {
    followed_[from] = true;
    const std::uint32_t cause = causes_[from];
    open_.pop_back();
    while (!open_.empty() && !is_within(cause, open_.back())) {
      open_.pop_back();
      spend_step();
    }
    if (open_.empty()) return;
    std::vector<std::uint32_t> way;
    for (std::uint32_t at = cause; at != open_.back(); at = nodes_[at].parent) {
      way.push_back(at);
      spend_step();
    }
    for (auto at = way.rbegin(); at != way.rend(); ++at) enter(*at);
  }

  void spend_step() { jump_steps_ -= jump_steps_ > 0 ? 1 : 0; }

  // The time from `since` on is the span's own, as far as it ran.
  void own_work(std::uint32_t node, WallTime since) {
    const Span& span = *nodes_[node].span;
    const WallTime from = std::max(since, span.start);
    const WallTime to = std::min(at_, span.end());
    if (from < to) {
      if (!pieces_.empty() && pieces_.back().node == node && pieces_.back().from == to) {
        pieces_.back().from = from;
      } else {
        pieces_.push_back({node, from, to});
      }
    }
    at_ = std::min(at_, since);
  }

  const Nodes& nodes_;
  std::uint32_t size_;
  WallTime at_{};
  std::vector<WallTime> last_end_;  // of each node and all below it
  std::vector<std::uint32_t> causes_;
  std::vector<bool> followed_;  // each cause is followed once, so rings of them end
  // children_[first_[i]] to before children_[rest_[i]] are those of i that may still be looked at.
  std::vector<std::size_t> first_;
  std::vector<std::size_t> rest_;
  std::vector<std::uint32_t> children_;
  std::vector<std::uint32_t> open_;  // the span whose time is being explained, and those around it
  std::size_t jump_steps_;
  std::vector<PathPiece> pieces_;  // the latest first
};

}  // namespace

std::vector<PathPiece> critical_path(const SpanTree& tree) {
  return PathFinder(tree).find();
}

}  // namespace agdb
