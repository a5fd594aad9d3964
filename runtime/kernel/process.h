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
#include "runtime/kernel/context.h"
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

// One entry of the process table. Internal to the kernel; its thread only. An entry stays when the
// process is dead (pids are never reused), without what only a living one needs.
struct Process {
  Process(Pid p, EventBus::Producer& producer, Scheduler& scheduler)
      : pid(p),
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
  std::shared_ptr<const Script> script;
  std::shared_ptr<const ScriptAgent> agent;  // shares ownership of the script
  StateMachine state;
  Emitter emitter;

  std::unique_ptr<Context> context;
  std::map<int, OpenDevice> open;  // by file descriptor, from 3
  int model_fd = -1;

  std::int64_t steps = 0;
  std::int64_t max_steps = 0;
  std::int64_t budget = 0;
  std::int64_t tokens_used = 0;
  std::deque<std::int64_t> recent_calls;  // tokens of the newest calls, for the alert's estimate
  std::size_t alerts_given = 0;           // of the levels in order
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
  Task<void> life;
};

}  // namespace agdb
