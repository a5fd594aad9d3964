#pragma once

#include <string>

#include "debug/record/recorded_event.h"
#include "runtime/events/json.h"

namespace agdb::conformance {

// Readers of what vectors put into their inputs. An error says what makes no sense.

// "text", or {"repeat": char, "n": times}, or [char, times].
Result<std::string> text_of(const Json& in);
// An event as it stands in a recording.
Result<RecordedEvent> recorded_event_of(const Json& in);

// A live event: {"ts_ns","pid","syscall","args","result","err","dur_ns"[,"span_id"]}.
struct LiveCall {
  Pid pid{};
  Nanoseconds timestamp{0};
  Syscall call;
};
LiveCall live_call_of(const Json& in);

}  // namespace agdb::conformance
