#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/trace/span_tree.h"

namespace agdb {

// What a trace tells, by the reference's rules: figures that compare with those of its tools. What
// they leave unsaid or overstate is in trace_analysis.h. Of the tree alone: what stands outside of
// it is counted only. Spans are positions in the tree, which outlives nothing here.
struct Blame {
  // From the root to the leaf whose durations add up to the most, of equals the first. Parents hold
  // their children, so the sum may exceed the whole. Empty when all of them are 0.
  std::vector<std::uint32_t> critical_path;
  Nanoseconds critical_duration{0};
  double critical_path_pct = 0;

  struct Hotspot {
    std::uint32_t node = 0;
    double percentage = 0;  // of the trace's duration, or of its tokens
  };
  // At most three each, the largest first, of equals the first of the tree.
  std::vector<Hotspot> duration_hotspots;
  std::vector<Hotspot> token_hotspots;

  // From the root to a span that failed and has no child that failed. `root_cause` is the topmost
  // span on it that failed: rather the victim. First those that end in leaves.
  struct ErrorChain {
    std::uint32_t end = 0;
    std::uint32_t root_cause = 0;
  };
  std::vector<ErrorChain> error_chains;
};

Blame find_blame(const SpanTree& tree);

// The spans from the root to a node. Of a path of more than 200, the first 100 and the last 100.
std::vector<std::uint32_t> path_to(const SpanTree& tree, std::uint32_t node);

// The reference's text, of a thousand chains at most; nullptrs: no data.
std::string blame_text(const SpanTree* tree, const Blame* blame);
// {"trace_id","critical_path":[<span>],"critical_duration_ms","duration_hotspots",
//  "token_hotspots","error_chains":null|[{"path":[<span>],"root_cause":<span>}],"summary"}
Json blame_json(const SpanTree& tree, const Blame& blame);

// A span as these documents show it: what tree_json.h says, without children.
Json span_json(const Span& span);

}  // namespace agdb
