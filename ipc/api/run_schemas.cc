#include "ipc/api/run_schemas.h"

#include <initializer_list>

#include "debug/store/run_trace.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

using schema::integer;
using schema::list;
using schema::number;
using schema::object;
using schema::ref;
using schema::text;

Json status_schema() {
  std::vector<std::string> names;
  for (const RunStatus status : kRunStatuses) names.emplace_back(run_status_name(status));
  return schema::one_of(std::move(names));
}

Json summary_schema() {
  return object({{"id", integer()},
                 {"timestamp", schema::described(integer(), "unix seconds")},
                 {"flow_name", text()},
                 {"status", status_schema()},
                 {"steps_executed", integer()},
                 {"latency_ms", integer()},
                 {"tokens_input", integer()},
                 {"tokens_output", integer()},
                 {"anchor_checks", schema::described(integer(), "checks that guard the output")},
                 {"anchor_breaches", schema::described(integer(), "of those, how many failed")},
                 {"errors", integer()},
                 {"retries", integer()},
                 {"source_file", text()},
                 {"backend", text()},
                 {"client_key", text()},
                 {"replay_of", schema::described(integer(), "the trace that it replays; 0: none")},
                 {"correlation_id", text()},
                 {"record_id", text()},
                 {"run_id", text()},
                 {"trace_id", text()},
                 {"event_count", integer()}});
}

Json trace_schema() {
  Json json = summary_schema();
  const auto add = [&json](std::string_view name, Json of) {
    json.find("properties")->set(name, list(std::move(of)));
    json.find("required")->push_back(name);
  };
  add("events", object({{"event_type", text()},
                        {"offset_ms", integer()},
                        {"step_name", text()},
                        {"detail", text()}}));
  add("annotations", ref("Annotation"));
  return json;
}

Json sums_schema() {
  return object({{"count", integer()},
                 {"with_errors", integer()},
                 {"latency_ms", integer()},
                 {"max_latency_ms", integer()},
                 {"steps_executed", integer()},
                 {"tokens_input", integer()},
                 {"tokens_output", integer()},
                 {"anchor_checks", integer()},
                 {"anchor_breaches", integer()},
                 {"errors", integer()},
                 {"retries", integer()}});
}

Json stats_schema() {
  return object(
      {{"total_recorded", integer()},
       {"avg_latency_ms", number()},
       {"buffered", schema::described(sums_schema(), "of the traces that are there")},
       {"ever", schema::described(sums_schema(), "of all that were recorded")},
       {"top_flows", list(object({{"flow_name", text()}, {"count", integer()}}))},
       {"by_status", schema::map(integer())},
       {"ever_by_status", schema::map(integer())},
       {"latency_histogram",
        list(object({{"from_ms", integer()}, {"below_ms", integer()}, {"count", integer()}}))}});
}

Json aggregate_schema() {
  return object({{"count", integer()},
                 {"error_rate", number()},
                 {"avg_latency_ms", number()},
                 {"min_latency_ms", integer()},
                 {"max_latency_ms", integer()},
                 {"p50_latency_ms", integer()},
                 {"p95_latency_ms", integer()},
                 {"p99_latency_ms", integer()},
                 {"total_tokens", integer()},
                 {"avg_steps", number()},
                 {"flows", list(object({{"flow_name", text()},
                                        {"count", integer()},
                                        {"avg_latency_ms", number()},
                                        {"with_errors", integer()}}))}});
}

}  // namespace

void add_run_schemas(RouteTable& table) {
  table.add_schema("TraceSummary", summary_schema());
  table.add_schema("Annotation",
                   object({{"author", text()},
                           {"text", text()},
                           {"tags", list(text())},
                           {"timestamp", schema::described(integer(), "unix seconds")}}));
  table.add_schema("Trace", trace_schema());
  table.add_schema(
      "TraceList",
      object(
          {{"traces", list(ref("TraceSummary"))}},
          {{"next", schema::described(integer(), "`before` of the next page, if there is one")}}));
  table.add_schema("TraceStats", stats_schema());
  table.add_schema("TraceAggregate", aggregate_schema());
}

}  // namespace agdb
