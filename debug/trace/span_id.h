#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "debug/trace/span.h"

namespace agdb {

// Ids are made from what a span is, not at random: the spans of a run that was watched live and
// those derived from its recording later are the same.

// Of the process `pid` of a run. Whoever knows the run and the parent's pid knows the parent's
// span.
std::string process_span_id(std::string_view trace_id, std::string_view run_id, Pid pid);
// Of a span within a process. `number` is the process's own number of the span's first event (its
// seq_num where it has none); `part` tells several spans that begin with one event apart.
std::string span_id_in(std::string_view process_span_id, SpanKind kind, std::uint64_t number,
                       std::uint32_t part = 0);

// Of the sending of a message: its number among all that the process sent, which the receiver knows
// too, so that it can name the sender's span.
std::string message_span_id(std::string_view process_span_id, std::uint64_t message);
// A trace's id for a run that was told none, from the run's id (or what else names it).
std::string trace_id_of_run(std::string_view run_id);

// W3C trace context, version 00: "00-<trace id>-<span id>-<flags>".
struct TraceParent {
  std::string trace_id;
  std::string span_id;
  bool sampled = true;

  bool operator==(const TraceParent&) const = default;
};
// Nothing for what is not valid: wrong lengths, digits that are not lower-case hex, an id of zeros,
// version ff. A later version is read as far as it agrees with 00.
std::optional<TraceParent> parse_traceparent(std::string_view header);
std::string format_traceparent(const TraceParent& parent);

}  // namespace agdb
