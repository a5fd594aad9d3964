#include <map>
#include <unordered_set>
#include <utility>

#include "debug/record/record_id.h"
#include "debug/record/records_dir.h"
#include "debug/trace/blame.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/run_tally.h"
#include "debug/trace/span_file.h"
#include "debug/trace/trace_analysis.h"
#include "debug/trace/trace_compare.h"
#include "debug/trace/trace_list.h"
#include "debug/trace/tree_json.h"
#include "ipc/api/content_answer.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;

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

Status add_run(const RecordedRun& run, TraceSink& sink) {
  const Result<DerivedCounts> counts = run.derive(sink);
  return counts ? Status() : std::unexpected(counts.error());
}

// All runs of a trace id or run id, and what is kept of that trace beside them.
Status add_named(const ApiContext& context, const std::string& name, SpanGatherer& gathered) {
  AGDB_TRY(const RecordingList list, list_recordings(context.records_dir));
  for (const RecordedRun& run : RecordedRun::all_in(list)) {
    if (run.trace_id() == name || run.parts().front().metadata.run_id == name)
      AGDB_CHECK_OK(add_run(run, gathered));
  }
  if (!check_trace_id(name)) return {};
  AGDB_TRY(SpanFileContent content, read_spans(context.traces_dir, name));
  std::unordered_set<std::string> there;
  for (const Span& span : gathered.spans) there.insert(span.span_id);
  for (Span& span : content.spans) {
    if (!there.contains(span.span_id)) gathered.spans.push_back(std::move(span));
  }
  return {};
}

// By a record id (its run), a run id, a trace id or a pid (its newest run). The name is compared
// with what there is, or checked, before it becomes part of a path.
Result<SpanTree> tree_of(const ApiContext& context, const std::string& name) {
  AGDB_CHECK_OK(check_record_id(name));
  SpanGatherer gathered;
  if (const Result<std::string> folder = find_recording(context.records_dir, name)) {
    AGDB_TRY(const RecordedRun run, RecordedRun::of(context.records_dir, *folder));
    AGDB_CHECK_OK(add_run(run, gathered));
  } else {
    AGDB_CHECK_OK(add_named(context, name, gathered));
  }
  if (gathered.spans.empty()) {
    if (const auto run = RecordedRun::named(context.records_dir, name))
      AGDB_CHECK_OK(add_run(*run, gathered));
  }
  std::optional<SpanTree> tree = SpanTree::build(std::move(gathered.spans));
  if (!tree)
    return fail(Code::kNotFound, "trace \"" + name + "\" not found",
                "GET /v1/spans shows what there is");
  return *std::move(tree);
}

Result<TraceTally> tally_of(const RecordedRun& run) {
  if (const std::optional<RunTally> kept = read_tally(run)) return kept->tally;
  SpanCounter counter;
  AGDB_CHECK_OK(add_run(run, counter));
  return counter.tally;
}

Handled list(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const RecordingList found, list_recordings(context.records_dir));
  std::uint64_t unreadable = found.unreadable.size();
  std::map<std::string, TraceTally> recorded;
  for (const RecordedRun& run : RecordedRun::all_in(found)) {
    TraceTally& trace = recorded[run.trace_id()];
    if (const Result<TraceTally> tally = tally_of(run)) {
      trace.add(*tally);
    } else {
      ++unreadable;
    }
  }
  std::vector<TraceSummary> traces;
  for (const auto& [id, tally] : recorded) {
    if (!tally.empty()) traces.push_back(tally.summary());
  }
  AGDB_TRY(const TraceList kept, list_traces(context.traces_dir));
  for (const TraceSummary& trace : kept.traces) {
    if (!recorded.contains(trace.trace_id)) traces.push_back(trace);
  }
  sort_newest_first(traces);
  Json all = Json::array();
  for (const TraceSummary& trace : traces) all.push_back(trace_summary_json(trace));
  return content_response(
      call, Json::object(
                {{"traces", std::move(all)}, {"unreadable", unreadable + kept.unreadable.size()}}));
}

Handled show(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree tree, tree_of(context, call.text("trace")));
  return content_response(call, tree_json(&tree));
}

Handled blame(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree tree, tree_of(context, call.text("trace")));
  Json json = blame_json(tree, find_blame(tree));
  json.set("analysis", analysis_json(tree, analyse(tree)));
  return content_response(call, std::move(json));
}

Handled compare(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree before, tree_of(context, call.text("trace")));
  AGDB_TRY(const SpanTree after, tree_of(context, call.text("with")));
  return content_response(call, comparison_json(before, after, compare_traces(before, after)));
}

Parameter trace_parameter(std::string name, Parameter::In in) {
  return {.name = std::move(name),
          .description = "a record id (its run), a run id, a trace id, or a pid (its newest run)",
          .in = in,
          .required = true,
          .least = 1,
          .most = 255,
          .example = "1-1763712345"};
}

struct Ability {
  std::string path;
  std::string id;
  std::string summary;
  std::vector<Parameter> parameters;
  Handled (*handle)(const ApiCall& call, const ApiContext& context);
};

void add(RouteTable& table, const ApiContext& context, Ability ability) {
  ability.parameters.push_back(raw_parameter());
  table.add({.method = "GET",
             .path = std::move(ability.path),
             .id = std::move(ability.id),
             .tag = "spans",
             .summary = std::move(ability.summary),
             .parameters = std::move(ability.parameters),
             .answers = {{.schema = schema::map(schema::any())}},
             .handler = [&context, handle = ability.handle](const ApiCall& call) {
               return handle(call, context);
             }});
}

}  // namespace

void add_span_routes(RouteTable& table, ApiContext& context) {
  const Parameter trace = trace_parameter("trace", Parameter::In::kPath);
  add(table, context, {"/v1/spans", "listSpanTrees", "runs as traces, the newest first", {}, list});
  add(table, context,
      {"/v1/spans/{trace}", "getSpanTree", "a run as a tree of spans", {trace}, show});
  add(table, context,
      {"/v1/spans/{trace}/blame",
       "getBlame",
       "what the end waited for, self times, where failures began",
       {trace},
       blame});
  add(table, context,
      {"/v1/spans/{trace}/compare",
       "compareSpanTrees",
       "two runs of one job: what got slower, what is new",
       {trace, trace_parameter("with", Parameter::In::kQuery)},
       compare});
}

}  // namespace agdb
