#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/clock.h"
#include "runtime/events/ids.h"
#include "runtime/events/json.h"

namespace agdb {

// What a span is. The text forms stand in files and do not change; new ones go behind.
enum class SpanKind : std::uint8_t {
  kPipeline,
  kFnCall,
  kLlmCall,
  kToolCall,
  kImport,
  kParallel,
  kSpawn,
  kStep,
  kVmSetup,
  kSuspension,
  kResume,
  kDrain,
  kDrainDecision,
  kPoolSubmit,
  kPoolDequeue,
  kChannelEmit,
  kChannelMatch,
  kUserTiming,
  kProcess,  // a whole agent process
  kPhase,    // a part of a model call: set-up, an attempt, the first token, sampling
  kWait,     // for another process, or for a person
};

// "pipeline", "fn_call", "llm_call", …: snake_case.
std::string_view span_kind_name(SpanKind kind);
// The inverse; nothing for a name that is none.
std::optional<SpanKind> span_kind_of(std::string_view name);

enum class SpanStatus : std::uint8_t { kOk, kError, kTimeout };

// "ok", "error", "timeout".
std::string_view span_status_name(SpanStatus status);
// Text that is none of them reads as kOk.
SpanStatus span_status_of(std::string_view name);

// A moment within a span.
struct SpanEvent {
  std::string name;
  WallTime time{};
  Nanoseconds offset{0};  // since the span's start
  Json attributes;        // an object, or null

  bool operator==(const SpanEvent&) const = default;
};

// A cause that is not the parent; it may be in another trace.
struct SpanLink {
  std::string trace_id;
  std::string span_id;
  Json attributes;  // an object of texts, or null

  bool operator==(const SpanLink&) const = default;
};

// A timed piece of work of a process, with what caused it. Ids that agdb makes are those of W3C
// trace context: 32 and 16 lower-case hex digits, never all zero; ids from outside are kept as they
// came.
struct Span {
  std::string trace_id;
  std::string span_id;
  std::string parent_span_id;  // empty: none
  Pid pid{};
  SpanKind kind = SpanKind::kProcess;
  // Of a process its intent, of a model call the model, of a tool call the tool.
  std::string name;
  WallTime start{};
  Nanoseconds duration{0};  // not negative
  std::uint64_t syscall_count = 0;
  // Request and response tokens of the model calls in it and in what is below it in its own
  // process.
  std::int64_t tokens_used = 0;
  SpanStatus status = SpanStatus::kOk;
  std::string error;  // why, when the status is not kOk
  Json attributes;    // an object, or null; keys: README.md
  std::vector<SpanEvent> events;
  std::vector<SpanLink> links;

  WallTime end() const { return start + duration; }
  bool failed() const { return status != SpanStatus::kOk; }
  bool operator==(const Span&) const = default;
};

}  // namespace agdb
