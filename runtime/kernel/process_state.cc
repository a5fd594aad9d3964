#include "runtime/kernel/process_state.h"

#include <array>
#include <string>

namespace agdb {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"created", "running", "zombie", "dead",
                                                    "suspended"};

}  // namespace

std::string_view name_of(ProcessState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<ProcessState> process_state_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<ProcessState>(i);
  return std::nullopt;
}

bool may_change(ProcessState from, ProcessState to) {
  using enum ProcessState;
  switch (from) {
    case kCreated:
      return to == kRunning;
    case kRunning:
      return to == kZombie || to == kSuspended;
    case kSuspended:
      return to == kRunning || to == kDead;
    case kZombie:
      return to == kDead;
    case kDead:
      return false;
  }
  return false;
}

Result<ProcessState> StateMachine::change(ProcessState to) {
  ProcessState from = state_.load(std::memory_order_acquire);
  do {
    if (!may_change(from, to))
      return fail(Code::kInvalid, "a process cannot go from " + std::string(name_of(from)) +
                                      " to " + std::string(name_of(to)));
  } while (!state_.compare_exchange_weak(from, to, std::memory_order_acq_rel));
  return from;
}

}  // namespace agdb
