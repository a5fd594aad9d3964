#include "runtime/kernel/kernel.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/kernel/kernel_impl.h"
#include "runtime/kernel/reasoning_loop.h"

namespace agdb {
namespace {

struct SignalName {
  std::string_view name;
  std::string_view unix_name;
  Signal signal;
};
constexpr std::array<SignalName, 4> kSignals = {{{"terminate", "SIGTERM", Signal::kTerminate},
                                                 {"kill", "SIGKILL", Signal::kKill},
                                                 {"pause", "SIGPAUSE", Signal::kPause},
                                                 {"resume", "SIGRESUME", Signal::kResume}}};

// splitmix64 (Steele, Lea, Flood 2014): ids need to differ, not to be secret.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string hex16(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[i] = kDigits[(value >> (60 - 4 * i)) & 15];
  return text;
}

}  // namespace

std::string device_name(std::string_view tool) {
  std::string name(tool.empty() ? "_" : tool);
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return name;
}

std::optional<Signal> signal_from(std::string_view name) {
  for (const SignalName& known : kSignals)
    if (name == known.name || name == known.unix_name) return known.signal;
  return std::nullopt;
}

std::string_view name_of(Signal signal) {
  for (const SignalName& known : kSignals)
    if (known.signal == signal) return known.name;
  return "unknown";
}

Kernel::Impl::Impl(Scheduler& s, EventBus& bus, KernelOptions o)
    : scheduler(&s), options(std::move(o)), producer(bus.make_producer()), id_state(options.seed) {
  const auto mounted = [](const Status& status) {
    AGDB_ASSERT(status.has_value(), "built-in device");
  };
  mounted(vfs.mount("/dev/null", make_null_device()));
  mounted(vfs.mount("/dev/llm/scripted", make_model_device(std::make_shared<ScriptedModel>(s))));
  mounted(vfs.mount("/dev/tool", make_tool_device(std::make_shared<ScriptedTools>(s))));
}

std::string Kernel::Impl::next_id() {
  const std::uint64_t high = next_random(id_state);
  return hex16(high) + hex16(next_random(id_state));
}

Process* Kernel::Impl::find(Pid pid) {
  const auto at = processes.find(pid);
  return at == processes.end() ? nullptr : at->second.get();
}

bool Kernel::Impl::has_forgotten(Pid pid) const {
  return raw(pid) != 0 && raw(pid) < next_pid && !processes.contains(pid);
}

Error Kernel::Impl::unknown(Pid pid) const {
  const std::string number = std::to_string(raw(pid));
  if (!has_forgotten(pid)) return {Code::kNotFound, "no process with pid " + number};
  return {Code::kNotFound, "process " + number + " ended long ago and is forgotten",
          "the newest " + std::to_string(options.dead_kept) +
              " that ended are known; `agdb record list` shows what was recorded"};
}

Result<Process*> Kernel::Impl::enter(Process* parent) {
  if (alive >= options.max_processes)
    return fail(Code::kExhausted, "too many processes: " + std::to_string(alive));
  if (parent != nullptr && parent->depth + 1 > options.max_depth)
    return fail(Code::kExhausted, "children nest too deep: " + std::to_string(options.max_depth));
  auto process = std::make_unique<Process>(Pid{next_pid++}, producer, *scheduler);
  Process& p = *process;
  p.run_id = parent != nullptr ? parent->run_id : next_id();
  p.trace_id = parent != nullptr ? parent->trace_id : next_id();
  if (parent != nullptr) {
    p.parent = parent->pid;
    p.depth = parent->depth + 1;
    parent->children.insert(p.pid);
  }
  ++alive;
  processes.emplace(p.pid, std::move(process));
  return &p;
}

