// agdb_kill one|many KILLS [SEED]: kills a program that records, at random moments and inside the
// system calls that matter, and looks after each death at what it left. "one" records one process
// after the other; "many" records twenty at once, of which every second one was alive already when
// its recording began.
//
// What must hold after every kill: each recording opens; all events that were handed to the system
// are there, as they were made; their numbers have no hole; nothing is wrong with what recovery
// left.

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "debug/record/reader.h"
#include "debug/record/recording_manager.h"
#include "debug/record/verify.h"
#include "runtime/events/emitter.h"

namespace agdb {
namespace {

enum Place : int { kElsewhere, kWrite, kSync, kRename, kPlaces };
constexpr std::array<const char*, kPlaces> kPlaceNames = {"elsewhere", "in write", "in fdatasync",
                                                          "in rename"};
constexpr std::size_t kMostProcesses = 4096;
constexpr std::uint64_t kAtOnce = 20;

// What the dead leave to the living.
struct Shared {
  std::atomic<int> place{kElsewhere};
  // Recordings that have begun, for sure.
  std::atomic<std::uint64_t> begun{0};
  // Lines of each process's recording that a write(2) has returned for.
  std::array<std::atomic<std::uint64_t>, kMostProcesses> handed_over{};
};

// The real system calls, which say where the program is.
class Watched final : public FileSystem {
 public:
  Watched(Shared& shared, std::string records) : shared_(shared), records_(std::move(records)) {}

  int open(const std::string& path, int flags, unsigned mode) override {
    const int fd = FileSystem::open(path, flags, mode);
    if (fd >= 0 && path.ends_with("/events.jsonl")) {
      // <records>/<pid>-<seconds>/events.jsonl
      events_of_[fd] = std::stoull(path.substr(records_.size() + 1));
    }
    return fd;
  }
  std::int64_t write(int fd, std::string_view bytes) override {
    const std::int64_t written = at(kWrite, [&] { return FileSystem::write(fd, bytes); });
    const auto pid = events_of_.find(fd);
    if (written > 0 && pid != events_of_.end()) {
      const std::string_view done = bytes.substr(0, static_cast<std::size_t>(written));
      shared_.handed_over[pid->second] +=
          static_cast<std::uint64_t>(std::count(done.begin(), done.end(), '\n'));
    }
    return written;
  }
  int sync(int fd) override {
    return at(kSync, [&] { return FileSystem::sync(fd); });
  }
  int rename(const std::string& from, const std::string& to) override {
    return at(kRename, [&] { return FileSystem::rename(from, to); });
  }
  int close(int fd) override {
    events_of_.erase(fd);
    return FileSystem::close(fd);
  }

 private:
  template <typename Call>
  std::invoke_result_t<Call> at(Place place, const Call& call) {
    shared_.place.store(place);
    const auto result = call();
    shared_.place.store(kElsewhere);
    return result;
  }

  Shared& shared_;
  const std::string records_;
  std::map<int, std::uint64_t> events_of_;  // fd to pid
};

std::string text_of(std::uint64_t i) {
  return std::string(50 + i % 300, static_cast<char>('a' + i % 26)) + std::to_string(i);
}

// Records one process after another until somebody ends it.
[[noreturn]] void record_until_killed(Shared& shared, const std::string& records, unsigned seed) {
  std::mt19937 random(seed);
  Watched files(shared, records);
  const RealClock clock;
  EventBus bus;
  RecordingManager manager(files, clock, {.records_dir = records, .durability = Durability::kFsync},
                           [](const std::string&) {});
  bus.add(manager);
  EventBus::Producer producer = bus.make_producer();
  for (std::uint64_t pid = 1; pid < kMostProcesses; ++pid) {
    Emitter emitter(producer, clock, Pid{pid});
    emitter.start({.intent = "to be killed", .wall_start = clock.wall()});
    for (std::uint64_t i = 1, count = random() % 3000; i <= count; ++i) {
      while (producer.backlog() > EventBus::kRingBytes / 2) std::this_thread::yield();
      emitter.call("Write", emitter.begin(), returned(), arg("data", text_of(i)), arg("i", i));
    }
    emitter.end("completed");
  }
  bus.flush();
  for (;;) pause();
}

bool begins_late(std::uint64_t pid) {
  return pid % 2 == 0;
}

// One of many processes that live at once.
class Agent {
 public:
  Agent(EventBus::Producer& producer, const Clock& clock, std::uint64_t pid)
      : producer_(producer), emitter_(producer, clock, Pid{pid}) {
    emitter_.start({.intent = "to be killed", .wall_start = clock.wall()});
    emitter_.context({.ctx_id = CtxId{1},
                      .messages = {next_message()},
                      .system_prompt = std::make_shared<const std::string>("be brief")});
  }

