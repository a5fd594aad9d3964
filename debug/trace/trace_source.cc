#include "debug/trace/trace_source.h"

#include <fmt/format.h>

#include <utility>

#include "debug/record/records_dir.h"
#include "runtime/events/text.h"

namespace agdb {

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
  Result<RecordedRun> run = RecordedRun::named(places.records_dir, name);
  if (run) return TraceSource(*std::move(run));
  if (Result<KeptTrace> kept = KeptTrace::open(places.traces_dir, name))
    return TraceSource(*std::move(kept));
  if (run.error().code != Code::kNotFound) return std::unexpected(run.error());
  return fail(Code::kNotFound, fmt::format("no recording, run, trace or process \"{}\"",
                                           truncate(to_utf8(name), 200)));
}

std::string TraceSource::name() const {
  if (const RecordedRun* recorded = run()) return recorded->parts().front().metadata.record_id;
  return std::get<KeptTrace>(source_).trace_id();
}

WallTime TraceSource::start() const {
  return std::visit([](const auto& source) { return source.start(); }, source_);
}

Result<DerivedCounts> TraceSource::derive(TraceSink& sink, const DeriveProgress& progress) const {
  if (const RecordedRun* recorded = run()) return recorded->derive(sink, progress);
  const auto& kept = std::get<KeptTrace>(source_);
  DerivedCounts counts;
  counts.damaged_lines = kept.bad_lines();
  std::uint64_t told = 0;
  AGDB_CHECK_OK(kept.tell(sink, [&] { return !progress || progress(told++, kept.spans()); }));
  return counts;
}

}  // namespace agdb
