#include "debug/trace/kept_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace agdb {
namespace {

TracedProcess process_of(const Span& span) {
  TracedProcess process;
  process.trace_id = span.trace_id;
  process.run_id = std::string(span.attributes.text("run_id"));
  process.pid = span.pid;
  process.record_id = span.attributes.text("record_id");
  process.intent = span.name;
  process.model = span.attributes.text("model");
  process.start = span.start;
  process.context_budget = span.attributes.integer("budget");
  return process;
}

}  // namespace

Result<KeptTrace> KeptTrace::open(std::string traces_dir, std::string trace_id) {
  AGDB_CHECK_OK(check_trace_id(trace_id));
  KeptTrace trace(std::move(traces_dir), std::move(trace_id));
  AGDB_TRY(trace.tally_, scan_spans(trace.traces_dir_, trace.trace_id_,
                                    [&](const Span& span) { trace.take(span); }));
  if (trace.tally_.spans == 0)
    return fail(Code::kNotFound, fmt::format("no span is kept of trace {}", trace.trace_id_));
  std::ranges::stable_sort(trace.processes_, {}, &TracedProcess::start);
  return trace;
}

void KeptTrace::take(const Span& span) {
  start_ = std::min(start_, span.start);
  if (span.kind == SpanKind::kProcess) processes_.push_back(process_of(span));
}

Status KeptTrace::tell(TraceSink& sink, const std::function<bool()>& go_on) const {
  for (const TracedProcess& process : processes_) sink.on_process(process);
  bool cancelled = false;
  AGDB_TRY([[maybe_unused]] const SpanFileTally told,
           scan_spans(traces_dir_, trace_id_, [&](const Span& span) {
             cancelled = cancelled || (go_on && !go_on());
             if (!cancelled) sink.on_span(span);
           }));
  if (cancelled) return fail(Code::kCancelled, "interrupted");
  return {};
}

}  // namespace agdb
