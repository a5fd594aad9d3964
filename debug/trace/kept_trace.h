#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "debug/trace/span_file.h"

namespace agdb {

// In which order the spans of a kept trace are told.
enum class SpanOrder : std::uint8_t {
  kAsKept,  // as they stand in the file
  kByEnd,   // of each process: a span when it ends, the process's own last
};

// A trace of which only the spans in the folder of traces are there: its processes were never
// recorded, or their recordings are gone. Counters and instants are not kept.
class KeptTrace {
 public:
  // Goes through the file once. Errors: an id that can name no folder, a trace without a span
  // (kNotFound).
  static Result<KeptTrace> open(std::string traces_dir, std::string trace_id);

  const std::string& trace_id() const { return trace_id_; }
  // The earliest of any span.
  WallTime start() const { return start_; }
  std::uint64_t spans() const { return tally_.spans; }
  // Lines without a span, which are gone over.
  std::uint64_t bad_lines() const { return tally_.bad_lines; }

  // The processes whose spans are there, by their starts, then all spans, for which the file is
  // read again. Memory: a line; kByEnd: where the file, which others may write, has another order,
  // all spans. `go_on` is asked now and then; false: the rest is left out (kCancelled).
  //
  // Where several spans of kind `process` have one pid, the process's own is the one around the
  // others: the earliest, of those the longest.
  Status tell(TraceSink& sink, SpanOrder order, const std::function<bool()>& go_on = {}) const;

 private:
  class Survey;
  struct Process {
    TracedProcess traced;
    WallTime end{};
    std::uint64_t number = 0;  // of its span among those of the file, from 0
  };

  KeptTrace(std::string traces_dir, std::string trace_id)
      : traces_dir_(std::move(traces_dir)), trace_id_(std::move(trace_id)) {}
  Status tell_as_kept(TraceSink& sink, const std::function<bool()>& go_on) const;
  Status tell_by_end(TraceSink& sink, const std::function<bool()>& go_on) const;

  std::string traces_dir_;
  std::string trace_id_;
  WallTime start_ = WallTime::max();
  SpanFileTally tally_;
  std::vector<Process> processes_;
  bool kept_by_end_ = true;
};

}  // namespace agdb
