#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "debug/trace/span_collector.h"
#include "debug/trace/span_file.h"
#include "debug/trace/span_line.h"
#include "debug/trace/span_tree.h"
#include "debug/trace/tree_text.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr int kTurns = 5;
constexpr int kSpans = 1'000'000;

double nanoseconds_each(std::int64_t began, int count) {
  return static_cast<double>(now() - began) / count;
}

void disabled() {
  constexpr int kCalls = 10'000'000;
  const RealClock clock;
  SpanCollector spans(clock);
  std::vector<double> times;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::int64_t began = now();
    for (int i = 0; i < kCalls; ++i) {
      keep(spans);
      SpanCollector::Id id = spans.start(SpanKind::kFnCall, "call");
      keep(id);
      spans.end(id);
    }
    times.push_back(nanoseconds_each(began, kCalls));
  }
  const double cost = median(times);
  print({"a span, not enabled", cost, "ns", "<= 2", cost <= 2});
}

void enabled() {
  constexpr int kCalls = 200'000;
  const RealClock clock;
  SpanCollector spans(clock);
  std::vector<double> times;
  for (int turn = 0; turn < kTurns; ++turn) {
    spans.enable();
    const std::int64_t began = now();
    for (int i = 0; i < kCalls / 2; ++i) {
      const SpanCollector::Id outer = spans.start(SpanKind::kStep, "step 12");
      const SpanCollector::Id inner = spans.start(SpanKind::kToolCall, "read_file");
      spans.end(inner);
      spans.end(outer);
    }
    times.push_back(nanoseconds_each(began, kCalls));
    if (spans.finished() != kCalls) fmt::print("  spans are missing\n");
  }
  const double cost = median(times);
  print({"a span, enabled", cost, "ns", "<= 200", cost <= 200});
}

// A run of one process: steps of a model call with two phases and six tools, children first.
std::string text_of_a_million() {
  std::string text;
  int written = 0;
  const auto add = [&](SpanKind kind, std::string name, int id, int parent, std::int64_t start,
                       std::int64_t duration) {
    Span span;
    span.trace_id = "0af7651916cd43dd8448eb211c80319c";
    span.span_id = fmt::format("{:016x}", id);
    if (parent != 0) span.parent_span_id = fmt::format("{:016x}", parent);
    span.pid = Pid{1};
    span.kind = kind;
    span.name = std::move(name);
    span.start = WallTime(Nanoseconds(1'772'964'000'000'000'000 + start));
    span.duration = Nanoseconds(duration);
    span.tokens_used = kind == SpanKind::kLlmCall ? 1200 : 0;
    span.attributes = Json::object({{"record_id", "1-1772964000"}, {"seq", id}});
    append_span_line(text, span);
    ++written;
  };
  for (int step = 1; written + 10 < kSpans; ++step) {
    const int id = step * 10;
    const std::int64_t start = step * std::int64_t{1'000'000};
    add(SpanKind::kPhase, "First Token", id + 2, id + 1, start + 1'000, 200'000);
    add(SpanKind::kPhase, "Sampling", id + 3, id + 1, start + 201'000, 300'000);
    add(SpanKind::kLlmCall, "claude-sonnet-4", id + 1, id, start + 500, 502'000);
    for (int tool = 4; tool < 10; ++tool)
      add(SpanKind::kToolCall, "read_file", id + tool, id, start + tool * 60'000 + 300'000, 50'000);
    add(SpanKind::kStep, fmt::format("step {}", step), id, 1, start, 950'000);
  }
  add(SpanKind::kProcess, "a long run", 1, 0, 0, kSpans * std::int64_t{100'000});
  while (written < kSpans) add(SpanKind::kResume, "resume", 100'000'000 + written, 1, 5, 0);
  return text;
}

class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "agdb_bench_XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) fmt::print("  no folder for the trace\n");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double seconds_since(std::int64_t began) {
  return static_cast<double>(now() - began) / 1e9;
}

void million() {
  const Folder folder;
  const std::string text = text_of_a_million();
  FileSystem files;
  const std::string path = folder.path() + "/t/spans.jsonl";
  if (!make_dirs(files, folder.path() + "/t") ||
      !replace_file(files, path, text, Persist::kNothing)) {
    fmt::print("  cannot write {}\n", path);
    return;
  }
  std::vector<double> reading;
  std::vector<double> building;
  std::vector<double> printing;
  std::vector<double> all;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::int64_t began = now();
    Result<SpanFileContent> content = read_spans(folder.path(), "t");
    if (!content || content->spans.size() != kSpans) fmt::print("  spans are missing\n");
    reading.push_back(seconds_since(began));
    const std::int64_t read = now();
    const std::optional<SpanTree> tree = SpanTree::build(std::move(content->spans));
    building.push_back(seconds_since(read));
    const std::int64_t built = now();
    std::string printed = tree_text(&*tree);
    keep(printed);
    printing.push_back(seconds_since(built));
    all.push_back(seconds_since(began));
  }
  print({"reading a million spans", median(reading), "s"});
  print({"  making the tree", median(building), "s"});
  print({"  printing it", median(printing), "s"});
  const double whole = median(all);
  print({"  all together", whole, "s", "<= 2", whole <= 2});
}

}  // namespace

void bench_trace() {
  print_title("Traces");
  disabled();
  enabled();
  million();
}

}  // namespace agdb::bench
