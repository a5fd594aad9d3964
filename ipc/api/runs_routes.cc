#include <memory>
#include <utility>

#include "debug/runs/run_json.h"
#include "debug/runs/run_list.h"
#include "debug/store/export.h"
#include "ipc/api/masked_answer.h"
#include "ipc/api/routes.h"
#include "ipc/api/run_parameters.h"
#include "ipc/api/run_schemas.h"
#include "ipc/api/schema.h"
#include "runtime/events/duration.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;

// `paged`: where another page could follow, the last id leads to it.
HttpResponse list_response(const std::vector<RunSummary>& runs, bool paged) {
  Json traces = Json::array();
  for (const RunSummary& run : runs) traces.push_back(run_json(run));
  Json json = Json::object({{"traces", std::move(traces)}});
  if (paged && !runs.empty()) json.set("next", raw(runs.back().id));
  return json_response(json);
}

Handled list_traces(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const RunFilter filter, filter_of(call, context.unix_now()));
  const RunPage page = page_of(call);
  const RunSort sort = *run_sort_of(call.text("sort", "id"));
  if (sort != RunSort::kId && page.before != StoredId{})
    return fail(Code::kInvalid, "before goes on in the order of ids, not by another sort",
                "a larger limit, or sort=id");
  AGDB_TRY(const std::vector<RunSummary> runs, list_sorted(context.store, page, filter, sort));
  return list_response(runs, sort == RunSort::kId && runs.size() == page.limit);
}

Handled search_traces(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const RunFilter filter, filter_of(call, context.unix_now()));
  const RunPage page = page_of(call);
  AGDB_TRY(const std::vector<RunSummary> runs, context.store.search(call.text("q"), page, filter));
  return list_response(runs, runs.size() == page.limit);
}

Handled get_trace(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const RunTrace trace, context.store.get(trace_id_of(call)));
  return json_response(run_json(trace));
}

Handled get_stats(const ApiContext& context) {
  AGDB_TRY(const StoreStats stats, context.store.stats());
  AGDB_TRY(const auto classes, context.store.latency_histogram());
  return json_response(stats_json(stats, classes));
}

// "24h", or a number of seconds.
Result<std::int64_t> window_of(const std::string& text) {
  if (text.empty()) return 0;
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  const Result<Nanoseconds> window = parse_duration(digits ? text + "s" : text);
  if (!window || *window < Nanoseconds::zero())
    return fail(Code::kInvalid, "window: expected a duration as 24h, or a number of seconds");
  return std::chrono::ceil<std::chrono::seconds>(*window).count();
}

Handled aggregate_traces(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::int64_t window, window_of(call.text("window")));
  AGDB_TRY(const RunAggregate sums, context.store.aggregate(window));
  return json_response(aggregate_json(sums));
}

struct RunningExport {
  RunningExport(const TraceStore& store, ExportFormat format, RunFilter filter, bool raw)
      : pieces(store, format, std::move(filter), raw ? nullptr : &masked) {}

  MaskCounts masked;
  RunExport pieces;
};

Handled export_some(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const ExportFormat format, export_format_of(call.text("format", "jsonl")));
  AGDB_TRY(RunFilter filter, filter_of(call, context.unix_now()));
  auto running =
      std::make_shared<RunningExport>(context.store, format, std::move(filter), is_raw(call));
  return HttpResponse{.headers = {{"Content-Type", std::string(content_type_of(format))}},
                      .source = [running, all = context.masked](std::string& out) -> Result<bool> {
                        const std::uint64_t before = running->masked.total();
                        Result<bool> more = running->pieces.next(out);
                        *all += running->masked.total() - before;
                        return more;
                      }};
}

Handled correlated(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::vector<RunSummary> runs,
           context.store.by_correlation(call.text("correlation_id")));
  return list_response(runs, false);
}

std::vector<Parameter> list_parameters() {
  return joined({page_parameters(),
                 {{.name = "sort",
                   .description = "the greatest first; by anything but id there are no pages",
                   .words = run_sort_names(),
                   .otherwise = "id"}},
                 filter_parameters()});
}