  void work() {
    while (producer_.backlog() > EventBus::kRingBytes / 2) std::this_thread::yield();
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t n = emitter_.last_n() + 1;
      emitter_.call("Write", emitter_.begin(), returned(), arg("data", text_of(n)), arg("i", n));
    }
    const std::uint64_t keep = messages_;
    emitter_.context({.ctx_id = CtxId{1}, .keep = keep, .messages = {next_message()}});
  }

 private:
  MessagePtr next_message() {
    return std::make_shared<const Message>(
        Message{.role = "user", .content = text_of(messages_++)});
  }

  EventBus::Producer& producer_;
  Emitter emitter_;
  std::uint64_t messages_ = 0;
};

// Records twenty processes until somebody ends it.
[[noreturn]] void record_many_until_killed(Shared& shared, const std::string& records,
                                           unsigned seed) {
  std::mt19937 random(seed);
  Watched files(shared, records);
  const RealClock clock;
  EventBus bus;
  RecordingManager manager(files, clock, {.records_dir = records, .record_all = false},
                           [](const std::string&) {});
  bus.add(manager);
  EventBus::Producer producer = bus.make_producer();
  std::vector<Agent> agents;
  agents.reserve(kAtOnce);
  std::map<std::uint64_t, std::uint64_t> late;  // the round, and who begins in it
  for (std::uint64_t pid = 1; pid <= kAtOnce; ++pid) {
    if (begins_late(pid)) {
      late.emplace(pid + random() % 2, pid);
    } else {
      manager.record(Pid{pid});
    }
    agents.emplace_back(producer, clock, pid);
  }
  bus.flush();
  shared.begun = kAtOnce / 2;
  for (std::uint64_t round = 0;; ++round) {
    for (Agent& agent : agents) agent.work();
    const auto begins = late.find(round);
    if (begins != late.end() && manager.start(Pid{begins->second})) ++shared.begun;
  }
}

struct Totals {
  std::array<std::uint64_t, kPlaces> died{};
  std::uint64_t recordings = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t unborn = 0;  // without metadata, and without an event that was handed over
  std::uint64_t events = 0;
  std::uint64_t beyond = 0;  // events found that no write had returned for
  std::uint64_t failures = 0;
};

// What is wrong with the events of a recording; nothing when they are as they were made.
using CheckEvents = std::optional<std::string> (*)(const Recording& recording, std::uint64_t pid);

bool is_call(const RecordedEvent& event, std::uint64_t number) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr && call->args.integer("i") == static_cast<std::int64_t>(number) &&
         call->args.text("data") == text_of(number);
}

std::optional<std::string> check_one(const Recording& recording, std::uint64_t) {
  for (std::size_t i = 0; i < recording.size(); ++i) {
    const Result<RecordedEvent> event = recording.event_at(i);
    if (!event) return event.error().message;
    if (raw(event->seq_num) != i + 1 || !is_call(*event, i + 1))
      return fmt::format("event {} is not what was emitted", i + 1);
  }
  return std::nullopt;
}

std::optional<std::string> check_last_context(const Recording& recording) {
  const Result<RestoredContext> context =
      recording.context_at(recording.entry(recording.size() - 1).seq_num);
  if (!context) return context.error().message;
  for (std::size_t i = 0; i < context->messages.size(); ++i)
    if (context->messages[i].content != text_of(i))
      return fmt::format("message {} is not what was emitted", i);
  return std::nullopt;
}

std::optional<std::string> check_many(const Recording& recording, std::uint64_t pid) {
  if (recording.metadata().began_late.has_value() != begins_late(pid))
    return "it does not say when it began";
  if (recording.empty()) return std::nullopt;
  if (recording.entry(0).type != EventType::kContextSnapshot)
    return "it does not begin with a context";
  for (std::size_t i = 0; i < recording.size(); ++i) {
    const Result<RecordedEvent> event = recording.event_at(i);
    if (!event) return event.error().message;
    const bool is_snapshot = event->event_type() == EventType::kContextSnapshot;
    if (raw(event->seq_num) != i + 1 || (!is_snapshot && !is_call(*event, event->n)))
      return fmt::format("event {} is not what was emitted", i + 1);
  }
  return check_last_context(recording);
}

class Inspection {
 public:
  Inspection(const Shared& shared, CheckEvents check, Totals& totals)
      : shared_(shared), check_(check), totals_(totals) {}

