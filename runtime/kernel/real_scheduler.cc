#include <utility>  // Boost 1.74's awaitable.hpp needs std::exchange and does not ask for it

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>

#include "runtime/kernel/scheduler.h"

namespace agdb {
namespace {

namespace asio = boost::asio;

// The machine's monotonic clock, `speed` times as fast, from 0.
class ScaledClock final : public Clock {
 public:
  explicit ScaledClock(double speed) : Clock(speed == 1.0), speed_(speed) {}

  Nanoseconds now() const override { return scale(real_.now() - start_, speed_); }
  WallTime wall() const override { return wall_start_ + now(); }
  Nanoseconds to_real(Nanoseconds span) const { return scale(span, 1.0 / speed_); }

 private:
  static Nanoseconds scale(Nanoseconds span, double factor) {
    if (factor == 1.0) return span;
    return std::chrono::duration_cast<Nanoseconds>(
        std::chrono::duration<double, std::nano>(static_cast<double>(span.count()) * factor));
  }

  const RealClock real_;
  const double speed_;
  const Nanoseconds start_ = real_.now();
  const WallTime wall_start_ = real_.wall();
};

class RealScheduler final : public Scheduler {
 public:
  explicit RealScheduler(double speed) : clock_(speed) {}

  // Tasks that never ran may hold replies, whose end posts: that goes nowhere any more.
  ~RealScheduler() override { closing_ = true; }

  const Clock& clock() const override { return clock_; }
  void post(Task task) override {
    if (!closing_) asio::post(context_, std::move(task));
  }

  void after(Nanoseconds delay, Task task) override {
    auto timer = std::make_unique<asio::steady_timer>(context_, clock_.to_real(delay));
    asio::steady_timer& waiting = *timer;
    waiting.async_wait(
        [timer = std::move(timer), task = std::move(task)](const boost::system::error_code& error) {
          if (!error) task();
        });
  }

  void run() override {
    context_.restart();
    context_.run();
  }

  void stop() override { context_.stop(); }
  asio::io_context& loop() { return context_; }

  // io_context counts outstanding work itself; it needs telling only of what comes from outside.
  void hold() override { context_.get_executor().on_work_started(); }
  void release() override {
    if (!closing_) context_.get_executor().on_work_finished();
  }

 private:
  std::atomic<bool> closing_{false};
  asio::io_context context_{1};
  ScaledClock clock_;
};

}  // namespace

std::unique_ptr<Scheduler> make_real_scheduler(double speed) {
  return std::make_unique<RealScheduler>(speed);
}

LoopScheduler make_loop_scheduler() {
  auto scheduler = std::make_unique<RealScheduler>(1.0);
  asio::io_context& loop = scheduler->loop();
  return {std::move(scheduler), &loop};
}

}  // namespace agdb
