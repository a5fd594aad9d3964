#pragma once

#include <optional>
#include <string>
#include <variant>

#include "debug/trace/kept_trace.h"
#include "debug/trace/recorded_trace.h"

namespace agdb {

// Where what there is of runs lies.
struct TracePlaces {
  std::string records_dir;
  std::string traces_dir;  // of kept spans
};

// Where the spans of one run come from: its recordings, or, where nothing of it is recorded, what
// is kept of its trace.
class TraceSource {
 public:
  explicit TraceSource(RecordedRun run) : source_(std::move(run)) {}
  explicit TraceSource(KeptTrace trace) : source_(std::move(trace)) {}

  // The whole run that the recording in `folder` is of.
  static Result<TraceSource> of_recording(const TracePlaces& places, const std::string& folder);
  // What there is of a process that may be alive: the run of its recording, else its trace, as far
  // as it has been written; nothing where there is neither. Ids may be empty.
  static std::optional<TraceSource> of_process(const TracePlaces& places,
                                               const std::string& record_id,
                                               const std::string& trace_id);
  // The run of a run id, a trace id or a pid (its newest); else the kept trace of that id.
  static Result<TraceSource> named(const TracePlaces& places, const std::string& name);

  // Null: nothing is recorded.
  const RecordedRun* run() const { return std::get_if<RecordedRun>(&source_); }
  // The id of its first recording, or of the trace.
  std::string name() const;
  WallTime start() const;
  // Of a kept trace the progress counts spans, and bad lines count as damaged.
  Result<DerivedCounts> derive(TraceSink& sink, const DeriveProgress& progress = {}) const;

 private:
  std::variant<RecordedRun, KeptTrace> source_;
};

}  // namespace agdb
