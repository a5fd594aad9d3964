#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "debug/trace/span.h"

namespace agdb {

// What a process is, for its spans: from its start when it lives, from its metadata when it was
// recorded.
struct TracedProcess {
  std::string trace_id;
  std::string run_id;
  Pid pid{};
  Pid parent = kRuntimePid;
  // A span outside of agdb that this process is a part of (traceparent); empty: the parent's, if it
  // has one.
  std::string outer_span_id;
  std::string record_id;  // empty: not recorded
  std::string intent;
  std::string model;
  WallTime start{};                 // event timestamps count from it
  std::int64_t context_budget = 0;  // tokens; 0: no limit
  // Spans of kind `process` with its pid. Its own is the last; more than one are there only where
  // other programs have made them.
  std::uint64_t process_spans = 1;
};

// A number of a process at a moment.
struct CounterPoint {
  enum class Kind : std::uint8_t { kContextTokens, kBudgetLeft, kTokensPerSecond };
  Pid pid{};
  Kind kind = Kind::kContextTokens;
  WallTime time{};
  double value = 0;
};

// Something that has no length: an alert, a loss, a signal, a state.
struct TraceInstant {
  Pid pid{};
  std::string name;
  std::string category;  // "alert", "gap", "signal", "state", …
  WallTime time{};
  Json attributes;  // an object, or null
};

// Takes what is derived from the events of processes, as it becomes known: a span when it ends, so
// children before their parents; a process's span is its last. One thread at a time. Everything is
// valid during the call.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void on_process(const TracedProcess& process) { (void)process; }
  // A span has begun: its end, its duration and what it took are not known yet.
  virtual void on_span_start(const Span& span) { (void)span; }
  virtual void on_span(const Span& span) = 0;
  virtual void on_counter(const CounterPoint& point) { (void)point; }
  virtual void on_instant(const TraceInstant& instant) { (void)instant; }
};

}  // namespace agdb
