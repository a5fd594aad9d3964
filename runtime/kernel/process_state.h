#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// The numbers are the reference's and appear in its recordings.
enum class ProcessState : std::uint8_t {
  kCreated = 0,
  kRunning = 1,
  kZombie = 2,     // ended; its exit status waits for the parent
  kDead = 3,       // reaped
  kSuspended = 4,  // paused by a signal
};

// "created", "running", "zombie", "dead", "suspended".
std::string_view name_of(ProcessState state);
std::optional<ProcessState> process_state_from(std::string_view name);

// created → running → zombie → dead; running ⇄ suspended; suspended → dead. Nothing else.
bool may_change(ProcessState from, ProcessState to);

// A process's state. When several threads try to leave one state, exactly one wins.
class StateMachine {
 public:
  ProcessState state() const { return state_.load(std::memory_order_acquire); }
  // The state that was left; an error names both states and changes nothing.
  Result<ProcessState> change(ProcessState to);

 private:
  std::atomic<ProcessState> state_{ProcessState::kCreated};
};

}  // namespace agdb
