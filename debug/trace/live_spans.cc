#include "debug/trace/live_spans.h"

#include <utility>

#include "debug/trace/span_id.h"

namespace agdb {

LiveSpans::LiveSpans(TraceSink& sink, RecordIdOf record_id_of)
    : sink_(sink), record_id_of_(std::move(record_id_of)) {}

void LiveSpans::on_event(const Event& event) {
  if (const auto* start = std::get_if<ProcessStart>(&event.payload)) {
    TracedProcess process;
    process.trace_id = start->trace_id.empty() ? trace_id_of_run(start->run_id) : start->trace_id;
    process.run_id = start->run_id;
    process.pid = event.pid;
    process.parent = start->parent;
    process.outer_span_id = start->outer_span_id;
    if (record_id_of_) process.record_id = record_id_of_(event.pid);
    process.intent = start->intent;
    process.model = start->model;
    process.start = start->wall_start;
    process.context_budget = start->context_budget;
    derivers_[event.pid] = std::make_unique<SpanDeriver>(std::move(process), sink_);
    return;
  }
  const auto found = derivers_.find(event.pid);
  if (found == derivers_.end()) return;
  if (const auto* end = std::get_if<ProcessEnd>(&event.payload)) {
    found->second->finish({end->exit_reason, true, end->last_n});
    derivers_.erase(found);
    return;
  }
  found->second->take(reader_.read(event));
}

void LiveSpans::close() {
  for (const auto& [pid, deriver] : derivers_) deriver->finish({});
  derivers_.clear();
}

}  // namespace agdb
