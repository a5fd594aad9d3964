#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "debug/record/reader.h"
#include "debug/record/recording_manager.h"
#include "runtime/events/emitter.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr std::uint64_t kEvents = 2'000'000;
constexpr int kTurns = 5;

std::filesystem::path folder() {
  return std::filesystem::temp_directory_path() / fmt::format("agdb-bench-{}", getpid());
}

// A process that is recorded, with a text such that a line has about 500 bytes.
class Recorded {
 public:
  explicit Recorded(Durability durability)
      : manager_(files_, clock_, {.records_dir = folder().string(), .durability = durability},
                 [](const std::string& line) { fmt::print("  {}\n", line); }) {
    bus_.add(manager_);
    emitter_.start({.intent = "bench"});
    bus_.flush();
  }
  ~Recorded() { end(); }

  // As many events as asked for, as fast as the recorder takes them.
  void flood(std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      // Not for each: asking takes a cache line from the dispatcher.
      while (i % 64 == 0 && producer_.backlog() > EventBus::kRingBytes / 2) continue;
      one();
    }
    bus_.flush();
  }
  void one() {
    emitter_.call("Write", emitter_.begin(), returned(text_.size()), arg("data", text_),
                  arg("fd", 4), arg("size", text_.size()));
  }
  // All is with the system then.
  void end() {
    if (ended_) return;
    ended_ = true;
    emitter_.end("completed");
    bus_.flush();
    manager_.close_all();
    bus_.remove(manager_);
  }
  std::string record_folder() const { return (folder() / *manager_.record_id(Pid{1})).string(); }
  RecordingManager::Totals totals() const { return manager_.totals(); }

 private:
  FileSystem files_;
  RealClock clock_;
  EventBus bus_;
  RecordingManager manager_;
  EventBus::Producer producer_ = bus_.make_producer();
  Emitter emitter_{producer_, clock_, Pid{1}};
  const std::string text_ = std::string(340, 'x');
  bool ended_ = false;
};

struct Flood {
  double events_a_second = 0;
  double bytes_a_second = 0;
  std::uintmax_t bytes = 0;
};

Flood flood(Durability durability) {
  Recorded recorded(durability);
  const std::string record = recorded.record_folder();
  pin_apart();
  const std::int64_t began = now();
  recorded.flood(kEvents);
  const double seconds = static_cast<double>(now() - began) / 1e9;
  recorded.end();
  if (recorded.totals().lost_events != 0)
    fmt::print("  lost events: {}\n", recorded.totals().lost_events);
  const std::uintmax_t bytes = std::filesystem::file_size(record + "/events.jsonl");
  std::filesystem::remove_all(record);
  return {static_cast<double>(kEvents) / seconds, static_cast<double>(bytes) / seconds, bytes};
}

// The same bytes, ready-made, a MiB a write.
double write_ready(std::uintmax_t bytes) {
  const std::string path = (folder() / "ready").string();
  const std::string block(1u << 20, 'x');
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const std::int64_t began = now();
  for (std::uintmax_t left = bytes; left > 0;) {
    const std::size_t part = std::min<std::uintmax_t>(left, block.size());
    if (write(fd, block.data(), part) != static_cast<ssize_t>(part)) break;
    left -= part;
  }
  const double seconds = static_cast<double>(now() - began) / 1e9;
  close(fd);
  std::filesystem::remove(path);
  return static_cast<double>(bytes) / seconds;
}

void throughput() {
  std::vector<double> plain;
  std::vector<double> synced;
  std::vector<double> ready;
  std::vector<double> bytes;
  for (int turn = 0; turn < kTurns; ++turn) {
    const Flood one = flood(Durability::kFlush);
    plain.push_back(one.events_a_second);
    bytes.push_back(one.bytes_a_second);
    ready.push_back(write_ready(one.bytes));
    synced.push_back(flood(Durability::kFsync).events_a_second);
  }
  print({"write(2) of the same bytes, ready-made", median(ready) / 1e6, "MB/s"});
  print({"ring -> line -> file", median(bytes) / 1e6, "MB/s"});
  print({"ring -> line -> file", median(plain) / 1e6, "M ev/s"});
  const double share = median(bytes) / median(ready);
  print({"  against ready-made bytes", share, "x", ">= 0.5", share >= 0.5});
  const double sync = median(synced) / median(plain);
  print({"  with fdatasync once a second, against without", sync, "x", ">= 0.8", sync >= 0.8});
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void idle() {
  Recorded recorded(Durability::kFlush);
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const double share = (cpu_seconds() - before) / 5 * 100;
  print({"idle, a recording under way", share, "% core", "<= 1", share <= 1});
}

// How long it takes until somebody who reads the file sees an event.
void latency() {
  Recorded recorded(Durability::kFlush);
  const std::string path = recorded.record_folder() + "/events.jsonl";
  const int fd = open(path.c_str(), O_RDONLY);
  std::vector<double> times;
  std::string buffer(1u << 16, '\0');
  const auto read_all = [&] {
    ssize_t total = 0;
    for (ssize_t got = 0; (got = read(fd, buffer.data(), buffer.size())) > 0;) total += got;
    return total;
  };
  read_all();
  for (int i = 0; i < 1000; ++i) {
    // At any moment of the dispatcher's round.
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + i % 97 * 31));
    const std::int64_t began = now();
    recorded.one();
    while (read_all() == 0) continue;
    times.push_back(static_cast<double>(now() - began) / 1e6);
  }
  close(fd);
  const double p50 = percentile(times, 50);
  const double p99 = percentile(times, 99);
  print({"emit -> visible to a follower, median", p50, "ms", "<= 6", p50 <= 6});
  print({"emit -> visible to a follower, p99", p99, "ms", "<= 15", p99 <= 15});
}

