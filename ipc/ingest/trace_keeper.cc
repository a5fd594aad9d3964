#include "ipc/ingest/trace_keeper.h"

#include <fmt/format.h>

#include <unordered_map>
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

// Times from outside lie anywhere: the difference may not fit.
Nanoseconds offset_of(WallTime time, WallTime start) {
  std::int64_t offset = 0;
  const std::int64_t from = start.time_since_epoch().count();
  if (__builtin_sub_overflow(time.time_since_epoch().count(), from, &offset)) return {};
  return Nanoseconds(offset);
}

// A link's attributes are texts.
Json texts_of(const Json& attributes) {
  if (attributes.empty()) return nullptr;
  Json texts = Json::object();
  for (const Json::Member& member : attributes.members())
    texts.members().push_back(
        {member.key, member.value.is_string() ? member.value : Json(dump(member.value))});
  return texts;
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
  for (const ForeignSpan::Event& event : foreign.events) {
    const WallTime time = event.time.value_or(span.start);
    span.events.push_back({.name = event.name,
                           .time = time,
                           .offset = offset_of(time, span.start),
                           .attributes = event.attributes});
  }
  for (const ForeignSpan::Link& link : foreign.links)
    span.links.push_back({link.trace_id.empty() ? foreign.trace_id : link.trace_id, link.span_id,
                          texts_of(link.attributes)});
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
    AGDB_TRY(const RecordedSession session, record_session(run, std::move(options), log_));
    kept.recordings += session.record_ids.size();
    intake_.take(session.record_ids);
  }
  return kept;
}

Result<TraceKeeper::Kept> TraceKeeper::keep_spans(const TracePiece& trace) {
  SessionLog log;
  ImportTally tally(log);
  std::vector<ForeignSpan> spans;
  read_json_documents(trace.text, nullptr, [&](Json&& document, std::uint64_t) {
    read_foreign_spans(document, tally, spans);
    return true;
  });
  FileSystem disk;
  SpanFileWriter writer(disk, traces_dir_);
  Kept kept{.spans = true};
  std::unordered_map<std::string_view, const ForeignSpan*> there;
  for (const ForeignSpan& foreign : spans) {
    const Span span = span_of(foreign);
    const auto [first, is_new] = there.try_emplace(foreign.span_id, &foreign);
    if (is_new) {
      AGDB_CHECK_OK(writer.append(span));
    } else if (span != span_of(*first->second)) {
      ++kept.dropped_spans;
    }
  }
  if (kept.dropped_spans > 0)
    tally.not_understood("span of an id that stands there", kept.dropped_spans);
  if (!log.not_understood.empty() && log_)
    log_(fmt::format("trace {}: not kept: {}", trace.trace_id, counted_text(log.not_understood)));
  return kept;
}

}  // namespace agdb
