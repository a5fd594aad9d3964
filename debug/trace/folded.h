#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "debug/trace/trace_sink.h"

namespace agdb {

// Folded stacks, what flame graph tools read: a line for each path of names from a root to a span,
// "tidy the docs;step;m-1 1500", with the weight of all spans of that path that is their own:
//
//   kTime    microseconds in which nothing below the span ran
//   kTokens  tokens of its own: of a model call all, of others what is below them does not explain
//
// Steps are all named "step", so that they add up. ";", line ends and other control characters in a
// name are replaced, a name is cut at kMaxNameBytes, what lies deeper than kMaxDepth counts for the
// path of that depth. A span whose parent never comes is a root, and so is one in a circle of
// parents. Lines are sorted; paths of weight 0 are left out. Sums beyond
// 64 bits stay at the limit.
//
// Memory is by the paths and by what is open; a span whose start was not told (on_span_start) takes
// 32 bytes until the end. A process that has ended when one that it spawned ends counts the other's
// time as its own.
class FoldedStacks final : public TraceSink {
 public:
  enum class Weight : std::uint8_t { kTime, kTokens };
  static constexpr std::size_t kMaxNameBytes = 200;
  static constexpr std::uint32_t kMaxDepth = 500;

  explicit FoldedStacks(Weight weight) : weight_(weight) {}

  void on_span_start(const Span& span) override;
  void on_span(const Span& span) override;
  // All lines, each with its line end. Call once, at the end.
  void finish(const std::function<void(std::string_view)>& write);

 private:
  using Key = std::uint64_t;  // of a span id
  using NodeId = std::uint32_t;
  static constexpr NodeId kRoot = 0;

  // A path: its last name and the path before it.
  struct Node {
    NodeId parent = kRoot;
    std::uint32_t name = 0;  // in names_
    std::uint32_t depth = 0;
    std::int64_t weight = 0;
  };
  // Time covered by spans, in nanoseconds. The latest pieces are kept apart, since a span that ends
  // later may overlap them; what lies before them is a sum.
  struct Covered {
    static constexpr std::size_t kMaxPieces = 64;
    std::int64_t sum = 0;
    std::int64_t floor = 0;  // where the sum's part ends
    std::vector<std::pair<std::int64_t, std::int64_t>> pieces = {};
    void add(std::int64_t begin, std::int64_t end);
    std::int64_t total() const;
  };
  // A span that has begun, or one that is known by its children alone.
  struct Open {
    NodeId node = kRoot;
    bool placed = false;  // node is known
    Covered covered = {};
    std::int64_t tokens_below = 0;
  };
  // A span that has ended and whose path is not known.
  struct Unplaced {
    Key id = 0;
    Key parent = 0;  // 0: none
    std::uint32_t name = 0;
    std::int64_t weight = 0;
  };

  std::uint32_t name_of(const Span& span);
  NodeId child(NodeId parent, std::uint32_t name);
  const NodeId* placed_node(Key id) const;
  void give_to_parent(const Span& span);
  void add_weight(NodeId node, std::int64_t weight);
  std::int64_t own_weight(const Span& span, const Open& open) const;
  void place_rest();
  std::string path_of(NodeId node) const;

  Weight weight_;
  std::vector<Node> nodes_{Node{}};
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> name_ids_;
  std::unordered_map<std::uint64_t, NodeId> children_;  // by parent (high half) and name
  std::unordered_map<Key, Open> open_;
  std::unordered_map<Key, NodeId> processes_;  // ended; others may hang under them
  std::vector<Unplaced> unplaced_;
};

}  // namespace agdb
