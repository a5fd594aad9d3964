#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "debug/record/event_line.h"
#include "debug/record/file.h"
#include "debug/record/metadata.h"
#include "debug/trace/perfetto.h"
#include "debug/trace/recorded_trace.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

// A step is 13 events and about 5 KB, as in the sessions that coding agents leave.
constexpr std::uint64_t kSteps = 100'000;
constexpr int kTurns = 3;
constexpr double kMega = 1e6;

// The recording of an agent that reads files, one a step.
class AgentRecording {
 public:
  AgentRecording() {
    folder_ = (std::filesystem::temp_directory_path() / fmt::format("agdb-bench-{}/1-1", getpid()))
                  .string();
    std::filesystem::create_directories(folder_);
    std::ofstream events(folder_ + "/events.jsonl", std::ios::binary);
    call("Open", Json::object({{"flags", 2}, {"path", "/dev/llm/acme"}}), "FD(3)", 0);
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      add_step(static_cast<std::int64_t>(step));
      if (text_.size() < (1u << 20)) continue;
      bytes_ += text_.size();
      events << text_;
      text_.clear();
    }
    bytes_ += text_.size();
    events << text_;
    events.close();
    describe();
  }
  ~AgentRecording() { std::filesystem::remove_all(std::filesystem::path(folder_).parent_path()); }
  AgentRecording(const AgentRecording&) = delete;
  AgentRecording& operator=(const AgentRecording&) = delete;

  const std::string& folder() const { return folder_; }
  std::uint64_t events() const { return n_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  LineHead head() {
    ++n_;
    return {SeqNum{n_}, n_, at_, Pid{1}};
  }
  void call(const char* name, Json args, Json result, std::int64_t milliseconds) {
    append_line(text_, head(),
                Syscall{.name = name,
                        .args = std::move(args),
                        .result = std::move(result),
                        .err = {},
                        .duration = std::chrono::milliseconds(milliseconds)});
  }
  void snapshot(std::string_view role, std::string_view content) {
    std::string message;
    append_json(message, Message{.role = std::string(role), .content = std::string(content)});
    SnapshotText delta;
    delta.kind = ContextSnapshot::Kind::kDelta;
    delta.ctx_id = CtxId{1};
    delta.base = SeqNum{n_};
    delta.keep = n_;
    delta.messages = message;
    delta.tokens = static_cast<std::int64_t>(n_);
    append_line(text_, head(), delta);
  }
  void add_step(std::int64_t step) {
    static const std::string kText(700, 'x');
    const std::string id = fmt::format("call_{}", step);
    const Json path = Json::object({{"path", fmt::format("src/module_{}/main.cc", step % 97)}});
    call("CtxRead", Json::object({{"cid", 1}, {"op", "BuildPrompt"}}), 12, 0);
    call("Write", Json::object({{"fd", 3}, {"model", "acme-large"}, {"size", 4000}}), 4000, 0);
    call("Read", Json::object({{"fd", 3}, {"length", 65536}}), Json::object({{"bytes", 700}}), 900);
    LlmResponse response;
    response.model = "acme-large";
    response.request_tokens = 4000;
    response.response_tokens = 180;
    response.content = kText;
    response.tool_calls = {{id, "read_file", path}};
    response.stop_reason = "tool_calls";
    response.cache_read_tokens = 3500;
    response.request_setup = std::chrono::milliseconds(40);
    response.time_to_first_token = std::chrono::milliseconds(300);
    response.time_to_last_token = std::chrono::milliseconds(900);
    append_line(text_, head(), response);
    at_ += std::chrono::milliseconds(900);
    call("CtxWrite", Json::object({{"cid", 1}, {"op", "AppendMessage"}, {"role", "assistant"}}),
         nullptr, 0);
    snapshot("assistant", kText);
    call("Open", Json::object({{"flags", 2}, {"path", "/dev/tool/read_file"}}), "FD(4)", 0);
    const std::string arguments = dump(path);
    call("Write", Json::object({{"data", arguments}, {"fd", 4}, {"size", arguments.size()}}),
         arguments.size(), 0);
    call("Read", Json::object({{"fd", 4}, {"length", 65536}}),
         Json::object({{"bytes", kText.size()}, {"data", kText}}), 50);
    at_ += std::chrono::milliseconds(50);
    call("Close", Json::object({{"fd", 4}}), nullptr, 0);
    call("CtxWrite", Json::object({{"cid", 1}, {"op", "AppendToolResult"}, {"tool", "read_file"}}),
         nullptr, 0);
    snapshot("tool", kText);
    call("ReasonStep",
         Json::object({{"action", "tool_call"}, {"step", step}, {"tool", "read_file"}}), kText, 0);
  }
  void describe() {
    RecordingMetadata metadata;
    metadata.record_id = "1-1";
    metadata.pid = Pid{1};
    metadata.intent = "read everything";
    metadata.run_id = "bench";
    metadata.start_time = WallTime(std::chrono::seconds(1));
    metadata.end_time = WallTime(std::chrono::seconds(9));
    metadata.event_count = n_;
    metadata.status = kStatusCompleted;
    metadata.format_version = kFormatVersion;
    FileSystem files;
    if (!write_metadata(files, folder_, metadata, Persist::kNothing))
      fmt::print("  the recording could not be described\n");
    // So that making the index is not part of what is measured.
    if (!Recording::open(folder_)) fmt::print("  the recording cannot be opened\n");
  }

  std::string folder_;
  std::string text_;
  std::uint64_t n_ = 0;
  std::uint64_t bytes_ = 0;
  Nanoseconds at_{0};
};

