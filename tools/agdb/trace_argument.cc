#include "tools/agdb/trace_argument.h"

#include <fmt/format.h>

#include <map>
#include <unordered_set>

#include "debug/record/records_dir.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/run_tally.h"
#include "debug/trace/span_file.h"
#include "runtime/events/text.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/trace_source.h"

namespace agdb {
namespace {

class SpanGatherer final : public TraceSink {
 public:
  void on_span(const Span& span) override { spans.push_back(span); }
  std::vector<Span> spans;
};

class SpanCounter final : public TraceSink {
 public:
  void on_span(const Span& span) override { tally.add(span); }
  TraceTally tally;
};

void tell_damaged(std::uint64_t lines, Environment& env) {
  if (lines > 0)
    env.console->warn(
        fmt::format("{} could not be read; `agdb verify` says why", plural(lines, "line")));
}

void tell(const DerivedCounts& counts, Environment& env) {
  for (const std::string& note : counts.notes) env.console->note(note);
  tell_damaged(counts.damaged_lines, env);
}

Result<DerivedCounts> derive(const RecordedRun& run, TraceSink& sink, Environment& env) {
  Progress progress(*env.console, "deriving spans", 0, "MB", 1'000'000);
  const auto show = progress.updater();
  AGDB_TRY(const DerivedCounts counts,
           run.derive(sink, [&](std::uint64_t done, std::uint64_t total) {
             show(done, total);
             return true;
           }));
  tell(counts, env);
  return counts;
}

// Of a run in a list: as it was kept, or derived, and kept then.
Result<TraceTally> tally_of(const RecordedRun& run, Environment& env) {
  if (const std::optional<RunTally> kept = read_tally(run)) {
    tell_damaged(kept->damaged_lines, env);
    return kept->tally;
  }
  SpanCounter counter;
  AGDB_TRY(const DerivedCounts counts, derive(run, counter, env));
  FileSystem disk;
  keep_tally(disk, run, {counter.tally, counts.damaged_lines});
  return counter.tally;
}

void tell_bad_lines(std::string_view trace_id, const SpanFileContent& content, Environment& env) {
  if (content.bad_lines == 0) return;
  env.console->warn(fmt::format("trace {}: {} without a span; line {}: {}", trace_id,
                                plural(content.bad_lines, "line"), content.bad[0].line,
                                content.bad[0].why));
}

// Adds the spans that stand in the trace's file, except for those that are there already.
Status add_kept_spans(std::string_view trace_id, std::vector<Span>& spans, Environment& env) {
  if (!check_trace_id(trace_id)) return {};
  AGDB_TRY(SpanFileContent content, read_spans(traces_dir(env), trace_id));
  tell_bad_lines(trace_id, content, env);
  std::unordered_set<std::string> there;
  for (const Span& span : spans) there.insert(span.span_id);
  for (Span& span : content.spans) {
    if (!there.contains(span.span_id)) spans.push_back(std::move(span));
  }
  return {};
}

bool has_run_id(const RecordedRun& run, std::string_view id) {
  return run.parts().front().metadata.run_id == id;
}

Result<SpanTree> tree_of(std::vector<Span> spans, const std::string& typed) {
  std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  if (!tree)
    return fail(Code::kNotFound,
                fmt::format("trace \"{}\" not found", truncate(to_utf8(typed), 200)),
                "`agdb trace list` shows what there is");
  return *std::move(tree);
}

Result<SpanTree> trace_of_recording(const std::string& folder, const std::string& typed,
                                    Environment& env) {
  AGDB_TRY(const RecordedRun run, RecordedRun::of(records_dir(env), folder));
  SpanGatherer gathered;
  AGDB_CHECK_OK(derive(run, gathered, env));
  return tree_of(std::move(gathered.spans), typed);
}

}  // namespace

Option add_trace_argument(CommandLine& line, const char* name, std::string& into) {
  return line
      .argument(name, into,
                "a record id, a folder or @: the run that it is of; or a run id, trace id or pid")
      .required()
      .is(ValueKind::kRecord);
}

Result<SpanTree> open_trace(const std::string& typed, Environment& env) {
  const Result<std::string> folder = resolve_recording(records_dir(env), env.working_dir, typed);
  if (folder) return trace_of_recording(*folder, typed, env);
  // These can be nothing else.
  if (typed == "@" || typed.find('/') != std::string::npos) return std::unexpected(folder.error());
  SpanGatherer gathered;
  if (const std::optional<TraceSource> process = trace_of_process(typed, env)) {
    AGDB_TRY(const DerivedCounts counts, process->derive(gathered, {}));
    tell(counts, env);
    return tree_of(std::move(gathered.spans), typed);
  }
  AGDB_TRY(const RecordingList list, list_recordings(records_dir(env)));
  for (const RecordedRun& run : RecordedRun::all_in(list)) {
    if (run.trace_id() == typed || has_run_id(run, typed))
      AGDB_CHECK_OK(derive(run, gathered, env));
  }
  AGDB_CHECK_OK(add_kept_spans(typed, gathered.spans, env));
  // A pid means the newest run that has one.
  if (gathered.spans.empty()) {
    if (const auto run = RecordedRun::named(records_dir(env), typed))
      AGDB_CHECK_OK(derive(*run, gathered, env));
  }
  return tree_of(std::move(gathered.spans), typed);
}

Result<std::vector<TraceSummary>> all_traces(Environment& env) {
  AGDB_TRY(const RecordingList list, list_recordings(records_dir(env)));
  for (const RecordingList::Unreadable& bad : list.unreadable)
    env.console->warn(fmt::format("{}: {}", bad.folder, bad.error.message));
  std::map<std::string, TraceTally> recorded;
  for (const RecordedRun& run : RecordedRun::all_in(list)) {
    TraceTally& trace = recorded[run.trace_id()];
    if (const Result<TraceTally> tally = tally_of(run, env)) {
      trace.add(*tally);
    } else {
      env.console->warn(fmt::format("{}: {}", run.parts().front().folder, tally.error().message));
    }
  }
  std::vector<TraceSummary> traces;
  for (const auto& [id, tally] : recorded) {
    if (!tally.empty()) traces.push_back(tally.summary());
  }
  AGDB_TRY(const TraceList kept, list_traces(traces_dir(env)));
  for (const TraceSummary& trace : kept.traces) {
    if (!recorded.contains(trace.trace_id)) traces.push_back(trace);
  }
  for (const TraceList::Unreadable& bad : kept.unreadable) env.console->warn(bad.error.message);
  sort_newest_first(traces);
  return traces;
}

}  // namespace agdb
