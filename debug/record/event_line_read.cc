#include <fmt/format.h>

#include "debug/record/event_line.h"
#include "debug/record/field_reader.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Lines nest what was parsed elsewhere (arguments of a tool call, say) a few levels deeper.
constexpr int kMaxDepth = ParseOptions{}.max_depth + 16;

Syscall read_syscall(FieldReader& fields) {
  Syscall call;
  fields.read("syscall", call.name);
  if (Json* args = fields.take("args")) {
    args->is_object() ? void(call.args = std::move(*args))
                      : fields.wrong_type("args", "an object", *args);
  }
  if (Json* result = fields.take("result")) call.result = std::move(*result);
  fields.read("err", call.err);
  fields.read("duration", call.duration);
  fields.read("span_id", call.span_id);
  return call;
}

std::vector<ToolCall> read_tool_calls(FieldReader& fields) {
  std::vector<ToolCall> calls;
  for (const Json& item : fields.take_array("tool_calls")) {
    Result<ToolCall> call = tool_call_from_json(item);
    if (!call) {
      fields.report(fmt::format("tool_calls[{}]", calls.size()), call.error().message);
      break;
    }
    calls.push_back(*std::move(call));
  }
  return calls;
}

std::vector<Nanoseconds> read_times(FieldReader& fields, std::string_view key) {
  std::vector<Nanoseconds> times;
  for (const Json& item : fields.take_array(key)) {
    const std::optional<std::int64_t> time = item.to_int();
    if (!time) {
      fields.wrong_type(fmt::format("{}[{}]", key, times.size()), "an integer", item);
      break;
    }
    times.emplace_back(*time);
  }
  return times;
}

LlmResponse read_response(FieldReader& fields) {
  LlmResponse llm;
  fields.read("model", llm.model);
  fields.read("request_tokens", llm.request_tokens);
  fields.read("response_tokens", llm.response_tokens);
  fields.read("content", llm.content);
  llm.tool_calls = read_tool_calls(fields);
  fields.read("stop_reason", llm.stop_reason);
  fields.read("cache_read_tokens", llm.cache_read_tokens);
  fields.read("cache_creation_tokens", llm.cache_creation_tokens);
  fields.read("time_to_first_token", llm.time_to_first_token);
  fields.read("time_to_last_token", llm.time_to_last_token);
  fields.read("request_setup", llm.request_setup);
  llm.attempt_starts = read_times(fields, "attempt_starts");
  if (Json* cost = fields.take("cost_usd")) {
    llm.cost_usd = cost->to_double();
    if (!llm.cost_usd) fields.wrong_type("cost_usd", "a number", *cost);
  }
  fields.read("error", llm.error);
  return llm;
}

StateChange read_state(FieldReader& fields) {
  StateChange state;
  fields.read("from_state", state.from_state);
  fields.read("to_state", state.to_state);
  fields.read("reason", state.reason);
  return state;
}

Alert read_alert(FieldReader& fields) {
  Alert alert;
  fields.read("kind", alert.kind);
  fields.read("level", alert.level);
  fields.read("tokens_used", alert.tokens_used);
  fields.read("context_budget", alert.context_budget);
  fields.read("remaining_pct", alert.remaining_pct);
  fields.read("est_remaining_steps", alert.est_remaining_steps);
  fields.read("step", alert.step);
  return alert;
}

Gap read_gap(FieldReader& fields) {
  Gap gap;
  fields.read("lost_events", gap.lost_events);
  fields.read("first_n", gap.first_n);
  fields.read("reason", gap.reason);
  return gap;
}

void read_version1_texts(FieldReader& fields, ContextSnapshot& snapshot) {
  for (Json& item : fields.take_array("messages")) {
    if (!item.is_string()) {
      return fields.wrong_type(fmt::format("messages[{}]", snapshot.texts.size()), "a text", item);
    }
    snapshot.messages.push_back(message_from_version1(item.string()));
    snapshot.texts.push_back(std::move(item.string()));
  }
}

