#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "debug/record/event_line.h"
#include "debug/record/event_scan.h"
#include "debug/record/file.h"
#include "debug/record/metadata.h"
#include "debug/record/reader.h"
#include "debug/record/verify.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr std::uint64_t kEvents = 2'000'000;
constexpr int kTurns = 5;

// A finished recording of so many calls of about 500 bytes, without an index.
class LargeRecording {
 public:
  explicit LargeRecording(bool own_order) {
    folder_ = (std::filesystem::temp_directory_path() /
               fmt::format("agdb-bench-{}{}/1-1", getpid(), own_order ? "" : "-any"))
                  .string();
    std::filesystem::create_directories(folder_);
    std::ofstream events(events_path(), std::ios::binary);
    std::string text;
    for (std::uint64_t i = 1; i <= kEvents; ++i) {
      if (own_order) {
        append_own(text, i);
      } else {
        append_any(text, i);
      }
      if (text.size() < (1u << 20)) continue;
      hasher_.update(text);
      events << text;
      text.clear();
    }
    hasher_.update(text);
    events << text;
    events.close();
    write_description();
  }
  ~LargeRecording() { std::filesystem::remove_all(std::filesystem::path(folder_).parent_path()); }
  LargeRecording(const LargeRecording&) = delete;
  LargeRecording& operator=(const LargeRecording&) = delete;

  const std::string& folder() const { return folder_; }
  std::string events_path() const { return folder_ + "/events.jsonl"; }
  void forget_index() const { std::filesystem::remove(folder_ + "/events.idx"); }

 private:
  static const std::string& data(std::uint64_t i) {
    static const std::vector<std::string> kTexts = [] {
      std::vector<std::string> texts;
      for (std::size_t size = 0; size < 64; ++size) texts.emplace_back(150 + size * 6, 'x');
      return texts;
    }();
    return kTexts[i * 31 % 64];
  }
  static void append_own(std::string& out, std::uint64_t i) {
    append_line(
        out, {static_cast<SeqNum>(i), i, Nanoseconds(static_cast<std::int64_t>(i) * 1000), Pid{1}},
        Syscall{.name = "Write",
                .args = Json::object({{"data", data(i)}, {"fd", 4}}),
                .result = data(i).size(),
                .err = {},
                .duration = Nanoseconds(900)});
  }
  static void append_any(std::string& out, std::uint64_t i) {
    fmt::format_to(std::back_inserter(out),
                   R"({{"syscall":{{"duration":900,"result":{},"args":{{"fd":4,"data":"{}"}},)"
                   R"("syscall":"Write"}},"n":{},"type":"syscall","pid":1,"seq_num":{},)"
                   R"("timestamp":{}}})"
                   "\n",
                   data(i).size(), data(i), i, i, i * 1000);
  }
  void write_description() {
    RecordingMetadata metadata;
    metadata.record_id = "1-1";
    metadata.pid = Pid{1};
    metadata.start_time = WallTime(std::chrono::seconds(1));
    metadata.end_time = WallTime(std::chrono::seconds(9));
    metadata.event_count = kEvents;
    metadata.status = kStatusCompleted;
    metadata.format_version = kFormatVersion;
    metadata.content_hash = hasher_.digest().hex();
    FileSystem files;
    if (!write_metadata(files, folder_, metadata, Persist::kNothing))
      fmt::print("  the recording could not be described\n");
  }

  std::string folder_;
  Hasher128 hasher_;
};

class Mapped {
 public:
  explicit Mapped(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY);
    struct stat status{};
    fstat(fd, &status);
    size_ = static_cast<std::size_t>(status.st_size);
    data_ = static_cast<const char*>(mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0));
    close(fd);
  }
  ~Mapped() { munmap(const_cast<char*>(data_), size_); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  std::string_view text() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

template <typename Work>
double median_seconds(const Work& work) {
  std::vector<double> times;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::int64_t began = now();
    work();
    times.push_back(static_cast<double>(now() - began) / 1e9);
  }
  return median(times);
}

