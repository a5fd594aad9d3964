#pragma once

#include <optional>
#include <string>
#include <variant>

#include "debug/trace/kept_trace.h"
#include "debug/trace/recorded_trace.h"
#include "tools/agdb/command.h"

namespace agdb {

// Where the spans of one run come from: its recordings, or, where nothing of it is recorded, what
// is kept of its trace.
class TraceSource {
 public:
  explicit TraceSource(RecordedRun run) : source_(std::move(run)) {}
  explicit TraceSource(KeptTrace trace) : source_(std::move(trace)) {}

  // The run that a person means by a record id, a folder or "@"; else by the pid of a process that
  // the daemon knows, if anything is recorded or kept of it; else by a run id, a trace id or a pid;
  // else the kept trace of that id.
  static Result<TraceSource> find(const std::string& typed, Environment& env);

  // Null: nothing is recorded.
  const RecordedRun* run() const { return std::get_if<RecordedRun>(&source_); }
  // The id of its first recording, or of the trace.
  std::string name() const;
  WallTime start() const;
  Result<DerivedCounts> derive(TraceSink& sink, const DeriveProgress& progress) const;

 private:
  std::variant<RecordedRun, KeptTrace> source_;
};

// What there is of a process of the daemon: the run of its recording, else its trace, as far as it
// has been written. Nothing where no daemon answers, none has that process, or nothing is there. A
// word that is no pid is none of a process.
std::optional<TraceSource> trace_of_process(const std::string& pid, Environment& env);

}  // namespace agdb