class CountedSpans final : public TraceSink {
 public:
  void on_span(const Span&) override { ++spans_; }
  std::uint64_t spans() const { return spans_; }

 private:
  std::uint64_t spans_ = 0;
};

// Nothing when something was not as it must be.
double seconds_to_derive(const AgentRecording& made) {
  const std::int64_t began = now();
  CountedSpans spans;
  const Result<RecordedRun> run = RecordedRun::only(made.folder());
  const Result<DerivedCounts> counts = run ? run->derive(spans) : std::unexpected(run.error());
  // A step with its call, three phases and a tool.
  const bool good = counts && counts->events == made.events() && spans.spans() == 6 * kSteps + 1;
  if (!good) fmt::print("  the spans are not those that were made\n");
  return static_cast<double>(now() - began) / 1e9;
}

double seconds_to_export(const AgentRecording& made, std::uint64_t& written) {
  const std::int64_t began = now();
  written = 0;
  PerfettoExport file([&](std::string_view piece) {
    written += piece.size();
    return Status();
  });
  const Result<RecordedRun> run = RecordedRun::only(made.folder());
  const bool good = run && run->derive(file) && file.finish();
  if (!good) fmt::print("  the export failed\n");
  return static_cast<double>(now() - began) / 1e9;
}

// Of a process that does nothing else.
double peak_megabytes(const AgentRecording& made) {
  const pid_t child = fork();
  if (child == 0) {
    std::uint64_t written = 0;
    seconds_to_export(made, written);
    _exit(0);
  }
  struct rusage usage{};
  int status = 0;
  wait4(child, &status, 0, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

void bench_trace_export() {
  print_title("spans from a recording, and a file for Perfetto");
  const AgentRecording made;
  const auto events = static_cast<double>(made.events());
  const auto bytes = static_cast<double>(made.bytes());
  print({fmt::format("{:.1f} M events, bytes of each", events / kMega), bytes / events, "B"});
  const double peak = peak_megabytes(made);
  std::vector<double> derived;
  std::vector<double> exported;
  std::uint64_t written = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    derived.push_back(seconds_to_derive(made));
    exported.push_back(seconds_to_export(made, written));
  }
  const double rate = events / median(derived) / kMega;
  print({"derive spans", rate, "M events/s", ">= 1", rate >= 1});
  print({"  of text", bytes / median(derived) / kMega, "MB/s"});
  const double speed = bytes / median(exported) / kMega;
  print({"export for Perfetto, of text", speed, "MB/s", ">= 300", speed >= 300});
  print({"  written", static_cast<double>(written) / median(exported) / kMega, "MB/s"});
  print({"  peak memory", peak, "MiB", "<= 128", peak <= 128});
}

}  // namespace agdb::bench
