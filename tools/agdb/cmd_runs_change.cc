#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <memory>

#include "debug/runs/run_json.h"
#include "tools/agdb/command.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/run_filter.h"
#include "tools/agdb/run_store.h"
#include "tools/agdb/run_text.h"

namespace agdb {
namespace {

struct ChangeArguments {
  std::vector<std::string> ids;
  std::string text;
  std::string author;
  std::vector<std::string> tags;
  std::string correlation;
  std::vector<std::string> filters;
  bool json = false;
};

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? fmt::format("{}", ::geteuid()) : user->pw_name;
}

Result<std::vector<StoredId>> ids_of(const std::vector<std::string>& typed,
                                     const TraceStore& store) {
  std::vector<StoredId> ids;
  for (const std::string& each : typed) {
    AGDB_TRY(const StoredId id, stored_id_of(each, store));
    ids.push_back(id);
  }
  return ids;
}

// One that is missing among several: said by its number, and the others are done.
ExitCode tell_missing(const std::vector<StoredId>& ids, const TraceStore& store, Environment& env) {
  ExitCode code = ExitCode::kDone;
  for (const StoredId id : ids) {
    if (const Result<RunTrace> there = store.get(id); !there) {
      env.console->error(there.error());
      code = ExitCode::kFailed;
    }
  }
  return code;
}

ExitCode wrong_usage(std::string what, std::string example, Environment& env) {
  env.console->error({Code::kInvalid, std::move(what), std::move(example)});
  return ExitCode::kUsage;
}

Result<ExitCode> annotate(const ChangeArguments& arguments, Environment& env) {
  // The text is the last word: a run's number stands in front of it.
  std::vector<std::string> typed = arguments.ids;
  if (typed.size() < 2 || (typed.back().empty() && arguments.tags.empty()))
    return wrong_usage("a run and a text are needed", "agdb runs annotate @ 'too slow'", env);
  AGDB_TRY(TraceStore store, open_store(env));
  RunAnnotation annotation{.author = arguments.author.empty() ? user_name() : arguments.author,
                           .text = typed.back(),
                           .tags = arguments.tags};
  typed.pop_back();
  AGDB_TRY(const std::vector<StoredId> ids, ids_of(typed, store));
  AGDB_TRY(const std::size_t done, store.bulk_annotate(ids, annotation));
  env.console->note(fmt::format("{} annotated", plural(done, "run")));
  return tell_missing(ids, store, env);
}

Result<ExitCode> correlate(const ChangeArguments& arguments, Environment& env) {
  AGDB_TRY(TraceStore store, open_store(env));
  if (arguments.ids.empty()) {
    AGDB_TRY(const std::vector<RunSummary> runs, store.by_correlation(arguments.correlation));
    if (arguments.json) {
      for (const RunSummary& run : runs)
        env.console->print_line(dump(run_json(run), {.sorted = false}));
      return ExitCode::kDone;
    }
    if (runs.empty()) {
      env.console->note(fmt::format("no run belongs to \"{}\"", arguments.correlation));
      return ExitCode::kDone;
    }
    env.console->print(run_table(runs, {"id", "time", "status", "latency", "errors", "flow"},
                                 env.console->width()));
    return ExitCode::kDone;
  }
  AGDB_TRY(const std::vector<StoredId> ids, ids_of(arguments.ids, store));
  for (const StoredId id : ids) AGDB_CHECK_OK(store.set_correlation(id, arguments.correlation));
  env.console->note(
      fmt::format("{} linked by {}", plural(ids.size(), "run"), arguments.correlation));
  return ExitCode::kDone;
}

// All that a filter finds, a page at a time.
Result<std::size_t> delete_matching(TraceStore& store, const RunFilter& filter) {
  std::size_t gone = 0;
  for (;;) {
    AGDB_TRY(const std::vector<RunSummary> runs, store.recent({.limit = 1000}, filter));
    if (runs.empty()) return gone;
    std::vector<StoredId> ids;
    for (const RunSummary& run : runs) ids.push_back(run.id);
    AGDB_TRY(const std::size_t done, store.bulk_delete(ids));
    gone += done;
  }
}

Result<ExitCode> remove(const ChangeArguments& arguments, Environment& env) {
  if (arguments.ids.empty() == arguments.filters.empty())
    return wrong_usage("which runs to delete: numbers or -e EXPR, one of both",
                       "agdb runs delete 7, or agdb runs delete -e until=720h", env);
  AGDB_TRY(TraceStore store, open_store(env));
  if (!arguments.filters.empty()) {
    AGDB_TRY(const RunFilter filter, run_filter_of(arguments.filters));
    AGDB_TRY(const std::size_t gone, delete_matching(store, filter));
    env.console->note(fmt::format("{} deleted", plural(gone, "run")));
    return ExitCode::kDone;
  }
  AGDB_TRY(const std::vector<StoredId> ids, ids_of(arguments.ids, store));
  const ExitCode code = tell_missing(ids, store, env);
  AGDB_TRY(const std::size_t gone, store.bulk_delete(ids));
  env.console->note(fmt::format("{} deleted", plural(gone, "run")));
  return code;
}

Result<ExitCode> rebuild(const ChangeArguments& arguments, Environment& env) {
  AGDB_TRY(TraceStore store, open_store_as_it_is(env));
  AGDB_TRY(const Rebuild::Counts rebuilt, rebuild_runs(store, env));
  if (arguments.json) {
    env.console->print_line(dump(Json::object({{"runs", rebuilt.runs},
                                               {"unreadable", rebuilt.unreadable},
                                               {"going_on", rebuilt.going_on}}),
                                 {.sorted = false}));
  } else {
    env.console->note(rebuilt_text(rebuilt));
  }
  return rebuilt.unreadable == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace

Runner declare_runs_annotate(CommandLine& line) {
  auto arguments = std::make_shared<ChangeArguments>();
  line.argument("ID", arguments->ids, "runs' numbers (@: the newest), and at last the text")
      .required();
  line.option("--tag", "TAG", arguments->tags, "for -e tag=TAG (may be repeated)");
  line.option("--author", "NAME", arguments->author, "who says it (default: your user name)");
  return [arguments](Environment& env) { return annotate(*arguments, env); };
}

Runner declare_runs_correlate(CommandLine& line) {
  auto arguments = std::make_shared<ChangeArguments>();
  line.argument("CORRELATION", arguments->correlation, "what links the runs").required();
  line.argument("ID", arguments->ids, "runs to link; none: lists those that are");
  line.flag("--json", arguments->json, "of a list, one JSON object a line");
  return [arguments](Environment& env) { return correlate(*arguments, env); };
}

Runner declare_runs_delete(CommandLine& line) {
  auto arguments = std::make_shared<ChangeArguments>();
  line.argument("ID", arguments->ids, "runs' numbers (@: the newest)");
  add_run_filter(line, arguments->filters);
  return [arguments](Environment& env) { return remove(*arguments, env); };
}

Runner declare_runs_rebuild(CommandLine& line) {
  auto arguments = std::make_shared<ChangeArguments>();
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return rebuild(*arguments, env); };
}

}  // namespace agdb
