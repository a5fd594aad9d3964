#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "debug/replay/screen_text.h"
#include "debug/runs/run_json.h"
#include "debug/store/export.h"
#include "runtime/events/duration.h"
#include "tools/agdb/command.h"
#include "tools/agdb/masked_note.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/run_filter.h"
#include "tools/agdb/run_store.h"
#include "tools/agdb/run_text.h"

namespace agdb {
namespace {

struct StatsArguments {
  bool json = false;
};

std::string stats_text(const StoreStats& stats, const std::map<int, std::int64_t>& classes,
                       std::size_t width) {
  const RunSums& sums = stats.buffered;
  std::string text = fmt::format("runs      {} stored, {} recorded since the store began\n",
                                 sums.count, stats.total_recorded);
  std::string by_status;
  for (const auto& [status, count] : stats.by_status)
    by_status += fmt::format("{}{} {}", by_status.empty() ? "" : ", ", count, status);
  if (!by_status.empty()) text += "status    " + by_status + "\n";
  text += fmt::format("latency   {} on average, {} at most\n",
                      latency_text(static_cast<std::int64_t>(stats.avg_latency_ms())),
                      latency_text(sums.max_latency_ms));
  text += fmt::format("tokens    {} in, {} out\n", sums.tokens_input, sums.tokens_output);
  text += fmt::format("steps     {}\nerrors    {} in {}, {}\n", sums.steps, sums.errors,
                      plural(static_cast<std::uint64_t>(sums.with_errors), "run"),
                      plural(static_cast<std::uint64_t>(sums.retries), "retry", "retries"));
  if (sums.anchor_checks > 0)
    text += fmt::format("checks    {}, {} failed\n", sums.anchor_checks, sums.anchor_breaches);
  if (!stats.top_flows.empty()) text += "\nFlows:\n";
  for (const FlowCount& flow : stats.top_flows)
    text += fmt::format("  {:>8}  {}\n", flow.count,
                        screen_line(flow.flow_name, width > 30 ? width - 12 : 60));
  if (!classes.empty()) text += "\nLatency:\n" + histogram_text(classes, width);
  return text;
}

Result<ExitCode> stats(const StatsArguments& arguments, Environment& env) {
  AGDB_TRY(const TraceStore store, open_store(env));
  AGDB_TRY(const StoreStats all, store.stats());
  AGDB_TRY(const auto classes, store.latency_histogram());
  if (arguments.json) {
    env.console->print_line(dump(stats_json(all, classes), {.sorted = false, .indent = 2}));
  } else {
    env.console->print(stats_text(all, classes, env.console->width()));
  }
  return ExitCode::kDone;
}

struct AggregateArguments {
  std::string window = "0";
  bool json = false;
};

std::string wrong_window(const std::string& word) {
  return parse_duration(word) ? "" : "expected a duration with its unit, as 24h, or 0 for all";
}

constexpr std::size_t kSlices = 48;

// How many runs began in each part of the window, the oldest first.
Result<std::vector<std::int64_t>> counts_over_time(const TraceStore& store, std::int64_t window,
                                                   std::int64_t now) {
  std::vector<std::int64_t> counts(kSlices);
  const RunFilter filter{.since = now - window};
  RunPage page{.limit = 1000};
  for (;;) {
    AGDB_TRY(const std::vector<RunSummary> runs, store.recent(page, filter));
    if (runs.empty()) return counts;
    page.before = runs.back().id;
    for (const RunSummary& run : runs) {
      const std::int64_t age = std::clamp<std::int64_t>(now - run.timestamp, 0, window - 1);
      const double share = static_cast<double>(age) / static_cast<double>(window);
      ++counts[kSlices - 1 - static_cast<std::size_t>(share * kSlices)];
    }
  }
}

std::string aggregate_text(const RunAggregate& sums, std::size_t width) {
  if (sums.count == 0) return "no runs\n";
  std::string text = fmt::format(
      "runs      {}, {:.1f} % with errors, {:.1f} steps on average, {} tokens\n"
      "latency   {} on average; {} at least, p50 {}, p95 {}, p99 {}, {} at most\n",
      sums.count, sums.error_rate * 100, sums.avg_steps, sums.total_tokens,
      latency_text(static_cast<std::int64_t>(sums.avg_latency_ms)),
      latency_text(sums.min_latency_ms), latency_text(sums.p50_latency_ms),
      latency_text(sums.p95_latency_ms), latency_text(sums.p99_latency_ms),
      latency_text(sums.max_latency_ms));
  text += fmt::format("\n{:>8} {:>8} {:>8}  FLOW\n", "RUNS", "ERRORS", "AVERAGE");
  for (const FlowAggregate& flow : sums.flows)
    text += fmt::format("{:>8} {:>8} {:>8}  {}\n", flow.count, flow.with_errors,
                        latency_text(static_cast<std::int64_t>(flow.avg_latency_ms)),
                        screen_line(flow.flow_name, width > 40 ? width - 28 : 60));
  return text;
}

Result<ExitCode> aggregate(const AggregateArguments& arguments, Environment& env) {
  AGDB_TRY(const Nanoseconds window, parse_duration(arguments.window));
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(window).count();
  AGDB_TRY(const TraceStore store, open_store(env));
  AGDB_TRY(const RunAggregate sums, store.aggregate(seconds));
  if (arguments.json) {
    env.console->print_line(dump(aggregate_json(sums), {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  std::string text;
  if (seconds > 0 && sums.count > 0) {
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(RealClock().wall()).time_since_epoch().count();
    AGDB_TRY(const std::vector<std::int64_t> counts, counts_over_time(store, seconds, now));
    text = fmt::format("{} ago [{}] now\n", arguments.window, sparkline(counts));
  }
  text += aggregate_text(sums, env.console->width());
  env.console->start_pager();
  env.console->print(text);
  return ExitCode::kDone;
}

struct ExportArguments {
  std::string format;
  std::string output;
  std::vector<std::string> filters;
  bool raw = false;
};

std::string wrong_format(const std::string& word) {
  const Result<ExportFormat> format = export_format_of(word);
  return format ? "" : format.error().message + "; " + format.error().hint;
}

// Into a file of the person's, or onto stdout.
Result<ExitCode> export_runs(const ExportArguments& arguments, Environment& env) {
  AGDB_TRY(const ExportFormat format, export_format_of(arguments.format));
  AGDB_TRY(const RunFilter filter, run_filter_of(arguments.filters));
  AGDB_TRY(const TraceStore store, open_store(env));
  MaskCounts masked;
  MaskCounts* const mask = arguments.raw ? nullptr : &masked;
  if (arguments.output.empty()) {
    const auto print = [&](std::string_view piece) {
      env.console->print(piece);
      return !env.console->reader_gone();
    };
    AGDB_CHECK_OK(export_traces(store, format, filter, print, mask));
    tell_masked(masked, env);
    return ExitCode::kDone;
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(arguments.output.c_str(), "we"),
      [](std::FILE* open) { return std::fclose(open); });
  const auto failed = [&] {
    return fail(Code::kIo,
                fmt::format("cannot write {}: {}", arguments.output, std::strerror(errno)));
  };
  if (!file) return failed();
  bool written = true;
  const auto write = [&](std::string_view piece) {
    written = std::fwrite(piece.data(), 1, piece.size(), file.get()) == piece.size();
    return written;
  };
  AGDB_CHECK_OK(export_traces(store, format, filter, write, mask));
  if (!written || std::fflush(file.get()) != 0) return failed();
  tell_masked(masked, env);
  return ExitCode::kDone;
}

}  // namespace

Runner declare_runs_stats(CommandLine& line) {
  auto arguments = std::make_shared<StatsArguments>();
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return stats(*arguments, env); };
}

Runner declare_runs_aggregate(CommandLine& line) {
  auto arguments = std::make_shared<AggregateArguments>();
  line.option("--window", "DURATION", arguments->window,
              "only runs that began so long ago at most, as 24h (default: all)")
      .check(wrong_window);
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return aggregate(*arguments, env); };
}

Runner declare_runs_export(CommandLine& line) {
  auto arguments = std::make_shared<ExportArguments>();
  line.option("--format", "F", arguments->format, "jsonl, csv or prometheus")
      .required()
      .check(wrong_format);
  line.option("-o,--output", "FILE", arguments->output, "write there (default: stdout)")
      .is(ValueKind::kFile);
  line.flag("--raw", arguments->raw, "leave secrets in texts as they are (default: masked)");
  add_run_filter(line, arguments->filters);
  return [arguments](Environment& env) { return export_runs(*arguments, env); };
}

}  // namespace agdb