Result<Process*> Kernel::Impl::create(const SpawnRequest& request) {
  if (!request.script) return fail(Code::kInvalid, "a process needs a script");
  const std::string& name = request.agent.empty() ? request.script->main : request.agent;
  const ScriptAgent* agent = request.script->agent(name);
  if (agent == nullptr) return fail(Code::kInvalid, "the script has no agent \"" + name + "\"");
  AGDB_TRY(Process * process, enter(find(request.parent)));
  Process& p = *process;
  p.parent = request.parent;
  p.script = request.script;
  p.agent = std::shared_ptr<const ScriptAgent>(request.script, agent);
  p.model = agent->model;
  p.intent = request.intent.empty() ? agent->intent : request.intent;
  p.budget = request.budget != 0 ? request.budget : agent->budget;
  p.policy = request.policy;
  p.max_steps = request.max_steps != 0 ? request.max_steps : agent->max_steps;
  if (p.max_steps == 0) p.max_steps = options.max_steps;
  return process;
}

void Kernel::Impl::announce(Process& p, const std::optional<RestoredState>& restored) {
  if (!producer.enabled()) return;
  ProcessStart start;
  start.intent = p.intent;
  start.parent = p.parent;
  start.run_id = p.run_id;
  start.trace_id = p.trace_id;
  start.outer_span_id = p.outer_span_id;
  start.model = p.model;
  start.context_budget = p.budget;
  start.max_steps = p.max_steps;
  start.wall_start = p.started;
  if (p.external) start.runtime = "external";
  if (p.script) {
    const std::string& name =
        std::find_if(p.script->agents.begin(), p.script->agents.end(), [&](const auto& a) {
          return &a.second == p.agent.get();
        })->first;
    start.script =
        std::make_shared<const std::string>(script_to_json(reachable_from(*p.script, name)));
  }
  if (restored) start.forked_from = restored->forked_from;
  p.emitter.start(std::move(start));
}

void Kernel::Impl::fill_context(Process& p, std::optional<RestoredState> restored) {
  const auto began = [&] { return p.emitter.begin(); };
  const Field size[] = {{"size", std::uint64_t{0}}};
  p.context = std::make_unique<Context>(CtxId{next_ctx++});
  const std::uint64_t cid = raw(p.context->id());
  p.emitter.syscall("CtxAlloc", began(), size, cid);
  if (restored) {
    const std::uint64_t count = restored->messages.size();
    const Field fields[] = {{"cid", cid}, {"messages", count}, {"op", "Restore"}};
    ContextChange change =
        p.context->restore(std::move(restored->system_prompt), std::move(restored->messages));
    p.emitter.syscall("CtxWrite", began(), fields, nullptr);
    p.emitter.context(std::move(change));
    return;
  }
  const Field prompt[] = {{"cid", cid}, {"op", "SetSystemPrompt"}};
  ContextChange change = p.context->set_system_prompt(p.agent->system_prompt);
  p.emitter.syscall("CtxWrite", began(), prompt, nullptr);
  p.emitter.context(std::move(change));
  std::vector<Message> messages = p.agent->messages;
  if (messages.empty() && !p.intent.empty())
    messages.push_back({.role = "user", .content = p.intent});
  for (Message& message : messages) {
    pace();
    const std::string role = message.role;
    const Field fields[] = {{"cid", cid}, {"op", "AppendMessage"}, {"role", role}};
    change = p.context->append(std::move(message));
    p.emitter.syscall("CtxWrite", began(), fields, nullptr);
    p.emitter.context(std::move(change));
  }
}

Status Kernel::Impl::open_model(Process& p) {
  const std::string path = "/dev/llm/" + p.agent->provider;
  const Ticks began = p.emitter.begin();
  const Field fields[] = {{"flags", static_cast<int>(OpenMode::kReadWrite)}, {"path", path}};
  const auto refuse = [&](Error error) -> Status {
    p.emitter.failed_syscall("Open", began, fields, error.message);
    return std::unexpected(std::move(error));
  };
  Result<Vfs::Found> found = vfs.find(path);
  if (!found) return refuse(found.error());
  if (found->device->model() == nullptr) return refuse({Code::kInvalid, "not a model: " + path});
  OpenRequest request;
  request.path = found->rest;
  request.caller = p.caller();
  Result<std::unique_ptr<OpenFile>> file = found->device->open(request);
  if (!file) return refuse(file.error());
  p.model_fd = 3;
  p.open.emplace(p.model_fd, OpenDevice{path, found->device, std::move(*file)});
  p.emitter.syscall("Open", began, fields, "FD(3)");
  return {};
}

