#include "debug/strace/event_from_json.h"

#include <string>
#include <utility>

namespace agdb {
namespace {

std::unexpected<Error> wrong(std::string_view key, std::string_view expected) {
  return fail(Code::kCorrupt, "event: " + std::string(key) + ": expected " + std::string(expected));
}

Nanoseconds nanoseconds(const Json& json, std::string_view key) {
  return Nanoseconds(json.integer(key));
}

std::uint64_t number(const Json& json, std::string_view key) {
  return json[key].to_uint().value_or(0);
}

Result<Event::Payload> read_call(const Json& json) {
  if (!json["args"].is_null() && !json["args"].is_object()) return wrong("args", "an object");
  return Syscall{.name = std::string(json.text("syscall")),
                 .args = json["args"],
                 .result = json["result"],
                 .err = std::string(json.text("error")),
                 .duration = nanoseconds(json, "duration_ns")};
}

Result<Event::Payload> read_context(const Json& json) {
  ContextChange change;
  change.ctx_id = CtxId{number(json, "ctx_id")};
  change.keep = number(json, "keep");
  change.tokens = json.integer("tokens");
  if (const auto prompt = json["system_prompt"].to_string())
    change.system_prompt = std::make_shared<const std::string>(*prompt);
  const Json& messages = json["messages"];
  if (!messages.is_array()) return wrong("context.messages", "a list");
  for (const Json& item : messages.items()) {
    AGDB_TRY(Message message, message_from_json(item));
    change.messages.push_back(std::make_shared<const Message>(std::move(message)));
  }
  return change;
}

Result<Event::Payload> read_response(const Json& json) {
  LlmResponse response;
  response.model = json.text("model");
  response.request_tokens = json.integer("request_tokens");
  response.response_tokens = json.integer("response_tokens");
  response.content = json.text("content");
  response.stop_reason = json.text("stop_reason");
  response.cache_read_tokens = json.integer("cache_read_tokens");
  response.cache_creation_tokens = json.integer("cache_creation_tokens");
  response.time_to_first_token = nanoseconds(json, "time_to_first_token");
  response.time_to_last_token = nanoseconds(json, "time_to_last_token");
  response.request_setup = nanoseconds(json, "request_setup");
  response.cost_usd = json["cost_usd"].to_double();
  response.error = json.text("error");
  const Json& calls = json["tool_calls"];
  if (!calls.is_null() && !calls.is_array()) return wrong("llm.tool_calls", "a list");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    AGDB_TRY(ToolCall call, tool_call_from_json(calls.items()[i]));
    response.tool_calls.push_back(std::move(call));
  }
  const Json& starts = json["attempt_starts"];
  if (!starts.is_null() && !starts.is_array()) return wrong("llm.attempt_starts", "a list");
  for (std::size_t i = 0; i < starts.size(); ++i)
    response.attempt_starts.emplace_back(starts.items()[i].to_int().value_or(0));
  return response;
}

Result<Event::Payload> read_state(const Json& json) {
  return StateChange{std::string(json.text("from_state")), std::string(json.text("to_state")),
                     std::string(json.text("reason"))};
}

Result<Event::Payload> read_alert(const Json& json) {
  Alert alert;
  alert.kind = json.text("kind");
  alert.level = json.text("level");
  alert.tokens_used = json.integer("tokens_used");
  alert.context_budget = json.integer("context_budget");
  alert.remaining_pct = json["remaining_pct"].to_double().value_or(0);
  alert.est_remaining_steps = json.integer("est_remaining_steps");
  alert.step = json.integer("step");
  return alert;
}

Result<Event::Payload> read_gap(const Json& json) {
  return Gap{number(json, "lost_events"), number(json, "first_n"),
             std::string(json.text("reason"))};
}

Result<Event::Payload> read_start(const Json& json) {
  ProcessStart start;
  start.intent = json.text("intent");
  start.parent = Pid{number(json, "parent")};
  start.run_id = json.text("run_id");
  start.trace_id = json.text("trace_id");
  start.runtime = json.text("runtime");
  start.time_source = json.text("time_source");
  start.model = json.text("model");
  start.context_budget = json.integer("context_budget");
  start.max_steps = json.integer("max_steps");
  AGDB_TRY(start.wall_start, parse_wall_time(json.text("wall_start")));
  if (const Json& origin = json["forked_from"]; origin.is_object())
    start.forked_from =
        ForkOrigin{std::string(origin.text("record_id")), SeqNum{number(origin, "seq_num")}};
  return start;
}

Result<Event::Payload> read_end(const Json& json) {
  return ProcessEnd{std::string(json.text("exit_reason")), number(json, "last_n")};
}

struct Kind {
  std::string_view type;
  std::string_view key;
  Result<Event::Payload> (*read)(const Json& json);
};
constexpr Kind kKinds[] = {{"context_snapshot", "context", read_context},
                           {"llm_response", "llm", read_response},
                           {"state_change", "state", read_state},
                           {"alert", "alert", read_alert},
                           {"gap", "gap", read_gap},
                           {"process_start", "process", read_start},
                           {"process_end", "process", read_end}};

Result<Event::Payload> read_payload(const Json& json) {
  if (json["syscall"].is_string()) return read_call(json);
  const std::string_view type = json.text("type");
  for (const Kind& kind : kKinds) {
    if (kind.type != type) continue;
    const Json& payload = json[kind.key];
    if (!payload.is_object()) return wrong(kind.key, "an object");
    return kind.read(payload);
  }
  return fail(Code::kCorrupt, "event: neither a call nor a type that is known");
}

}  // namespace

Result<Event> event_from_json(const Json& json) {
  if (!json.is_object()) return wrong("it", "an object");
  AGDB_TRY(Event::Payload payload, read_payload(json));
  return Event{Pid{number(json, "pid")}, number(json, "n"), nanoseconds(json, "timestamp_ns"),
               std::move(payload)};
}

}  // namespace agdb
