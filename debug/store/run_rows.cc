#include "debug/store/run_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "debug/store/search_text.h"
#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

std::int64_t to_column(StoredId id) {
  return static_cast<std::int64_t>(raw(id));
}

bool fits(std::string_view text, std::size_t max_bytes) {
  return text.size() <= max_bytes && is_utf8(text);
}

void cut(std::string& text, std::size_t max_bytes) {
  if (!is_utf8(text)) text = to_utf8(text);
  if (text.size() > max_bytes) text.resize(prefix_of_bytes(text, max_bytes).size());
}

// The names of a trace; each has the same limit.
template <typename Summary>
auto names_of(Summary& run) {
  return std::array{&run.flow_name,      &run.source_file, &run.backend, &run.client_key,
                    &run.correlation_id, &run.record_id,   &run.run_id,  &run.trace_id};
}

bool is_clean(const RunEvent& event) {
  return fits(event.event_type, kMaxNameBytes) && fits(event.step_name, kMaxNameBytes) &&
         fits(event.detail, kMaxDetailBytes);
}

// [["type",offset_ms,"step","detail"], …]
std::string events_to_json(const std::vector<RunEvent>& events) {
  std::string json = "[";
  for (const RunEvent& event : events) {
    json += json.size() > 1 ? ",[" : "[";
    dump_string_to(json, event.event_type);
    json += fmt::format(",{},", event.offset_ms);
    dump_string_to(json, event.step_name);
    json += ',';
    dump_string_to(json, event.detail);
    json += ']';
  }
  return json + ']';
}

std::string text_at(const Json& row, std::size_t index) {
  return index < row.size() ? std::string(row.items()[index].to_string().value_or("")) : "";
}

Result<std::vector<RunEvent>> events_from_json(std::string_view json) {
  std::vector<RunEvent> events;
  if (json.empty() || json == "[]") return events;
  AGDB_TRY(const Json rows, parse_json(json));
  if (!rows.is_array()) return fail(Code::kCorrupt, "a trace's events are no list");
  events.reserve(rows.size());
  for (const Json& row : rows.items()) {
    if (!row.is_array() || row.size() != 4)
      return fail(Code::kCorrupt, "a trace's event is not a list of four");
    events.push_back({.event_type = text_at(row, 0),
                      .offset_ms = row.items()[1].to_int().value_or(0),
                      .step_name = text_at(row, 2),
                      .detail = text_at(row, 3)});
  }
  return events;
}

std::string tags_to_json(const std::vector<std::string>& tags) {
  Json json = Json::array();
  for (const std::string& tag : tags) json.push_back(tag);
  return dump(json);
}

Result<std::vector<std::string>> tags_from_json(std::string_view json) {
  std::vector<std::string> tags;
  AGDB_TRY(const Json list, parse_json(json));
  if (!list.is_array()) return fail(Code::kCorrupt, "an annotation's tags are no list");
  for (std::size_t i = 0; i < list.size(); ++i) tags.push_back(text_at(list, i));
  return tags;
}

Status index_text(Database& database, StoredId id, const std::string& text) {
  AGDB_TRY(Query query, database.query("INSERT INTO run_text (rowid, text) VALUES (?, ?)"));
  query.bind(to_column(id)).bind(text);
  return query.run();
}

// The index keeps no text of its own, so it has to be told what it is to forget.
Status forget_text(Database& database, StoredId id, const std::string& text) {
  AGDB_TRY(Query query, database.query("INSERT INTO run_text (run_text, rowid, text) "
                                       "VALUES ('delete', ?, ?)"));
  query.bind(to_column(id)).bind(text);
  return query.run();
}

Status insert_annotation_rows(Database& database, StoredId id, const RunAnnotation& annotation) {
  AGDB_TRY(Query query,
           database.query("INSERT INTO annotations (run, timestamp, author, text, tags) "
                          "VALUES (?, ?, ?, ?, ?)"));
  const std::string tags = tags_to_json(annotation.tags);
  query.bind(to_column(id)).bind(annotation.timestamp).bind(annotation.author);
  query.bind(annotation.text).bind(tags);
  AGDB_CHECK_OK(query.run());
  AGDB_TRY(Query tagging, database.query("INSERT OR IGNORE INTO run_tags VALUES (?, ?)"));
  for (const std::string& tag : annotation.tags) {
    tagging.bind(tag).bind(to_column(id));
    AGDB_CHECK_OK(tagging.run());
    tagging.reset();
  }
  return {};
}