std::vector<Parameter> search_parameters() {
  return joined({{{.name = "q",
                   .description = "any part of a flow, source, backend, client, step, detail, "
                                  "annotation or tag, in any case",
                   .required = true,
                   .least = 1,
                   .most = 1000,
                   .example = "a"}},
                 page_parameters(),
                 filter_parameters()});
}

std::vector<Parameter> export_parameters() {
  // The names are those of export_format_of, which takes them in any case and says which there are.
  return joined({{{.name = "format",
                   .description = "jsonl, csv or prometheus",
                   .most = 20,
                   .otherwise = "jsonl",
                   .example = "jsonl"}},
                 filter_parameters()});
}

void add_lists(RouteTable& table, const ApiContext& context) {
  table.add({.method = "GET",
             .path = "/v1/traces",
             .id = "listTraces",
             .tag = "traces",
             .summary = "traces of runs, the newest first",
             .parameters = list_parameters(),
             .answers = {{.schema = schema::ref("TraceList")}},
             .has_texts = true,
             .handler = [&context](const ApiCall& call) { return list_traces(call, context); }});
  table.add({.method = "GET",
             .path = "/v1/traces/search",
             .id = "searchTraces",
             .tag = "traces",
             .summary = "traces that contain a text",
             .parameters = search_parameters(),
             .answers = {{.schema = schema::ref("TraceList")}},
             .has_texts = true,
             .handler = [&context](const ApiCall& call) { return search_traces(call, context); }});
  table.add({.method = "GET",
             .path = "/v1/traces/correlated/{correlation_id}",
             .id = "listCorrelated",
             .tag = "traces",
             .summary = "the traces of one request",
             .parameters = {{.name = "correlation_id",
                             .description = "what they were linked by",
                             .in = Parameter::In::kPath,
                             .least = 1,
                             .most = 1000,
                             .example = "request-17"}},
             .answers = {{.schema = schema::ref("TraceList")}},
             .has_texts = true,
             .cached = true,
             .handler = [&context](const ApiCall& call) { return correlated(call, context); }});
}

void add_sums(RouteTable& table, const ApiContext& context) {
  table.add({.method = "GET",
             .path = "/v1/traces/stats",
             .id = "getTraceStats",
             .tag = "traces",
             .summary = "sums over all traces, and how long they took",
             .answers = {{.schema = schema::ref("TraceStats")}},
             .has_texts = true,
             .cached = true,
             .handler = [&context](const ApiCall&) { return get_stats(context); }});
  table.add({.method = "GET",
             .path = "/v1/traces/aggregate",
             .id = "aggregateTraces",
             .tag = "traces",
             .summary = "rates and percentiles of a window, by flow",
             .parameters = {{.name = "window",
                             .description = "only runs that began so long ago at most: 24h, or "
                                            "seconds; 0 or none: all",
                             .most = 40,
                             .example = "24h"}},
             .answers = {{.schema = schema::ref("TraceAggregate")}},
             .has_texts = true,
             .handler = [&context](const ApiCall& c) { return aggregate_traces(c, context); }});
  table.add(
      {.method = "GET",
       .path = "/v1/traces/export",
       .id = "exportTraces",
       .tag = "traces",
       .summary = "all traces that fit, as JSONL, CSV or Prometheus text, streamed",
       .parameters = export_parameters(),
       .answers = {{.description = "of the format's type",
                    .content_type = std::string(content_type_of(ExportFormat::kJsonl)),
                    .other_types = {std::string(content_type_of(ExportFormat::kCsv)),
                                    std::string(content_type_of(ExportFormat::kPrometheus))}}},
       .has_texts = true,
       .handler = [&context](const ApiCall& call) { return export_some(call, context); }});
}

}  // namespace

void add_runs_routes(RouteTable& table, ApiContext& context) {
  add_run_schemas(table);
  add_lists(table, context);
  add_sums(table, context);
  table.add({.method = "GET",
             .path = "/v1/traces/{id}",
             .id = "getTrace",
             .tag = "traces",
             .summary = "one trace in full",
             .parameters = {trace_id_parameter()},
             .answers = {{.schema = schema::ref("Trace")}},
             .has_texts = true,
             .cached = true,
             .handler = [&context](const ApiCall& call) { return get_trace(call, context); }});
}

}  // namespace agdb
