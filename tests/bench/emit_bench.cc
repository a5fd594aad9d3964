#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <boost/lockfree/spsc_queue.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "runtime/events/emitter.h"
#include "tests/bench/bench.h"
#include "tests/bench/lttng_anchor.h"

namespace agdb::bench {
namespace {

constexpr std::size_t kText = 300;

// What the floor fills: as many bytes as the call's record has in its ring.
template <std::size_t kBytes>
struct Filled {
  std::uint64_t words[8];
  char text[kBytes - 64];
};
template <>
struct Filled<64> {
  std::uint64_t words[8];
};

class Discard final : public Subscriber {
 public:
  void on_event(const Event&) override {}
  void on_view(const EventView& view) override { seen_ += view.n(); }

 private:
  std::uint64_t seen_ = 0;
};

// A process whose calls go into a ring of the default size.
struct Emitting {
  explicit Emitting(bool listened) {
    if (listened) bus.add(discard);
    has_listener = listened;
  }
  ~Emitting() {
    if (has_listener) bus.remove(discard);
  }
  EventBus bus;
  Discard discard;
  bool has_listener = false;
  EventBus::Producer producer = bus.make_producer();
  RealClock clock;
  Emitter emitter{producer, clock, Pid{1}};
};

template <std::size_t kBytes>
[[gnu::noinline]] void fill(Filled<kBytes>& record, std::uint64_t i, std::string_view text) {
  record.words[0] = agdb::raw(read_cpu_ticks());
  for (std::size_t word = 1; word < 8; ++word) record.words[word] = i + word;
  if constexpr (kBytes > 64) std::memcpy(record.text, text.data(), text.size());
  keep(record);
}

using Slot = Filled<64>;

double per_call_when_unheard() {
  Emitting unheard(false);
  constexpr int kCalls = 20'000'000;
  std::vector<double> times;
  for (int turn = 0; turn < 5; ++turn) {
    const std::int64_t began = now();
    for (int i = 0; i < kCalls; ++i) {
      unheard.emitter.call("Close", Ticks{1}, returned(), arg("fd", i));
      keep(unheard.emitter);
    }
    times.push_back(static_cast<double>(now() - began) / kCalls);
  }
  return median(times);
}

}  // namespace

void bench_emit() {
  print_title("Emit: bursts of 20, one every 50 us; a time stamp in each (steps of 10 ns)");
  Emitting heard(true);
  const std::string text(kText, 'x');
  const std::string_view view = text;
  Filled<64> small;
  Filled<64 + 304> large;
  // spdlog's own way of saying seven integers.
  spdlog::init_thread_pool(8192, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "bench", std::make_shared<spdlog::sinks::null_sink_mt>(), spdlog::thread_pool(),
      spdlog::async_overflow_policy::overrun_oldest);
  boost::lockfree::spsc_queue<Slot> queue(1u << 14);
  std::atomic<bool> stop{false};
  std::thread drain([&] {
    Slot slot;
    while (!stop.load(std::memory_order_relaxed))
      if (!queue.pop(slot)) std::this_thread::yield();
  });
  const bool lttng = start_lttng();
  pin_apart();

  const auto burst = [](auto emit) {
    return [emit](int b) {
      for (int i = 0; i < 20; ++i) emit(static_cast<std::uint64_t>(b * 20 + i));
    };
  };
  std::vector<std::function<void(int)>> ways = {
      burst([&](std::uint64_t i) { fill(small, i, view); }),
      burst([&](std::uint64_t i) {
        heard.emitter.call("Close", Ticks{i}, returned(), arg("fd", static_cast<std::int64_t>(i)));
      }),
      burst([&](std::uint64_t i) { fill(large, i, view); }),
      burst([&](std::uint64_t i) {
        heard.emitter.call("Write", Ticks{i}, returned(), arg("data", view));
      }),
      burst([&](std::uint64_t i) {
        const Slot slot{{agdb::raw(read_cpu_ticks()), i, i, i, i, i, i, i}};
        queue.push(slot);
      }),
      burst([&](std::uint64_t i) {
        logger->info("{} {} {} {} {} {} {}", i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6);
      }),
  };
  if (lttng) ways.push_back(burst([&](std::uint64_t i) { lttng_seven_integers(i); }));
  const std::vector<Burst> times = time_by_turns(ways);
  stop = true;
  drain.join();
  if (lttng) stop_lttng();

  const auto ratio = [](const std::string& what, double figure, double limit) {
    print({what, figure, "x", fmt::format("<= {}", limit), figure <= limit});
  };
  print({"floor: fill 64 bytes, median", times[0].p50, "ns"});
  print({"floor: fill 64 bytes, p99.9", times[0].p999, "ns"});
  print({"emit, 64-byte call, median", times[1].p50, "ns"});
  print({"emit, 64-byte call, p99.9", times[1].p999, "ns"});
  ratio("  median against its floor", times[1].p50 / times[0].p50, 1.3);
  ratio("  p99.9 against its floor", times[1].p999 / times[0].p999, 2.5);
  print({"floor: fill 64 bytes and a text of 300, median", times[2].p50, "ns"});
  print({"floor: fill 64 bytes and a text of 300, p99.9", times[2].p999, "ns"});
  print({"emit, call with a text of 300, median", times[3].p50, "ns"});
  print({"emit, call with a text of 300, p99.9", times[3].p999, "ns"});
  ratio("  median against its floor", times[3].p50 / times[2].p50, 2);
  ratio("  p99.9 against its floor", times[3].p999 / times[2].p999, 4);
  print({"Boost.Lockfree spsc_queue, 64-byte slot, median", times[4].p50, "ns"});
  print({"spdlog async, 7 integers, null sink, median", times[5].p50, "ns"});
  ratio("  emit against spdlog", times[1].p50 / times[5].p50, 1.0 / 20);
  if (lttng) {
    print({"LTTng-UST tracepoint, 7 integers, enabled, median", times[6].p50, "ns"});
    ratio("  emit against LTTng-UST", times[1].p50 / times[6].p50, 0.25);
  } else {
    print({"LTTng-UST: its session daemon could not be started", 0, ""});
  }
  const double unheard = per_call_when_unheard();
  print({"emit, nobody subscribed", unheard, "ns", "<= 2", unheard <= 2});
}

}  // namespace agdb::bench
