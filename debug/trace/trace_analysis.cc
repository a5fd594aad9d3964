#include "debug/trace/trace_analysis.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "debug/trace/saturating.h"
#include "debug/trace/span_text.h"

namespace agdb {
namespace {

constexpr std::size_t kShown = 10;

using Nodes = std::vector<SpanTree::Node>;

// For another process, a person, or a message.
bool is_wait(const Span& span) {
  return span.kind == SpanKind::kWait || span.kind == SpanKind::kSuspension ||
         span.kind == SpanKind::kChannelMatch;
}

// Spans below which something takes time.
std::vector<bool> with_parts(const Nodes& nodes) {
  std::vector<bool> found(nodes.size());
  for (const SpanTree::Node& node : nodes) {
    if (node.parent != SpanTree::kNone && node.span->duration > Nanoseconds(0))
      found[node.parent] = true;
  }
  return found;
}

// How many intervals hold each moment.
void fill_overlap(std::vector<std::pair<WallTime, int>>& edges, TimeUse& use) {
  // Of one moment the ends first: what begins as another ends is not beside it.
  std::sort(edges.begin(), edges.end());
  std::int64_t running = 0;
  WallTime since{};
  for (const auto& [time, change] : edges) {
    if (running > 0) use.active = saturating_sum(use.active, time - since);
    running += change;
    since = time;
    use.most = std::max(use.most, static_cast<std::uint64_t>(running));
  }
}

void fill_waiting(const Nodes& nodes, TimeUse& use) {
  for (std::size_t at = 0; at < nodes.size();) {
    if (!is_wait(*nodes[at].span)) {
      ++at;
      continue;
    }
    use.waiting = saturating_sum(use.waiting, nodes[at].span->duration);
    ++use.waits;
    at = nodes[at].end;
  }
}

Nanoseconds nearest_rank(const std::vector<Nanoseconds>& sorted, double percent) {
  const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace

std::vector<Nanoseconds> self_times(const SpanTree& tree) {
  const Nodes& nodes = tree.nodes();
  std::vector<Nanoseconds> self(nodes.size());
  // Children come by start, so what they cover grows at its end only.
  std::vector<WallTime> covered(nodes.size());
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    const Span& span = *nodes[at].span;
    self[at] = span.duration;
    covered[at] = span.start;
    const std::uint32_t parent = nodes[at].parent;
    if (parent == SpanTree::kNone) continue;
    const WallTime from = std::max(span.start, covered[parent]);
    const WallTime to = std::min(span.end(), nodes[parent].span->end());
    if (from >= to) continue;
    self[parent] -= to - from;
    covered[parent] = to;
  }
  return self;
}

TimeUse time_use(const SpanTree& tree) {
  const Nodes& nodes = tree.nodes();
  const std::vector<bool> has_parts = with_parts(nodes);
  TimeUse use;
  use.wall = tree.metadata().total_duration;
  std::vector<std::pair<WallTime, int>> edges;
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    const Span& span = *nodes[at].span;
    if (has_parts[at] || is_wait(span) || span.duration == Nanoseconds(0)) continue;
    use.busy = saturating_sum(use.busy, span.duration);
    edges.emplace_back(span.start, 1);
    edges.emplace_back(span.end(), -1);
  }
  fill_overlap(edges, use);
  fill_waiting(nodes, use);
  use.parallelism =
      percent_of(static_cast<double>(use.busy.count()), static_cast<double>(use.wall.count())) /
      100;
  return use;
}

std::vector<NameStats> stats_by_name(const SpanTree& tree, SpanKind kind) {
  std::map<std::string_view, std::pair<NameStats, std::vector<Nanoseconds>>> by_name;
  for (const SpanTree::Node& node : tree.nodes()) {
    const Span& span = *node.span;
    if (span.kind != kind) continue;
    auto& [stats, durations] = by_name[span.name];
    ++stats.count;
    if (span.failed()) ++stats.errors;
    stats.total = saturating_sum(stats.total, span.duration);
    stats.tokens = saturating_sum(stats.tokens, span.tokens_used);
    stats.cost_usd += span.attributes["cost_usd"].to_double().value_or(0);
    durations.push_back(span.duration);
  }
  std::vector<NameStats> all;
  for (auto& [name, found] : by_name) {
    auto& [stats, durations] = found;
    std::sort(durations.begin(), durations.end());
    stats.kind = kind;
    stats.name = name;
    stats.p50 = nearest_rank(durations, 50);
    stats.p95 = nearest_rank(durations, 95);
    stats.p99 = nearest_rank(durations, 99);
    all.push_back(std::move(stats));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const NameStats& a, const NameStats& b) { return a.total > b.total; });
  return all;
}

std::vector<PathShare> path_shares(const SpanTree& tree, const std::vector<PathPiece>& path) {
  std::map<std::pair<SpanKind, std::string_view>, PathShare> by_name;
  for (const PathPiece& piece : path) {
    const Span& span = *tree.nodes()[piece.node].span;
    PathShare& share = by_name[{span.kind, span.name}];
    ++share.pieces;
    share.duration = saturating_sum(share.duration, piece.duration());
  }
  std::vector<PathShare> shares;
  for (auto& [key, share] : by_name) {
    share.kind = key.first;
    share.name = key.second;
    shares.push_back(std::move(share));
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const PathShare& a, const PathShare& b) { return a.duration > b.duration; });
  return shares;
}

std::vector<RankedNode> largest(const std::vector<std::int64_t>& values, std::size_t count) {
  std::vector<RankedNode> ranked;
  for (std::uint32_t at = 0; at < values.size(); ++at) {
    if (values[at] > 0) ranked.push_back({at, values[at]});
  }
  const std::size_t shown = std::min(count, ranked.size());
  const auto more = [](const RankedNode& a, const RankedNode& b) {
    return a.value != b.value ? a.value > b.value : a.node < b.node;
  };
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(shown),
                    ranked.end(), more);
  ranked.resize(shown);
  return ranked;
}

TraceAnalysis analyse(const SpanTree& tree) {
  TraceAnalysis analysis;
  analysis.path = critical_path(tree);
  for (const PathPiece& piece : analysis.path)
    analysis.path_duration = saturating_sum(analysis.path_duration, piece.duration());
  analysis.shares = path_shares(tree, analysis.path);
  analysis.time = time_use(tree);
  std::vector<std::int64_t> self;
  for (const Nanoseconds time : self_times(tree)) self.push_back(time.count());
  analysis.self_time = largest(self, kShown);
  analysis.tokens = largest(tree.own_tokens(), kShown);
  analysis.failures = find_failures(tree);
  analysis.tools = stats_by_name(tree, SpanKind::kToolCall);
  analysis.models = stats_by_name(tree, SpanKind::kLlmCall);
  return analysis;
}

}  // namespace agdb
