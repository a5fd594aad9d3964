#include "debug/trace/blame.h"

#include <algorithm>
#include <functional>

#include "debug/trace/saturating.h"
#include "debug/trace/span_line.h"
#include "debug/trace/span_text.h"

namespace agdb {
namespace {

constexpr std::size_t kHotspots = 3;
constexpr std::size_t kMaxPath = 200;

using Nodes = std::vector<SpanTree::Node>;

double milliseconds(Nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

// Backwards, so that each node's children have been added up when it is reached.
void find_critical_path(const SpanTree& tree, Blame& blame) {
  const Nodes& nodes = tree.nodes();
  const auto size = static_cast<std::uint32_t>(tree.root_size());
  std::vector<Nanoseconds> longest(size);
  std::vector<std::uint32_t> next(size, SpanTree::kNone);
  for (std::uint32_t at = size; at-- > 0;) {
    Nanoseconds below{0};
    for (std::uint32_t child = at + 1; child < nodes[at].end; child = nodes[child].end) {
      if (longest[child] > below) {
        below = longest[child];
        next[at] = child;
      }
    }
    longest[at] = saturating_sum(nodes[at].span->duration, below);
  }
  if (longest[0] == Nanoseconds(0)) return;
  for (std::uint32_t at = 0; at != SpanTree::kNone; at = next[at])
    blame.critical_path.push_back(at);
  blame.critical_duration = longest[0];
  blame.critical_path_pct = percent_of(milliseconds(blame.critical_duration),
                                       milliseconds(tree.metadata().total_duration));
}

std::vector<Blame::Hotspot> hotspots(const SpanTree& tree, double whole,
                                     const std::function<std::int64_t(const Span&)>& value_of) {
  std::vector<Blame::Hotspot> top;
  for (std::uint32_t at = 0; at < tree.root_size(); ++at) {
    const std::int64_t value = value_of(*tree.nodes()[at].span);
    const auto place = std::find_if(top.begin(), top.end(), [&](const Blame::Hotspot& each) {
      return value_of(*tree.nodes()[each.node].span) < value;
    });
    top.insert(place, {at, percent_of(static_cast<double>(value), whole)});
    if (top.size() > kHotspots) top.pop_back();
  }
  return top;
}

void find_error_chains(const SpanTree& tree, Blame& blame) {
  const Nodes& nodes = tree.nodes();
  const std::size_t size = tree.root_size();
  // The topmost that failed on the way to each node.
  std::vector<std::uint32_t> cause(size, SpanTree::kNone);
  std::vector<bool> has_failed_child(size);
  for (std::uint32_t at = 0; at < size; ++at) {
    const std::uint32_t parent = nodes[at].parent;
    if (parent != SpanTree::kNone) cause[at] = cause[parent];
    if (!nodes[at].span->failed()) continue;
    if (cause[at] == SpanTree::kNone) cause[at] = at;
    if (parent != SpanTree::kNone) has_failed_child[parent] = true;
  }
  for (const bool leaves : {true, false}) {
    for (std::uint32_t at = 0; at < size; ++at) {
      const bool is_leaf = nodes[at].end == at + 1;
      if (nodes[at].span->failed() && !has_failed_child[at] && is_leaf == leaves)
        blame.error_chains.push_back({at, cause[at]});
    }
  }
}

}  // namespace

Blame find_blame(const SpanTree& tree) {
  Blame blame;
  find_critical_path(tree, blame);
  blame.duration_hotspots =
      hotspots(tree, static_cast<double>(tree.metadata().total_duration.count()),
               [](const Span& span) { return span.duration.count(); });
  blame.token_hotspots = hotspots(tree, static_cast<double>(tree.metadata().total_tokens),
                                  [](const Span& span) { return span.tokens_used; });
  find_error_chains(tree, blame);
  return blame;
}

std::vector<std::uint32_t> path_to(const SpanTree& tree, std::uint32_t node) {
  std::vector<std::uint32_t> path;
  for (std::uint32_t at = node; at != SpanTree::kNone; at = tree.nodes()[at].parent) {
    path.push_back(at);
  }
  if (path.size() > kMaxPath) path.erase(path.begin() + kMaxPath / 2, path.end() - kMaxPath / 2);
  std::reverse(path.begin(), path.end());
  return path;
}

Json span_json(const Span& span) {
  std::string text = "{";
  append_span_members(text, span, EmptyParent::kLeftOut);
  text += '}';
  Result<Json> json = parse_json(text);
  AGDB_ASSERT(json.has_value(), "a span is written as JSON");
  return *std::move(json);
}

}  // namespace agdb