Status insert_run(Database& database, const RunTrace& trace, StoredId id, std::int64_t timestamp) {
  AGDB_TRY(Query query, database.query("INSERT INTO runs VALUES "
                                       "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  query.bind(to_column(id)).bind(timestamp).bind(run_status_name(trace.status));
  query.bind(trace.steps_executed).bind(trace.latency_ms).bind(latency_class_of(trace.latency_ms));
  query.bind(trace.tokens_input).bind(trace.tokens_output);
  query.bind(trace.anchor_checks).bind(trace.anchor_breaches);
  query.bind(trace.errors).bind(trace.retries).bind(to_column(trace.replay_of));
  query.bind(static_cast<std::int64_t>(trace.events.size()));
  query.bind(trace.flow_name).bind(trace.client_key).bind(trace.backend).bind(trace.source_file);
  query.bind(trace.correlation_id).bind(trace.record_id).bind(trace.run_id).bind(trace.trace_id);
  return query.run();
}

Result<std::vector<RunEvent>> read_events(Database& database, StoredId id) {
  AGDB_TRY(Query query, database.query("SELECT events FROM run_events WHERE id = ?"));
  query.bind(to_column(id));
  AGDB_TRY(const bool row, query.step());
  return events_from_json(row ? query.text(0) : std::string_view());
}

Result<std::vector<RunAnnotation>> read_annotations(Database& database, StoredId id) {
  AGDB_TRY(Query query, database.query("SELECT timestamp, author, text, tags FROM annotations "
                                       "WHERE run = ? ORDER BY number"));
  query.bind(to_column(id));
  std::vector<RunAnnotation> annotations;
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return annotations;
    AGDB_TRY(std::vector<std::string> tags, tags_from_json(query.text(3)));
    annotations.push_back({.author = std::string(query.text(1)),
                           .text = std::string(query.text(2)),
                           .tags = std::move(tags),
                           .timestamp = query.integer(0)});
  }
}

}  // namespace

const std::string_view kRunColumns =
    "runs.id, timestamp, status, steps_executed, latency_ms, tokens_input, tokens_output, "
    "anchor_checks, anchor_breaches, errors, retries, replay_of, event_count, flow_name, "
    "client_key, backend, source_file, correlation_id, record_id, run_id, trace_id";

RunSummary read_summary(const Query& query) {
  const auto text = [&](int column) { return std::string(query.text(column)); };
  return {.id = StoredId{static_cast<std::uint64_t>(query.integer(0))},
          .timestamp = query.integer(1),
          .flow_name = text(13),
          .status = run_status_of(query.text(2)).value_or(RunStatus::kFailed),
          .steps_executed = query.integer(3),
          .latency_ms = query.integer(4),
          .tokens_input = query.integer(5),
          .tokens_output = query.integer(6),
          .anchor_checks = query.integer(7),
          .anchor_breaches = query.integer(8),
          .errors = query.integer(9),
          .retries = query.integer(10),
          .source_file = text(16),
          .backend = text(15),
          .client_key = text(14),
          .replay_of = StoredId{static_cast<std::uint64_t>(query.integer(11))},
          .correlation_id = text(17),
          .record_id = text(18),
          .run_id = text(19),
          .trace_id = text(20),
          .event_count = query.integer(12)};
}

Status check_annotation(const RunAnnotation& annotation) {
  if (annotation.tags.size() <= kMaxTags) return {};
  return fail(Code::kInvalid, fmt::format("an annotation of {} tags; at most {} are kept",
                                          annotation.tags.size(), kMaxTags));
}

Status check_trace(const RunTrace& trace) {
  const std::pair<const char*, std::int64_t> numbers[] = {
      {"timestamp", trace.timestamp},
      {"steps_executed", trace.steps_executed},
      {"latency_ms", trace.latency_ms},
      {"tokens_input", trace.tokens_input},
      {"tokens_output", trace.tokens_output},
      {"anchor_checks", trace.anchor_checks},
      {"anchor_breaches", trace.anchor_breaches},
      {"errors", trace.errors},
      {"retries", trace.retries}};
  for (const auto& [name, number] : numbers)
    if (number < 0 || number > kMaxRunNumber)
      return fail(Code::kInvalid,
                  fmt::format("{} of {} is not within 0 and {}", name, number, kMaxRunNumber));
  for (const RunEvent& event : trace.events)
    if (event.offset_ms < 0 || event.offset_ms > kMaxRunNumber)
      return fail(Code::kInvalid, fmt::format("an event's offset_ms of {} is not within 0 and {}",
                                              event.offset_ms, kMaxRunNumber));
  if (trace.annotations.size() > kMaxAnnotations)
    return fail(Code::kInvalid, fmt::format("a trace of {} annotations; at most {} are kept",
                                            trace.annotations.size(), kMaxAnnotations));
  for (const RunAnnotation& annotation : trace.annotations)
    AGDB_CHECK_OK(check_annotation(annotation));
  return {};
}

