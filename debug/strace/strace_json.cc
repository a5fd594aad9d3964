#include "debug/strace/strace_json.h"

#include <variant>

#include "runtime/events/message.h"

namespace agdb {
namespace {

std::int64_t whole_ms(Nanoseconds time) {
  return time.count() / 1'000'000;
}

void set_text(Json& object, std::string_view key, const std::string& text) {
  if (!text.empty()) object.set(key, text);
}

void set_number(Json& object, std::string_view key, std::int64_t number) {
  if (number != 0) object.set(key, number);
}

Json tool_calls_json(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls)
    list.push_back(
        Json::object({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}}));
  return list;
}

Json times_json(const std::vector<Nanoseconds>& times) {
  Json list = Json::array();
  for (const Nanoseconds time : times) list.push_back(time.count());
  return list;
}

Json payload_json(const ContextChange& change) {
  Json json = Json::object({{"ctx_id", raw(change.ctx_id)}, {"keep", change.keep}});
  Json messages = Json::array();
  for (const MessagePtr& message : change.messages) messages.push_back(to_json(*message));
  json.set("messages", std::move(messages));
  if (change.system_prompt) json.set("system_prompt", *change.system_prompt);
  json.set("tokens", change.tokens);
  return json;
}

Json payload_json(const LlmResponse& response) {
  Json json = Json::object({{"model", response.model},
                            {"request_tokens", response.request_tokens},
                            {"response_tokens", response.response_tokens}});
  set_text(json, "content", response.content);
  if (!response.tool_calls.empty()) json.set("tool_calls", tool_calls_json(response.tool_calls));
  set_text(json, "stop_reason", response.stop_reason);
  set_number(json, "cache_read_tokens", response.cache_read_tokens);
  set_number(json, "cache_creation_tokens", response.cache_creation_tokens);
  set_number(json, "time_to_first_token", response.time_to_first_token.count());
  set_number(json, "time_to_last_token", response.time_to_last_token.count());
  set_number(json, "request_setup", response.request_setup.count());
  if (!response.attempt_starts.empty())
    json.set("attempt_starts", times_json(response.attempt_starts));
  if (response.cost_usd) json.set("cost_usd", *response.cost_usd);
  set_text(json, "error", response.error);
  return json;
}

Json payload_json(const StateChange& change) {
  return Json::object({{"from_state", change.from_state},
                       {"to_state", change.to_state},
                       {"reason", change.reason}});
}

Json payload_json(const Alert& alert) {
  return Json::object({{"kind", alert.kind},
                       {"level", alert.level},
                       {"tokens_used", alert.tokens_used},
                       {"context_budget", alert.context_budget},
                       {"remaining_pct", alert.remaining_pct},
                       {"est_remaining_steps", alert.est_remaining_steps},
                       {"step", alert.step}});
}

Json payload_json(const Gap& gap) {
  return Json::object(
      {{"lost_events", gap.lost_events}, {"first_n", gap.first_n}, {"reason", gap.reason}});
}

Json payload_json(const ProcessStart& start) {
  Json json = Json::object({{"intent", start.intent},
                            {"parent", raw(start.parent)},
                            {"run_id", start.run_id},
                            {"trace_id", start.trace_id},
                            {"runtime", start.runtime},
                            {"time_source", start.time_source}});
  set_text(json, "model", start.model);
  set_number(json, "context_budget", start.context_budget);
  set_number(json, "max_steps", start.max_steps);
  json.set("wall_start", format_wall_time(start.wall_start));
  if (start.forked_from)
    json.set("forked_from", Json::object({{"record_id", start.forked_from->record_id},
                                          {"seq_num", raw(start.forked_from->seq_num)}}));
  return json;
}

Json payload_json(const ProcessEnd& end) {
  return Json::object({{"exit_reason", end.exit_reason}, {"last_n", end.last_n}});
}

// The key under which recordings keep that payload; those of the last two are ours.
std::string_view key_of(const ContextChange&) {
  return "context";
}
std::string_view key_of(const LlmResponse&) {
  return "llm";
}
std::string_view key_of(const StateChange&) {
  return "state";
}
std::string_view key_of(const Alert&) {
  return "alert";
}
std::string_view key_of(const Gap&) {
  return "gap";
}
std::string_view key_of(const ProcessStart&) {
  return "process";
}
std::string_view key_of(const ProcessEnd&) {
  return "process";
}

}  // namespace

Json strace_json(const Syscall& call, Pid pid, Nanoseconds timestamp) {
  const bool no_args = call.args.is_object() && call.args.empty();
  return Json::object({{"timestamp_ms", whole_ms(timestamp)},
                       {"pid", raw(pid)},
                       {"syscall", call.name},
                       {"args", no_args ? Json() : call.args},
                       {"result", call.result},
                       {"error", call.err},
                       {"duration_ms", whole_ms(call.duration)}});
}

Json event_json(const Event& event) {
  if (const auto* call = std::get_if<Syscall>(&event.payload)) {
    Json json = strace_json(*call, event.pid, event.timestamp);
    json.set("n", event.n);
    json.set("timestamp_ns", event.timestamp.count());
    json.set("duration_ns", call->duration.count());
    return json;
  }
  Json json = Json::object({{"timestamp_ms", whole_ms(event.timestamp)},
                            {"pid", raw(event.pid)},
                            {"type", type_name(event.payload)}});
  std::visit(
      [&json](const auto& payload) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(payload)>, Syscall>)
          json.set(key_of(payload), payload_json(payload));
      },
      event.payload);
  json.set("n", event.n);
  json.set("timestamp_ns", event.timestamp.count());
  return json;
}

std::string json_line(const Json& object) {
  if (!object.is_object()) return dump(object);
  std::string out = "{";
  for (const Json::Member& member : object.members()) {
    if (out.size() > 1) out += ',';
    dump_string_to(out, member.key);
    out += ':';
    dump_to(out, member.value);
  }
  return out += '}';
}

}  // namespace agdb
