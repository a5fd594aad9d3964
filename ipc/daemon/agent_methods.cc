#include <utility>

#include "ipc/daemon/core.h"
#include "ipc/daemon/params.h"
#include "ipc/daemon/session.h"

namespace agdb {
namespace {

constexpr std::int64_t kProtocol = 1;

// Which of this connection's agents speaks. A foreign agent is named by its number alone.
Result<Pid> speaker(const MethodCall& call, std::uint64_t number) {
  const Pid pid{number};
  if (call.session.speaks_for(pid)) return pid;
  return fail(Code::kInvalid,
              "process " + std::to_string(number) + " is no agent of this connection",
              "agent.register gives one its pid");
}

MethodResult done(const MethodCall& call, const Status& status) {
  if (!status) return refuse(status.error());
  Json result = Json::object();
  if (const std::uint64_t rejected = call.session.take_rejected(); rejected > 0)
    result.set("rejected", rejected);
  return result;
}

// What agent.register asks for.
struct Enrolment {
  AdoptRequest request;
  std::string client;
  bool record = false;
};

void take_trace(Params& params, AdoptRequest& request) {
  const std::string text = params.text("traceparent");
  if (text.empty()) return;
  const std::optional<TraceParent> outer = parse_traceparent(text);
  if (!outer)
    return params.refuse("traceparent",
                         "expected \"00-<32 hex digits>-<16 hex digits>-<2 hex digits>\"");
  request.trace_id = outer->trace_id;
  request.outer_span_id = outer->span_id;
}

// The protocol comes first: another one may have other parameters.
std::expected<Enrolment, RpcError> enrolment_from(const Core& core, Params& params) {
  const std::int64_t protocol = params.integer("protocol", kProtocol);
  if (protocol != kProtocol)
    return refuse({Code::kUnsupported,
                   "this daemon (agdb " + core.options.version + ") speaks protocol 1, not " +
                       std::to_string(protocol),
                   "use a client of the same release"});
  Enrolment asked;
  AdoptRequest& request = asked.request;
  request.intent = params.text("intent");
  request.model = params.text("model");
  request.budget = params.integer("budget", 0);
  request.max_steps = params.integer("max_steps", 0);
  request.policy = *budget_policy_from(params.one_of("policy", {"kill", "pause", "warn"}));
  const Json parent = params.any("parent");
  take_trace(params, request);
  asked.client = params.text("client");
  asked.record = params.boolean("record");
  if (const auto error = params.error()) return std::unexpected(*error);
  if (parent.is_null()) return asked;
  const Result<Pid> pid = core.pid_of(parent);
  if (!pid) return refuse(pid.error());
  request.parent = *pid;
  return asked;
}

MethodResult enroll(Core& core, const MethodCall& call) {
  Params params(call.params);
  auto asked = enrolment_from(core, params);
  if (!asked) return std::unexpected(asked.error());
  const Result<Pid> pid =
      core.give_birth(asked->record, [&] { return core.agents.adopt(std::move(asked->request)); });
  if (!pid) return refuse(pid.error());
  call.session.add_agent(*pid);
  core.log(Core::Level::kInfo, "agent " + std::to_string(raw(*pid)) + " registered by " +
                                   (asked->client.empty() ? "a client" : asked->client) +
                                   ", process " + std::to_string(call.session.peer().pid));
  return Json::object({{"pid", raw(*pid)},
                       {"record_id", core.recordings.record_id(*pid).value_or("")},
                       {"traceparent", format_traceparent(core.traceparent(*pid))},
                       {"version", core.options.version}});
}

Syscall call_from(Params& params) {
  Syscall call;
  call.name = params.required_text("name");
  call.args = params.object_or_null("args");
  call.result = params.any("result");
  call.err = params.text("error");
  return call;
}

MethodResult whole_call(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  Syscall made = call_from(params);
  made.duration = params.nanoseconds("duration_ns").value_or(Nanoseconds(0));
  const std::optional<Nanoseconds> began = params.nanoseconds("timestamp_ns");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.call(*agent, std::move(made), began));
}

MethodResult begin(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  const std::uint64_t id = params.required_number("call");
  std::string name = params.required_text("name");
  Json args = params.object_or_null("args");
  const std::optional<Nanoseconds> began = params.nanoseconds("timestamp_ns");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.begin(*agent, id, std::move(name), std::move(args), began));
}

