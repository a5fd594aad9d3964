#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "debug/record/metadata.h"
#include "debug/trace/trace_event.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

// How a process ended, for whoever derives its spans.
struct ProcessOutcome {
  std::string exit_reason;  // empty: as its change of state told, if it did
  bool ended = false;       // false: only if its change of state told so
  std::uint64_t last_n =
      0;  // of its last event, so that a loss at the very end is noticed; 0: not told
};

// Makes the spans of one process from its events, by the rules of README.md. The same events give
// the same spans, whether they come as they happen or from a recording.
//
//   SpanDeriver deriver(process, sink);
//   for (…) deriver.take(event);
//   deriver.finish({.exit_reason = …, .ended = true});
//
// Memory goes with what is open at a time: at most kMaxDescriptors descriptors, and the tool calls
// of the newest answer. Bytes from outside: times may step back and overlap, ends may be missing.
// One thread. The sink outlives it.
class SpanDeriver {
 public:
  static constexpr std::size_t kMaxDescriptors = 1u << 16;

  // Tells the sink of the process and of the beginning of its span.
  SpanDeriver(TracedProcess process, TraceSink& sink);
  SpanDeriver(const SpanDeriver&) = delete;
  SpanDeriver& operator=(const SpanDeriver&) = delete;

  // The events from here on stand in that recording (of a process that has several). What is open
  // ends here, but for the process. `late`: what went before it, when it did not begin with the
  // process.
  void enter_recording(std::string record_id, const BeganLate* late);
  // The process's events in their order.
  void take(const TraceEvent& event);
  // No more events follow. Ends what is open.
  void finish(const ProcessOutcome& outcome);

  const TracedProcess& process() const { return process_; }

 private:
  // A span that has begun.
  struct Open {
    Span span;
    Nanoseconds start{0};  // since the process's start
    Nanoseconds end{0};    // the latest that is known
    std::uint64_t number = 0;
  };
  struct Step : Open {
    bool asked = false;  // a request was made in it
    std::int64_t step = 0;
  };
  struct ModelCall : Open {
    std::int64_t fd = -1;
    std::optional<Nanoseconds> read_at;
    std::string model;
    std::string provider;
    std::int64_t request_bytes = 0;
    std::int64_t context_tokens = 0;
    std::vector<std::string> failed_attempts;  // what each said
  };
  struct ToolUse : Open {
    std::string id;  // the tool call's
    std::int64_t argument_bytes = 0;
    std::int64_t result_bytes = 0;
    std::uint64_t step_number = 0;  // of the step that it was begun in; 0: of none
  };
  struct Descriptor {
    enum class Use : std::uint8_t { kFile, kModel, kTool };
    Use use = Use::kFile;
    std::string path;  // of a file; of a model's device the provider
    ToolUse tool;      // of a tool
  };
  struct AskedTool {
    std::string id;
    std::string device;
    std::uint64_t arguments_hash = 0;
    bool used = false;
  };
  using Descriptors = std::unordered_map<std::int64_t, Descriptor>;

  WallTime wall(Nanoseconds since_start) const;
  std::uint64_t seq_of(const TraceEvent& event) const;
  // As it begins at the event, or at another moment that the event tells of.
  Open open(SpanKind kind, std::string name, const TraceEvent& event,
            const std::string& parent) const;
  void begin(const Open& open) { sink_.on_span_start(open.span); }
  void close(Open& open, bool complete);
  // A span that begins and ends with this event, which is a call.
  void emit(Open open, const TraceEvent& event);
  const std::string& around() const;
  const std::string& innermost() const;
  void count_call();
  std::string process_id(std::uint64_t pid) const;
  void instant(const TraceEvent& event, std::string name, std::string_view category,
               Json attributes);
  void counter(CounterPoint::Kind kind, Nanoseconds at, double value);

  void note_number(const TraceEvent& event);
  void note_lost(const TraceEvent& event, std::uint64_t lost, std::string_view reason);
  void take_call(const TraceEvent& event);
  void take_context(const TraceEvent& event);
  void take_response(const TraceEvent& event);
  void take_state(const TraceEvent& event);
  void take_alert(const TraceEvent& event);
  void take_gap(const TraceEvent& event);

  void take_open(const TraceEvent& event);
  bool take_transfer(const TraceEvent& event);
  void take_close(const TraceEvent& event);
  void take_spawn(const TraceEvent& event);
  void take_wait(const TraceEvent& event);
  void take_send(const TraceEvent& event);
  void take_recv(const TraceEvent& event);
  void take_reason_step(const TraceEvent& event);
  void take_context_write(const TraceEvent& event);
  void take_driver_event(const TraceEvent& event);
  void take_other(const TraceEvent& event, std::string_view path);

  Step& begin_step(const TraceEvent& event);
  void request_is_due(const TraceEvent& event);
  void end_step(Nanoseconds at, bool complete);
  ModelCall& begin_model_call(const TraceEvent& event);
  bool take_model_transfer(const TraceEvent& event, Descriptor& device);
  void end_model_call(const TraceEvent* response, bool complete);
  void describe_answer(const TraceEvent& response, Json::Object& attributes);
  void emit_phases(const ModelCall& call, const TraceEvent& response, Nanoseconds began);
  void emit_phase(const ModelCall& call, std::uint32_t part, std::string name, Nanoseconds start,
                  Nanoseconds end, const std::string& parent, Json::Object attributes,
                  const std::string& error);
  void ask_for_tools(const TraceEvent& response);
  void match_tool(ToolUse& tool, std::string_view device,
                  std::optional<std::uint64_t> arguments_hash, bool must);
  void end_tool(ToolUse& tool, Nanoseconds at, bool complete);
  void end_open_things();
  void tell_users_message(std::optional<std::int64_t> bytes);

  TracedProcess process_;
  TraceSink& sink_;
  std::string id_;      // of the process's span
  Open whole_;          // the process's span
  bool begun_ = false;  // an event has come

  std::optional<Step> step_;
  std::optional<ModelCall> model_call_;
  std::optional<Open> suspension_;
  Descriptors descriptors_;
  std::vector<AskedTool> asked_;
  bool prompt_was_built_ = false;  // the newest call was the one that reads the context

  std::optional<Nanoseconds> users_message_;  // when it came; the next event tells its size
  std::optional<Nanoseconds> stopped_at_;     // the agent waits for a person since then

  std::string provider_;
  std::int64_t steps_ = 0;
  std::int64_t context_tokens_ = 0;
  std::int64_t tokens_before_ = 0;  // spent before the first event that is known
  std::uint64_t next_n_ = 1;
  std::uint64_t lost_ = 0;
  std::uint64_t last_sent_ = 0;  // of messages
  bool ended_ = false;
  std::string end_reason_;
  std::string suspension_id_;
};

}  // namespace agdb
