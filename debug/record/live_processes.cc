#include "debug/record/live_processes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "debug/record/event_facts.h"

namespace agdb {
void LiveProcess::take(const Event& event) {
  arrive(event.n, end_of(event));
  if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    contexts_.take(*change);
  } else if (const auto* state = std::get_if<StateChange>(&event.payload)) {
    state_ = state->to_state;
  } else if (const auto* response = std::get_if<LlmResponse>(&event.payload)) {
    ++steps_;
    // A provider's negative count is no count.
    for (const std::int64_t tokens : {response->request_tokens, response->response_tokens})
      tokens_used_ = add_up(tokens_used_, std::max<std::int64_t>(tokens, 0));
  } else if (const std::optional<CtxId> ctx = reclaimed_context(event)) {
    contexts_.forget(*ctx);
  } else if (const std::optional<std::int64_t> budget = new_budget(event)) {
    start.context_budget = *budget;
  }
}

void LiveProcess::take(const EventView& event) {
  const RawSyscall* call = event.raw_syscall();
  const bool matters = call == nullptr || call->name == kCtxReclaim || call->name == kSetBudget;
  if (matters) return take(event.event());
  arrive(event.n(), add_up(event.timestamp(), call->duration));
}

void LiveProcess::arrive(std::uint64_t n, Nanoseconds end) {
  if (n > last_n_ && n - last_n_ > 1) {
    lost_events_ = add_up(lost_events_, n - last_n_ - 1);
    contexts_.doubt();
  }
  last_n_ = std::max(last_n_, n);
  latest_ = std::max(latest_, end);
}

BeganLate LiveProcess::began_late() const {
  return {.n = add_up(last_n_, std::uint64_t{1}),
          .timestamp = latest_,
          .state = state_,
          .tokens_used = tokens_used_,
          .steps = steps_,
          .lost_events = lost_events_};
}

void PidSet::insert(Pid pid) {
  if (contains(pid)) return;
  const std::uint64_t number = raw(pid);
  auto after = last_of_.upper_bound(number);
  const bool joins_after = after != last_of_.end() && number + 1 == after->first;
  const std::uint64_t last = joins_after ? after->second : number;
  if (joins_after) after = last_of_.erase(after);
  if (after != last_of_.begin() && std::prev(after)->second + 1 == number) {
    std::prev(after)->second = last;
  } else {
    last_of_.emplace_hint(after, number, last);
  }
}

bool PidSet::contains(Pid pid) const {
  const auto after = last_of_.upper_bound(raw(pid));
  return after != last_of_.begin() && raw(pid) <= std::prev(after)->second;
}

LiveProcess* LiveProcesses::find(Pid pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

const LiveProcess* LiveProcesses::find(Pid pid) const {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

LiveProcess& LiveProcesses::born(Pid pid, const ProcessStart& start) {
  LiveProcess& process = processes_[pid];
  process.start = start;
  process.start.script = share(start.script);
  process.above = start.parent;
  LiveProcess* parent = find(start.parent);
  if (parent != nullptr && parent != &process) parent->below.insert(pid);
  return process;
}

void LiveProcesses::ended(Pid pid) {
  const auto gone = processes_.extract(pid);
  if (!gone) return;
  ended_.insert(pid);
  LiveProcess& process = gone.mapped();
  release(process.start.script);
  for (const Pid each : process.below) processes_.at(each).above = process.above;
  LiveProcess* above = find(process.above);
  if (above == nullptr) return;
  above->below.erase(pid);
  above->below.merge(process.below);
}

std::vector<Pid> LiveProcesses::descendants(Pid pid) const {
  std::vector<Pid> found;
  const auto add_below = [&](Pid above) {
    const LiveProcess* process = find(above);
    if (process != nullptr) found.insert(found.end(), process->below.begin(), process->below.end());
  };
  add_below(pid);
  for (std::size_t i = 0; i < found.size(); ++i) add_below(found[i]);
  return found;
}

LiveProcesses::Script LiveProcesses::share(const Script& script) {
  if (script == nullptr) return nullptr;
  SharedScript& shared = scripts_.try_emplace(*script, SharedScript{script}).first->second;
  ++shared.users;
  return shared.text;
}

void LiveProcesses::release(const Script& script) {
  if (script == nullptr) return;
  const auto shared = scripts_.find(*script);
  if (--shared->second.users == 0) scripts_.erase(shared);
}

}  // namespace agdb
