#include "debug/trace/critical_path.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace agdb {
namespace {

using Nodes = std::vector<SpanTree::Node>;

class PathFinder {
 public:
  explicit PathFinder(const SpanTree& tree)
      : nodes_(tree.nodes()),
        size_(static_cast<std::uint32_t>(tree.root_size())),
        last_end_(size_, WallTime::min()),
        entered_(size_) {}

  std::vector<PathPiece> find() {
    for (std::uint32_t at = size_; at-- > 0;) {
      last_end_[at] = std::max(last_end_[at], nodes_[at].span->end());
      if (at == 0) continue;
      WallTime& above = last_end_[nodes_[at].parent];
      above = std::max(above, last_end_[at]);
    }
    find_waits();
    enter(0, last_end_[0]);
    while (!open_.empty()) step();
    std::reverse(pieces_.begin(), pieces_.end());
    return std::move(pieces_);
  }

 private:
  // A span whose time is being explained, from its end backwards.
  struct Open {
    std::uint32_t node = 0;
    WallTime at{};          // what is later is explained
    std::size_t first = 0;  // of its children in children_
  };

  // Which process each wait was for.
  void find_waits() {
    waited_for_.assign(size_, SpanTree::kNone);
    std::vector<std::uint32_t> waits;
    for (std::uint32_t at = 0; at < size_; ++at) {
      if (nodes_[at].span->kind == SpanKind::kWait && !nodes_[at].span->links.empty())
        waits.push_back(at);
    }
    if (waits.empty()) return;
    std::vector<std::pair<std::string_view, std::uint32_t>> processes;
    for (std::uint32_t at = 0; at < size_; ++at) {
      if (nodes_[at].span->kind == SpanKind::kProcess)
        processes.emplace_back(nodes_[at].span->span_id, at);
    }
    std::sort(processes.begin(), processes.end());
    for (const std::uint32_t wait : waits) {
      const std::string_view id = nodes_[wait].span->links[0].span_id;
      const auto found =
          std::lower_bound(processes.begin(), processes.end(), std::pair(id, std::uint32_t{0}));
      if (found != processes.end() && found->first == id) waited_for_[wait] = found->second;
    }
  }

  void enter(std::uint32_t node, WallTime at) {
    entered_[node] = true;
    const std::size_t first = children_.size();
    for (std::uint32_t child = node + 1; child < nodes_[node].end; child = nodes_[child].end)
      children_.push_back(child);
    // The last to end stands last; of those that end together the longest.
    std::stable_sort(children_.begin() + static_cast<std::ptrdiff_t>(first), children_.end(),
                     [this](std::uint32_t a, std::uint32_t b) {
                       if (last_end_[a] != last_end_[b]) return last_end_[a] < last_end_[b];
                       return nodes_[a].span->start > nodes_[b].span->start;
                     });
    open_.push_back({node, at, first});
  }

  void step() {
    Open& open = open_.back();
    while (children_.size() > open.first) {
      const std::uint32_t child = children_.back();
      children_.pop_back();
      if (entered_[child] || last_end_[child] > open.at) continue;
      own_work(open, last_end_[child]);
      return enter(child, open.at);
    }
    const std::uint32_t process = waited_for_[open.node];
    if (process != SpanTree::kNone && !entered_[process] &&
        nodes_[process].span->end() <= open.at) {
      own_work(open, nodes_[process].span->end());
      return enter(process, open.at);
    }
    own_work(open, nodes_[open.node].span->start);
    const WallTime reached = open.at;
    open_.pop_back();
    if (!open_.empty()) open_.back().at = std::min(open_.back().at, reached);
  }

  // The time from `since` on is the span's own, as far as it ran.
  void own_work(Open& open, WallTime since) {
    const Span& span = *nodes_[open.node].span;
    const WallTime from = std::max(since, span.start);
    const WallTime to = std::min(open.at, span.end());
    if (from < to) {
      if (!pieces_.empty() && pieces_.back().node == open.node && pieces_.back().from == to) {
        pieces_.back().from = from;
      } else {
        pieces_.push_back({open.node, from, to});
      }
    }
    open.at = std::min(open.at, since);
  }

  const Nodes& nodes_;
  std::uint32_t size_;
  std::vector<WallTime> last_end_;  // of each node and all below it
  std::vector<bool> entered_;       // each is explained once, so waits in a ring end
  std::vector<std::uint32_t> waited_for_;
  std::vector<std::uint32_t> children_;  // of the open spans, those that are still to be looked at
  std::vector<Open> open_;
  std::vector<PathPiece> pieces_;  // the latest first
};

}  // namespace

std::vector<PathPiece> critical_path(const SpanTree& tree) {
  return PathFinder(tree).find();
}

}  // namespace agdb
