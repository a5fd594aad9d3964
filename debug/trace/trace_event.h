#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// A tool call that a model asked for, as far as spans need it.
struct TraceToolCall {
  std::string_view id;
  std::string_view name;
  std::uint64_t arguments_hash = 0;  // of their compact JSON text
};

// What spans need of an event, flat: the same of a live event and of the line that was written of
// it. Texts are views into what it was read from.
struct TraceEvent {
  enum class Type : std::uint8_t { kOther, kCall, kContext, kResponse, kState, kAlert, kGap };

  Type type = Type::kOther;
  std::uint64_t n = 0;    // the process's own number; 0: not told
  std::uint64_t seq = 0;  // its number in the recording; 0: live
  Nanoseconds timestamp{0};
  Nanoseconds duration{0};  // of a call

  // A call: its name and error, and what is known of its arguments and its result.
  std::string_view name;
  std::string_view err;
  std::optional<std::int64_t> fd;  // argument, or what Open gave
  std::uint64_t pid = 0;           // pid, target_pid, from_pid
  std::optional<std::uint64_t> result_pid;
  std::uint64_t msg_seq = 0;
  std::int64_t step = 0;
  std::int64_t size = 0;                        // that is written, in bytes
  std::int64_t result_bytes = 0;                // that were read
  std::optional<std::uint64_t> arguments_hash;  // of what is written
  std::optional<std::int64_t> budget;
  std::int64_t exit_code = 0;
  std::string_view exit_reason;
  std::string_view path;
  std::string_view model;
  std::string_view provider;
  std::string_view tool;
  std::string_view action;
  std::string_view op;
  std::string_view role;
  std::string_view intent;
  std::string_view subtype;
  std::string_view description;
  std::string_view signal;

  // A change of a context, or a snapshot of one.
  std::int64_t context_tokens = 0;
  // Bytes of the newest message; nothing when it was not looked at.
  std::optional<std::int64_t> newest_message_bytes;

  // A model's answer; `model` and `err` are above.
  std::int64_t request_tokens = 0;
  std::int64_t response_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_creation_tokens = 0;
  std::string_view stop_reason;
  Nanoseconds time_to_first_token{0};
  Nanoseconds time_to_last_token{0};
  Nanoseconds request_setup{0};
  std::optional<double> cost_usd;
  std::vector<Nanoseconds> attempt_starts;
  std::vector<TraceToolCall> tool_calls;  // the first kMaxToolCalls

  // A change of state. Its reason is also the one of a gap.
  std::string_view from_state;
  std::string_view to_state;
  std::string_view reason;

  // An alert; `step` is above.
  std::string_view alert_kind;
  std::string_view alert_level;
  std::int64_t tokens_used = 0;
  double remaining_pct = 0;

  // A gap: the events first_lost … first_lost + lost - 1.
  std::uint64_t lost = 0;
  std::uint64_t first_lost = 0;

  static constexpr std::size_t kMaxToolCalls = 1024;

  std::uint64_t number() const { return n != 0 ? n : seq; }
  // Begins anew; keeps the memory of the lists.
  void clear();
};

// Makes trace events of live events. One thread; keeps buffers between events.
class LiveTraceEvents {
 public:
  // Valid until the next call, and as long as `event` lives. ProcessStart and ProcessEnd, which are
  // no events of a process's own, give kOther.
  const TraceEvent& read(const Event& event);

 private:
  std::string_view keep(std::string text);
  std::string_view utf8(std::string_view text);
  void read_call(const Syscall& call);
  void read_context(const ContextChange& change);
  void read_response(const LlmResponse& response);

  TraceEvent event_;
  std::deque<std::string> texts_;  // that the event's views are of
};

// Makes trace events of the lines of a recording, without building a document of them. One thread;
// keeps buffers between lines.
class RecordedTraceEvents {
 public:
  RecordedTraceEvents();
  ~RecordedTraceEvents();
  RecordedTraceEvents(RecordedTraceEvents&&) noexcept;
  RecordedTraceEvents& operator=(RecordedTraceEvents&&) noexcept;

  // `line` without its end, the lines of a recording one behind the other; the result is valid
  // until the next call, and as long as the line. Errors are parse_line's.
  Result<const TraceEvent*> read(std::string_view line);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace agdb
