#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/trace/span_tree.h"

namespace agdb {

// Two traces of one job, span by span: what got slower, what faster, what is new and what is gone.
// A span is that of the other trace that has the same way to it: from the root on, the same kind
// and name and the same number among its siblings of that kind and name. Roots are each other's
// whatever their names; of processes the names (what they were asked to do) do not count.
struct TraceComparison {
  // Positions in the trees; kNone: not there.
  struct Row {
    std::uint32_t before = SpanTree::kNone;
    std::uint32_t after = SpanTree::kNone;
    // Of spans that both have, what their own work (without what runs below them) took more or
    // less; of one that is new or gone its whole duration, with all below it, which have no rows.
    Nanoseconds difference{0};
  };
  // By the size of the difference, the largest first; none whose difference is 0.
  std::vector<Row> rows;

  // All spans of one kind and name.
  struct NameRow {
    SpanKind kind = SpanKind::kProcess;
    std::string name;
    std::uint64_t count_before = 0;
    std::uint64_t count_after = 0;
    Nanoseconds before{0};  // their own work
    Nanoseconds after{0};

    Nanoseconds difference() const { return after - before; }
  };
  // The same order.
  std::vector<NameRow> by_name;

  std::uint64_t matched = 0;
  std::uint64_t new_spans = 0;  // with those below them
  std::uint64_t gone_spans = 0;
};

TraceComparison compare_traces(const SpanTree& before, const SpanTree& after);

// At most twenty rows of each table.
std::string comparison_text(const SpanTree& before, const SpanTree& after,
                            const TraceComparison& comparison);
// {"before":<metadata>,"after":<metadata>,"matched","new_spans","gone_spans",
//  "by_name":[{"kind","name","count_before","count_after","before_ns","after_ns","difference_ns"}],
//  "spans":[{"what":"slower"|"faster"|"new"|"gone","kind","name","path","difference_ns",
//            "before_ns"[absent when new],"after_ns"[absent when gone],"span_id_before",
//            "span_id_after"}]}; a thousand spans at most.
Json comparison_json(const SpanTree& before, const SpanTree& after,
                     const TraceComparison& comparison);

}  // namespace agdb
