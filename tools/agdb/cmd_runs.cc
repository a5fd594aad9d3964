#include <fmt/format.h>

#include <memory>

#include "debug/replay/screen_text.h"
#include "debug/runs/run_json.h"
#include "debug/runs/run_list.h"
#include "tools/agdb/command.h"
#include "tools/agdb/local_time.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/run_filter.h"
#include "tools/agdb/run_store.h"
#include "tools/agdb/run_text.h"

namespace agdb {
namespace {

constexpr const char* kColumns = "id,time,status,steps,latency,tokens,errors,flow";

struct ListArguments {
  std::string text;  // of search
  std::vector<std::string> filters;
  std::uint64_t limit = 50;
  std::uint64_t before = 0;
  std::string sort = "id";
  std::string columns = kColumns;
  bool json = false;
};

void print_runs(const std::vector<RunSummary>& runs, const ListArguments& arguments,
                Environment& env) {
  Console& console = *env.console;
  if (arguments.json) {
    for (const RunSummary& run : runs) console.print_line(dump(run_json(run), {.sorted = false}));
    return;
  }
  const std::string text = run_table(runs, columns_of(arguments.columns), console.width());
  console.start_pager();
  console.print(text);
}

Result<ExitCode> list(const ListArguments& arguments, Environment& env) {
  AGDB_TRY(const RunFilter filter, run_filter_of(arguments.filters));
  AGDB_TRY(const TraceStore store, open_store(env));
  const RunPage page{.limit = arguments.limit, .before = StoredId{arguments.before}};
  AGDB_TRY(const std::vector<RunSummary> runs,
           list_sorted(store, page, filter, *run_sort_of(arguments.sort)));
  if (runs.empty() && !arguments.json) {
    AGDB_TRY(const std::int64_t stored, store.len());
    env.console->note(stored == 0
                          ? fmt::format("no runs in {}; `agdb run SCRIPT --record`, `agdb import "
                                        "FILE` and `agdb runs rebuild` bring some",
                                        store.path())
                          : "no run is as the filter says");
    return ExitCode::kDone;
  }
  print_runs(runs, arguments, env);
  if (arguments.sort == "id" && runs.size() == arguments.limit && !runs.empty() && !arguments.json)
    env.console->note(fmt::format("older ones: --before {}", raw(runs.back().id)));
  return ExitCode::kDone;
}

Result<ExitCode> search(const ListArguments& arguments, Environment& env) {
  AGDB_TRY(const RunFilter filter, run_filter_of(arguments.filters));
  AGDB_TRY(const TraceStore store, open_store(env));
  const RunPage page{.limit = arguments.limit, .before = StoredId{arguments.before}};
  AGDB_TRY(const std::vector<RunSummary> runs, store.search(arguments.text, page, filter));
  if (runs.empty() && !arguments.json) {
    env.console->note(fmt::format("\"{}\" is in no run", arguments.text));
    return ExitCode::kDone;
  }
  print_runs(runs, arguments, env);
  return ExitCode::kDone;
}

std::string local(std::int64_t unix_seconds) {
  return local_time(WallTime(std::chrono::seconds(unix_seconds)));
}

void add_line(std::string& text, std::string_view name, const std::string& value) {
  if (!value.empty()) text += fmt::format("{:<13}{}\n", name, screen_line(value));
}

std::string run_text(const RunTrace& run, std::size_t width) {
  std::string text = fmt::format("Run {}: {}\n", raw(run.id), screen_line(run.flow_name));
  add_line(text, "status", std::string(run_status_name(run.status)));
  add_line(text, "time", local(run.timestamp));
  add_line(text, "latency", latency_text(run.latency_ms));
  add_line(text, "steps", fmt::format("{}", run.steps_executed));
  add_line(text, "tokens", fmt::format("{} in, {} out", run.tokens_input, run.tokens_output));
  add_line(text, "errors",
           fmt::format("{}, {}", run.errors,
                       plural(static_cast<std::uint64_t>(run.retries), "retry", "retries")));
  if (run.anchor_checks > 0)
    add_line(text, "checks", fmt::format("{}, {} failed", run.anchor_checks, run.anchor_breaches));
  add_line(text, "backend", run.backend);
  add_line(text, "source", run.source_file);
  add_line(text, "client", run.client_key);
  if (raw(run.replay_of) != 0) add_line(text, "replay of", fmt::format("{}", raw(run.replay_of)));
  add_line(text, "correlation", run.correlation_id);
  add_line(text, "recording", run.record_id);
  add_line(text, "run id", run.run_id);
  add_line(text, "trace", run.trace_id);
  if (!run.events.empty()) text += "\nEvents:\n";
  for (const RunEvent& event : run.events) {
    const std::string head = fmt::format("  {:>8}  {:<6} ", latency_text(event.offset_ms),
                                         screen_line(event.event_type, 20));
    const std::string step = event.step_name.empty() ? "" : event.step_name + ": ";
    text += head + screen_line(step + event.detail, width > head.size() ? width - head.size() : 0) +
            "\n";
  }
  if (!run.annotations.empty()) text += "\nAnnotations:\n";
  for (const RunAnnotation& annotation : run.annotations) {
    text += fmt::format("  {}  {}: {}", local(annotation.timestamp), screen_line(annotation.author),
                        screen_line(annotation.text));
    for (const std::string& tag : annotation.tags) text += " #" + screen_line(tag);
    text += "\n";
  }
  return text;
}

struct ShowArguments {
  std::string id;
  bool json = false;
};

Result<ExitCode> show(const ShowArguments& arguments, Environment& env) {
  AGDB_TRY(const TraceStore store, open_store(env));
  AGDB_TRY(const StoredId id, stored_id_of(arguments.id, store));
  AGDB_TRY(const RunTrace run, store.get(id));
  if (arguments.json) {
    env.console->print_line(dump(run_json(run), {.sorted = false, .indent = 2}));
  } else {
    env.console->print(run_text(run, env.console->width()));
  }
  return ExitCode::kDone;
}

void add_list_options(CommandLine& line, ListArguments& arguments) {
  add_run_filter(line, arguments.filters);
  line.option("-n,--limit", "N", arguments.limit, "at most so many (default 50)")
      .between(1, 1'000'000);
  line.option("--before", "ID", arguments.before, "only runs with smaller numbers: the next page");
  line.option(
          "--columns", "LIST", arguments.columns,
          "id, time, status, steps, latency, tokens, in, out, errors, retries, events, backend, "
          "source, client, record, correlation, flow; with commas between")
      .check(wrong_columns);
  line.flag("--json", arguments.json, "one JSON object a line");
}

Runner declare_list_runs(CommandLine& line) {
  auto arguments = std::make_shared<ListArguments>();
  add_list_options(line, *arguments);
  line.option("--sort", "KEY", arguments->sort, "the greatest first (default: id, the newest)")
      .one_of(run_sort_names());
  return [arguments](Environment& env) { return list(*arguments, env); };
}

Runner declare_search_runs(CommandLine& line) {
  auto arguments = std::make_shared<ListArguments>();
  line.argument("TEXT", arguments->text,
                "any part of a flow, source, backend, client, step, detail, annotation or tag; in "
                "any case")
      .required();
  add_list_options(line, *arguments);
  return [arguments](Environment& env) { return search(*arguments, env); };
}

Runner declare_show_run(CommandLine& line) {
  auto arguments = std::make_shared<ShowArguments>();
  line.argument("ID", arguments->id, "a run's number, or @ for the newest").required();
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return show(*arguments, env); };
}

}  // namespace

