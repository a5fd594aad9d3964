// The store of runs, against the same rows through SQLite's own calls and at a million traces.

#include <fmt/format.h>
#include <sqlite3.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "debug/store/search_text.h"
#include "debug/store/trace_store.h"
#include "runtime/events/json.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

constexpr std::size_t kTraces = 1'000'000;
constexpr std::size_t kPerTurn = 10'000;  // rows that each way inserts in a turn
constexpr std::size_t kBatch = 1000;
constexpr int kTurns = 5;
constexpr int kAsked = 400;                     // times each question is asked
constexpr std::int64_t kNow = 1'700'000'000;    // unix seconds
constexpr std::int64_t kSpan = 30 * 24 * 3600;  // the traces are of a month

class FixedClock final : public Clock {
 public:
  Nanoseconds now() const override { return Nanoseconds(0); }
  WallTime wall() const override { return WallTime(std::chrono::seconds(kNow)); }
};

void must(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

template <typename T>
T value(Result<T> result) {
  must(result.has_value(), result ? "" : result.error().message);
  return *std::move(result);
}

std::string temp_folder() {
  std::string folder = (std::filesystem::temp_directory_path() / "agdb-bench-XXXXXX").string();
  must(::mkdtemp(folder.data()) != nullptr, "no temporary folder");
  return folder;
}

// About 300 bytes a trace: 200 flows of which few are most, one run in fifty fails, latencies from
// 20 ms to minutes.
class Traces {
 public:
  RunTrace next() {
    static constexpr std::array kVerbs = {"deploy", "review", "summarise", "translate", "fix"};
    static constexpr std::array kThings = {"the quarterly report", "a flaky test", "the docs site",
                                           "customer mail", "the billing service"};
    RunTrace run;
    const std::size_t flow = std::min(random_() % 200, random_() % 200);
    run.flow_name = fmt::format("{} {} {}", kVerbs[flow % 5], kThings[flow / 5 % 5], flow);
    const std::uint64_t luck = random_() % 100;
    run.status = luck < 94   ? RunStatus::kSuccess
                 : luck < 96 ? RunStatus::kFailed
                 : luck < 99 ? RunStatus::kPartial
                             : RunStatus::kTimeout;
    run.errors = run.status == RunStatus::kSuccess ? 0 : 1 + static_cast<std::int64_t>(luck % 3);
    run.latency_ms = 20 + static_cast<std::int64_t>(random_() % (1u << (5 + random_() % 13)));
    run.steps_executed = 1 + static_cast<std::int64_t>(random_() % 40);
    run.tokens_input = static_cast<std::int64_t>(random_() % 100'000);
    run.tokens_output = static_cast<std::int64_t>(random_() % 5'000);
    run.timestamp = kNow - kSpan + static_cast<std::int64_t>(made_ * kSpan / kTraces);
    run.source_file = fmt::format("agent-{}.json", flow % 40);
    run.backend = flow % 2 == 0 ? "scripted/m-large" : "scripted/m-small";
    run.client_key = fmt::format("client-{}", random_() % 500);
    run.record_id = fmt::format("{}-{}", made_ + 1, run.timestamp);
    run.run_id = fmt::format("{:032x}", made_);
    run.trace_id = fmt::format("{:032x}", made_ * 7919);
    if (run.errors > 0)
      run.events.push_back({"error", run.latency_ms / 2, "read_file",
                            fmt::format("no such file: notes-{}.md", random_() % 50'000)});
    ++made_;
    return run;
  }

 private:
  std::mt19937_64 random_{20260321};
  std::size_t made_ = 0;
};

// The same rows, made ready, through SQLite's own calls: same tables, indexes and full-text index,
// same durability, but none of the sums.
class RawInserts {
 public:
  explicit RawInserts(const std::string& path) {
    must(sqlite3_open(path.c_str(), &connection_) == SQLITE_OK, "open");
    must(sqlite3_exec(connection_, "PRAGMA synchronous = FULL; PRAGMA cache_size = -16000", nullptr,
                      nullptr, nullptr) == SQLITE_OK,
         "pragma");
    run_ = prepare("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    events_ = prepare("INSERT INTO run_events VALUES (?,?)");
    text_ = prepare("INSERT INTO run_text (rowid, text) VALUES (?,?)");
  }
  ~RawInserts() {
    for (sqlite3_stmt* each : {run_, events_, text_}) sqlite3_finalize(each);
    sqlite3_close(connection_);
  }
  RawInserts(const RawInserts&) = delete;
  RawInserts& operator=(const RawInserts&) = delete;

  struct Row {
    RunTrace run;
    std::string events;
    std::string text;
  };
  static Row ready(RunTrace run) {
    Json events = Json::array();
    for (const RunEvent& event : run.events) {
      Json::Array row = {event.event_type, event.offset_ms, event.step_name, event.detail};
      events.push_back(std::move(row));
    }
    Row row{.run = {}, .events = dump(events), .text = searchable_text(run)};
    row.run = std::move(run);
    return row;
  }

  void insert(const std::vector<Row>& rows, std::size_t from, std::size_t to) {
    execute("BEGIN IMMEDIATE");
    for (std::size_t i = from; i < to; ++i) insert(rows[i]);
    execute("COMMIT");
  }

 private:
  void insert(const Row& row) {
    const RunTrace& run = row.run;
    const std::int64_t id = ++last_id_;
    at_ = 0;
    number(id).number(run.timestamp).text(run_status_name(run.status)).number(run.steps_executed);
    number(run.latency_ms).number(std::bit_width(static_cast<std::uint64_t>(run.latency_ms)));
    number(run.tokens_input).number(run.tokens_output).number(run.anchor_checks);
    number(run.anchor_breaches).number(run.errors).number(run.retries).number(0);
    number(static_cast<std::int64_t>(run.events.size())).text(run.flow_name).text(run.client_key);
    text(run.backend).text(run.source_file).text(run.correlation_id).text(run.record_id);
    text(run.run_id).text(run.trace_id);
    step(run_);
    if (!run.events.empty()) insert_text(events_, id, row.events);
    insert_text(text_, id, row.text);
  }
  RawInserts& number(std::int64_t number) {
    sqlite3_bind_int64(run_, ++at_, number);
    return *this;
  }
  RawInserts& text(std::string_view text) {
    sqlite3_bind_text(run_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    return *this;
  }
  void insert_text(sqlite3_stmt* into, std::int64_t id, const std::string& text) {
    sqlite3_bind_int64(into, 1, id);
    sqlite3_bind_text(into, 2, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    step(into);
  }
  void step(sqlite3_stmt* statement) {
    must(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(connection_));
    sqlite3_reset(statement);
  }
  void execute(const char* sql) {
    must(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) == SQLITE_OK,
         sqlite3_errmsg(connection_));
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    must(sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr) == SQLITE_OK,
         sqlite3_errmsg(connection_));
    return statement;
  }

  sqlite3* connection_ = nullptr;
  sqlite3_stmt* run_ = nullptr;
  sqlite3_stmt* events_ = nullptr;
  sqlite3_stmt* text_ = nullptr;
  std::int64_t last_id_ = 0;
  int at_ = 0;
};

// What this thread has had of a processor, in nanoseconds: others that want one do not count, and
// nothing is read from the disk.
std::int64_t cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

double rate(std::size_t rows, std::int64_t nanoseconds) {
  return static_cast<double>(rows) * 1e9 / static_cast<double>(nanoseconds);
}

void compare_inserts(const std::string& folder) {
  const FixedClock clock;
  TraceStore store = value(TraceStore::open(folder + "/ours.db", clock));
  // Makes the tables.
  static_cast<void>(value(TraceStore::open(folder + "/raw.db", clock)));
  RawInserts raw(folder + "/raw.db");
  Traces traces;
  std::vector<double> ours_rates;
  std::vector<double> raw_rates;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::vector<RunTrace> runs;
    std::vector<RawInserts::Row> rows;
    for (std::size_t i = 0; i < kPerTurn; ++i) {
      runs.push_back(traces.next());
      rows.push_back(RawInserts::ready(runs.back()));
    }
    const auto insert_ours = [&] {
      const std::int64_t begin = now();
      for (std::size_t i = 0; i < kPerTurn; i += kBatch)
        value(store.record_all(std::span(runs).subspan(i, kBatch)));
      ours_rates.push_back(rate(kPerTurn, now() - begin));
    };
    const auto insert_raw = [&] {
      const std::int64_t begin = now();
      for (std::size_t i = 0; i < kPerTurn; i += kBatch) raw.insert(rows, i, i + kBatch);
      raw_rates.push_back(rate(kPerTurn, now() - begin));
    };
    if (turn % 2 == 0) insert_raw();
    insert_ours();
    if (turn % 2 != 0) insert_raw();
  }
  const double ratio = median(ours_rates) / median(raw_rates);
  print({"SQLite's own calls, batches of 1,000", median(raw_rates) / 1000, "k/s"});
  print({"record_all, batches of 1,000", median(ours_rates) / 1000, "k/s"});
  print({"record_all against SQLite's own calls", ratio, "x", ">= 0.85", ratio >= 0.85});
}

// The 99th percentile of one question's time, in milliseconds.
void ask(const std::string& what, double limit_ms, const std::function<void(int)>& question,
         int times = kAsked) {
  question(0);
  std::vector<double> each;
  for (int i = 0; i < times; ++i) {
    const std::int64_t begin = cpu_time();
    question(i);
    each.push_back(static_cast<double>(cpu_time() - begin) / 1e6);
  }
  const double p99 = percentile(each, 99);
  print({what + ", p50", percentile(each, 50), "ms"});
  print({what + ", p99", p99, "ms", fmt::format("<= {}", limit_ms), p99 <= limit_ms});
}

void ask_lists(const TraceStore& store) {
  constexpr double kLimit = 0.5;
  const auto list = [&](const std::string& what, const RunFilter& filter) {
    must(!value(store.recent({.limit = 50}, filter)).empty(), what + ": nothing found");
    ask("newest 50, " + what, kLimit, [&](int) { value(store.recent({.limit = 50}, filter)); });
  };
  const std::string flow = value(store.stats()).top_flows.front().flow_name;
  list("no filter", {});
  list("status", {.status = RunStatus::kTimeout});
  list("flow", {.flow_name = flow});
  list("client", {.client_key = "client-17"});
  list("errors", {.has_errors = true});
  list("latency", {.min_latency_ms = 120'000});
  list("flow and status", {.flow_name = flow, .status = RunStatus::kFailed});
  list("client and errors", {.client_key = "client-17", .has_errors = true});
  ask("page of 50 in the middle", kLimit, [&](int i) {
    value(store.recent({.limit = 50, .before = StoredId{500'000u + unsigned(i)}}));
  });
}

// What each of the steps takes that put the index of texts in order, and all of them together.
void tidy(TraceStore& store) {
  std::vector<double> steps;
  for (bool more = true; more;) {
    const std::int64_t begin = cpu_time();
    more = value(store.tidy());
    steps.push_back(static_cast<double>(cpu_time() - begin) / 1e6);
  }
  must(steps.size() > 1, "nothing to tidy");
  print({"steps of tidying", static_cast<double>(steps.size()), ""});
  print({"a step of tidying, p50", percentile(steps, 50), "ms"});
  print({"a step of tidying, the longest", *std::ranges::max_element(steps), "ms"});
}

void ask_all(const TraceStore& store) {
  ask("get", 0.1, [&](int i) {
    value(store.get(StoredId{1 + static_cast<std::uint64_t>(i) * 7919 % kTraces}));
  });
  ask_lists(store);
  ask("search, common text", 0.5, [&](int) { value(store.search("flaky test", {})); });
  ask("search, rare text", 0.5,
      [&](int i) { value(store.search(fmt::format("notes-{}.md", 100 + i * 101 % 40'000), {})); });
  ask("search, text of nobody", 0.5, [&](int) { value(store.search("xyzzy", {})); });
  ask(
      "search, trigrams of many and text of nobody", 100,
      [&](int) { value(store.search("flaky report", {})); }, 40);
  ask("stats", 1, [&](int) { value(store.stats()); });
  ask("aggregate over everything", 100, [&](int) { value(store.aggregate(0)); }, 15);
  ask("aggregate over 24 h", 20, [&](int) { value(store.aggregate(24 * 3600)); }, 200);
}

}  // namespace

void bench_store() {
  print_title("store: traces of runs");
  const std::string folder = temp_folder();
  compare_inserts(folder);
  const FixedClock clock;
  {
    TraceStore store = value(TraceStore::open(folder + "/million.db", clock));
    Traces traces;
    const std::int64_t begin = now();
    for (std::size_t i = 0; i < kTraces; i += kPerTurn) {
      std::vector<RunTrace> runs;
      for (std::size_t j = 0; j < kPerTurn; ++j) runs.push_back(traces.next());
      value(store.record_all(runs));
    }
    print({"a million traces, batches of 10,000", rate(kTraces, now() - begin) / 1000, "k/s"});
    print({"size of the file",
           static_cast<double>(std::filesystem::file_size(folder + "/million.db")) / 1e6, "MB"});
    must(value(store.len()) == static_cast<std::int64_t>(kTraces), "some are missing");
    ask("search before tidying, common text", 0.5,
        [&](int) { value(store.search("flaky test", {})); });
    tidy(store);
    ask_all(store);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace agdb::bench