bool is_clean(const RunTrace& trace, std::size_t max_events) {
  const auto names = names_of(trace);
  return trace.annotations.empty() && trace.events.size() <= max_events &&
         std::ranges::all_of(names, [](const auto* name) { return fits(*name, kMaxNameBytes); }) &&
         std::ranges::all_of(trace.events, [](const RunEvent& event) { return is_clean(event); });
}

void clean(RunTrace& trace, std::size_t max_events) {
  if (trace.events.size() > max_events) trace.events.resize(max_events);
  for (std::string* name : names_of(trace)) cut(*name, kMaxNameBytes);
  for (RunEvent& event : trace.events) {
    cut(event.event_type, kMaxNameBytes);
    cut(event.step_name, kMaxNameBytes);
    cut(event.detail, kMaxDetailBytes);
  }
  for (RunAnnotation& annotation : trace.annotations) clean(annotation);
}

void clean(RunAnnotation& annotation) {
  cut(annotation.author, kMaxNameBytes);
  cut(annotation.text, kMaxAnnotationBytes);
  for (std::string& tag : annotation.tags) cut(tag, kMaxNameBytes);
}

std::string clean_name(std::string_view text) {
  std::string name(text);
  cut(name, kMaxNameBytes);
  return name;
}

int latency_class_of(std::int64_t latency_ms) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(latency_ms)));
}

Status insert_rows(Database& database, const RunTrace& trace, StoredId id, std::int64_t timestamp) {
  AGDB_CHECK_OK(insert_run(database, trace, id, timestamp));
  if (!trace.events.empty()) {
    AGDB_TRY(Query query, database.query("INSERT INTO run_events VALUES (?, ?)"));
    const std::string events = events_to_json(trace.events);
    query.bind(to_column(id)).bind(events);
    AGDB_CHECK_OK(query.run());
  }
  for (const RunAnnotation& annotation : trace.annotations)
    AGDB_CHECK_OK(insert_annotation_rows(database, id, annotation));
  return index_text(database, id, searchable_text(trace));
}

Result<std::optional<RunTrace>> read_trace(Database& database, StoredId id) {
  static const std::string kSql = fmt::format("SELECT {} FROM runs WHERE id = ?", kRunColumns);
  RunTrace trace;
  {
    AGDB_TRY(Query query, database.query(kSql));
    query.bind(to_column(id));
    AGDB_TRY(const bool row, query.step());
    if (!row) return std::nullopt;
    static_cast<RunSummary&>(trace) = read_summary(query);
  }
  AGDB_CHECK_OK(read_details(database, trace));
  return trace;
}

Status read_details(Database& database, RunTrace& trace) {
  AGDB_TRY(trace.events, read_events(database, trace.id));
  AGDB_TRY(trace.annotations, read_annotations(database, trace.id));
  return {};
}

Status delete_rows(Database& database, const RunTrace& trace) {
  AGDB_CHECK_OK(forget_text(database, trace.id, searchable_text(trace)));
  for (const RunAnnotation& annotation : trace.annotations) {
    for (const std::string& tag : annotation.tags) {
      AGDB_TRY(Query query, database.query("DELETE FROM run_tags WHERE tag = ? AND run = ?"));
      query.bind(tag).bind(to_column(trace.id));
      AGDB_CHECK_OK(query.run());
    }
  }
  for (const std::string_view sql :
       {"DELETE FROM annotations WHERE run = ?", "DELETE FROM run_events WHERE id = ?",
        "DELETE FROM runs WHERE id = ?"}) {
    AGDB_TRY(Query query, database.query(sql));
    query.bind(to_column(trace.id));
    AGDB_CHECK_OK(query.run());
  }
  return {};
}

Status insert_annotation(Database& database, RunTrace& trace, const RunAnnotation& annotation) {
  AGDB_CHECK_OK(forget_text(database, trace.id, searchable_text(trace)));
  trace.annotations.push_back(annotation);
  AGDB_CHECK_OK(insert_annotation_rows(database, trace.id, annotation));
  return index_text(database, trace.id, searchable_text(trace));
}

}  // namespace agdb
