#pragma once

#include <functional>
#include <memory>

#include "runtime/events/clock.h"

namespace boost::asio {
class io_context;
}

namespace agdb {

// The kernel's one thread: runs tasks one at a time, in the order of their times and, for one time,
// of their submission. What the tasks wait for (a model, a tool, a timer) never blocks it, so a
// pending call of one process delays no other.
class Scheduler {
 public:
  using Task = std::function<void()>;

  virtual ~Scheduler() = default;

  virtual const Clock& clock() const = 0;
  // Runs the task on the kernel's thread, behind what is due already. Any thread.
  virtual void post(Task task) = 0;
  // Runs the task when the clock shows now + delay (a negative delay counts as 0). Kernel's thread.
  virtual void after(Nanoseconds delay, Task task) = 0;

  // Runs tasks until there is nothing left that could bring one: no task, no timer, nothing held.
  // The calling thread is the kernel's until it returns.
  virtual void run() = 0;
  // run returns after the task under way. Any thread, also from a signal handler's helper thread.
  virtual void stop() = 0;

  // Somebody outside (another thread) owes a post: run waits for it. Any thread.
  virtual void hold() = 0;
  virtual void release() = 0;
};

// Time moves only when nothing is left to do at the present moment, and then at once to the next
// timer: hours pass in milliseconds, and the same tasks give the same times.
std::unique_ptr<Scheduler> make_sim_scheduler();

// Real time, on an event loop that others use too: sockets that are served on the kernel's thread.
// The loop belongs to the scheduler; whoever uses it is gone before. `run` goes on while anybody
// has work for the loop.
struct LoopScheduler {
  std::unique_ptr<Scheduler> scheduler;
  boost::asio::io_context* loop;
};
LoopScheduler make_loop_scheduler();

// Real time, `speed` times as fast (its clock too). REQUIRES: speed > 0.
std::unique_ptr<Scheduler> make_real_scheduler(double speed = 1.0);

}  // namespace agdb