Status Kernel::Impl::set_up(Process& p, SpawnRequest request) {
  announce(p, request.restored);
  change_state(p, ProcessState::kRunning, "");
  fill_context(p, std::move(request.restored));
  const Field config[] = {{"model", p.agent->model},
                          {"model_source", "agent"},
                          {"provider", p.agent->provider},
                          {"provider_source", "agent"}};
  p.emitter.syscall("ConfigResolve", p.emitter.begin(), config, nullptr);
  AGDB_CHECK_OK(open_model(p));
  const Field spawn_fields[] = {{"intent", p.intent}};
  p.emitter.syscall("Spawn", p.emitter.begin(), spawn_fields, raw(p.pid));
  return {};
}

Result<Process*> Kernel::Impl::spawn(SpawnRequest request) {
  pace();
  AGDB_TRY(Process * process, create(request));
  if (Status status = set_up(*process, std::move(request)); !status) {
    finish(*process, {6, exit_reason::kSetUpFailed});
    return std::unexpected(status.error());
  }
  process->life = reason(*this, *process);
  scheduler->post([process] {
    if (process->alive() && !process->finishing) process->life.start();
  });
  return process;
}

void Kernel::Impl::change_state(Process& p, ProcessState to, const std::string& reason) {
  const Result<ProcessState> from = p.state.change(to);
  AGDB_ASSERT(from.has_value(), from.error().message);
  p.emitter.state(name_of(*from), name_of(to), reason);
}

void Kernel::Impl::finish_later(Process& p, ExitStatus status) {
  if (std::exchange(p.finishing, true)) return;
  p.exit = status;  // whoever asks meanwhile is told why
  scheduler->post([this, process = &p, s = std::move(status)] { finish(*process, s); });
}

void Kernel::Impl::finish(Process& p, ExitStatus status) {
  if (!p.alive()) return;
  p.finishing = true;
  p.exit = std::move(status);
  p.ended_after = p.emitter.elapsed();
  p.life = {};
  for (const auto& [fd, device] : p.open) {
    const Field fields[] = {{"fd", fd}};
    p.emitter.syscall("Close", p.emitter.begin(), fields, nullptr);
  }
  p.open.clear();
  const bool suspended = p.state.state() == ProcessState::kSuspended;
  if (!suspended) change_state(p, ProcessState::kZombie, p.exit.reason);
  orphan_children(p);
  const Process* parent = find(p.parent);
  // An agent elsewhere waits for nobody's exit status.
  if (suspended || parent == nullptr || !parent->alive() || parent->external) reap(p);
  p.ended.wake();
  answer_gates(p, {false, p.exit.reason});
  if (options.ended) options.ended(p.pid);
}

// An answer may bring the next question.
void Kernel::Impl::answer_gates(Process& p, const GateAnswer& answer) {
  if (!p.external) return;
  for (const auto& reply : std::exchange(p.external->at_gate, {})) reply(answer);
}

// Children outlive their parent: the runtime adopts them and takes their exit status.
void Kernel::Impl::orphan_children(Process& p) {
  for (const Pid pid : std::exchange(p.children, {})) {
    Process& child = *find(pid);
    child.parent = kRuntimePid;
    const Field fields[] = {
        {"child_pid", raw(pid)}, {"new_ppid", raw(kRuntimePid)}, {"old_ppid", raw(p.pid)}};
    child.emitter.syscall("Reparent", child.emitter.begin(), fields, nullptr);
    if (child.state.state() == ProcessState::kZombie) reap(child);
  }
}