// 400,000 events of 350 bytes a second, and a dispatcher that stands still for 25 ms.
class Stall final : public Subscriber {
 public:
  void on_event(const Event&) override {}
  void on_view(const EventView&) override {
    if (++seen_ == 1000) spin(25'000'000);
  }
  std::uint64_t seen() const { return seen_; }

 private:
  std::uint64_t seen_ = 0;
};

void stall() {
  EventBus bus;
  Stall stalled;
  bus.add(stalled);
  EventBus::Producer producer = bus.make_producer();
  const RealClock clock;
  Emitter emitter(producer, clock, Pid{1});
  pin_apart();
  const std::string text(350 - 64, 'x');
  const std::int64_t began = now();
  constexpr std::uint64_t kCount = 40'000;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    while (now() - began < static_cast<std::int64_t>(i) * 2500) continue;
    emitter.call("Write", emitter.begin(), returned(), arg("data", text));
  }
  bus.flush();
  bus.remove(stalled);
  const auto lost = static_cast<double>(producer.refused());
  print({"400,000 events/s x 350 bytes through a stall of 25 ms, lost", lost, "events", "0",
         lost == 0 && stalled.seen() == kCount});
}

constexpr std::uint64_t kCrowd = 10'000;
constexpr std::uint64_t kRecordedOfCrowd = 50;

long resident_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Nanoseconds for an event of each of these processes, by turns, handed over by hand.
double time_events(RecordingManager& manager, std::uint64_t first, std::uint64_t last,
                   std::uint64_t& n) {
  constexpr std::uint64_t kRounds = 50;
  const RawSyscall call{.name = "Write", .duration = std::chrono::microseconds(5)};
  const std::int64_t began = now();
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    ++n;
    for (std::uint64_t number = first; number <= last; ++number)
      manager.on_view(EventView(Pid{number}, n, Nanoseconds(n), call));
  }
  return static_cast<double>(now() - began) / static_cast<double>(kRounds * (last - first + 1));
}

// Ten thousand living processes, of which some are recorded.
void crowd() {
  FileSystem files;
  const RealClock clock;
  const long before = resident_kb();
  RecordingManager manager(files, clock, {.records_dir = folder().string(), .record_all = false},
                           [](const std::string& line) { fmt::print("  {}\n", line); });
  for (std::uint64_t number = 1; number <= kCrowd; ++number) {
    manager.on_event({.pid = Pid{number}, .payload = ProcessStart{.intent = "bench"}});
    ContextChange change{.ctx_id = CtxId{number},
                         .system_prompt = std::make_shared<const std::string>("p")};
    manager.on_event({.pid = Pid{number}, .n = 1, .payload = std::move(change)});
  }
  const double kb = static_cast<double>(resident_kb() - before) / kCrowd;
  print({"a living process that is not recorded, memory", kb, "KiB", "<= 4", kb <= 4});
  const std::int64_t began = now();
  for (std::uint64_t number = 1; number <= kRecordedOfCrowd; ++number)
    if (!manager.start(Pid{number})) fmt::print("  process {} was not started\n", number);
  print({"beginning a recording late", static_cast<double>(now() - began) / 1e6 / kRecordedOfCrowd,
         "ms"});
  std::uint64_t n = 1;
  const double ignored = time_events(manager, kRecordedOfCrowd + 1, kCrowd, n);
  print(
      {"a call of one of 10,000 processes, not recorded", ignored, "ns", "<= 100", ignored <= 100});
  n = 1;
  print({"a call of one of 50 that are", time_events(manager, 1, kRecordedOfCrowd, n), "ns"});
  constexpr int kIdles = 10'000;
  const std::int64_t idle_began = now();
  for (int i = 0; i < kIdles; ++i) manager.on_idle();
  print({"a round of the dispatcher with 50 recordings",
         static_cast<double>(now() - idle_began) / 1e3 / kIdles, "us"});
  manager.close_all();
}

}  // namespace

void bench_pipeline() {
  print_title("From the ring to the file");
  std::filesystem::create_directories(folder());
  throughput();
  stall();
  crowd();
  idle();
  latency();
  std::filesystem::remove_all(folder());
}

}  // namespace agdb::bench
