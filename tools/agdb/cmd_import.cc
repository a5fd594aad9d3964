#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "debug/import/import_tally.h"
#include "debug/import/session_events.h"
#include "debug/record/records_dir.h"
#include "debug/replay/screen_text.h"
#include "tools/agdb/command.h"
#include "tools/agdb/import_session.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/run_session.h"

namespace agdb {
namespace {

struct ImportArguments {
  std::vector<std::string> paths;
  std::string format;
  bool run = false;
  bool force = false;
  bool json = false;
  bool no_record = false;
  RunOptions options;
};

struct Totals {
  std::size_t logs = 0;            // read
  std::size_t before = 0;          // of those, imported before and left alone
  std::size_t runs = 0;            // recorded
  std::size_t sub_agents = 0;      // logs of sub-agents, read with those of their parents
  std::size_t skipped = 0;         // in a folder, but no session log
  std::size_t own_recordings = 0;  // agdb's own
  std::size_t failed = 0;
  std::map<std::string, std::uint64_t> bookkeeping;  // lines of the logs, by kind
};

std::string to_text(const Totals& totals) {
  std::string text = plural(totals.logs, "session log") + " read";
  if (totals.sub_agents > 0)
    text += fmt::format(" (and {} of sub-agents)", plural(totals.sub_agents, "log"));
  text += ", " + plural(totals.runs, "run") + " recorded";
  if (totals.before > 0) text += fmt::format(", {} imported before", totals.before);
  if (totals.failed > 0) text += fmt::format(", {} failed", totals.failed);
  if (totals.skipped > 0) text += fmt::format("; {} skipped", plural(totals.skipped, "other file"));
  if (totals.own_recordings > 0)
    text += fmt::format("; {} of agdb's own skipped", plural(totals.own_recordings, "recording"));
  return text;
}

struct RunCounts {
  std::uint64_t answers = 0;
  std::uint64_t failed_answers = 0;
  std::uint64_t calls = 0;
  std::uint64_t results = 0;
  std::uint64_t errors = 0;
  std::uint64_t messages = 0;
  std::uint64_t compactions = 0;
  std::uint64_t rewinds = 0;
  std::int64_t request_tokens = 0;
  std::int64_t response_tokens = 0;
  std::int64_t cache_read_tokens = 0;      // part of the request's
  std::int64_t cache_creation_tokens = 0;  // likewise
};

RunCounts count(const SessionRun& run) {
  RunCounts counts;
  for (const SessionProcess& process : run.processes)
    for (const SessionItem& item : process.items) {
      if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
        ++(answer->response.error.empty() ? counts.answers : counts.failed_answers);
        counts.cache_read_tokens += answer->response.cache_read_tokens;
        counts.cache_creation_tokens += answer->response.cache_creation_tokens;
        counts.calls += answer->response.tool_calls.size();
        counts.request_tokens += answer->response.request_tokens;
        counts.response_tokens += answer->response.response_tokens;
      } else if (const auto* edit = std::get_if<SessionEdit>(&item)) {
        counts.messages += edit->messages.size();
        // Without a summary the context only went back: a person rewound and tried again.
        const bool shortened = edit->kind == SessionEdit::Kind::kCompact;
        counts.compactions += shortened && !edit->messages.empty();
        counts.rewinds += shortened && edit->messages.empty();
      } else {
        ++counts.results;
        counts.errors += std::get<SessionToolResult>(item).is_error;
      }
    }
  return counts;
}

Json kinds_json(const std::map<std::string, std::uint64_t>& kinds) {
  Json json = Json::object();
  for (const auto& [kind, number] : kinds) json.set(kind, number);
  return json;
}

Json run_json(const SessionRun& run, const ImportedRun& recorded) {
  const RunCounts counts = count(run);
  Json ids = Json::array();
  for (const std::string& id : recorded.record_ids) ids.push_back(id);
  return Json::object({{"name", run.name},
                       {"record_ids", std::move(ids)},
                       {"events", recorded.events},
                       {"processes", run.processes.size()},
                       {"model_calls", counts.answers},
                       {"failed_model_calls", counts.failed_answers},
                       {"tool_calls", counts.calls},
                       {"tool_results", counts.results},
                       {"tool_errors", counts.errors},
                       {"outside_messages", counts.messages},
                       {"compactions", counts.compactions},
                       {"rewinds", counts.rewinds},
                       {"request_tokens", counts.request_tokens},
                       {"response_tokens", counts.response_tokens},
                       {"cache_read_tokens", counts.cache_read_tokens},
                       {"cache_creation_tokens", counts.cache_creation_tokens}});
}

void tell(const ReadLog& read, const std::vector<ImportedRun>& recorded, bool json,
          Environment& env) {
  Console& console = *env.console;
  if (json) {
    Json runs = Json::array();
    for (const ImportedRun& run : recorded) runs.push_back(run_json(read.log.runs[run.run], run));
    console.print_line(dump(Json::object({{"file", read.path},
                                          {"format", read.log.format},
                                          {"runs", std::move(runs)},
                                          {"not_understood", kinds_json(read.log.not_understood)},
                                          {"bookkeeping", kinds_json(read.log.bookkeeping)}}),
                            {.sorted = false}));
    return;
  }
  for (const ImportedRun& run : recorded) {
    const SessionRun& session = read.log.runs[run.run];
    const RunCounts counts = count(session);
    console.note(fmt::format(
        "{}{}{}: {}, {}, {}, {} ({} failed), {}, {} + {} tokens", read.path,
        session.name.empty() ? "" : ", ", session.name, plural(run.events, "event"),
        plural(session.processes.size(), "process", "processes"),
        plural(counts.answers, "model call"), plural(counts.calls, "tool call"), counts.errors,
        plural(counts.compactions, "compaction"), counts.request_tokens, counts.response_tokens));
    console.print_line(run.record_ids.front());
  }
  if (recorded.empty())
    console.note(fmt::format("{}: {}, nothing to record", read.path,
                             read.source.size == 0 ? "empty" : "holds no agent's run"));
  if (!read.log.not_understood.empty())
    console.note(
        fmt::format("{}: not carried over: {}", read.path, counted_text(read.log.not_understood)));
}

// Imports of the same bytes, by one of their recordings.
struct EarlierImports {
  std::optional<std::string> whole;
  std::optional<std::string> cut_off;  // before its end: its first process is not completed
};

Result<EarlierImports> earlier_imports(const ReadLog& read, Environment& env) {
  EarlierImports earlier;
  AGDB_TRY(const RecordingList list, list_recordings(records_dir(env)));
  for (const ListedRecording& recording : list.recordings) {
    const RecordingMetadata& metadata = recording.metadata;
    if (metadata.runtime != "imported" || !metadata.source ||
        metadata.source->hash != read.source.hash)
      continue;
    const bool is_seal = metadata.pid == Pid{1} && metadata.status == kStatusCompleted;
    std::optional<std::string>& found = is_seal ? earlier.whole : earlier.cut_off;
    if (!found) found = metadata.record_id;
  }
  return earlier;
}

ExitCode worse(ExitCode a, ExitCode b) {
  return static_cast<int>(a) >= static_cast<int>(b) ? a : b;
}

Result<ExitCode> execute(const ReadLog& read, const ImportArguments& arguments, Environment& env) {
  ExitCode code = ExitCode::kDone;
  for (const SessionRun& run : read.log.runs) {
    RunRoot root;
    root.script = std::make_shared<const Script>(session_script(run));
    root.source = read.source;
    std::vector<RunRoot> roots;
    roots.push_back(std::move(root));
    RunOptions options = arguments.options;
    options.record = !arguments.no_record;
    env.console->note(
        fmt::format("executing {}{}{}", read.path, run.name.empty() ? "" : ", ", run.name));
    AGDB_TRY(const RunOutcome outcome, run_agents(std::move(roots), options, env));
    code = worse(code, report(outcome, arguments.json, env));
    if (outcome.interrupted) break;
  }
  return code;
}

Result<ExitCode> import_file(const std::string& path, const ImportArguments& arguments,
                             std::set<std::string>& companions, Totals& totals, Environment& env) {
  AGDB_TRY(const ReadLog read, read_log(path, arguments.format));
  ++totals.logs;
  for (const std::string& companion : read.log.companion_files)
    companions.insert(std::filesystem::path(companion).lexically_normal().string());
  if (!arguments.force && !read.log.runs.empty()) {
    AGDB_TRY(const EarlierImports earlier, earlier_imports(read, env));
    if (const std::optional<std::string>& before = earlier.whole) {
      ++totals.before;
      env.console->note(
          fmt::format("{} was imported before, as {}; --force imports it again", path, *before));
      if (arguments.json) {
        env.console->print_line(
            dump(Json::object({{"file", path}, {"already_imported", *before}}), {.sorted = false}));
      } else {
        env.console->print_line(*before);
      }
      return arguments.run ? execute(read, arguments, env) : ExitCode::kDone;
    }
    if (earlier.cut_off)
      env.console->note(fmt::format("an earlier import of {} was cut off ({} is of it): once more",
                                    path, *earlier.cut_off));
  }
  AGDB_TRY(const std::vector<ImportedRun> recorded, record_log(read, env));
  totals.runs += recorded.size();
  for (const auto& [kind, number] : read.log.bookkeeping) totals.bookkeeping[kind] += number;
  tell(read, recorded, arguments.json, env);
  return arguments.run ? execute(read, arguments, env) : ExitCode::kDone;
}

// Of many logs one was the last: which, only agdb knows.
Status note_newest(Environment& env) {
  AGDB_TRY(const std::string folder, resolve_recording(records_dir(env), env.working_dir, "@"));
  AGDB_TRY(const RecordingMetadata newest, read_metadata(folder));
  env.console->note(
      fmt::format("@ is now {}: {}", newest.record_id, screen_line(newest.intent, 50)));
  return {};
}

// One path of the command line, which may be a folder with many logs.
Result<ExitCode> import_path(const std::string& path, const ImportArguments& arguments,
                             Totals& totals, Environment& env) {
  AGDB_TRY(const LogFiles files, log_files(path));
  totals.own_recordings += files.own_recordings;
  if (files.paths.empty() && files.own_recordings == 0)
    return fail(Code::kNotFound, fmt::format("no session logs in {}", path),
                "looked for *.jsonl and *.json");
  const bool many = files.paths.size() > 1;
  std::set<std::string> companions;
  ExitCode code = ExitCode::kDone;
  Progress progress(*env.console, "importing", files.paths.size(), "files");
  for (std::size_t i = 0; i < files.paths.size(); ++i) {
    progress.update(i);
    const std::string& file = files.paths[i];
    if (many && companions.contains(std::filesystem::path(file).lexically_normal().string())) {
      ++totals.sub_agents;
      continue;
    }
    const Result<ExitCode> one = import_file(file, arguments, companions, totals, env);
    if (!one && many && one.error().code == Code::kUnsupported) {
      ++totals.skipped;
      env.console->note("skipped: " + one.error().message);
      continue;
    }
    if (!one) {
      ++totals.failed;
      env.console->error(one.error());
    }
    code = worse(code, one.value_or(ExitCode::kFailed));
    if (code == ExitCode::kInterrupted) break;
  }
  return code;
}

Result<ExitCode> import(const ImportArguments& arguments, Environment& env) {
  AGDB_CHECK_OK(make_records_dir(env));
  Totals totals;
  ExitCode code = ExitCode::kDone;
  for (const std::string& path : arguments.paths) {
    AGDB_TRY(const ExitCode one, import_path(path, arguments, totals, env));
    code = worse(code, one);
    if (code == ExitCode::kInterrupted) return code;
  }
  if (totals.logs + totals.skipped + totals.failed + totals.own_recordings > 1 ||
      totals.own_recordings > 0)
    env.console->note(to_text(totals));
  if (!totals.bookkeeping.empty() && !arguments.json)
    env.console->note("passed over as bookkeeping: " + counted_text(totals.bookkeeping));
  if (totals.runs > 0 && !arguments.json) AGDB_CHECK_OK(note_newest(env));
  return code;
}

}  // namespace

Runner declare_import(CommandLine& line) {
  auto arguments = std::make_shared<ImportArguments>();
  line.argument("FILE", arguments->paths, "session logs, folders of them, or - for stdin")
      .required()
      .is(ValueKind::kFile);
  line.option("--format", "F", arguments->format,
              "claude-code, openai-chat or otlp (default: by looking)")
      .one_of({"claude-code", "openai-chat", "otlp"});
  const Option run =
      line.flag("--run", arguments->run, "execute each run again in the runtime, recorded");
  line.flag("--no-record", arguments->no_record, "with --run: do not record the execution")
      .needs(run);
  line.flag("--force", arguments->force, "import again what was imported before");
  add_run_options(line, arguments->options, run);
  line.flag("--json", arguments->json, "a JSON object a file on stdout");
  return [arguments](Environment& env) { return import(*arguments, env); };
}

}  // namespace agdb
