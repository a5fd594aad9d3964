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

// An entry of the table in state created, with nothing emitted yet.
Result<Process*> Kernel::Impl::create(const SpawnRequest& request) {
  if (!request.script) return fail(Code::kInvalid, "a process needs a script");
  const std::string& name = request.agent.empty() ? request.script->main : request.agent;
  const ScriptAgent* agent = request.script->agent(name);
  if (agent == nullptr) return fail(Code::kInvalid, "the script has no agent \"" + name + "\"");
  if (alive >= options.max_processes)
    return fail(Code::kExhausted, "too many processes: " + std::to_string(alive));
  Process* parent = find(request.parent);
  if (parent != nullptr && parent->depth + 1 > options.max_depth)
    return fail(Code::kExhausted, "children nest too deep: " + std::to_string(options.max_depth));
  auto process = std::make_unique<Process>(Pid{next_pid++}, producer, *scheduler);
  Process& p = *process;
  p.parent = request.parent;
  p.script = request.script;
  p.agent = std::shared_ptr<const ScriptAgent>(request.script, agent);
  p.intent = request.intent.empty() ? agent->intent : request.intent;
  p.budget = request.budget != 0 ? request.budget : agent->budget;
  p.max_steps = request.max_steps != 0 ? request.max_steps : agent->max_steps;
  if (p.max_steps == 0) p.max_steps = options.max_steps;
  p.run_id = parent != nullptr ? parent->run_id : next_id();
  p.trace_id = parent != nullptr ? parent->trace_id : next_id();
  if (parent != nullptr) {
    p.depth = parent->depth + 1;
    parent->children.insert(p.pid);
  }
  ++alive;
  processes.emplace(p.pid, std::move(process));
  return &p;
}

void Kernel::Impl::announce(Process& p, const std::optional<RestoredState>& restored) {
  if (!producer.enabled()) return;
  ProcessStart start;
  start.intent = p.intent;
  start.parent = p.parent;
  start.run_id = p.run_id;
  start.trace_id = p.trace_id;
  start.model = p.agent->model;
  start.context_budget = p.budget;
  start.max_steps = p.max_steps;
  start.wall_start = scheduler->clock().wall();
  const std::string& name =
      std::find_if(p.script->agents.begin(), p.script->agents.end(), [&](const auto& a) {
        return &a.second == p.agent.get();
      })->first;
  start.script =
      std::make_shared<const std::string>(script_to_json(reachable_from(*p.script, name)));
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
  scheduler->post([this, process = &p, s = std::move(status)] { finish(*process, s); });
}

void Kernel::Impl::finish(Process& p, ExitStatus status) {
  if (!p.alive()) return;
  p.finishing = true;
  p.exit = std::move(status);
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
  if (suspended || parent == nullptr || !parent->alive()) reap(p);
  p.ended.wake();
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
  if (p.context) {
    const Field fields[] = {{"cid", raw(p.context->id())}};
    p.emitter.syscall("CtxReclaim", p.emitter.begin(), fields, nullptr);
    p.context.reset();
  }
  change_state(p, ProcessState::kDead, p.exit.reason);
  p.emitter.end(p.exit.reason);
  if (Process* parent = find(p.parent)) parent->children.erase(p.pid);
  p.mailbox.clear();
  p.spawned_by_call.clear();
  if (--alive == 0)
    scheduler->post([this] {
      if (alive == 0) scheduler->stop();
    });
}

Status Kernel::Impl::signal(Pid pid, Signal signal) {
  Process* p = find(pid);
  if (p == nullptr) return fail(Code::kNotFound, "no process with pid " + std::to_string(raw(pid)));
  if (!p->alive() || p->finishing)
    return fail(Code::kInvalid, "process " + std::to_string(raw(pid)) + " has ended",
                "it is " + std::string(name_of(p->state.state())));
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
  if (signal == Signal::kPause && !suspended) change_state(*p, ProcessState::kSuspended, "paused");
  if (signal == Signal::kResume && suspended) {
    change_state(*p, ProcessState::kRunning, "resumed");
    p->resumed.wake();
  }
  return {};
}

ProcessInfo Kernel::Impl::info(const Process& p) const {
  ProcessInfo info;
  info.pid = p.pid;
  info.parent = p.parent;
  info.state = p.state.state();
  info.intent = p.intent;
  info.model = p.agent->model;
  info.steps = p.steps;
  info.tokens_used = p.tokens_used;
  info.budget = p.budget;
  info.context_tokens = p.context ? p.context->tokens() : 0;
  info.exit = p.exit;
  return info;
}

Kernel::Kernel(Scheduler& scheduler, EventBus& bus, KernelOptions options)
    : impl_(std::make_unique<Impl>(scheduler, bus, std::move(options))) {}
Kernel::~Kernel() = default;

Vfs& Kernel::vfs() {
  return impl_->vfs;
}

Result<Pid> Kernel::spawn(SpawnRequest request) {
  AGDB_TRY(const Process* process, impl_->spawn(std::move(request)));
  return process->pid;
}

std::uint64_t Kernel::events_refused() const {
  return impl_->producer.refused();
}

Status Kernel::signal(Pid pid, Signal signal) {
  return impl_->signal(pid, signal);
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

void Kernel::run() {
  while (impl_->alive > 0) {
    impl_->scheduler->run();
    if (impl_->alive > 0) end_all(exit_reason::kDeadlock, 7);
  }
}

void Kernel::end_all(const char* reason, int code) {
  for (const auto& [pid, process] : impl_->processes)
    if (process->alive()) impl_->finish(*process, {code, reason});
}

}  // namespace agdb
