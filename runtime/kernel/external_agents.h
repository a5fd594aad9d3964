#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/events/event.h"
#include "runtime/kernel/external_life.h"
#include "runtime/kernel/kernel.h"

namespace agdb {

struct AdoptRequest {
  std::string intent;
  std::string model;
  Pid parent = kRuntimePid;
  // The trace and the span in it that the agent is a part of, both or none: ids of W3C trace
  // context. None: the parent's trace, or one of its own.
  std::string trace_id = {};
  std::string outer_span_id = {};
  std::int64_t budget = 0;     // 0: none
  std::int64_t max_steps = 0;  // 0: none
  BudgetPolicy policy = BudgetPolicy::kKill;
};

// A tool's call as a whole. A tool answers with text.
struct ToolReport {
  std::string name;
  Json args;
  std::string result;
  std::string error;  // empty: it succeeded
  Nanoseconds duration{0};
};

// A context as a whole, or what follows its first `keep` messages.
struct ContextReport {
  std::uint64_t ctx = 1;                         // the agent's own number of it
  std::optional<std::string> system_prompt;      // nothing: as before
  std::optional<std::vector<Message>> messages;  // nothing: as before
  std::optional<std::uint64_t> keep;             // nothing: `messages` is the whole
};

// Agents that live in other programs, as entries of the kernel's process table: they have a pid, a
// state, parents and children, a budget, and their events are like those of the others. What they
// do comes in as reports, in the order in which they did it.
//
// Times are since the adoption, by the agent's clock; without one the present moment counts, less
// what the thing took. A time in the future is taken as the present.
//
// All return kNotFound for a pid that is none, kInvalid for a process that lives here or has ended
// (the message says how). Kernel's thread only.
class ExternalAgents {
 public:
  // Calls begun and not ended, and contexts, that one agent may have.
  static constexpr std::size_t kMaxOpenCalls = 10'000;
  static constexpr std::size_t kMaxContexts = 1'000;

  // The kernel outlives it.
  explicit ExternalAgents(Kernel& kernel);

  // A new process, running. Errors: kNotFound (no such parent), kExhausted (limits).
  Result<Pid> adopt(AdoptRequest request);

  Status call(Pid pid, Syscall call, std::optional<Nanoseconds> began);
  // The two ends of a call, paired by a number of the agent's own. Errors too: kInvalid for a
  // number that is open already or is not, kExhausted.
  Status begin(Pid pid, std::uint64_t id, std::string name, Json args,
               std::optional<Nanoseconds> began);
  Status end(Pid pid, std::uint64_t id, Json result, std::string error,
             std::optional<Nanoseconds> ended);
  // Open, Write, Read and Close on /dev/tool/<name>, as a tool call here.
  Status tool(Pid pid, ToolReport report, std::optional<Nanoseconds> began);
  // A model's answer: a step, counted against the budget.
  Status response(Pid pid, LlmResponse response, Nanoseconds duration,
                  std::optional<Nanoseconds> began);
  Status context(Pid pid, ContextReport report);

  // Answers at once, or, while the process is suspended and `wait` is set, when that ends. A
  // process that has ended is told why ("ended", when it is forgotten): this is no error here.
  Status gate(Pid pid, bool wait, std::function<void(const GateAnswer&)> answer);
  Status close(Pid pid, ExitStatus status);

 private:
  Result<Process*> living(Pid pid) const;
  Kernel::Impl* k_;
};

}  // namespace agdb
