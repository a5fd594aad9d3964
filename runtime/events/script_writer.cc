#include "runtime/events/script.h"

namespace agdb {
namespace {

// Objects are built in the order in which a person reads them; what is as it is by default is left
// out.

void put(Json& object, std::string_view key, const std::string& text,
         std::string_view otherwise = {}) {
  if (text != otherwise) object.set(key, text);
}

void put(Json& object, std::string_view key, std::int64_t number) {
  if (number != 0) object.set(key, number);
}

void put(Json& object, std::string_view key, std::uint64_t number) {
  if (number != 0) object.set(key, number);
}

void put(Json& object, std::string_view key, Nanoseconds span) {
  if (span != Nanoseconds{0}) object.set(key, format_duration(span));
}

template <typename T>
void put(Json& object, std::string_view key, const std::optional<T>& value) {
  if (value) object.set(key, *value);
}

template <typename T, typename Write>
Json list(const std::vector<T>& values, Write write) {
  Json out = Json::array();
  out.items().reserve(values.size());
  for (const T& value : values) out.push_back(write(value));
  return out;
}

template <typename T, typename Write>
void put_list(Json& object, std::string_view key, const std::vector<T>& values, Write write) {
  if (!values.empty()) object.set(key, list(values, write));
}

void put_arguments(Json& object, const Json& arguments) {
  if (!arguments.is_object() || !arguments.empty()) object.set("arguments", arguments);
}

Json tool_call(const ToolCall& call) {
  Json out = Json::object();
  put(out, "id", call.id);
  out.set("name", call.name);
  put_arguments(out, call.arguments);
  return out;
}

Json message(const Message& from) {
  Json out = Json::object({{"role", from.role}, {"content", from.content}});
  put(out, "name", from.name);
  put(out, "tool_call_id", from.tool_call_id);
  put_list(out, "tool_calls", from.tool_calls, tool_call);
  put(out, "turn", from.turn);
  return out;
}

Json usage(const ScriptUsage& from) {
  Json out = Json::object();
  put(out, "request", from.request_tokens);
  put(out, "response", from.response_tokens);
  put(out, "cache_read", from.cache_read_tokens);
  put(out, "cache_creation", from.cache_creation_tokens);
  put(out, "cost_usd", from.cost_usd);
  return out;
}

// Adds the keys that tell what a call does.
struct ActionWriter {
  Json& out;

  void operator()(const ScriptResult& result) const {
    put(out, "result", result.text);
    put(out, "error", result.error);
  }
  void operator()(const ScriptSpawn& spawn) const {
    out.set("spawn", spawn.agent);
    if (spawn.background) out.set("background", true);
    put(out, "result", spawn.text);
    put(out, "error", spawn.error);
  }
  void operator()(const ScriptWait& wait) const { out.set("wait", wait.child); }
  void operator()(const ScriptSend& send) const {
    out.set("send", Json::object({{"to", send.to}, {"message", send.message}}));
  }
  void operator()(const ScriptRecv& recv) const {
    Json inner = Json::object();
    if (recv.timeout) inner.set("timeout", format_duration(*recv.timeout));
    out.set("recv", std::move(inner));
  }
  void operator()(const ScriptSignal& signal) const {
    out.set("signal", Json::object({{"to", signal.to}, {"signal", signal.signal}}));
  }
  void operator()(const ScriptDevice& device) const {
    out.set("device", device.path);
    put(out, "data", device.data);
  }
  void operator()(const ScriptInterrupted&) const { out.set("interrupted", true); }
};

Json call(const ScriptCall& from) {
  Json out = tool_call(from.call);
  std::visit(ActionWriter{out}, from.action);
  put(out, "latency", from.latency);
  return out;
}

Json failure(const ScriptFailure& from) {
  Json out = Json::object({{"error", from.error}});
  put(out, "after", from.after);
  return out;
}

void put_answer(Json& out, const ScriptAnswer& answer) {
  put(out, "thinking", answer.thinking);
  put(out, "text", answer.text);
  put_list(out, "calls", answer.calls, call);
  put(out, "error", answer.error);
  put_list(out, "failures", answer.failures, failure);
  if (answer.usage) out.set("usage", usage(*answer.usage));
  put(out, "model", answer.model);
  put(out, "stop_reason", answer.stop_reason);
  put(out, "setup", answer.setup);
  put(out, "first_token", answer.first_token);
  put(out, "latency", answer.latency);
}

Json edit(const ContextEdit& from) {
  Json out = Json::object();
  switch (from.kind) {
    case ContextEdit::Kind::kAppend:
      if (!from.messages.empty()) out.set("append", message(from.messages.front()));
      break;
    case ContextEdit::Kind::kCompact: {
      Json compact = Json::object();
      put(compact, "keep", from.keep);
      put_list(compact, "messages", from.messages, message);
      out.set("compact", std::move(compact));
      break;
    }
    case ContextEdit::Kind::kSetPrompt:
      out.set("set_prompt", from.prompt);
      break;
  }
  put(out, "delay", from.delay);
  return out;
}

Json alternative(const ScriptAlternative& from) {
  Json out = Json::object({{"when", from.when}});
  put_answer(out, from.answer);
  return out;
}

Json turn(const ScriptTurn& from) {
  Json out = Json::object();
  put_list(out, "before", from.before, edit);
  put_answer(out, from.answer);
  put_list(out, "alternatives", from.alternatives, alternative);
  put(out, "next", from.next);
  return out;
}

Json tool_rule(const ScriptToolRule& from) {
  Json out = Json::object();
  put(out, "when", from.when);
  ActionWriter{out}(from.result);
  put(out, "latency", from.latency);
  return out;
}

Json agent(const ScriptAgent& from) {
  static const ScriptAgent kDefault;
  Json out = Json::object();
  put(out, "intent", from.intent);
  put(out, "provider", from.provider, kDefault.provider);
  put(out, "model", from.model, kDefault.model);
  put(out, "system_prompt", from.system_prompt);
  put(out, "budget", from.budget);
  put(out, "max_steps", from.max_steps);
  put_list(out, "messages", from.messages, message);
  Json::Object tools;
  for (const auto& [name, rules] : from.tools) tools.push_back({name, list(rules, tool_rule)});
  if (!tools.empty()) out.set("tools", std::move(tools));
  put_list(out, "turns", from.turns, turn);
  put_list(out, "closing", from.closing, edit);
  return out;
}

// Whether a reader would take that agent for the main one without being told.
bool is_main_by_itself(const Script& script) {
  return script.main == "main" ||
         (script.agents.size() == 1 && script.agent(script.main) != nullptr);
}

}  // namespace

std::string script_to_json(const Script& script) {
  Json out = Json::object({{"agdb_script", 1}});
  if (!is_main_by_itself(script)) out.set("main", script.main);
  Json::Object agents;
  agents.reserve(script.agents.size());
  for (const auto& [name, from] : script.agents) agents.push_back({name, agent(from)});
  out.set("agents", std::move(agents));
  return dump(out, {.sorted = false, .indent = 1, .keep_bytes = true}) + "\n";
}

}  // namespace agdb
