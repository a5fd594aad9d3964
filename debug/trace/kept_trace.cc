#include "debug/trace/kept_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>
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

// What is to be known of all spans before the first is told.
class KeptTrace::Survey {
 public:
  explicit Survey(KeptTrace& trace) : trace_(trace) {}

  void take(const Span& span) {
    trace_.start_ = std::min(trace_.start_, span.start);
    Known& known = known_[raw(span.pid)];
    if (known.process_told || span.end() < known.end ||
        (span.kind == SpanKind::kPhase && known.call_told && span.end() == known.end))
      trace_.kept_by_end_ = false;
    known.call_told =
        span.kind == SpanKind::kLlmCall || (known.call_told && span.end() == known.end);
    known.end = std::max(known.end, span.end());
    if (span.kind == SpanKind::kProcess) take_process(known, span);
    ++number_;
  }

 private:
  // Of a pid, as far as the file was read.
  struct Known {
    WallTime end = WallTime::min();  // the last of any span
    bool call_told = false;          // a model call had that end
    bool process_told = false;
    std::size_t process = 0;  // its place
  };

  void take_process(Known& known, const Span& span) {
    std::vector<Process>& all = trace_.processes_;
    Process found{.traced = process_of(span), .end = span.end(), .number = number_};
    if (!std::exchange(known.process_told, true)) {
      known.process = all.size();
      all.push_back(std::move(found));
      return;
    }
    Process& process = all[known.process];
    const std::uint64_t spans = process.traced.process_spans + 1;
    const bool around = span.start < process.traced.start ||
                        (span.start == process.traced.start && span.end() > process.end);
    if (around) process = std::move(found);
    process.traced.process_spans = spans;
  }

  KeptTrace& trace_;
  std::unordered_map<std::uint64_t, Known> known_;
  std::uint64_t number_ = 0;
};

Result<KeptTrace> KeptTrace::open(std::string traces_dir, std::string trace_id) {
  AGDB_CHECK_OK(check_trace_id(trace_id));
  KeptTrace trace(std::move(traces_dir), std::move(trace_id));
  Survey survey(trace);
  AGDB_TRY(trace.tally_, scan_spans(trace.traces_dir_, trace.trace_id_,
                                    [&](const Span& span) { survey.take(span); }));
  if (trace.tally_.spans == 0)
    return fail(Code::kNotFound, fmt::format("no span is kept of trace {}", trace.trace_id_));
  std::ranges::stable_sort(trace.processes_, {},
                           [](const Process& process) { return process.traced.start; });
  return trace;
}

Status KeptTrace::tell(TraceSink& sink, SpanOrder order, const std::function<bool()>& go_on) const {
  for (const Process& process : processes_) sink.on_process(process.traced);
  return order == SpanOrder::kAsKept || kept_by_end_ ? tell_as_kept(sink, go_on)
                                                     : tell_by_end(sink, go_on);
}

Status KeptTrace::tell_as_kept(TraceSink& sink, const std::function<bool()>& go_on) const {
  bool cancelled = false;
  AGDB_TRY([[maybe_unused]] const SpanFileTally told,
           scan_spans(traces_dir_, trace_id_, [&](const Span& span) {
             cancelled = cancelled || (go_on && !go_on());
             if (!cancelled) sink.on_span(span);
           }));
  if (cancelled) return fail(Code::kCancelled, "interrupted");
  return {};
}

// Of spans that end together a phase comes before its call, what began first before the others.
Status KeptTrace::tell_by_end(TraceSink& sink, const std::function<bool()>& go_on) const {
  AGDB_TRY(const SpanFileContent content, read_spans(traces_dir_, trace_id_));
  const std::vector<Span>& spans = content.spans;
  std::vector<bool> of_a_process(spans.size());
  for (const Process& process : processes_)
    if (process.number < spans.size()) of_a_process[process.number] = true;
  std::vector<std::size_t> order(spans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t at) {
    const Span& span = spans[at];
    return std::tuple(static_cast<bool>(of_a_process[at]), span.end(),
                      span.kind != SpanKind::kPhase, span.start);
  });
  for (const std::size_t at : order) {
    if (go_on && !go_on()) return fail(Code::kCancelled, "interrupted");
    sink.on_span(spans[at]);
  }
  return {};
}

}  // namespace agdb
