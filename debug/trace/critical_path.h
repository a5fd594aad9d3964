#pragma once

#include <cstdint>
#include <vector>

#include "debug/trace/span_tree.h"

namespace agdb {

// A stretch of time in which the whole waited for one span's own work.
struct PathPiece {
  std::uint32_t node = 0;  // position in the tree
  WallTime from{};
  WallTime to{};

  Nanoseconds duration() const { return to - from; }
  bool operator==(const PathPiece&) const = default;
};

// The critical path on the time line: what must get faster for the whole to get faster. Pieces in
// the order of time, none of which overlap, so that together they are at most the whole.
//
// Found from the end backwards: of what a span had started, what finished last before the moment
// looked at held it up; where nothing had, its own work did. Links are followed: from a wait to the
// process that ended within it, from a receipt to the sending, and from a process's start to the
// spawn. Of the tree alone, without what stands outside of it.
//
//   root  ├──────────────────────┤        pieces: root [0 2] a [2 5] c [5 9] root [9 10]
//   a        ├───────┤                    (b ran beside a and c, and held nothing up)
//   b          ├─────────┤
//   c                ├─────────┤
std::vector<PathPiece> critical_path(const SpanTree& tree);

}  // namespace agdb
