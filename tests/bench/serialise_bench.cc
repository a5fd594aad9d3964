#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "debug/record/call_line.h"
#include "runtime/events/emitter.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr int kEvents = 100'000;
constexpr int kTurns = 7;

// An event as agents make them: a tool's call with a text of 300 characters that needs escapes.
const std::string& payload() {
  static const std::string kText = [] {
    std::string text;
    while (text.size() < 300) text += "line of \"text\" with a tab\t, ä and a newline\n";
    text.resize(300);
    return text;
  }();
  return kText;
}

// Serialises the one call that it is shown, again and again.
class Serialise final : public Subscriber {
 public:
  void on_event(const Event&) override {}
  void on_view(const EventView& view) override {
    std::vector<double> times;
    for (int turn = 0; turn < kTurns; ++turn) {
      const std::int64_t began = now();
      for (int i = 0; i < kEvents; ++i) {
        line.clear();
        append_line(line,
                    {static_cast<SeqNum>(1'000'000 + i), view.n(), view.timestamp(), view.pid()},
                    *view.raw_syscall());
        keep(line);
      }
      times.push_back(static_cast<double>(now() - began) / kEvents);
    }
    nanoseconds = median(times);
  }
  std::string line;
  double nanoseconds = 0;
};

std::string by_document(int i) {
  nlohmann::ordered_json event = {
      {"seq_num", 1'000'000 + i},
      {"timestamp", 123456789},
      {"pid", 1},
      {"type", "syscall"},
      {"n", 1},
      {"syscall",
       {{"syscall", "Write"},
        {"args", {{"data", payload()}, {"fd", 4}, {"size", payload().size()}}},
        {"result", payload().size()},
        {"duration", 1234}}}};
  return event.dump();
}

}  // namespace

void bench_serialise() {
  print_title("One event to its line");
  Serialise serialise;
  {
    EventBus bus;
    bus.add(serialise);
    EventBus::Producer producer = bus.make_producer();
    const RealClock clock;
    Emitter emitter(producer, clock, Pid{1});
    emitter.call("Write", emitter.begin(), returned(payload().size()), arg("data", payload()),
                 arg("fd", 4), arg("size", payload().size()));
    bus.flush();
    bus.remove(serialise);
  }
  std::vector<double> times;
  std::size_t bytes = 0;
  for (int turn = 0; turn < 3; ++turn) {
    const std::int64_t began = now();
    for (int i = 0; i < kEvents; ++i) bytes = by_document(i).size();
    times.push_back(static_cast<double>(now() - began) / kEvents);
  }
  const double document = median(times);
  print({fmt::format("nlohmann, build and dump, {} bytes", bytes), document, "ns"});
  print(
      {fmt::format("from the ring, {} bytes", serialise.line.size()), serialise.nanoseconds, "ns"});
  const double ratio = document / serialise.nanoseconds;
  print({"  times as fast", ratio, "x", ">= 10", ratio >= 10});
}

}  // namespace agdb::bench
