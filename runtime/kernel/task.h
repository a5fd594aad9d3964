#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/events/result.h"
#include "runtime/kernel/scheduler.h"

namespace agdb {

// A coroutine that starts when it is awaited and belongs to whoever holds it: destroying a Task
// destroys the coroutine and, through the Tasks in its frame, all that it is waiting in. So a
// killed process unwinds like a returning one. Exceptions do not cross it (a library's are caught
// at the call).
template <typename T>
class [[nodiscard]] Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> done) const noexcept {
      return done.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  void return_value(T result) { value.emplace(std::move(result)); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Starts a task that nobody awaits. REQUIRES: not started.
  void start() { handle_.resume(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

 private:
  Handle handle_ = nullptr;
};

template <typename T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

namespace detail {

// What a Reply and the coroutine that awaits it share. Only `deliver` may come from another thread,
// and it touches nothing but the scheduler and the value, which is handed over by the post.
template <typename T>
struct ReplyState {
  explicit ReplyState(Scheduler& s) : scheduler(&s) {}
  Scheduler* scheduler;
  std::optional<Result<T>> value;
  std::coroutine_handle<> waiting;
  bool abandoned = false;
};

}  // namespace detail

// The way in which an answer comes back to a waiting coroutine: call it once, from any thread.
// Copies share the one answer; the first call wins. When the last copy goes without an answer, the
// waiting side gets kUnavailable: a driver cannot hang a process by forgetting it.
template <typename T>
class Reply {
 public:
  explicit Reply(std::shared_ptr<detail::ReplyState<T>> state)
      : once_(std::make_shared<Once>(std::move(state))) {}

  void operator()(Result<T> result) const { once_->deliver(std::move(result)); }

 private:
  struct Once {
    explicit Once(std::shared_ptr<detail::ReplyState<T>> s) : state(std::move(s)) {
      state->scheduler->hold();
    }
    Once(const Once&) = delete;
    Once& operator=(const Once&) = delete;
    ~Once() { deliver(fail(Code::kUnavailable, "the driver gave no answer")); }

    void deliver(Result<T> result) {
      if (answered.exchange(true)) return;
      Scheduler& scheduler = *state->scheduler;
      scheduler.post([s = state, r = std::move(result)]() mutable {
        s->value.emplace(std::move(r));
        if (s->waiting && !s->abandoned) std::exchange(s->waiting, nullptr).resume();
      });
      scheduler.release();
    }

    std::shared_ptr<detail::ReplyState<T>> state;
    std::atomic<bool> answered{false};
  };
  std::shared_ptr<Once> once_;
};

// The waiting side: co_await it once. Lives in the coroutine's frame; when that is destroyed the
// answer goes nowhere.
template <typename T>
class Pending {
 public:
  explicit Pending(Scheduler& scheduler)
      : state_(std::make_shared<detail::ReplyState<T>>(scheduler)) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { state_->abandoned = true; }

  Reply<T> reply() { return Reply<T>(state_); }

  bool await_ready() const noexcept { return state_->value.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { state_->waiting = awaiting; }
  Result<T> await_resume() { return std::move(*state_->value); }

 private:
  std::shared_ptr<detail::ReplyState<T>> state_;
};

// Lets processes wait inside the kernel for something that another one does; wake resumes all who
// wait, once, in the order in which they came. Kernel's thread only.
class WaitPoint {
 public:
  explicit WaitPoint(Scheduler& scheduler) : scheduler_(&scheduler) {}
  WaitPoint(const WaitPoint&) = delete;
  WaitPoint& operator=(const WaitPoint&) = delete;

  bool waited() const { return !waiters_.empty(); }

  void wake() {
    for (std::shared_ptr<Waiter>& waiter : std::exchange(waiters_, {}))
      scheduler_->post([w = std::move(waiter)] {
        if (!w->gone) w->handle.resume();
      });
  }

  class Awaiter;
  // Waits for the next wake; or, with a time limit, at most that long.
  Awaiter wait(std::optional<Nanoseconds> limit = std::nullopt);

 private:
  struct Waiter {
    std::coroutine_handle<> handle;
    bool gone = false;  // its coroutine was destroyed, or goes on already
  };
  Scheduler* scheduler_;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

class WaitPoint::Awaiter {
 public:
  Awaiter(WaitPoint& point, std::optional<Nanoseconds> limit) : point_(&point), limit_(limit) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  // The point may be gone by now, where a whole runtime goes.
  ~Awaiter() {
    if (waiter_) waiter_->gone = true;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    waiter_ = std::make_shared<Waiter>(Waiter{awaiting});
    point_->waiters_.push_back(waiter_);
    if (!limit_) return;
    point_->scheduler_->after(*limit_, [w = waiter_] {
      if (!w->gone) w->handle.resume();
    });
  }
  void await_resume() noexcept {
    waiter_->gone = true;
    std::erase(point_->waiters_, waiter_);
  }

 private:
  WaitPoint* point_;
  std::optional<Nanoseconds> limit_;
  std::shared_ptr<Waiter> waiter_;
};

inline WaitPoint::Awaiter WaitPoint::wait(std::optional<Nanoseconds> limit) {
  return Awaiter(*this, limit);
}

}  // namespace agdb
