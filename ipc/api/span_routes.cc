#include <algorithm>
#include <utility>

#include "debug/trace/blame.h"
#include "debug/trace/trace_analysis.h"
#include "debug/trace/trace_compare.h"
#include "debug/trace/tree_json.h"
#include "ipc/api/page_parameters.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"
#include "ipc/api/trace_parameters.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;

Result<SpanTree> tree_of(const ApiCall& call, const ApiContext& context,
                         std::string_view name = "trace") {
  AGDB_TRY(GatheredTrace gathered, gather_trace_of(call, context, name));
  std::optional<SpanTree> tree = SpanTree::build(std::move(gathered.spans));
  if (!tree)
    return fail(Code::kNotFound, "trace \"" + call.text(name) + "\" not found",
                "GET /v1/spans shows what there is");
  return *std::move(tree);
}

Handled list(const ApiCall& call, const ApiContext& context) {
  FileSystem disk;
  AGDB_TRY(const AllTraces all, list_all_traces(context.places(), disk));
  auto from = all.traces.begin();
  if (const auto before = call.optional_text("before")) {
    from = std::ranges::find(all.traces, *before, &TraceSummary::trace_id);
    if (from == all.traces.end())
      return fail(Code::kNotFound, "there is no trace \"" + *before + "\" to go on behind");
    ++from;
  }
  const auto limit = static_cast<std::ptrdiff_t>(name_page_limit_of(call));
  const auto to = from + std::min(limit, all.traces.end() - from);
  Json traces = Json::array();
  std::for_each(from, to,
                [&](const TraceSummary& trace) { traces.push_back(trace_summary_json(trace)); });
  Json json = Json::object({{"traces", std::move(traces)}, {"unreadable", all.unreadable.size()}});
  if (to != all.traces.end()) json.set("next", std::prev(to)->trace_id);
  return json_response(json);
}

Handled show(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree tree, tree_of(call, context));
  return text_response(tree_json(&tree), "application/json");
}

Handled blame(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree tree, tree_of(call, context));
  Json json = blame_json(tree, find_blame(tree));
  json.set("analysis", analysis_json(tree, analyse(tree)));
  return json_response(json);
}

Handled compare(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const SpanTree before, tree_of(call, context));
  AGDB_TRY(const SpanTree after, tree_of(call, context, "with"));
  return json_response(comparison_json(before, after, compare_traces(before, after)));
}

struct Ability {
  std::string path;
  std::string id;
  std::string summary;
  std::vector<Parameter> parameters;
  Handled (*handle)(const ApiCall& call, const ApiContext& context);
};

void add(RouteTable& table, const ApiContext& context, Ability ability) {
  table.add({.method = "GET",
             .path = std::move(ability.path),
             .id = std::move(ability.id),
             .tag = "spans",
             .summary = std::move(ability.summary),
             .parameters = std::move(ability.parameters),
             .answers = {{.schema = schema::map(schema::any())}},
             .has_texts = true,
             .handler = [&context, handle = ability.handle](const ApiCall& call) {
               return handle(call, context);
             }});
}

}  // namespace

void add_span_routes(RouteTable& table, ApiContext& context) {
  const Parameter trace = trace_parameter();
  add(table, context,
      {"/v1/spans", "listSpanTrees", "runs as traces, the newest first", name_page_parameters(),
       list});
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
