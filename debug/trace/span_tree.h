#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "debug/trace/span.h"

namespace agdb {

// Totals of a trace, all of its spans included.
struct TraceMetadata {
  std::uint64_t total_spans = 0;
  // Each token once: what a span within a process took is part of what the process took.
  std::int64_t total_tokens = 0;
  std::uint64_t error_count = 0;  // errors and timeouts
  WallTime start{};               // the earliest
  WallTime end{};                 // the latest
  Nanoseconds total_duration{0};  // between them
  // Spans that are shown but do not stand where their parent says.
  std::uint64_t orphans = 0;   // the parent is not among the spans
  std::uint64_t loops = 0;     // rings of spans that are each other's parents
  std::uint64_t same_ids = 0;  // another span before it has the same id

  bool operator==(const TraceMetadata&) const = default;
};

// The spans of one trace by parent. Every span is in it exactly once, whatever the ids say: behind
// the tree of the root come those that nothing connects with it, each with what is below it.
//
// Nodes are in pre-order, children by start (of one start: as in the input), so that a walk is a
// loop, and one backwards meets children before parents:
//
//   for (const SpanTree::Node& node : tree.nodes()) indent(node.depth), show(*node.span);
//   for (auto at = i + 1; at < nodes[i].end; at = nodes[at].end) child(nodes[at]);
//
// A value that is moved, not copied. Const calls: any thread.
class SpanTree {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Why a node has no parent.
  enum class Top : std::uint8_t {
    kNo,      // it has
    kRoot,    // the tree's root
    kOrphan,  // its parent is not among the spans
    kLoop,    // it is above itself; of such a ring the earliest
  };
  struct Node {
    const Span* span = nullptr;
    std::uint32_t parent = kNone;  // position
    std::uint32_t end = 0;         // position behind the last node below it
    std::uint32_t depth = 0;
    Top top = Top::kNo;
    bool same_id = false;  // children of that id are with the first span that has it

    bool operator==(const Node&) const = default;
  };

  // The root is the span without a parent. Of several it is the earliest, and the others become its
  // children. Where all have one, it is what stands above the first span. Nothing without spans.
  // Time: linear, but for sorting children.
  static std::optional<SpanTree> build(std::vector<Span> spans);

  SpanTree(SpanTree&&) noexcept = default;
  SpanTree& operator=(SpanTree&&) noexcept = default;
  SpanTree(const SpanTree&) = delete;
  SpanTree& operator=(const SpanTree&) = delete;

  // Never empty; the root is the first. Valid as long as this.
  const std::vector<Node>& nodes() const { return nodes_; }
  // How many of the nodes are the root and what is below it.
  std::size_t root_size() const { return nodes_.front().end; }
  // The first that is not empty.
  const std::string& trace_id() const { return trace_id_; }
  const TraceMetadata& metadata() const { return metadata_; }

  // Whether the parent's tokens hold this node's: it is a part of the same process.
  bool counted_in_parent(std::size_t at) const;
  // The tokens of each node that no node below it has.
  std::vector<std::int64_t> own_tokens() const;

 private:
  SpanTree() = default;
  void fill_metadata();

  std::vector<Span> spans_;  // as they came; nodes point here
  std::vector<Node> nodes_;
  std::string trace_id_;
  TraceMetadata metadata_;
};

}  // namespace agdb
