#pragma once

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
  Result<Process*> spawn(SpawnRequest request);
  Status signal(Pid pid, Signal signal);

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
  std::uint64_t next_pid = 1;
  std::uint64_t next_ctx = 1;
  std::size_t alive = 0;   // not dead yet
  std::uint64_t id_state;  // of the generator of run and trace ids

 private:
  Result<Process*> create(const SpawnRequest& request);
  Status set_up(Process& process, SpawnRequest request);
  void announce(Process& process, const std::optional<RestoredState>& restored);
  void fill_context(Process& process, std::optional<RestoredState> restored);
  Status open_model(Process& process);
  void orphan_children(Process& process);
  std::string next_id();
};

}  // namespace agdb