double scan_seconds(const std::string& path) {
  return median_seconds([&] {
    const Mapped mapped(path);
    std::uint64_t lines = 0;
    const std::string_view text = mapped.text();
    const char* at = text.data();
    const char* const end = at + text.size();
    while ((at = static_cast<const char*>(memchr(at, '\n', static_cast<std::size_t>(end - at)))) !=
           nullptr) {
      ++lines;
      ++at;
    }
    if (lines != kEvents) fmt::print("  the scan found {} lines\n", lines);
  });
}

double index_seconds(const LargeRecording& recording) {
  return median_seconds([&] {
    recording.forget_index();
    const Result<Recording> opened = Recording::open(recording.folder());
    if (!opened || opened->size() != kEvents || !opened->notes().empty())
      fmt::print("  opening went wrong\n");
  });
}

// The system forgets what it has of the file, so that it comes from the disk again.
void forget_cached(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  fdatasync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

double read_seconds(const std::string& path) {
  std::string piece(1u << 20, '\0');
  const std::int64_t began = now();
  const int fd = open(path.c_str(), O_RDONLY);
  while (read(fd, piece.data(), piece.size()) > 0) continue;
  close(fd);
  return static_cast<double>(now() - began) / 1e9;
}

// From the disk, by turns.
void indexing_cold(const LargeRecording& recording) {
  const auto bytes = static_cast<double>(std::filesystem::file_size(recording.events_path()));
  std::vector<double> reading;
  std::vector<double> indexing;
  for (int turn = 0; turn < kTurns; ++turn) {
    forget_cached(recording.events_path());
    reading.push_back(read_seconds(recording.events_path()));
    forget_cached(recording.events_path());
    recording.forget_index();
    const std::int64_t began = now();
    if (!Recording::open(recording.folder())) fmt::print("  opening went wrong\n");
    indexing.push_back(static_cast<double>(now() - began) / 1e9);
  }
  print({"read(2) of the file from the disk", bytes / median(reading) / 1e9, "GB/s"});
  print({"making the index from the disk", bytes / median(indexing) / 1e9, "GB/s"});
  const double share = median(reading) / median(indexing);
  print({"  against read(2)", share, "x", ">= 0.9", share >= 0.9});
}

void indexing(const LargeRecording& recording, const char* what, double share_wanted) {
  const auto bytes = static_cast<double>(std::filesystem::file_size(recording.events_path()));
  const double scan = scan_seconds(recording.events_path());
  const double index = index_seconds(recording);
  print({fmt::format("newline scan of the mapped file, {}", what), bytes / scan / 1e9, "GB/s"});
  print({fmt::format("making the index, {}", what), bytes / index / 1e9, "GB/s"});
  print({"  against the scan", scan / index, "x", fmt::format(">= {}", share_wanted),
         scan / index >= share_wanted});
}

// Fetches one event after the other in an order that no cache foresees.
template <typename Fetch>
double fetch_nanoseconds(const Fetch& fetch) {
  std::mt19937_64 random(1);
  std::vector<double> times;
  for (int i = 0; i < 200'000; ++i) {
    const std::size_t index = random() % kEvents;
    const std::int64_t began = now();
    fetch(index);
    times.push_back(static_cast<double>(now() - began));
  }
  return median(times);
}

void fetching(const LargeRecording& large) {
  const double open_ms = median_seconds([&] {
                           const Result<Recording> opened = Recording::open(large.folder());
                           if (!opened) fmt::print("  opening went wrong\n");
                         }) *
                         1e3;
  print({"open, with a valid index", open_ms, "ms", "<= 5", open_ms <= 5});

  const Result<Recording> recording = Recording::open(large.folder());
  const Mapped mapped(large.events_path());
  const std::vector<std::string_view> lines = lines_of(mapped.text());
  std::string copy(1u << 16, '\0');
  const double memcpy_ns = fetch_nanoseconds([&](std::size_t i) {
    std::memcpy(copy.data(), lines[i].data(), lines[i].size());
    keep(copy);
  });
  const int file = open(large.events_path().c_str(), O_RDONLY);
  const double pread_ns = fetch_nanoseconds([&](std::size_t i) {
    const off_t at = lines[i].data() - mapped.text().data();
    if (pread(file, copy.data(), lines[i].size(), at) < 0) fmt::print("  reading went wrong\n");
  });
  close(file);
  std::string fetched;
  for (std::size_t i = 0; i < kEvents; i += 1000) {
    if (!recording->fetch(static_cast<SeqNum>(i + 1), fetched) || fetched != lines[i])
      fmt::print("  event {} is missing\n", i + 1);
  }
  const double fetch_ns = fetch_nanoseconds([&](std::size_t i) {
    const Result<EventEntry> entry = recording->fetch(static_cast<SeqNum>(i + 1), fetched);
    if (!entry) fmt::print("  event {} is missing\n", i + 1);
  });
  const double event_ns = fetch_nanoseconds([&](std::size_t i) {
    const Result<RecordedEvent> event = recording->event(static_cast<SeqNum>(i + 1));
    if (!event) fmt::print("  event {} is missing\n", i + 1);
  });
  print({"memcpy of a random line", memcpy_ns, "ns"});
  print({"pread of a random line", pread_ns, "ns"});
  print({"a random event's line, fetched, and what its head tells", fetch_ns, "ns"});
  print({"  against memcpy", fetch_ns / memcpy_ns, "x", "<= 2", fetch_ns / memcpy_ns <= 2});
  print({"a random event, fetched, as a value", event_ns, "ns"});

  simdjson::ondemand::parser parser;
  const double ondemand = median_seconds([&] {
    std::uint64_t sum = 0;
    for (const std::string_view line : lines) {
      simdjson::ondemand::document document;
      if (parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING)
              .get(document) != simdjson::SUCCESS)
        continue;
      sum += std::uint64_t(document["seq_num"]) + std::uint64_t(document["timestamp"]);
      sum += std::string_view(document["type"]).size();
    }
    keep(sum);
  });
  const double replay = median_seconds([&] {
    Result<EventScan> scan = EventScan::open(*recording);
    std::uint64_t sum = 0;
    while (scan->next()) {
      const EventEntry& entry = scan->entry();
      sum += raw(entry.seq_num) + static_cast<std::uint64_t>(entry.timestamp.count());
      sum += static_cast<std::uint64_t>(entry.type) + scan->line()->size();
    }
    keep(sum);
  });
  const double whole = median_seconds([&] {
    Result<EventScan> scan = EventScan::open(*recording);
    while (scan->next())
      if (!scan->event()) fmt::print("  an event is missing\n");
  });
  print({"simdjson on-demand, three fields of each line", kEvents / ondemand / 1e6, "M ev/s"});
  print({"sequential replay, three fields and the line of each", kEvents / replay / 1e6, "M ev/s"});
  print({"  against on-demand", ondemand / replay, "x", ">= 0.75", ondemand / replay >= 0.75});
  print({"sequential replay, whole events as values", kEvents / whole / 1e6, "M ev/s"});
}

void verifying(const LargeRecording& large) {
  const auto bytes = static_cast<double>(std::filesystem::file_size(large.events_path()));
  const double seconds = median_seconds([&] {
    const Result<VerifyReport> report = verify_recording(large.folder());
    if (!report || report->events != kEvents) fmt::print("  verification went wrong\n");
  });
  const double speed = bytes / seconds / 1e9;
  print({"verify", speed, "GB/s", ">= 1", speed >= 1});
}

}  // namespace

void bench_reading() {
  print_title(fmt::format("Reading a recording of {} events", kEvents));
  {
    const LargeRecording large(true);
    indexing(large, "our key order", 0.6);
    indexing_cold(large);
    fetching(large);
    verifying(large);
  }
  const LargeRecording any(false);
  indexing(any, "any key order", 0.2);
}

}  // namespace agdb::bench
