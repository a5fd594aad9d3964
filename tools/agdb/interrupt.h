#pragma once

#include <functional>

namespace agdb {

// While it lives, Ctrl-C (SIGINT) and SIGTERM call `on_interrupt`, from a thread of its own and
// each time, instead of ending the program; a third one ends it. Make it before other threads, so
// that they do not take the signals. One at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> on_interrupt);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace agdb
