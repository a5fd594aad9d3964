#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "runtime/kernel/kernel.h"
#include "runtime/kernel/process.h"
#include "runtime/kernel/scripted.h"

namespace agdb {

// The kernel behind its interface: the process table and what changes it. System calls
// (system_calls.h) and the reasoning loop (reasoning_loop.h) work on this.
struct Kernel::Impl {
  Impl(Scheduler& s, EventBus& bus, KernelOptions o);

  Process* find(Pid pid);
  // There was such a process.
  bool has_forgotten(Pid pid) const;
  Error unknown(Pid pid) const;
  Result<Process*> spawn(SpawnRequest request);
  // An entry of the table in state created, with nothing emitted yet. `parent` may be null.
  Result<Process*> enter(Process* parent);
  void announce(Process& process, const std::optional<RestoredState>& restored);
  Result<Process*> living(Pid pid);
  Status signal(Pid pid, Signal signal);
  void suspend(Process& process, const char* reason);
  void resume(Process& process, const char* reason);

  // Counts what a model's answer cost, alerts, and does what the policy says. False: the process
  // has to end.
  bool account(Process& process, const LlmResponse& response);
  Status set_budget(Pid pid, std::optional<std::int64_t> budget,
                    std::optional<BudgetPolicy> policy);

  // Ends the process once the scheduler is next at work: a coroutine cannot destroy itself.
  void finish_later(Process& process, ExitStatus status);
  // Unwinds it, closes what it had open, makes a zombie of it, hands its children over, and reaps
  // it when nobody will wait for it.
  void finish(Process& process, ExitStatus status);
  void reap(Process& process);
  void change_state(Process& process, ProcessState to, const std::string& reason);
  ProcessInfo info(const Process& process) const;
  void pace() const {
    if (options.pace) options.pace(producer.backlog());
  }

  Scheduler* scheduler;
  KernelOptions options;
  EventBus::Producer producer;
  Vfs vfs;
  std::map<Pid, std::unique_ptr<Process>> processes;
  std::deque<Pid> dead;         // of those, the oldest first
  std::uint64_t forgotten = 0;  // that were among them
  std::uint64_t next_pid = 1;
  std::uint64_t next_ctx = 1;
  std::size_t alive = 0;   // not dead yet
  bool running = false;    // within Kernel::run, which ends when none is alive
  std::uint64_t id_state;  // of the generator of run and trace ids

 private:
  Result<Process*> create(const SpawnRequest& request);
  bool enforce_budget(Process& process);
  Status set_up(Process& process, SpawnRequest request);
  void fill_context(Process& process, std::optional<RestoredState> restored);
  Status open_model(Process& process);
  void orphan_children(Process& process);
  void forget_oldest_dead();
  void answer_gates(Process& process, const GateAnswer& answer);
  std::string next_id();
};

// A tool's name as one component of a path.
std::string device_name(std::string_view tool);

}  // namespace agdb
