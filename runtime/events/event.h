#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/events/clock.h"
#include "runtime/events/ids.h"
#include "runtime/events/json.h"
#include "runtime/events/message.h"

namespace agdb {

// One thing that a process did, as it leaves a runtime. Live views, recorders and span collectors
// all read this; a recording's line is made from it.

// A system call, after it returned.
struct Syscall {
  std::string name;  // "Open", "Read", …: the catalogue stands in runtime/kernel/README.md
  Json args;         // an object, or null
  Json result;       // null = none
  std::string err;   // empty = it succeeded
  Nanoseconds duration{0};
  std::string span_id = {};

  bool operator==(const Syscall&) const = default;
};

// A context has changed: its first `keep` messages stay, `messages` follow them. Receivers that
// need the whole context keep it (the messages are shared, not copied). The first change of a
// context has keep 0 and a prompt.
struct ContextChange {
  CtxId ctx_id{};
  std::uint64_t keep = 0;
  std::vector<MessagePtr> messages;
  // Set when the prompt changed, and at the context's first change.
  std::shared_ptr<const std::string> system_prompt;
  std::int64_t tokens = 0;  // estimated size of the whole context after the change
};

// A model's answer. Token counts are the provider's; request_tokens includes cached input.
struct LlmResponse {
  std::string model;
  std::int64_t request_tokens = 0;
  std::int64_t response_tokens = 0;
  std::string content = {};
  std::vector<ToolCall> tool_calls = {};
  std::string stop_reason = {};
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_creation_tokens = 0;
  // From the call's start; 0 = not known.
  Nanoseconds time_to_first_token{0};
  Nanoseconds time_to_last_token{0};
  Nanoseconds request_setup{0};
  // When each attempt began, since the process's start; empty = one attempt, not told apart.
  std::vector<Nanoseconds> attempt_starts = {};
  std::optional<double> cost_usd = {};
  std::string error = {};

  bool operator==(const LlmResponse&) const = default;
};

struct StateChange {
  std::string from_state;
  std::string to_state;
  std::string reason = {};

  bool operator==(const StateChange&) const = default;
};

struct Alert {
  std::string kind;   // "budget", "forecast"
  std::string level;  // "warning", "critical", "exceeded"
  std::int64_t tokens_used = 0;
  std::int64_t context_budget = 0;
  double remaining_pct = 0;  // of the budget; 0 when exceeded
  std::int64_t est_remaining_steps = 0;
  std::int64_t step = 0;

  bool operator==(const Alert&) const = default;
};

// Events were lost here: those numbered first_n … first_n + lost_events - 1.
struct Gap {
  std::uint64_t lost_events = 0;
  std::uint64_t first_n = 0;
  std::string reason = {};

  bool operator==(const Gap&) const = default;
};

// Where a forked process comes from.
struct ForkOrigin {
  std::string record_id;
  SeqNum seq_num{};

  bool operator==(const ForkOrigin&) const = default;
};

// What a process is. Comes before its first event; not an event of the recording but its metadata.
struct ProcessStart {
  std::string intent;
  Pid parent = kRuntimePid;
  std::string run_id;                 // shared by a root and all that descends from it
  std::string trace_id;               // 32 hex digits
  std::string runtime = "simulated";  // or "external", "imported"
  std::string time_source = "clock";  // or "log", "durations", "order"
  std::string model = {};
  std::int64_t context_budget = 0;  // tokens that may be spent in all; 0 = no limit
  std::int64_t max_steps = 0;       // 0 = no limit
  WallTime wall_start{};            // the wall-clock time at which event timestamps are 0
  // The script that this process executes, as JSON text; null for foreign agents.
  std::shared_ptr<const std::string> script;
  std::optional<ForkOrigin> forked_from;
  // The span that this process is a part of, where a program outside of this runtime named one (16
  // hex digits of W3C trace context); trace_id is that program's then.
  std::string outer_span_id = {};
};

// The process is gone: no event of it follows. Not an event of the recording but its metadata.
struct ProcessEnd {
  std::string exit_reason;
  std::uint64_t last_n =
      0;  // the number of its last event, so that a loss at the very end is noticed
};

struct Event {
  using Payload = std::variant<Syscall, ContextChange, LlmResponse, StateChange, Alert, Gap,
                               ProcessStart, ProcessEnd>;

  Pid pid{};
  // The process's own event number, from 1 without a hole; 0 for ProcessStart and ProcessEnd.
  std::uint64_t n = 0;
  // When it began, since the process was created.
  Nanoseconds timestamp{0};
  Payload payload;
};

// "syscall", "context_snapshot", "llm_response", "state_change", "alert", "gap": as recordings name
// it; "process_start" and "process_end" for the two that are never recorded as events.
std::string_view type_name(const Event::Payload& payload);

}  // namespace agdb