void read_messages(FieldReader& fields, ContextSnapshot& snapshot) {
  for (const Json& item : fields.take_array("messages")) {
    Result<Message> message = message_from_json(item);
    if (!message) {
      return fields.report(fmt::format("messages[{}]", snapshot.messages.size()),
                           message.error().message);
    }
    snapshot.messages.push_back(*std::move(message));
  }
}

ContextSnapshot read_snapshot(FieldReader& fields) {
  ContextSnapshot snapshot;
  std::string kind;
  fields.read("kind", kind);
  if (kind.empty()) {
    snapshot.kind = ContextSnapshot::Kind::kVersion1;
    read_version1_texts(fields, snapshot);
    return snapshot;
  }
  if (kind != "full" && kind != "delta")
    fields.report("kind", "expected full or delta, got " + truncate(to_utf8(kind), 40));
  const bool delta = kind == "delta";
  snapshot.kind = delta ? ContextSnapshot::Kind::kDelta : ContextSnapshot::Kind::kFull;
  fields.read("ctx_id", snapshot.ctx_id);
  if (delta) {
    fields.read("base", snapshot.base);
    fields.read("keep", snapshot.keep);
  }
  if (Json* prompt = fields.take("system_prompt")) {
    prompt->is_string() ? void(snapshot.system_prompt = std::move(prompt->string()))
                        : fields.wrong_type("system_prompt", "a text", *prompt);
  }
  if (!delta && !snapshot.system_prompt) snapshot.system_prompt.emplace();
  read_messages(fields, snapshot);
  fields.read("tokens", snapshot.tokens);
  fields.read("hash", snapshot.hash);
  return snapshot;
}

RecordedEvent::Payload read_payload(EventType type, FieldReader& fields) {
  switch (type) {
    case EventType::kSyscall:
      return read_syscall(fields);
    case EventType::kContextSnapshot:
      return read_snapshot(fields);
    case EventType::kLlmResponse:
      return read_response(fields);
    case EventType::kStateChange:
      return read_state(fields);
    case EventType::kAlert:
      return read_alert(fields);
    case EventType::kGap:
      return read_gap(fields);
    case EventType::kOther:
      break;
  }
  return std::monostate{};
}

// Reads the payload under its type's key into `event`, and its unknown keys into `unknown`.
void take_payload(FieldReader& line, RecordedEvent& event, Json& unknown) {
  const std::string_view key = payload_key(event.event_type());
  if (key.empty()) return;
  Json* json = line.take(key);
  if (json == nullptr) return;
  if (!json->is_object()) return line.wrong_type(key, "an object", *json);
  FieldReader fields(std::move(json->members()), fmt::format("{}.", key));
  event.payload = read_payload(event.event_type(), fields);
  if (!fields.error().empty()) return line.report(fields.error());
  unknown = fields.take_unknown();
}

}  // namespace

Result<RecordedEvent> parse_line(std::string_view text, ParseNotes* notes) {
  if (text.size() > kMaxLineBytes) {
    return fail(Code::kCorrupt, fmt::format("a line of {} bytes; the limit is {} MiB", text.size(),
                                            kMaxLineBytes >> 20));
  }
  AGDB_TRY(Json json, parse_json(text, notes, {.max_depth = kMaxDepth, .restore_base64 = true}));
  if (!json.is_object()) {
    return fail(Code::kCorrupt, fmt::format("expected an object, got {}", describe(json)));
  }
  FieldReader line(std::move(json.members()), "");
  RecordedEvent event;
  line.read("seq_num", event.seq_num);
  line.read("timestamp", event.timestamp);
  line.read("pid", event.pid);
  line.read("type", event.type);
  line.read("n", event.n);
  Json unknown_of_payload;
  take_payload(line, event, unknown_of_payload);
  if (!line.error().empty()) return fail(Code::kCorrupt, line.error());
  event.unknown = line.take_unknown();
  if (!unknown_of_payload.is_null())
    event.unknown.set(payload_key(event.event_type()), std::move(unknown_of_payload));
  return event;
}

}  // namespace agdb
