#include "debug/import/foreign_tree.h"

#include <algorithm>
#include <utility>

namespace agdb {

ForeignTree::ForeignTree(const std::vector<const ForeignSpan*>& spans, ImportTally& tally) {
  for (const ForeignSpan* span : spans) {
    if (!span->span_id.empty() && !by_id_.try_emplace(span->span_id, nodes_.size()).second) {
      tally.bookkeeping("span that stands there twice");
      continue;
    }
    Node node;
    node.span = span;
    node.role = role_of(*span);
    nodes_.push_back(node);
  }
  children_.resize(nodes_.size());
  visited_.resize(nodes_.size());
  link(tally);
}

std::size_t ForeignTree::node_of(const std::string& span_id) const {
  const auto found = by_id_.find(span_id);
  return found == by_id_.end() ? kNone : found->second;
}

void ForeignTree::link(ImportTally& tally) {
  // Stable: of what has no time, or the same, the order in the file stays.
  std::vector<std::size_t> by_start(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) by_start[i] = i;
  std::ranges::stable_sort(by_start, {}, [this](std::size_t i) { return nodes_[i].span->start; });
  std::vector<std::size_t> roots;
  for (const std::size_t i : by_start) {
    const std::string& parent = nodes_[i].span->parent_id;
    nodes_[i].parent = parent.empty() ? kNone : node_of(parent);
    if (!parent.empty() && nodes_[i].parent == kNone) tally.bookkeeping("parent not in the file");
    if (nodes_[i].parent == kNone) {
      roots.push_back(i);
    } else {
      children_[nodes_[i].parent].push_back(i);
    }
  }
  find_graph_nodes();
  for (const std::size_t root : roots) walk(root);
  for (const std::size_t i : by_start) {
    if (visited_[i]) continue;
    tally.not_understood("circle of parents");
    nodes_[i].parent = kNone;
    walk(i);
  }
}

// Marks what lies around the use of a tool; each once, so a circle ends.
void ForeignTree::find_graph_nodes() {
  std::vector<bool> uses_tool(nodes_.size());
  for (const Node& node : nodes_)
    if (node.role == SpanRole::kToolCall)
      for (std::size_t at = node.parent; at != kNone && !uses_tool[at]; at = nodes_[at].parent)
        uses_tool[at] = true;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (node.role != SpanRole::kAgent || uses_tool[i] || node.parent == kNone) continue;
    const Json metadata = parse_json(node.span->attributes.text("metadata")).value_or(Json());
    if (metadata["langgraph_node"].is_string()) node.role = SpanRole::kOther;
  }
}

void ForeignTree::walk(std::size_t root) {
  std::vector<std::size_t> waiting = {root};
  while (!waiting.empty()) {
    const std::size_t index = waiting.back();
    waiting.pop_back();
    if (visited_[index]) continue;
    visited_[index] = true;
    place(index);
    order_.push_back(index);
    const std::vector<std::size_t>& children = children_[index];
    waiting.insert(waiting.end(), children.rbegin(), children.rend());
  }
}

// What lies above is placed already.
void ForeignTree::place(std::size_t index) {
  Node& node = nodes_[index];
  if (node.parent == kNone) return;
  const Node& above = nodes_[node.parent];
  const bool agent = above.role == SpanRole::kAgent;
  node.agent = agent ? node.parent : above.agent;
  node.model_call = above.role == SpanRole::kModelCall ? node.parent
                    : agent                            ? kNone
                                                       : above.model_call;
  node.tool_call = above.role == SpanRole::kToolCall ? node.parent
                   : agent                           ? kNone
                                                     : above.tool_call;
  if (node.role == SpanRole::kModelCall && node.model_call != kNone)
    ++nodes_[node.model_call].inner_model_calls;
}

}  // namespace agdb
