#pragma once

#include <functional>
#include <string>

#include "debug/runs/run_intake.h"
#include "ipc/ingest/trace_collector.h"

namespace agdb {

// Where a trace that came from elsewhere goes: agents' work becomes recordings, each run in the
// store; a trace without any is kept as spans. One thread.
class TraceKeeper {
 public:
  using Log = std::function<void(const std::string& line)>;
  // `clock` outlives it.
  TraceKeeper(std::string records_dir, std::string traces_dir, const Clock& clock, Log log);

  struct Kept {
    std::uint64_t recordings = 0;
    bool spans = false;  // it was kept as spans
    // Not kept, since another span of the same id stands there already.
    std::uint64_t dropped_spans = 0;
  };
  // An error: the trace, or a part of it, could not be written.
  Result<Kept> keep(const TracePiece& trace);

 private:
  Result<Kept> keep_spans(const TracePiece& trace);

  const std::string records_dir_;
  const std::string traces_dir_;
  const Log log_;
  RunIntake intake_;
};

}  // namespace agdb
