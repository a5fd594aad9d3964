#include <fmt/format.h>
#include <time.h>

#include <condition_variable>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "ipc/daemon/view_hub.h"
#include "runtime/events/emitter.h"
#include "runtime/events/event_view.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr int kEvents = 100'000;
constexpr int kTurns = 7;
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// What the calling thread has had of a processor: others that want one do not count.
std::int64_t cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Shows the one call that it is shown to hubs, again and again, as the dispatcher would.
class Show final : public Subscriber {
 public:
  explicit Show(ViewOptions options = {}, std::size_t views = 0) {
    hub_.on_event({Pid{1}, 0, Nanoseconds(0), ProcessStart{.intent = "bench"}});
    options.pids = {Pid{1}};
    options.wake = [] {};
    for (std::size_t i = 0; i < views; ++i) views_.push_back(hub_.attach(options));
  }
  void on_event(const Event&) override {}
  void on_view(const EventView& view) override {
    std::vector<double> times;
    for (int turn = 0; turn < kTurns; ++turn) {
      std::int64_t spent = 0;
      for (int i = 0; i < kEvents / 100; ++i) spent += a_hundred(view);
      times.push_back(static_cast<double>(spent) / kEvents);
    }
    nanoseconds = median(times);
  }
  double nanoseconds = 0;

 private:
  // A value that an EventView has made would be there for the next turn, too.
  std::int64_t a_hundred(const EventView& view) {
    const std::int64_t began = cpu_time();
    for (int i = 0; i < 100; ++i) {
      const EventView fresh(view.pid(), view.n(), view.timestamp(), *view.raw_syscall());
      hub_.on_view(fresh);
    }
    hub_.on_idle();
    const std::int64_t took = cpu_time() - began;
    for (const ViewId id : views_) hub_.take(id, kAll, kAll);
    return took;
  }

  ViewHub hub_;
  std::vector<ViewId> views_;
};

double cost(Show& show) {
  EventBus bus;
  bus.add(show);
  EventBus::Producer producer = bus.make_producer();
  const RealClock clock;
  Emitter emitter(producer, clock, Pid{1});
  const std::string text(230, 'x');  // 350 bytes of JSON in all
  emitter.call("Write", emitter.begin(), returned(text.size()), arg("data", text), arg("fd", 4),
               arg("size", text.size()));
  bus.flush();
  bus.remove(show);
  return show.nanoseconds;
}

void costs() {
  Show alone;
  const double none = cost(alone);
  print({"an event of 350 bytes, nobody looks", none, "ns", "<= 1000", none <= 1000});
  Show watched({}, 1);
  print({"  one view", cost(watched), "ns"});
  Show crowded({}, 20);
  const double twenty = cost(crowded);
  print({"  20 views", twenty, "ns"});
  print({"    each", (twenty - none) / 20, "ns"});
  Show filtered({.filter = *Filter::parse("trace=%llm")}, 20);
  print({"  20 views with a filter that wants others", cost(filtered), "ns"});
}

// How long it takes until whoever takes from a view has an event.
void latency() {
  EventBus bus;
  ViewHub hub;
  bus.add(hub);
  EventBus::Producer producer = bus.make_producer();
  const RealClock clock;
  Emitter emitter(producer, clock, Pid{1});
  emitter.start({.intent = "bench"});
  bus.flush();
  std::mutex mutex;
  std::condition_variable ready;
  bool woken = false;
  const ViewId view = hub.attach({.pids = {Pid{1}}, .wake = [&] {
                                    const std::lock_guard lock(mutex);
                                    woken = true;
                                    ready.notify_one();
                                  }});
  std::vector<double> times;
  for (int i = 0; i < 2000; ++i) {
    spin(100'000 + i % 97 * 31'000);  // any moment of the dispatcher's round
    const std::int64_t began = now();
    emitter.call("Write", emitter.begin(), returned(1), arg("fd", 4));
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return woken; });
    woken = false;
    lock.unlock();
    if (hub.take(view, kAll, kAll).size() != 1) fmt::print("  an event is missing\n");
    times.push_back(static_cast<double>(now() - began) / 1e6);
  }
  bus.remove(hub);
  const double p50 = percentile(times, 50);
  const double p99 = percentile(times, 99);
  print({"emit -> taken from a view, median", p50, "ms", "<= 5", p50 <= 5});
  print({"emit -> taken from a view, p99", p99, "ms", "<= 15", p99 <= 15});
}

}  // namespace

void bench_views() {
  print_title("Live views");
  costs();
  latency();
}

}  // namespace agdb::bench
