#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/trace/kept_trace.h"
#include "debug/trace/recorded_trace.h"

namespace agdb {

// Where what there is of runs lies.
struct TracePlaces {
  std::string records_dir;
  std::string traces_dir;  // of kept spans
};

// Where the spans of a run or of a trace come from: recordings, and what is kept of the trace
// beside them.
class TraceSource {
 public:
  explicit TraceSource(RecordedRun run) { runs_.push_back(std::move(run)); }
  explicit TraceSource(KeptTrace trace) : kept_(std::move(trace)) {}

  // The whole run that the recording in `folder` is of.
  static Result<TraceSource> of_recording(const TracePlaces& places, const std::string& folder);
  // What there is of a process that may be alive: the run of its recording, else its trace, as far
  // as it has been written; nothing where there is neither. Ids may be empty.
  static std::optional<TraceSource> of_process(const TracePlaces& places,
                                               const std::string& record_id,
                                               const std::string& trace_id);
  // All that there is of a run id or a trace id, as gather_named_trace has it; else the newest run
  // of a pid.
  static Result<TraceSource> named(const TracePlaces& places, const std::string& name);

  // Empty: nothing is recorded.
  const std::vector<RecordedRun>& runs() const { return runs_; }
  // The id of its first recording, or of the trace.
  std::string name() const;
  WallTime start() const;
  // Run by run, then the kept spans that none of them had. The progress is that of each; of a kept
  // trace it counts spans, and bad lines count as damaged.
  // Recorded spans come by their ends, kept ones as `order` says.
  Result<DerivedCounts> derive(TraceSink& sink, const DeriveProgress& progress = {},
                               SpanOrder order = SpanOrder::kAsKept) const;

 private:
  TraceSource() = default;
  Status derive_kept(TraceSink& sink, DerivedCounts& counts, const DeriveProgress& progress,
                     SpanOrder order) const;

  std::vector<RecordedRun> runs_;  // one of the two is there
  std::optional<KeptTrace> kept_;
};

}  // namespace agdb
