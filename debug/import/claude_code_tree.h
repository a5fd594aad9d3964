#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "debug/import/claude_code_lines.h"

namespace agdb {

// The order in which an agent lived its records. A file is written by several writers: a record may
// stand before the one that it follows, stand twice, or follow one that never reached the file.
struct ClaudeTree {
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  // All records, a parent before its children, else as they were written.
  std::vector<std::size_t> order;
  // Per record: the one that it hangs on; kNone when that is not among them, or hangs on it in
  // turn.
  std::vector<std::size_t> parent;
  // Per record: the earlier one (in `order`) that it says again, or kNone. The same uuid, or the
  // same words at the same time on the same parent: what resuming and compaction write a second
  // time.
  std::vector<std::size_t> repeats;
};

// Ends for any input, cycles of parents included; linear but for hashing what may stand twice.
ClaudeTree order_claude_lines(const std::vector<const ClaudeLine*>& lines);

}  // namespace agdb
