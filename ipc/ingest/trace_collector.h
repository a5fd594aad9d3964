#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/events/clock.h"

namespace agdb {

struct CollectorLimits {
  // Of the texts of all traces that are waited for; beyond, the one that has been quiet longest is
  // complete as it is.
  std::size_t bytes = std::size_t{128} << 20;
  std::size_t traces = 10'000;
  // A trace of so much text is complete as it is; what comes later is another one of the same id.
  std::size_t trace_bytes = std::size_t{64} << 20;
  Nanoseconds quiet = std::chrono::seconds(3);      // since its last span, when its root is there
  Nanoseconds patience = std::chrono::seconds(60);  // since its last span, when it is not
};

// Spans of one trace, as they came in one request.
struct TracePiece {
  std::string trace_id;
  std::string text;  // OTLP/JSON requests, a line each
  std::uint64_t spans = 0;
  bool has_root = false;  // a span without a parent is among them, which has ended then
};

// Puts traces together that come in pieces: their spans end at different times and are sent by
// different processes, in any order. Knows no clock: whoever calls tells what time it is. One
// thread at a time.
class TraceCollector {
 public:
  explicit TraceCollector(CollectorLimits limits = {}) : limits_(limits) {}

  void add(TracePiece piece, Nanoseconds now);
  // Those that are complete: by time, or because a limit was met.
  std::vector<TracePiece> take_complete(Nanoseconds now);
  std::vector<TracePiece> take_all();
  // When the next one will be complete, if nothing comes; nothing: none is waited for.
  std::optional<Nanoseconds> next_due() const;

  // Nothing is waited for, and nothing waits to be taken.
  bool empty() const { return waiting_.empty() && complete_.empty(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t traces() const { return waiting_.size(); }

 private:
  struct Waiting {
    TracePiece piece;
    Nanoseconds last{0};  // when something came
  };
  using Traces = std::map<std::string, Waiting>;
  Nanoseconds due(const Waiting& trace) const {
    return trace.last + (trace.piece.has_root ? limits_.quiet : limits_.patience);
  }
  void complete(Traces::iterator trace);
  void keep_to_limits();

  const CollectorLimits limits_;
  Traces waiting_;
  std::multimap<Nanoseconds, std::string> by_last_;  // trace ids, the longest quiet first
  std::vector<TracePiece> complete_;
  std::size_t bytes_ = 0;  // of those that are waited for
};

}  // namespace agdb