void Kernel::Impl::reap(Process& p) {
  const auto reclaimed = [&](const Context& context) {
    const Field fields[] = {{"cid", raw(context.id())}};
    p.emitter.syscall("CtxReclaim", p.emitter.begin(), fields, nullptr);
  };
  if (p.context) reclaimed(*p.context);
  p.context.reset();
  if (p.external)
    for (const auto& [number, context] : p.external->contexts) reclaimed(context);
  change_state(p, ProcessState::kDead, p.exit.reason);
  p.emitter.end(p.exit.reason);
  if (Process* parent = find(p.parent)) parent->children.erase(p.pid);
  p.mailbox.clear();
  p.spawned_by_call.clear();
  if (p.external) p.external->contexts.clear();
  dead.push_back(p.pid);
  // Behind whatever is due for it already: who waited for its end has looked at it by then.
  if (dead.size() > options.dead_kept) scheduler->post([this] { forget_oldest_dead(); });
  if (--alive == 0 && running)
    scheduler->post([this] {
      if (alive == 0) scheduler->stop();
    });
}

void Kernel::Impl::forget_oldest_dead() {
  processes.erase(dead.front());
  dead.pop_front();
  ++forgotten;
}

Result<Process*> Kernel::Impl::living(Pid pid) {
  Process* p = find(pid);
  if (p == nullptr) return std::unexpected(unknown(pid));
  if (!p->alive() || p->finishing)
    return fail(Code::kInvalid,
                "process " + std::to_string(raw(pid)) + " has ended: " + p->exit.reason);
  return p;
}

void Kernel::Impl::suspend(Process& p, const char* reason) {
  change_state(p, ProcessState::kSuspended, reason);
}

void Kernel::Impl::resume(Process& p, const char* reason) {
  p.held_by_budget = false;
  change_state(p, ProcessState::kRunning, reason);
  p.resumed.wake();
  answer_gates(p, p.terminating ? GateAnswer{false, exit_reason::kTerminated} : GateAnswer{});
}

Status Kernel::Impl::signal(Pid pid, Signal signal) {
  AGDB_TRY(Process * p, living(pid));
  const bool suspended = p->state.state() == ProcessState::kSuspended;
  const char* action = "ignored";
  switch (signal) {
    case Signal::kTerminate:
      action = p->terminating ? "shutdown_already_started"
               : suspended    ? "blocked_pending"
                              : "shutdown_initiated";
      p->terminating = true;
      break;
    case Signal::kKill:
      action = "terminated";
      break;
    case Signal::kPause:
      action = suspended ? "noop_suspended" : "paused";
      break;
    case Signal::kResume:
      action = suspended ? "resumed" : "ignored";
      break;
  }
  const Field fields[] = {{"action", action}, {"pid", raw(pid)}, {"signal", name_of(signal)}};
  p->emitter.syscall("Signal", p->emitter.begin(), fields, nullptr);
  if (signal == Signal::kKill) finish_later(*p, {137, exit_reason::kKilled});
  if (signal == Signal::kPause && !suspended) suspend(*p, "paused");
  if (signal == Signal::kResume && suspended) {
    // Whoever lets it go on although its budget is spent means it.
    p->budget_waived = p->held_by_budget;
    resume(*p, "resumed");
  }
  return {};
}

bool Kernel::Impl::account(Process& p, const LlmResponse& response) {
  spend(p, response);
  const bool may_go_on = !check_budget(p) || enforce_budget(p);
  if (options.answered && may_go_on) options.answered(p.pid, response);
  return may_go_on;
}

// The process has spent more than it may. False: it has to end.
bool Kernel::Impl::enforce_budget(Process& p) {
  switch (p.policy) {
    case BudgetPolicy::kWarn:
      return true;
    case BudgetPolicy::kPause:
      if (!p.budget_waived && p.state.state() == ProcessState::kRunning) {
        p.held_by_budget = true;
        suspend(p, exit_reason::kBudget);
      }
      return true;
    case BudgetPolicy::kKill:
      break;
  }
  // One that lives here ends its step first.
  if (p.external) finish_later(p, {2, exit_reason::kBudget});
  return false;
}

Status Kernel::Impl::set_budget(Pid pid, std::optional<std::int64_t> budget,
                                std::optional<BudgetPolicy> policy) {
  AGDB_TRY(Process * p, living(pid));
  if (policy) p->policy = *policy;
  if (budget) {
    p->budget = *budget;
    p->budget_waived = false;
    p->alerts_given = 0;
    p->alert_level.clear();
  }
  const Field fields[] = {{"budget", p->budget}, {"policy", name_of(p->policy)}};
  p->emitter.syscall("SetBudget", p->emitter.begin(), fields, nullptr);
  if (check_budget(*p)) {
    if (!enforce_budget(*p)) finish_later(*p, {2, exit_reason::kBudget});
    if (p->held_by_budget && p->policy == BudgetPolicy::kWarn) resume(*p, "budget");
  } else if (p->held_by_budget) {
    resume(*p, "budget");
  }
  return {};
}

