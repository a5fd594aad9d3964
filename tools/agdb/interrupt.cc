#include "tools/agdb/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <utility>

namespace agdb {

struct InterruptGuard::State {
  std::function<void()> on_interrupt;
  sigset_t signals{};
  sigset_t before{};
  std::atomic<bool> ending{false};
  std::thread waiter;

  void wait() {
    for (int count = 1;; ++count) {
      int signal = 0;
      ::sigwait(&signals, &signal);
      if (ending) return;
      if (count == 3) ::_exit(128 + signal);
      on_interrupt();
    }
  }
};

InterruptGuard::InterruptGuard(std::function<void()> on_interrupt) : state_(new State) {
  state_->on_interrupt = std::move(on_interrupt);
  ::sigemptyset(&state_->signals);
  ::sigaddset(&state_->signals, SIGINT);
  ::sigaddset(&state_->signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &state_->signals, &state_->before);
  state_->waiter = std::thread([this] { state_->wait(); });
}

InterruptGuard::~InterruptGuard() {
  state_->ending = true;
  ::pthread_kill(state_->waiter.native_handle(), SIGINT);
  state_->waiter.join();
  ::pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
  delete state_;
}

}  // namespace agdb
