#include <xxhash.h>

#include <variant>

#include "debug/trace/trace_event.h"
#include "debug/trace/trace_fields.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

std::uint64_t hash_of(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace

std::string_view LiveTraceEvents::keep(std::string text) {
  return texts_.emplace_back(std::move(text));
}

// Recordings hold text that is UTF-8.
std::string_view LiveTraceEvents::utf8(std::string_view text) {
  return is_utf8(text) ? text : keep(to_utf8(text));
}

const TraceEvent& LiveTraceEvents::read(const Event& event) {
  texts_.clear();
  event_.clear();
  event_.n = event.n;
  event_.timestamp = event.timestamp;
  if (const auto* call = std::get_if<Syscall>(&event.payload)) {
    read_call(*call);
  } else if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    read_context(*change);
  } else if (const auto* response = std::get_if<LlmResponse>(&event.payload)) {
    read_response(*response);
  } else if (const auto* state = std::get_if<StateChange>(&event.payload)) {
    event_.type = TraceEvent::Type::kState;
    event_.from_state = utf8(state->from_state);
    event_.to_state = utf8(state->to_state);
    event_.reason = utf8(state->reason);
  } else if (const auto* alert = std::get_if<Alert>(&event.payload)) {
    event_.type = TraceEvent::Type::kAlert;
    event_.alert_kind = utf8(alert->kind);
    event_.alert_level = utf8(alert->level);
    event_.tokens_used = alert->tokens_used;
    event_.budget = alert->context_budget;
    event_.remaining_pct = alert->remaining_pct;
    event_.step = alert->step;
  } else if (const auto* gap = std::get_if<Gap>(&event.payload)) {
    event_.type = TraceEvent::Type::kGap;
    event_.lost = gap->lost_events;
    event_.first_lost = gap->first_n;
    event_.reason = utf8(gap->reason);
  }
  return event_;
}

void LiveTraceEvents::read_call(const Syscall& call) {
  event_.type = TraceEvent::Type::kCall;
  event_.name = utf8(call.name);
  event_.err = utf8(call.err);
  event_.duration = call.duration;
  if (call.args.is_object()) {
    for (const auto& [key, value] : call.args.members()) {
      if (const auto text = value.to_string()) {
        if (std::string_view* const field = text_argument(event_, key)) *field = utf8(*text);
        if (key == "data" && call.name == "Write") take_written(event_, utf8(*text));
      } else if (const auto number = value.to_int(); number && is_number_argument(key)) {
        take_number_argument(event_, key, *number);
      }
    }
  }
  const auto flat = [this](const Json& value) {
    FlatValue result;
    if (const auto text = value.to_string()) result.text = utf8(*text);
    result.number = value.to_int();
    return result;
  };
  if (!call.result.is_object()) return take_result(event_, flat(call.result));
  for (const auto& [key, value] : call.result.members()) {
    if (is_known_result(key)) take_result_member(event_, key, flat(value));
  }
}

void LiveTraceEvents::read_context(const ContextChange& change) {
  event_.type = TraceEvent::Type::kContext;
  event_.context_tokens = change.tokens;
  if (!change.messages.empty())
    event_.newest_message_bytes =
        static_cast<std::int64_t>(utf8(change.messages.back()->content).size());
}

void LiveTraceEvents::read_response(const LlmResponse& response) {
  event_.type = TraceEvent::Type::kResponse;
  event_.model = utf8(response.model);
  event_.err = utf8(response.error);
  event_.stop_reason = utf8(response.stop_reason);
  event_.request_tokens = response.request_tokens;
  event_.response_tokens = response.response_tokens;
  event_.cache_read_tokens = response.cache_read_tokens;
  event_.cache_creation_tokens = response.cache_creation_tokens;
  event_.time_to_first_token = response.time_to_first_token;
  event_.time_to_last_token = response.time_to_last_token;
  event_.request_setup = response.request_setup;
  event_.cost_usd = response.cost_usd;
  event_.attempt_starts = response.attempt_starts;
  for (const ToolCall& call : response.tool_calls) {
    if (event_.tool_calls.size() == TraceEvent::kMaxToolCalls) break;
    const std::string arguments = call.arguments.is_null() ? "{}" : dump(call.arguments);
    event_.tool_calls.push_back({utf8(call.id), utf8(call.name), hash_of(arguments)});
  }
}

}  // namespace agdb