ProcessInfo Kernel::Impl::info(const Process& p) const {
  ProcessInfo info;
  info.pid = p.pid;
  info.parent = p.parent;
  info.state = p.state.state();
  info.external = p.external != nullptr;
  info.intent = p.intent;
  info.run_id = p.run_id;
  info.trace_id = p.trace_id;
  info.model = p.model;
  info.steps = p.steps;
  info.max_steps = p.max_steps;
  info.tokens_used = p.tokens_used;
  info.budget = p.budget;
  info.policy = p.policy;
  if (p.context) info.context_tokens = p.context->tokens();
  if (p.external)
    for (const auto& [number, context] : p.external->contexts)
      info.context_tokens += context.tokens();
  info.recent_calls.assign(p.recent_calls.begin(), p.recent_calls.end());
  info.alert_level = p.alert_level;
  info.started = p.started;
  info.elapsed = p.finishing && !p.alive() ? p.ended_after : p.emitter.elapsed();
  info.exit = p.exit;
  return info;
}

Kernel::Kernel(Scheduler& scheduler, EventBus& bus, KernelOptions options)
    : impl_(std::make_unique<Impl>(scheduler, bus, std::move(options))) {}
Kernel::~Kernel() = default;

Vfs& Kernel::vfs() {
  return impl_->vfs;
}

Pid Kernel::next_pid() const {
  return Pid{impl_->next_pid};
}

Result<Pid> Kernel::spawn(SpawnRequest request) {
  AGDB_TRY(const Process* process, impl_->spawn(std::move(request)));
  return process->pid;
}

std::size_t Kernel::events_waiting() const {
  return impl_->producer.backlog();
}

std::uint64_t Kernel::events_refused() const {
  return impl_->producer.refused();
}

Status Kernel::signal(Pid pid, Signal signal) {
  return impl_->signal(pid, signal);
}

Status Kernel::set_budget(Pid pid, std::optional<std::int64_t> budget,
                          std::optional<BudgetPolicy> policy) {
  return impl_->set_budget(pid, budget, policy);
}

Status Kernel::raise_alert(Pid pid, std::string_view kind, std::string_view level,
                           std::int64_t steps) {
  AGDB_TRY(Process * p, impl_->living(pid));
  p->emitter.alert(make_alert(*p, kind, level, steps));
  return {};
}

Result<std::vector<Context>> Kernel::contexts(Pid pid) const {
  AGDB_TRY(const Process* p, impl_->living(pid));
  std::vector<Context> all;
  if (p->context) all.push_back(*p->context);
  if (p->external)
    for (const auto& [number, context] : p->external->contexts) all.push_back(context);
  return all;
}

std::optional<ProcessInfo> Kernel::info(Pid pid) const {
  const Process* process = impl_->find(pid);
  if (process == nullptr) return std::nullopt;
  return impl_->info(*process);
}

std::vector<ProcessInfo> Kernel::list() const {
  std::vector<ProcessInfo> all;
  for (const auto& [pid, process] : impl_->processes) all.push_back(impl_->info(*process));
  return all;
}

std::uint64_t Kernel::forgotten() const {
  return impl_->forgotten;
}

Error Kernel::unknown(Pid pid) const {
  return impl_->unknown(pid);
}

void Kernel::run() {
  impl_->running = true;
  while (impl_->alive > 0) {
    impl_->scheduler->run();
    if (impl_->alive > 0) end_all(exit_reason::kDeadlock, 7);
  }
  impl_->running = false;
}

void Kernel::end_all(const char* reason, int code) {
  for (const auto& [pid, process] : impl_->processes)
    if (process->alive()) impl_->finish(*process, {code, reason});
}

}  // namespace agdb
