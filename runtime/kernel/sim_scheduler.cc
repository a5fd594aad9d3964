#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/kernel/scheduler.h"

namespace agdb {
namespace {

class SimClock final : public Clock {
 public:
  Nanoseconds now() const override { return Nanoseconds(now_.load(std::memory_order_acquire)); }
  WallTime wall() const override { return start_ + now(); }
  void move_to(Nanoseconds time) { now_.store(time.count(), std::memory_order_release); }

 private:
  std::atomic<std::int64_t> now_{0};
  const WallTime start_ = RealClock().wall();
};

class SimScheduler final : public Scheduler {
 public:
  // Tasks that never ran may hold replies, whose end posts: that goes nowhere any more.
  ~SimScheduler() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    queue_.clear();
    inbox_.clear();
  }

  const Clock& clock() const override { return clock_; }

  void post(Task task) override {
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return;
      inbox_.push_back(std::move(task));
    }
    arrived_.notify_one();
  }

  void after(Nanoseconds delay, Task task) override {
    push(clock_.now() + std::max(delay, Nanoseconds(0)), std::move(task));
  }

  void run() override {
    while (!stopped_.exchange(false)) {
      take_inbox();
      if (queue_.empty()) {
        if (!wait_for_inbox()) return;
        continue;
      }
      std::pop_heap(queue_.begin(), queue_.end(), later);
      Timed next = std::move(queue_.back());
      queue_.pop_back();
      clock_.move_to(next.time);
      next.task();
    }
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    arrived_.notify_one();
  }

  void hold() override {
    const std::lock_guard lock(mutex_);
    ++held_;
  }

  void release() override {
    {
      const std::lock_guard lock(mutex_);
      --held_;
    }
    arrived_.notify_one();
  }

 private:
  struct Timed {
    Nanoseconds time;
    std::uint64_t order;
    Task task;
  };
  static bool later(const Timed& a, const Timed& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }

  void push(Nanoseconds time, Task task) {
    queue_.push_back({time, next_order_++, std::move(task)});
    std::push_heap(queue_.begin(), queue_.end(), later);
  }

  void take_inbox() {
    std::vector<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(inbox_);
    }
    for (Task& task : tasks) push(clock_.now(), std::move(task));
  }

  // False: nothing is queued, held or on its way.
  bool wait_for_inbox() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !inbox_.empty() || held_ == 0 || stopped_; });
    return !inbox_.empty() || stopped_;
  }

  SimClock clock_;
  std::vector<Timed> queue_;  // a heap
  std::uint64_t next_order_ = 0;

  std::mutex
      mutex_;  // inbox_, held_, closing_; stopped_ is set under it, so that a waiting run sees it
  std::condition_variable arrived_;
  std::vector<Task> inbox_;
  std::uint64_t held_ = 0;
  bool closing_ = false;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Scheduler> make_sim_scheduler() {
  return std::make_unique<SimScheduler>();
}

}  // namespace agdb
