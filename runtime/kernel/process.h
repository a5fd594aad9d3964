#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/events/emitter.h"
#include "runtime/kernel/budget.h"
#include "runtime/kernel/context.h"
#include "runtime/kernel/external_life.h"
#include "runtime/kernel/kernel.h"
#include "runtime/kernel/task.h"

namespace agdb {

struct Mail {
  Pid from{};
  std::uint64_t seq = 0;
  std::string text;
};

struct OpenDevice {
  std::string path;
  std::shared_ptr<Device> device;
  std::unique_ptr<OpenFile> file;
};

// One entry of the process table. Internal to the kernel; its thread only. An entry stays for a
// while when the process is dead (KernelOptions::dead_kept; pids are never reused), without what
// only a living one needs.
struct Process {
  Process(Pid p, EventBus::Producer& producer, Scheduler& scheduler)
      : pid(p),
        started(scheduler.clock().wall()),
        emitter(producer, scheduler.clock(), p),
        ended(scheduler),
        mail_came(scheduler),
        resumed(scheduler) {}

  bool alive() const {
    const ProcessState s = state.state();
    return s == ProcessState::kRunning || s == ProcessState::kSuspended;
  }
  Caller caller() const { return {pid, agent}; }

  const Pid pid;
  Pid parent = kRuntimePid;
  int depth = 0;
  std::string intent;
  std::string run_id;
  std::string trace_id;
  std::string outer_span_id;  // empty: none
  std::shared_ptr<const Script> script;
  // Shares ownership of the script. Null, as the script, for a process that lives elsewhere.
  std::shared_ptr<const ScriptAgent> agent;
  std::unique_ptr<ExternalLife> external;  // null for one that lives here
  std::string model;
  WallTime started{};
  StateMachine state;
  Emitter emitter;

  std::unique_ptr<Context> context;
  std::map<int, OpenDevice> open;  // by file descriptor, from 3
  int model_fd = -1;

  std::int64_t steps = 0;
  std::int64_t max_steps = 0;
  std::int64_t budget = 0;
  BudgetPolicy policy = BudgetPolicy::kKill;
  bool held_by_budget = false;  // suspended since it has spent its budget
  bool budget_waived = false;   // told to go on beyond it
  std::int64_t tokens_used = 0;
  std::deque<std::int64_t> recent_calls;  // tokens of the newest calls, newest last
  std::size_t alerts_given = 0;           // of the levels in order
  std::string alert_level;                // of the newest alert
  bool tool_failed = false;
  std::string last_answer;

  std::set<Pid> children;                      // not reaped yet
  std::map<std::string, Pid> spawned_by_call;  // tool call id → child
  std::deque<Mail> mailbox;
  std::uint64_t mail_sent = 0;

  WaitPoint ended;      // the parent waits here for the end
  WaitPoint mail_came;  // it waits here in Recv
  WaitPoint resumed;    // it waits here while suspended
  bool terminating = false;
  bool finishing = false;
  ExitStatus exit;
  Nanoseconds ended_after{0};  // its age when it ended
  Task<void> life;
};

}  // namespace agdb
