#pragma once

#include <string>

#include "debug/trace/span_tree.h"

namespace agdb {

// A tree as people read it, a line a span:
//
//   Trace: 4bf9…  |  3 spans  |  10.00s  |  1000 tokens
//
//   ┌─ root (PID 1)                          10.00s  500 tok  ok
//   ├─ child-a (PID 2)                        3.00s  300 tok  ok
//   └─ child-b (PID 3)                        2.00s  200 tok  error  no such file
//
// Behind it what stands outside of the tree, with the reason. Levels beyond 64 are told by their
// number, so that a text has a bounded size a span. Columns count characters.
struct TreeTextOptions {
  // A second line a span: its ids, calls and start; a third where it has more to tell; before them
  // its whole name, where that was cut.
  bool verbose = false;
};

// nullptr: no spans.
std::string tree_text(const SpanTree* tree, const TreeTextOptions& options = {});

}  // namespace agdb
