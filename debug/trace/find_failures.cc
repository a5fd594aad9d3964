#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>

#include "debug/trace/trace_analysis.h"

namespace agdb {
namespace {

using Nodes = std::vector<SpanTree::Node>;

// The ends of chains, by the topmost span above them that failed.
std::map<std::uint32_t, std::vector<std::uint32_t>> ends_by_top(const Nodes& nodes) {
  std::vector<std::uint32_t> top(nodes.size(), SpanTree::kNone);
  std::vector<bool> has_failed_child(nodes.size());
  for (std::uint32_t at = 0; at < nodes.size(); ++at) {
    const std::uint32_t parent = nodes[at].parent;
    if (parent != SpanTree::kNone) top[at] = top[parent];
    if (!nodes[at].span->failed()) continue;
    if (top[at] == SpanTree::kNone) top[at] = at;
    if (parent != SpanTree::kNone) has_failed_child[parent] = true;
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> ends;
  for (std::uint32_t at = 0; at < nodes.size(); ++at) {
    if (nodes[at].span->failed() && !has_failed_child[at]) ends[top[at]].push_back(at);
  }
  return ends;
}

// Of each span, whether something above it went well below something that failed: what went wrong
// with the span was overcome there, by another attempt or by doing without.
std::vector<bool> overcome_spans(const Nodes& nodes) {
  std::vector<bool> below_failed(nodes.size());
  std::vector<bool> overcome(nodes.size());
  for (std::uint32_t at = 0; at < nodes.size(); ++at) {
    const std::uint32_t parent = nodes[at].parent;
    if (parent == SpanTree::kNone) continue;
    const bool failed = nodes[parent].span->failed();
    below_failed[at] = failed || below_failed[parent];
    overcome[at] = overcome[parent] || (!failed && below_failed[parent]);
  }
  return overcome;
}

using Ids = std::unordered_set<std::string_view>;

Ids failed_processes(const Nodes& nodes) {
  Ids ids;
  for (const SpanTree::Node& node : nodes) {
    if (node.span->failed() && node.span->kind == SpanKind::kProcess)
      ids.insert(node.span->span_id);
  }
  return ids;
}

bool waited_for_failure(const Span& span, const Ids& failed) {
  return span.kind == SpanKind::kWait &&
         std::any_of(span.links.begin(), span.links.end(),
                     [&](const SpanLink& link) { return failed.contains(link.span_id); });
}

Failure failure_of(const Nodes& nodes, std::uint32_t top, const std::vector<std::uint32_t>& ends,
                   const Ids& failed, const std::vector<bool>& overcome) {
  const auto is_before = [&](std::uint32_t a, std::uint32_t b) {
    // A wait has failed because something else had.
    const bool victim_a = waited_for_failure(*nodes[a].span, failed);
    const bool victim_b = waited_for_failure(*nodes[b].span, failed);
    if (victim_a != victim_b) return victim_b;
    if (overcome[a] != overcome[b]) return overcome[b];
    const WallTime end_a = nodes[a].span->end();
    const WallTime end_b = nodes[b].span->end();
    return end_a != end_b ? end_a < end_b : nodes[a].depth > nodes[b].depth;
  };
  // Not those that failed with another one somewhere below them.
  std::vector<std::uint32_t> lowest;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (i + 1 == ends.size() || ends[i + 1] >= nodes[ends[i]].end) lowest.push_back(ends[i]);
  }
  Failure failure;
  failure.origin = *std::min_element(lowest.begin(), lowest.end(), is_before);
  for (std::uint32_t at = failure.origin; at != top;) {
    at = nodes[at].parent;
    if (nodes[at].span->failed()) failure.victims.push_back(at);
  }
  for (const std::uint32_t end : ends) {
    const bool above = end <= failure.origin && failure.origin < nodes[end].end;
    if (above) continue;  // a victim already, or the origin itself
    const bool victim = waited_for_failure(*nodes[end].span, failed);
    (victim ? failure.victims : failure.others).push_back(end);
  }
  return failure;
}

}  // namespace

std::vector<Failure> find_failures(const SpanTree& tree) {
  const Nodes& nodes = tree.nodes();
  const Ids failed = failed_processes(nodes);
  const std::vector<bool> overcome = overcome_spans(nodes);
  std::vector<Failure> failures;
  for (const auto& [top, ends] : ends_by_top(nodes))
    failures.push_back(failure_of(nodes, top, ends, failed, overcome));
  std::stable_sort(failures.begin(), failures.end(), [&](const Failure& a, const Failure& b) {
    return nodes[a.origin].span->end() < nodes[b.origin].span->end();
  });
  return failures;
}

}  // namespace agdb
