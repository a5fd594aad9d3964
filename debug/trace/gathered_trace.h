#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/trace/trace_list.h"
#include "debug/trace/trace_source.h"

namespace agdb {

// All spans of a trace, for its tree, and what could not be read on the way.
struct GatheredTrace {
  std::vector<Span> spans;  // each id of a span once, whether it was recorded or kept
  DerivedCounts counts;     // of recordings
  // Of the file of kept spans: lines without one, and the first of them.
  std::uint64_t bad_lines = 0;
  std::vector<BadSpanLine> bad;
};

Result<GatheredTrace> gather_trace(const TraceSource& source, const DeriveProgress& progress = {});
// By a run id or a trace id: all that was recorded of it, and what is kept of the trace beside;
// else by a pid its newest run. No spans: there is none of that name. The name may come from
// anybody: it is compared with what there is, and checked before it becomes part of a path.
Result<GatheredTrace> gather_named_trace(const TracePlaces& places, const std::string& name,
                                         const DeriveProgress& progress = {});

// All that is recorded or kept, the newest first.
struct AllTraces {
  std::vector<TraceSummary> traces;
  DerivedCounts counts;  // of runs whose spans were derived for this; damaged lines are of all
  std::vector<std::string>
      unreadable;  // recordings, runs and kept traces: a line for a person each
};

// What a list shows of a run that has ended is kept beside it (run_tally.h), through `files`.
Result<AllTraces> list_all_traces(const TracePlaces& places, FileSystem& files,
                                  const DeriveProgress& progress = {});

}  // namespace agdb
