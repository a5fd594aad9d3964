#pragma once

#include <functional>
#include <string>
#include <vector>

#include "debug/trace/span_file.h"

namespace agdb {

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

  // The processes whose spans are there, by their starts, then all spans as they stand in the file,
  // which is read again. `go_on` is asked now and then; false: the rest is left out (kCancelled).
  Status tell(TraceSink& sink, const std::function<bool()>& go_on = {}) const;

 private:
  KeptTrace(std::string traces_dir, std::string trace_id)
      : traces_dir_(std::move(traces_dir)), trace_id_(std::move(trace_id)) {}
  void take(const Span& span);

  std::string traces_dir_;
  std::string trace_id_;
  WallTime start_ = WallTime::max();
  SpanFileTally tally_;
  std::vector<TracedProcess> processes_;
};

}  // namespace agdb
