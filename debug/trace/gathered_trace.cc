#include "debug/trace/gathered_trace.h"

#include <fmt/format.h>

#include <map>
#include <unordered_set>
#include <utility>

#include "debug/record/records_dir.h"
#include "debug/trace/run_tally.h"

namespace agdb {
namespace {

class SpanGatherer final : public TraceSink {
 public:
  explicit SpanGatherer(std::vector<Span>& spans) : spans_(spans) {}
  void on_span(const Span& span) override { spans_.push_back(span); }

 private:
  std::vector<Span>& spans_;
};

class SpanCounter final : public TraceSink {
 public:
  void on_span(const Span& span) override { tally.add(span); }
  TraceTally tally;
};

// `source`: a run, or what has a run's derive().
template <typename Source>
Status add_derived(const Source& source, GatheredTrace& gathered, const DeriveProgress& progress) {
  SpanGatherer sink(gathered.spans);
  AGDB_TRY(const DerivedCounts counts, source.derive(sink, progress));
  gathered.counts.add(counts);
  return {};
}

Status add_kept(const TracePlaces& places, const std::string& trace_id, GatheredTrace& gathered) {
  if (!check_trace_id(trace_id)) return {};
  AGDB_TRY(SpanFileContent content, read_spans(places.traces_dir, trace_id));
  gathered.bad_lines = content.bad_lines;
  gathered.bad = std::move(content.bad);
  std::unordered_set<std::string> there;
  for (const Span& span : gathered.spans) there.insert(span.span_id);
  for (Span& span : content.spans) {
    if (!there.contains(span.span_id)) gathered.spans.push_back(std::move(span));
  }
  return {};
}

// As it was kept, or derived, and kept then.
Result<TraceTally> tally_of(const RecordedRun& run, FileSystem& files, DerivedCounts& counts,
                            const DeriveProgress& progress) {
  if (const std::optional<KeptTally> kept = read_tally(run)) {
    counts.damaged_lines += kept->damaged_lines;
    return kept->tally;
  }
  SpanCounter counter;
  AGDB_TRY(const DerivedCounts derived, run.derive(counter, progress));
  counts.add(derived);
  keep_tally(files, run, {counter.tally, derived.damaged_lines});
  return counter.tally;
}

}  // namespace

Result<GatheredTrace> gather_trace(const TraceSource& source, const DeriveProgress& progress) {
  GatheredTrace gathered;
  AGDB_CHECK_OK(add_derived(source, gathered, progress));
  return gathered;
}

Result<GatheredTrace> gather_named_trace(const TracePlaces& places, const std::string& name,
                                         const DeriveProgress& progress) {
  GatheredTrace gathered;
  AGDB_TRY(const std::vector<RecordedRun> runs, RecordedRun::all_named(places.records_dir, name));
  for (const RecordedRun& run : runs) AGDB_CHECK_OK(add_derived(run, gathered, progress));
  AGDB_CHECK_OK(add_kept(places, name, gathered));
  if (!gathered.spans.empty()) return gathered;
  if (const Result<RecordedRun> run = RecordedRun::named(places.records_dir, name))
    AGDB_CHECK_OK(add_derived(*run, gathered, progress));
  return gathered;
}

Result<AllTraces> list_all_traces(const TracePlaces& places, FileSystem& files,
                                  const DeriveProgress& progress) {
  AllTraces all;
  AGDB_TRY(RecordingList list, list_recordings(places.records_dir));
  for (const RecordingList::Unreadable& bad : list.unreadable)
    all.unreadable.push_back(fmt::format("{}: {}", bad.folder, bad.error.message));
  std::map<std::string, TraceTally> recorded;
  for (const RecordedRun& run : RecordedRun::all_in(std::move(list))) {
    TraceTally& trace = recorded[run.trace_id()];
    if (const Result<TraceTally> tally = tally_of(run, files, all.counts, progress)) {
      trace.add(*tally);
    } else {
      all.unreadable.push_back(
          fmt::format("{}: {}", run.parts().front().folder, tally.error().message));
    }
  }
  for (const auto& [id, tally] : recorded) {
    if (!tally.empty()) all.traces.push_back(tally.summary());
  }
  AGDB_TRY(const TraceList kept, list_traces(places.traces_dir, files));
  for (const TraceSummary& trace : kept.traces) {
    if (!recorded.contains(trace.trace_id)) all.traces.push_back(trace);
  }
  for (const TraceList::Unreadable& bad : kept.unreadable)
    all.unreadable.push_back(bad.error.message);
  sort_newest_first(all.traces);
  return all;
}

}  // namespace agdb
