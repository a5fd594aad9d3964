#include "debug/trace/trace_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "debug/record/hash64.h"
#include "debug/record/records_dir.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// What has been told of recorded runs, so that the kept spans beside them are not told again.
struct Told {
  std::set<Pid> processes;
  std::vector<std::uint64_t> spans;  // XXH3 of their ids, sorted
};

// Passes everything on, and notes it where that is wanted.
class ToldSpans final : public TraceSink {
 public:
  ToldSpans(TraceSink& next, bool wanted) : next_(next), wanted_(wanted) {}

  void on_process(const TracedProcess& process) override {
    if (wanted_) told_.processes.insert(process.pid);
    next_.on_process(process);
  }
  void on_span_start(const Span& span) override { next_.on_span_start(span); }
  void on_span(const Span& span) override {
    if (wanted_) told_.spans.push_back(xxh3_64(span.span_id));
    next_.on_span(span);
  }
  void on_counter(const CounterPoint& point) override { next_.on_counter(point); }
  void on_instant(const TraceInstant& instant) override { next_.on_instant(instant); }

  Told told() && {
    std::ranges::sort(told_.spans);
    return std::move(told_);
  }

 private:
  TraceSink& next_;
  const bool wanted_;
  Told told_;
};

// Passes on what has not been told.
class UntoldSpans final : public TraceSink {
 public:
  UntoldSpans(TraceSink& next, Told told) : next_(next), told_(std::move(told)) {}

  void on_process(const TracedProcess& process) override {
    if (!told_.processes.contains(process.pid)) next_.on_process(process);
  }
  void on_span_start(const Span& span) override {
    if (is_new(span)) next_.on_span_start(span);
  }
  void on_span(const Span& span) override {
    if (is_new(span)) next_.on_span(span);
  }

 private:
  bool is_new(const Span& span) const {
    return !std::ranges::binary_search(told_.spans, xxh3_64(span.span_id));
  }

  TraceSink& next_;
  const Told told_;
};

}  // namespace

Result<TraceSource> TraceSource::of_recording(const TracePlaces& places,
                                              const std::string& folder) {
  AGDB_TRY(RecordedRun run, RecordedRun::of(places.records_dir, folder));
  return TraceSource(std::move(run));
}

std::optional<TraceSource> TraceSource::of_process(const TracePlaces& places,
                                                   const std::string& record_id,
                                                   const std::string& trace_id) {
  if (const Result<std::string> folder = find_recording(places.records_dir, record_id)) {
    if (Result<TraceSource> run = of_recording(places, *folder)) return *std::move(run);
  }
  Result<KeptTrace> kept = KeptTrace::open(places.traces_dir, trace_id);
  if (!kept) return std::nullopt;
  return TraceSource(*std::move(kept));
}

Result<TraceSource> TraceSource::named(const TracePlaces& places, const std::string& name) {
  TraceSource source;
  AGDB_TRY(source.runs_, RecordedRun::all_named(places.records_dir, name));
  if (Result<KeptTrace> kept = KeptTrace::open(places.traces_dir, name))
    source.kept_ = *std::move(kept);
  if (!source.runs_.empty() || source.kept_) return source;
  Result<RecordedRun> run = RecordedRun::named(places.records_dir, name);
  if (run) return TraceSource(*std::move(run));
  if (run.error().code != Code::kNotFound) return std::unexpected(run.error());
  return fail(Code::kNotFound, fmt::format("no recording, run, trace or process \"{}\"",
                                           truncate(to_utf8(name), 200)));
}

std::string TraceSource::name() const {
  return runs_.empty() ? kept_->trace_id() : runs_.front().parts().front().metadata.record_id;
}

WallTime TraceSource::start() const {
  WallTime start = kept_ ? kept_->start() : WallTime::max();
  for (const RecordedRun& run : runs_) start = std::min(start, run.start());
  return start;
}

Result<DerivedCounts> TraceSource::derive(TraceSink& sink, const DeriveProgress& progress,
                                          SpanOrder order) const {
  DerivedCounts counts;
  ToldSpans told(sink, kept_.has_value());
  for (const RecordedRun& run : runs_) {
    AGDB_TRY(const DerivedCounts more, run.derive(told, progress));
    counts.add(more);
  }
  if (kept_) {
    UntoldSpans rest(sink, std::move(told).told());
    AGDB_CHECK_OK(derive_kept(rest, counts, progress, order));
  }
  return counts;
}

Status TraceSource::derive_kept(TraceSink& sink, DerivedCounts& counts,
                                const DeriveProgress& progress, SpanOrder order) const {
  counts.damaged_lines += kept_->bad_lines();
  std::uint64_t done = 0;
  return kept_->tell(sink, order, [&] { return !progress || progress(done++, kept_->spans()); });
}

}  // namespace agdb
