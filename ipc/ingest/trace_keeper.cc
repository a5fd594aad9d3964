#include "ipc/ingest/trace_keeper.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "debug/import/foreign_span.h"
#include "debug/import/importers.h"
#include "debug/import/json_documents.h"
#include "debug/import/record_session.h"
#include "debug/import/span_facts.h"
#include "debug/trace/span_file.h"
#include "runtime/events/hash.h"

namespace agdb {
namespace {

constexpr std::string_view kSource = "otlp";

SpanKind kind_of(SpanRole role) {
  switch (role) {
    case SpanRole::kAgent:
      return SpanKind::kProcess;
    case SpanRole::kModelCall:
      return SpanKind::kLlmCall;
    case SpanRole::kToolCall:
      return SpanKind::kToolCall;
    case SpanRole::kEmbedding:
    case SpanRole::kOther:
      return SpanKind::kFnCall;
  }
  return SpanKind::kFnCall;
}

Span span_of(const ForeignSpan& foreign) {
  Span span;
  span.trace_id = foreign.trace_id;
  span.span_id = foreign.span_id;
  span.parent_span_id = foreign.parent_id;
  span.pid = Pid{1};
  span.kind = kind_of(role_of(foreign));
  span.name = foreign.name;
  span.start = foreign.start.value_or(foreign.end.value_or(WallTime{}));
  if (foreign.end && *foreign.end > span.start) span.duration = *foreign.end - span.start;
  span.status = foreign.failed ? SpanStatus::kError : SpanStatus::kOk;
  span.error = foreign.error;
  span.attributes = foreign.attributes;
  for (const std::string& link : foreign.links)
    span.links.push_back({foreign.trace_id, link, nullptr});
  return span;
}

}  // namespace

TraceKeeper::TraceKeeper(std::string records_dir, std::string traces_dir, const Clock& clock,
                         Log log)
    : records_dir_(std::move(records_dir)),
      traces_dir_(std::move(traces_dir)),
      log_(std::move(log)),
      intake_(records_dir_, clock, log_) {}

Result<TraceKeeper::Kept> TraceKeeper::keep(const TracePiece& trace) {
  AGDB_TRY(const SessionLog log, import_otlp(trace.text, "trace " + trace.trace_id));
  if (log.runs.empty()) return keep_spans(trace);
  RecordingSource source;
  source.name = kSource;
  source.format = log.format;
  source.size = trace.text.size();
  source.hash = xxh3_128(trace.text).hex();
  source.not_understood = log.not_understood;
  Kept kept;
  for (const SessionRun& run : log.runs) {
    RecordingOptions options;
    options.records_dir = records_dir_;
    options.source = source;
    AGDB_TRY(const RecordedSession session, record_session(run, Pid{1}, std::move(options), log_));
    kept.recordings += session.record_ids.size();
    intake_.take(session.record_ids);
  }
  return kept;
}

Result<TraceKeeper::Kept> TraceKeeper::keep_spans(const TracePiece& trace) {
  SessionLog unused;
  ImportTally uncounted(unused);
  std::vector<ForeignSpan> spans;
  read_json_documents(trace.text, nullptr, [&](Json&& document, std::uint64_t) {
    read_foreign_spans(document, uncounted, spans);
    return true;
  });
  FileSystem disk;
  SpanFileWriter writer(disk, traces_dir_);
  std::unordered_set<std::string_view> there;
  for (const ForeignSpan& span : spans)
    if (there.insert(span.span_id).second) AGDB_CHECK_OK(writer.append(span_of(span)));
  return Kept{.spans = true};
}

}  // namespace agdb
