#pragma once

#include <string>

#include "runtime/events/event.h"
#include "runtime/events/json.h"

namespace agdb {

// Events as JSON objects, for programs that read along.

// The reference's seven keys, always all of them: timestamp_ms (cut to whole ones), pid, syscall,
// args (null when none), result (null when none), error ("" when none), duration_ms (cut).
Json strace_json(const Syscall& call, Pid pid, Nanoseconds timestamp);

// A live event. A system call: the keys above, then n, timestamp_ns, duration_ns. Any other:
// timestamp_ms, pid, type (as recordings name it), one object under the key that recordings use for
// that type, with their field names, then n, timestamp_ns:
//
//   context_snapshot  context {ctx_id, keep, messages, system_prompt (when new or changed), tokens}
//   llm_response      llm     {model, request_tokens, response_tokens, content, tool_calls,
//                              stop_reason, cache_read_tokens, cache_creation_tokens,
//                              time_to_first_token, time_to_last_token, request_setup,
//                              attempt_starts, cost_usd, error}
//   state_change      state   {from_state, to_state, reason}
//   alert             alert   {kind, level, tokens_used, context_budget, remaining_pct,
//                              est_remaining_steps, step}
//   gap               gap     {lost_events, first_n, reason}
//   process_start     process {intent, parent, run_id, trace_id, runtime, time_source, model,
//                              context_budget, max_steps, wall_start, forked_from}
//   process_end       process {exit_reason, last_n}
//
// Optional fields are left out when empty, as in recordings.
Json event_json(const Event& event);

// One line, without its end: top-level keys in the order above, those of free-form objects sorted.
std::string json_line(const Json& object);

}  // namespace agdb
