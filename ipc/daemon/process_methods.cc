#include <utility>

#include "ipc/daemon/core.h"
#include "ipc/daemon/params.h"
#include "ipc/daemon/session.h"
#include "runtime/events/hash.h"
#include "runtime/events/script.h"

namespace agdb {
namespace {

std::optional<RestoredState> restored_from(Json json, Params& params) {
  if (json.is_null()) return std::nullopt;
  Params inner(json);
  RestoredState state;
  state.system_prompt = inner.text("system_prompt");
  for (Message& message : inner.messages("messages").value_or(std::vector<Message>()))
    state.messages.push_back(std::make_shared<const Message>(std::move(message)));
  const std::string record = inner.text("record_id");
  const auto seq = static_cast<std::uint64_t>(inner.integer("seq_num", 0));
  if (!record.empty()) state.forked_from = ForkOrigin{record, SeqNum{seq}};
  if (const auto error = inner.error()) params.refuse("restored", error->message);
  return state;
}

// An agent script, as text or as the document itself.
Result<std::shared_ptr<const Script>> script_from(const Json& json, const std::string& name) {
  const std::string text = json.is_string() ? json.string() : dump(json, {.sorted = false});
  AGDB_TRY(Script script, parse_script(text, name.empty() ? "script" : name));
  return std::make_shared<const Script>(std::move(script));
}

MethodResult spawn(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json script = params.any("script");
  const std::string name = params.text("name");
  SpawnRequest request;
  request.agent = params.text("agent");
  request.intent = params.text("intent");
  request.budget = params.integer("budget", 0);
  request.max_steps = params.integer("max_steps", 0);
  request.policy = *budget_policy_from(params.one_of("policy", {"kill", "pause", "warn"}));
  request.restored = restored_from(params.object_or_null("restored"), params);
  const bool record = params.boolean("record");
  if (script.is_null()) params.refuse("script", "expected an agent script");
  if (const auto error = params.error()) return std::unexpected(*error);
  Result<std::shared_ptr<const Script>> parsed = script_from(script, name);
  if (!parsed) return refuse(parsed.error());
  request.script = std::move(*parsed);
  const Result<Pid> pid =
      core.give_birth(record, [&] { return core.kernel.spawn(std::move(request)); });
  if (!pid) return refuse(pid.error());
  return core.process_json(*pid);
}

MethodResult list(Core& core, const MethodCall& call) {
  Params params(call.params);
  const bool ended = params.boolean("ended");
  if (const auto error = params.error()) return std::unexpected(*error);
  Json processes = Json::array();
  for (const ProcessInfo& info : core.kernel.list())
    if (ended || (info.state != ProcessState::kDead && info.state != ProcessState::kZombie))
      processes.push_back(core.process_json(info));
  Json told = Json::object({{"processes", std::move(processes)}});
  if (ended) told.set("forgotten", core.kernel.forgotten());
  return told;
}

MethodResult info(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  return core.process_json(*pid);
}

MethodResult signal(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  const std::string name = params.required_text("signal");
  if (const auto error = params.error()) return std::unexpected(*error);
  const std::optional<Signal> number = signal_from(name);
  if (!number)
    return std::unexpected(
        RpcError{RpcCode::kInvalidParams,
                 "signal: \"" + name + "\" is none of terminate, kill, pause, resume"});
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  if (const Status done = core.kernel.signal(*pid, *number); !done) return refuse(done.error());
  return core.process_json(*pid);
}

void wait(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  if (const auto error = params.error()) return call.answer(std::unexpected(*error));
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return call.answer(refuse(pid.error()));
  core.when_ended(*pid, [&core, p = *pid, answer = call.answer] { answer(core.process_json(p)); });
}

MethodResult budget(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  const std::optional<std::int64_t> budget = params.optional_integer("budget");
  std::optional<BudgetPolicy> policy;
  if (params.has("policy"))
    policy = budget_policy_from(params.one_of("policy", {"kill", "pause", "warn"}));
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  if (budget || policy) {
    const Status done = core.kernel.set_budget(*pid, budget, policy);
    if (!done) return refuse(done.error());
  }
  return core.process_json(*pid);
}

MethodResult context(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  const Result<std::vector<Context>> contexts = core.kernel.contexts(*pid);
  if (!contexts) return refuse(contexts.error());
  Json list = Json::array();
  for (const Context& each : *contexts) {
    Json messages = Json::array();
    for (const MessagePtr& message : each.messages()) messages.push_back(to_json(*message));
    list.push_back(Json::object({{"ctx_id", raw(each.id())},
                                 {"tokens", each.tokens()},
                                 {"system_prompt", each.system_prompt()},
                                 {"messages", std::move(messages)}}));
  }
  return Json::object({{"contexts", std::move(list)}});
}

}  // namespace

void add_process_methods(MethodTable& table, Core& core) {
  const auto add = [&](std::string_view name, MethodResult (*method)(Core&, const MethodCall&)) {
    table[name] = at_once([&core, method](const MethodCall& call) { return method(core, call); });
  };
  add("process.spawn", spawn);
  add("process.list", list);
  add("process.info", info);
  add("process.signal", signal);
  add("process.budget", budget);
  add("process.context", context);
  table["process.wait"] = [&core](const MethodCall& call) { wait(core, call); };
}

}  // namespace agdb