Runner declare_runs(CommandLine& line) {
  static const std::vector<Command> kCommands = {
      {"", "list", "runs, the newest first",
       "agdb runs list\n"
       "agdb runs list -e status=failed -e since=24h\n"
       "agdb runs list --sort tokens -n 10 --columns id,tokens,backend,flow",
       declare_list_runs},
      {"", "show", "one run in full", "agdb runs show @", declare_show_run},
      {"", "search", "runs that contain a text", "agdb runs search 'no such file'",
       declare_search_runs},
      {"", "stats", "sums over all runs, and how long they took",
       "agdb runs stats\nagdb runs stats --json", declare_runs_stats},
      {"", "aggregate", "rates and percentiles of a window, by flow",
       "agdb runs aggregate\nagdb runs aggregate --window 24h", declare_runs_aggregate},
      {"", "annotate", "write something to runs", "agdb runs annotate @ 'too slow' --tag slow",
       declare_runs_annotate},
      {"", "correlate", "link the runs of one request, or list them",
       "agdb runs correlate request-17 @\nagdb runs correlate request-17", declare_runs_correlate},
      {"", "delete", "take runs out of the store; their recordings stay",
       "agdb runs delete @\nagdb runs delete -e status=failed -e until=720h", declare_runs_delete},
      {"", "export", "JSONL, CSV or Prometheus",
       "agdb runs export --format csv -o runs.csv\n"
       "agdb runs export --format jsonl -e since=24h\n"
       "agdb runs export --format prometheus",
       declare_runs_export},
      {"", "rebuild", "fill the store from the recordings", "agdb runs rebuild",
       declare_runs_rebuild},
  };
  return declare_commands(line, kCommands);
}

}  // namespace agdb