MethodResult end(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  const std::uint64_t id = params.required_number("call");
  Json result = params.any("result");
  std::string failure = params.text("error");
  const std::optional<Nanoseconds> ended = params.nanoseconds("timestamp_ns");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.end(*agent, id, std::move(result), std::move(failure), ended));
}

MethodResult tool(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  ToolReport report;
  report.name = params.required_text("name");
  report.args = params.object_or_null("args");
  report.result = params.text("result");
  report.error = params.text("error");
  report.duration = params.nanoseconds("duration_ns").value_or(Nanoseconds(0));
  const std::optional<Nanoseconds> began = params.nanoseconds("timestamp_ns");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.tool(*agent, std::move(report), began));
}

MethodResult response(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  LlmResponse told;
  told.model = params.text("model");
  told.request_tokens = params.integer("request_tokens", 0);
  told.response_tokens = params.integer("response_tokens", 0);
  told.content = params.text("content");
  told.tool_calls = params.tool_calls("tool_calls");
  told.stop_reason = params.text("stop_reason");
  told.cache_read_tokens = params.integer("cache_read_tokens", 0);
  told.cache_creation_tokens = params.integer("cache_creation_tokens", 0);
  told.time_to_first_token = params.nanoseconds("time_to_first_token").value_or(Nanoseconds(0));
  const Json cost = params.any("cost_usd");
  told.cost_usd = cost.to_double();
  if (!cost.is_null() && !told.cost_usd) params.refuse("cost_usd", "expected a number");
  told.error = params.text("error");
  const Nanoseconds duration = params.nanoseconds("duration_ns").value_or(Nanoseconds(0));
  const std::optional<Nanoseconds> began = params.nanoseconds("timestamp_ns");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.response(*agent, std::move(told), duration, began));
}

MethodResult context(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  ContextReport report;
  report.ctx = static_cast<std::uint64_t>(params.integer("ctx_id", 1));
  if (params.has("system_prompt")) report.system_prompt = params.text("system_prompt");
  report.messages = params.messages("messages");
  if (const std::optional<std::int64_t> keep = params.optional_integer("keep"))
    report.keep = static_cast<std::uint64_t>(*keep);
  if (report.keep && !report.messages) params.refuse("keep", "there are no messages to follow");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  return done(call, core.agents.context(*agent, std::move(report)));
}

void gate(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  const bool wait = params.boolean("wait", true);
  if (const auto error = params.error()) return call.answer(std::unexpected(*error));
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return call.answer(refuse(agent.error()));
  const std::uint64_t rejected = call.session.take_rejected();
  const Status asked =
      core.agents.gate(*agent, wait, [answer = call.answer, rejected](const GateAnswer& told) {
        Json json = Json::object({{"go", told.go}});
        if (!told.go) json.set("reason", told.reason);
        if (rejected > 0) json.set("rejected", rejected);
        answer(std::move(json));
      });
  if (!asked) call.answer(refuse(asked.error()));
}

MethodResult close(Core& core, const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t pid = params.required_number("pid");
  const std::int64_t code = params.integer("exit_code", 0);
  std::string reason = params.text("reason", exit_reason::kCompleted);
  if (code > 255) params.refuse("exit_code", "expected 0 to 255");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> agent = speaker(call, pid);
  if (!agent) return refuse(agent.error());
  call.session.remove_agent(*agent);
  return done(call, core.agents.close(*agent, {static_cast<int>(code), std::move(reason)}));
}

}  // namespace

void add_agent_methods(MethodTable& table, Core& core) {
  const auto add = [&](std::string_view name, MethodResult (*method)(Core&, const MethodCall&)) {
    table[name] = at_once([&core, method](const MethodCall& call) { return method(core, call); });
  };
  add("agent.register", enroll);
  add("agent.call", whole_call);
  add("agent.begin", begin);
  add("agent.end", end);
  add("agent.tool", tool);
  add("agent.response", response);
  add("agent.context", context);
  add("agent.close", close);
  table["agent.gate"] = [&core](const MethodCall& call) { gate(core, call); };
}

}  // namespace agdb
