#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "debug/import/foreign_span.h"
#include "debug/import/span_facts.h"

namespace agdb {

// The spans of one trace as the tree that they are, with what each is in the run of an agent.
class ForeignTree {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Node {
    const ForeignSpan* span = nullptr;
    SpanRole role = SpanRole::kOther;
    std::size_t parent = kNone;
    std::size_t agent = kNone;  // the nearest agent's span above it
    // The nearest model call and tool call above it that belong to the same agent. Of an agent, as
    // the agent around it knows them.
    std::size_t model_call = kNone;
    std::size_t tool_call = kNone;
    std::size_t inner_model_calls = 0;  // of which this is the nearest model call above
  };

  // An agent's span that is a node of a graph (LangGraph), and in which no tool is used, is a step
  // of the agent around it: instrumentation takes every node with "agent" in its name for one.
  //
  // Of spans of one trace in any order; they outlive the tree. A span that stands there twice
  // counts once. One whose parent is not among them is a root, and so is one of a circle of
  // parents.
  ForeignTree(const std::vector<const ForeignSpan*>& spans, ImportTally& tally);

  const Node& node(std::size_t index) const { return nodes_[index]; }
  // All nodes, parents before their children, children by their start.
  const std::vector<std::size_t>& order() const { return order_; }
  std::size_t node_of(const std::string& span_id) const;  // kNone when there is none

 private:
  void link(ImportTally& tally);
  void find_graph_nodes();
  void walk(std::size_t root);
  void place(std::size_t index);

  std::vector<Node> nodes_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<bool> visited_;
  std::vector<std::size_t> order_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
};

}  // namespace agdb
