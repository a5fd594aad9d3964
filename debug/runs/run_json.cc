#include "debug/runs/run_json.h"

namespace agdb {
namespace {

Json sums_json(const RunSums& sums) {
  return Json::object({{"count", sums.count},
                       {"with_errors", sums.with_errors},
                       {"latency_ms", sums.latency_ms},
                       {"max_latency_ms", sums.max_latency_ms},
                       {"steps_executed", sums.steps},
                       {"tokens_input", sums.tokens_input},
                       {"tokens_output", sums.tokens_output},
                       {"anchor_checks", sums.anchor_checks},
                       {"anchor_breaches", sums.anchor_breaches},
                       {"errors", sums.errors},
                       {"retries", sums.retries}});
}

Json counts_json(const std::map<std::string, std::int64_t>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json.set(name, count);
  return json;
}

std::int64_t low_end(int latency_class) {
  return latency_class == 0 ? 0 : std::int64_t{1} << (latency_class - 1);
}

}  // namespace

Json run_json(const RunSummary& run) {
  return Json::object({{"id", raw(run.id)},
                       {"timestamp", run.timestamp},
                       {"flow_name", run.flow_name},
                       {"status", run_status_name(run.status)},
                       {"steps_executed", run.steps_executed},
                       {"latency_ms", run.latency_ms},
                       {"tokens_input", run.tokens_input},
                       {"tokens_output", run.tokens_output},
                       {"anchor_checks", run.anchor_checks},
                       {"anchor_breaches", run.anchor_breaches},
                       {"errors", run.errors},
                       {"retries", run.retries},
                       {"source_file", run.source_file},
                       {"backend", run.backend},
                       {"client_key", run.client_key},
                       {"replay_of", raw(run.replay_of)},
                       {"correlation_id", run.correlation_id},
                       {"record_id", run.record_id},
                       {"run_id", run.run_id},
                       {"trace_id", run.trace_id},
                       {"event_count", run.event_count}});
}

Json run_json(const RunTrace& run) {
  Json json = run_json(static_cast<const RunSummary&>(run));
  Json events = Json::array();
  for (const RunEvent& event : run.events)
    events.push_back(Json::object({{"event_type", event.event_type},
                                   {"offset_ms", event.offset_ms},
                                   {"step_name", event.step_name},
                                   {"detail", event.detail}}));
  Json annotations = Json::array();
  for (const RunAnnotation& annotation : run.annotations) {
    Json tags = Json::array();
    for (const std::string& tag : annotation.tags) tags.push_back(tag);
    annotations.push_back(Json::object({{"author", annotation.author},
                                        {"text", annotation.text},
                                        {"tags", std::move(tags)},
                                        {"timestamp", annotation.timestamp}}));
  }
  json.set("events", std::move(events));
  json.set("annotations", std::move(annotations));
  return json;
}

Json stats_json(const StoreStats& stats, const std::map<int, std::int64_t>& classes) {
  Json flows = Json::array();
  for (const FlowCount& flow : stats.top_flows)
    flows.push_back(Json::object({{"flow_name", flow.flow_name}, {"count", flow.count}}));
  Json histogram = Json::array();
  for (const auto& [number, count] : classes)
    histogram.push_back(Json::object(
        {{"from_ms", low_end(number)}, {"below_ms", low_end(number + 1)}, {"count", count}}));
  return Json::object({{"total_recorded", stats.total_recorded},
                       {"avg_latency_ms", stats.avg_latency_ms()},
                       {"buffered", sums_json(stats.buffered)},
                       {"ever", sums_json(stats.ever)},
                       {"top_flows", std::move(flows)},
                       {"by_status", counts_json(stats.by_status)},
                       {"ever_by_status", counts_json(stats.ever_by_status)},
                       {"latency_histogram", std::move(histogram)}});
}

Json aggregate_json(const RunAggregate& sums) {
  Json flows = Json::array();
  for (const FlowAggregate& flow : sums.flows)
    flows.push_back(Json::object({{"flow_name", flow.flow_name},
                                  {"count", flow.count},
                                  {"avg_latency_ms", flow.avg_latency_ms},
                                  {"with_errors", flow.with_errors}}));
  return Json::object({{"count", sums.count},
                       {"error_rate", sums.error_rate},
                       {"avg_latency_ms", sums.avg_latency_ms},
                       {"min_latency_ms", sums.min_latency_ms},
                       {"max_latency_ms", sums.max_latency_ms},
                       {"p50_latency_ms", sums.p50_latency_ms},
                       {"p95_latency_ms", sums.p95_latency_ms},
                       {"p99_latency_ms", sums.p99_latency_ms},
                       {"total_tokens", sums.total_tokens},
                       {"avg_steps", sums.avg_steps},
                       {"flows", std::move(flows)}});
}

}  // namespace agdb
