#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/events/bus.h"
#include "runtime/events/script.h"
#include "runtime/kernel/budget.h"
#include "runtime/kernel/context.h"
#include "runtime/kernel/device.h"
#include "runtime/kernel/process_state.h"
#include "runtime/kernel/scheduler.h"
#include "runtime/kernel/vfs.h"

namespace agdb {

enum class Signal { kTerminate = 1, kKill = 2, kPause = 4, kResume = 5 };
// "terminate", "kill", "pause", "resume", also with SIG names ("SIGTERM"); nothing for others.
std::optional<Signal> signal_from(std::string_view name);
std::string_view name_of(Signal signal);

// How a process ended. `code` is 0 for "completed", else says roughly why, as Unix does.
struct ExitStatus {
  int code = 0;
  std::string reason;

  bool operator==(const ExitStatus&) const = default;
};

namespace exit_reason {
inline constexpr const char* kCompleted = "completed";
inline constexpr const char* kToolErrors = "completed_with_tool_errors";  // code 1
inline constexpr const char* kBudget = "budget_exceeded";                 // code 2
inline constexpr const char* kMaxSteps = "max steps exceeded";            // code 3
inline constexpr const char* kScriptExhausted = "script_exhausted";       // code 4
inline constexpr const char* kModelFailed = "llm read failed";            // code 5
inline constexpr const char* kSetUpFailed = "set-up failed";              // code 6
inline constexpr const char* kDeadlock = "deadlock";                      // code 7
inline constexpr const char* kKilled = "killed";                          // code 137
inline constexpr const char* kTerminated = "terminated";                  // code 143
inline constexpr const char* kInterrupted = "interrupted";                // code 130
}  // namespace exit_reason

// What a process continues from instead of being born fresh.
struct RestoredState {
  std::string system_prompt;
  std::vector<MessagePtr> messages;
  std::optional<ForkOrigin> forked_from;
};

struct SpawnRequest {
  // Its agents can spawn each other. Required; for a model that is not scripted, turns may be
  // empty.
  std::shared_ptr<const Script> script;
  std::string agent;   // empty: the script's main
  std::string intent;  // empty: the agent's
  Pid parent = kRuntimePid;
  std::int64_t budget = 0;  // 0: the agent's
  BudgetPolicy policy = BudgetPolicy::kKill;
  std::int64_t max_steps = 0;  // 0: the agent's, else KernelOptions::max_steps
  std::optional<RestoredState> restored;
};

struct ProcessInfo {
  Pid pid{};
  Pid parent{};
  ProcessState state = ProcessState::kCreated;
  bool external = false;  // it lives in another program
  std::string intent;
  std::string model;
  std::string run_id;
  std::string trace_id;
  std::int64_t steps = 0;
  std::int64_t max_steps = 0;
  std::int64_t tokens_used = 0;  // spent: request + response, cumulative
  std::int64_t budget = 0;
  BudgetPolicy policy = BudgetPolicy::kKill;
  std::int64_t context_tokens = 0;
  std::vector<std::int64_t> recent_calls;  // tokens of the newest model calls, at most 32
  std::string alert_level;                 // of the newest alert about its budget; empty: none
  WallTime started{};
  Nanoseconds elapsed{0};  // its age, or how old it became
  ExitStatus exit;         // of a zombie or dead process
};

struct KernelOptions {
  // Steps of a process that sets no limit of its own: ends a script that loops for ever.
  std::int64_t max_steps = 10'000;
  // Processes alive at once, and how deep children may nest: end a script that spawns for ever.
  std::size_t max_processes = 100'000;
  int max_depth = 64;
  // The newest so many of those that are dead stay in the table; older ones are forgotten, so that
  // it does not grow for ever.
  std::size_t dead_kept = std::numeric_limits<std::size_t>::max();
  // Makes the run and trace ids; the same seed gives the same ids.
  std::uint64_t seed = 0;
  // Called on the kernel's thread before each system call, with the bytes of events that wait for
  // the bus's dispatcher. Under a simulated clock it may wait for the recorder, which costs no
  // simulated time: so nothing is lost however fast the simulation is. Null: nobody waits, and a
  // full ring refuses.
  std::function<void(std::size_t waiting)> pace = nullptr;
  // Told on the kernel's thread after a model's answer was counted, and when a process has ended
  // (it is a zombie or dead; info() tells how). May call the kernel. Null: nobody is told.
  std::function<void(Pid pid, const LlmResponse& response)> answered = nullptr;
  std::function<void(Pid pid)> ended = nullptr;
};

// A runtime of agents that can be watched: processes with states, parents and signals, contexts,
// devices behind a virtual file system, and system calls, each of which is an event once it has
// returned.
//
// All of it lives on the scheduler's thread: call it there, or before run; other threads use
// scheduler.post. The scheduler and the bus outlive the kernel. README.md of this folder has the
// catalogue of system calls.
class Kernel {
 public:
  Kernel(Scheduler& scheduler, EventBus& bus, KernelOptions options = {});
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Mounted from the start: /dev/null, /dev/llm/scripted and /dev/tool (the script's). A device
  // mounted deeper wins: /dev/tool/search before /dev/tool.
  Vfs& vfs();

  // The pid that the next process will have: for whoever must know it before its first event.
  Pid next_pid() const;
  // Gives birth to a process, which runs from the next turn of the scheduler on. Errors: kInvalid
  // (no such agent), kExhausted (limits), kNotFound (no such model device).
  Result<Pid> spawn(SpawnRequest request);
  // Errors: kNotFound (no such process), kInvalid (it has ended).
  Status signal(Pid pid, Signal signal);

  // Changes the budget of a living process (0: none), or what happens when it is spent. Thresholds
  // that it crosses give their alerts anew; what has spent too much is dealt with at once; what its
  // budget held goes on when the new one allows. Errors as signal's.
  Status set_budget(Pid pid, std::optional<std::int64_t> budget,
                    std::optional<BudgetPolicy> policy);
  // Emits an alert of whoever predicts, as an event of the process. `steps`: about how many more
  // the budget lasts. Errors as signal's.
  Status raise_alert(Pid pid, std::string_view kind, std::string_view level, std::int64_t steps);
  // The contexts of a living process. Messages are shared. Errors: kNotFound, kInvalid.
  Result<std::vector<Context>> contexts(Pid pid) const;

  std::optional<ProcessInfo> info(Pid pid) const;
  // All that live, and the dead that are not forgotten, by pid.
  std::vector<ProcessInfo> list() const;
  // How many have been forgotten.
  std::uint64_t forgotten() const;
  // Why nothing is known of a pid: it was never given, or its process is forgotten (kNotFound).
  Error unknown(Pid pid) const;
  // Bytes of events that wait for the bus's dispatcher.
  std::size_t events_waiting() const;
  // Events that were lost since the bus's dispatcher was behind.
  std::uint64_t events_refused() const;

  // Runs until every process is dead. Whoever runs the scheduler himself does not need it.
  // Processes that wait for what nobody can bring any more end with "deadlock".
  void run();
  // Ends every process with the reason; run returns then. Kernel's thread.
  void end_all(const char* reason, int code);

  struct Impl;

 private:
  friend class ExternalAgents;
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
