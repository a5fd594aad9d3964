#include "tools/agdb/trace_argument.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "debug/record/records_dir.h"
#include "runtime/events/text.h"
#include "tools/agdb/daemon_session.h"
#include "tools/agdb/plural.h"

namespace agdb {
namespace {

TracePlaces places_of(const Environment& env) {
  return {.records_dir = records_dir(env), .traces_dir = traces_dir(env)};
}

void tell(const DerivedCounts& counts, Environment& env) {
  for (const std::string& note : counts.notes) env.console->note(note);
  if (counts.damaged_lines > 0)
    env.console->warn(fmt::format("{} could not be read; `agdb verify` says why",
                                  plural(counts.damaged_lines, "line")));
}

void tell(const GatheredTrace& gathered, const std::string& typed, Environment& env) {
  tell(gathered.counts, env);
  if (gathered.bad_lines > 0)
    env.console->warn(fmt::format("trace {}: {} without a span; line {}: {}", typed,
                                  plural(gathered.bad_lines, "line"), gathered.bad[0].line,
                                  gathered.bad[0].why));
}

// Shows the person how far it is, and never ends it.
DeriveProgress shown(Progress& progress) {
  return [show = progress.updater()](std::uint64_t done, std::uint64_t total) {
    show(done, total);
    return true;
  };
}

// Nothing where no daemon answers, none has that process, or nothing is there of it. A word that is
// no pid is none of a process.
std::optional<TraceSource> source_of_process(const std::string& pid, Environment& env) {
  if (!is_pid(pid)) return std::nullopt;
  Result<DaemonSession> session = DaemonSession::open("", env);
  if (!session) return std::nullopt;
  const Result<Json> process =
      session->call("process.info", Json::object({{"pid", pid_param(pid)}}));
  if (!process) return std::nullopt;
  const std::string& dir = session->records_dir();
  return TraceSource::of_process(
      {.records_dir = dir, .traces_dir = beside_recordings(dir, kTracesName)},
      std::string(process->text("record_id")), std::string(process->text("trace_id")));
}

// What names one run beyond doubt; nothing: the word may be the name of several.
Result<std::optional<TraceSource>> find_one(const std::string& typed, Environment& env) {
  const Result<std::string> folder = resolve_recording(records_dir(env), env.working_dir, typed);
  if (folder) {
    AGDB_TRY(TraceSource run, TraceSource::of_recording(places_of(env), *folder));
    return run;
  }
  // These can be nothing else.
  if (typed == "@" || typed.find('/') != std::string::npos) return std::unexpected(folder.error());
  return source_of_process(typed, env);
}

Result<GatheredTrace> gather(const std::string& typed, Environment& env) {
  AGDB_TRY(const std::optional<TraceSource> one, find_one(typed, env));
  Progress progress(*env.console, "deriving spans", 0, "MB", 1'000'000);
  return one ? gather_trace(*one, shown(progress))
             : gather_named_trace(places_of(env), typed, shown(progress));
}

}  // namespace

Option add_trace_argument(CommandLine& line, const char* name, std::string& into) {
  return line
      .argument(name, into,
                "a record id, a folder or @: the run that it is of; or a run id, trace id or pid")
      .required()
      .is(ValueKind::kRecord);
}

Result<TraceSource> find_source(const std::string& typed, Environment& env) {
  AGDB_TRY(std::optional<TraceSource> one, find_one(typed, env));
  if (one) return *std::move(one);
  return TraceSource::named(places_of(env), typed);
}

Result<SpanTree> open_trace(const std::string& typed, Environment& env) {
  AGDB_TRY(GatheredTrace gathered, gather(typed, env));
  tell(gathered, typed, env);
  std::optional<SpanTree> tree = SpanTree::build(std::move(gathered.spans));
  if (!tree)
    return fail(Code::kNotFound,
                fmt::format("trace \"{}\" not found", truncate(to_utf8(typed), 200)),
                "`agdb trace list` shows what there is");
  return *std::move(tree);
}

Result<std::vector<TraceSummary>> all_traces(Environment& env) {
  FileSystem disk;
  AGDB_TRY(AllTraces all, [&] {
    Progress progress(*env.console, "deriving spans", 0, "MB", 1'000'000);
    return list_all_traces(places_of(env), disk, shown(progress));
  }());
  for (const std::string& line : all.unreadable) env.console->warn(line);
  tell(all.counts, env);
  return std::move(all.traces);
}

}  // namespace agdb