  void look_at_all(const std::string& records) {
    folder_ = records;
    std::uint64_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(records)) {
      look_at(entry.path());
      ++found;
    }
    folder_ = records;
    if (found < shared_.begun) fail_with(fmt::format("{} of {}", found, shared_.begun.load()));
  }

 private:
  void look_at(const std::filesystem::path& folder) {
    folder_ = folder.string();
    const std::uint64_t pid = std::stoull(folder.filename().string());
    const std::uint64_t handed_over = shared_.handed_over[pid].load();
    Result<Recording> recording = Recording::open(folder_);
    if (!recording && handed_over == 0 && recording.error().message.contains("metadata")) {
      ++totals_.unborn;
      return;
    }
    ++totals_.recordings;
    if (!recording) return fail_with(recording.error().message);
    totals_.interrupted += recording->metadata().status == kStatusInterrupted ? 1 : 0;
    totals_.events += recording->size();
    if (recording->size() < handed_over)
      return fail_with(fmt::format("{} events of {}", recording->size(), handed_over));
    totals_.beyond += recording->size() - handed_over;
    if (const std::optional<std::string> wrong = check_(*recording, pid)) fail_with(*wrong);
    look_at_whole();
  }

  void look_at_whole() {
    const Result<VerifyReport> report = verify_recording(folder_);
    if (!report) return fail_with(report.error().message);
    for (const VerifyFinding& finding : report->findings) fail_with(finding.what);
  }

  void fail_with(const std::string& what) {
    ++totals_.failures;
    fmt::print(stderr, "{}: {}\n", folder_, what);
  }

  const Shared& shared_;
  const CheckEvents check_;
  Totals& totals_;
  std::string folder_;
};

// Waits for a random moment, or for the program to be at the place asked for. False: it never was.
bool wait_for(const Shared& shared, Place place, std::mt19937& random) {
  const auto moment = std::chrono::microseconds(random() % 15'000);
  std::this_thread::sleep_for(moment);
  if (place == kElsewhere) return true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (shared.place.load() != place)
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

// Waits until so many recordings have begun.
void wait_for_begun(const Shared& shared, std::uint64_t wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (shared.begun.load() < wanted && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

struct Scenario {
  void (*record)(Shared& shared, const std::string& records, unsigned seed);
  CheckEvents check;
  bool many;
};
constexpr Scenario kOne = {record_until_killed, check_one, false};
constexpr Scenario kMany = {record_many_until_killed, check_many, true};

// The moments of death: while they begin, and when all have.
void wait_for_death(const Shared& shared, const Scenario& scenario, std::uint64_t kill,
                    std::mt19937& random) {
  if (!scenario.many) {
    wait_for(shared, static_cast<Place>(kill % kPlaces), random);
    return;
  }
  wait_for_begun(shared, kill % 3 == 0 ? random() % kAtOnce : kAtOnce);
  wait_for(shared, kill % 2 == 0 ? kElsewhere : kWrite, random);
}

int kill_and_look(const Scenario& scenario, std::uint64_t kills, unsigned seed) {
  std::mt19937 random(seed);
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  Totals totals;
  const std::filesystem::path base =
      std::filesystem::temp_directory_path() / fmt::format("agdb-kill-{}", getpid());
  for (std::uint64_t i = 0; i < kills; ++i) {
    auto* shared = new (memory) Shared;
    const std::string records = (base / std::to_string(i)).string();
    std::filesystem::create_directories(records);
    const auto child_seed = static_cast<unsigned>(random());
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) scenario.record(*shared, records, child_seed);
    wait_for_death(*shared, scenario, i, random);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ++totals.died[static_cast<std::size_t>(shared->place.load())];
    const std::uint64_t failures = totals.failures;
    Inspection(*shared, scenario.check, totals).look_at_all(records);
    if (totals.failures == failures) std::filesystem::remove_all(records);
  }
  munmap(memory, sizeof(Shared));
  fmt::print("{} kills:", kills);
  for (std::size_t place = 0; place < kPlaces; ++place)
    fmt::print(" {} {}{}", totals.died[place], kPlaceNames[place],
               place + 1 < kPlaces ? "," : "\n");
  fmt::print(
      "{} recordings, {} of them interrupted and {} not begun; {} events, {} of them beyond what "
      "a write had returned for\n{} failures\n",
      totals.recordings, totals.interrupted, totals.unborn, totals.events, totals.beyond,
      totals.failures);
  if (totals.failures == 0) {
    std::filesystem::remove_all(base);
    return 0;
  }
  fmt::print("what failed is in {} (seed {})\n", base.string(), seed);
  return 1;
}

}  // namespace
}  // namespace agdb

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc < 3 || argc > 4 || (what != "one" && what != "many")) {
    std::fputs("usage: agdb_kill one|many KILLS [SEED]\n", stderr);
    return 2;
  }
  const auto seed = argc == 4 ? static_cast<unsigned>(std::stoul(argv[3])) : std::random_device()();
  return agdb::kill_and_look(what == "one" ? agdb::kOne : agdb::kMany, std::stoull(argv[2]), seed);
}
