#include "debug/record/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/field_reader.h"
#include "debug/record/file.h"

namespace agdb {
namespace {

// Intents and sources are of human length; anything longer is no metadata.
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

std::string path_in(const std::string& folder) {
  return folder + "/metadata.json";
}

std::unexpected<Error> bad_metadata(std::string_view name, std::string_view why) {
  return fail(Code::kCorrupt, fmt::format("cannot parse metadata {}: {}", name, why));
}

void read_time(FieldReader& fields, std::string_view key, std::optional<WallTime>& out) {
  std::string text;
  fields.read(key, text);
  if (text.empty() || text == kUnsetWallTime) return;
  Result<WallTime> time = parse_wall_time(text);
  if (!time) return fields.report(key, time.error().message);
  out = *time;
}

// The object under `key`, read by `read` where it is there.
template <typename Read>
void read_object(FieldReader& fields, std::string_view key, Read read) {
  Json* json = fields.take(key);
  if (json == nullptr) return;
  if (!json->is_object()) return fields.wrong_type(key, "an object", *json);
  FieldReader inner(std::move(json->members()), fmt::format("{}.", key));
  read(inner);
  if (!inner.error().empty()) fields.report(inner.error());
}

RecordingParent read_parent(FieldReader& fields) {
  RecordingParent parent;
  fields.read("record_id", parent.record_id);
  fields.read("pid", parent.pid);
  fields.read("seq_num", parent.seq_num);
  return parent;
}

ForkOrigin read_origin(FieldReader& fields) {
  ForkOrigin origin;
  fields.read("record_id", origin.record_id);
  fields.read("seq_num", origin.seq_num);
  return origin;
}

RecordingSource read_source(FieldReader& fields) {
  RecordingSource source;
  fields.read("name", source.name);
  fields.read("format", source.format);
  fields.read("size", source.size);
  fields.read("hash", source.hash);
  if (Json* counts = fields.take("not_understood")) {
    if (!counts->is_object()) fields.wrong_type("not_understood", "an object", *counts);
    if (counts->is_object()) {
      for (const Json::Member& kind : counts->members())
        source.not_understood[kind.key] = kind.value.to_uint().value_or(0);
    }
  }
  fields.read("times_without_zone", source.times_without_zone);
  return source;
}

BeganLate read_began_late(FieldReader& fields) {
  BeganLate late;
  fields.read("n", late.n);
  fields.read("timestamp", late.timestamp);
  fields.read("state", late.state);
  fields.read("tokens_used", late.tokens_used);
  fields.read("steps", late.steps);
  fields.read("lost_events", late.lost_events);
  return late;
}

void read_fields(FieldReader& fields, RecordingMetadata& metadata) {
  fields.read("record_id", metadata.record_id);
  fields.read("pid", metadata.pid);
  fields.read("intent", metadata.intent);
  read_time(fields, "start_time", metadata.start_time);
  read_time(fields, "end_time", metadata.end_time);
  fields.read("event_count", metadata.event_count);
  fields.read("status", metadata.status);
  fields.read("format_version", metadata.format_version);
  fields.read("agdb_version", metadata.agdb_version);
  fields.read("run_id", metadata.run_id);
  fields.read("trace_id", metadata.trace_id);
  fields.read("outer_span_id", metadata.outer_span_id);
  read_object(fields, "parent", [&](FieldReader& in) { metadata.parent = read_parent(in); });
  read_time(fields, "process_start_time", metadata.process_start_time);
  fields.read("time_source", metadata.time_source);
  fields.read("runtime", metadata.runtime);
  read_object(fields, "source", [&](FieldReader& in) { metadata.source = read_source(in); });
  read_object(fields, "forked_from",
              [&](FieldReader& in) { metadata.forked_from = read_origin(in); });
  fields.read("model", metadata.model);
  fields.read("context_budget", metadata.context_budget);
  fields.read("max_steps", metadata.max_steps);
  fields.read("lost_events", metadata.lost_events);
  fields.read("content_hash", metadata.content_hash);
  fields.read("sums_hash", metadata.sums_hash);
  fields.read("exit_reason", metadata.exit_reason);
  fields.read("host", metadata.host);
  read_time(fields, "recorded_at", metadata.recorded_at);
  read_object(fields, "began_late",
              [&](FieldReader& in) { metadata.began_late = read_began_late(in); });
}

// A time from outside may lie at the very end of what 64 bits can hold, where reading ends before.
Json time_json(const std::optional<WallTime>& time) {
  constexpr WallTime latest(std::chrono::hours(24) * 365 * 290);
  if (!time) return kUnsetWallTime;
  return format_wall_time(std::clamp(*time, WallTime(-latest.time_since_epoch()), latest));
}

// Adds optional members in the order of the calls.
class MemberWriter {
 public:
  explicit MemberWriter(Json& object) : object_(object) {}

  void text(std::string_view key, const std::string& value) {
    if (!value.empty()) object_.set(key, value);
  }
  template <typename Number>
  void number(std::string_view key, Number value) {
    if (value != 0) object_.set(key, value);
  }
  void time(std::string_view key, const std::optional<WallTime>& value) {
    if (value) object_.set(key, time_json(value));
  }

 private:
  Json& object_;
};

Json to_json(const RecordingParent& parent) {
  Json json = Json::object({{"record_id", parent.record_id}, {"pid", raw(parent.pid)}});
  MemberWriter(json).number("seq_num", raw(parent.seq_num));
  return json;
}

Json to_json(const ForkOrigin& origin) {
  return Json::object({{"record_id", origin.record_id}, {"seq_num", raw(origin.seq_num)}});
}

Json to_json(const RecordingSource& source) {
  Json json = Json::object({{"name", source.name},
                            {"format", source.format},
                            {"size", source.size},
                            {"hash", source.hash}});
  if (!source.not_understood.empty()) {
    Json counts = Json::object();
    for (const auto& [kind, count] : source.not_understood) counts.set(kind, count);
    json.set("not_understood", std::move(counts));
  }
  if (source.times_without_zone) json.set("times_without_zone", true);
  return json;
}

Json to_json(const BeganLate& late) {
  Json json = Json::object({{"n", late.n},
                            {"timestamp", late.timestamp.count()},
                            {"state", late.state},
                            {"tokens_used", late.tokens_used},
                            {"steps", late.steps}});
  MemberWriter(json).number("lost_events", late.lost_events);
  return json;
}

void add_version2(Json& json, const RecordingMetadata& metadata) {
  MemberWriter members(json);
  json.set("format_version", metadata.format_version);
  members.text("agdb_version", metadata.agdb_version);
  members.text("run_id", metadata.run_id);
  members.text("trace_id", metadata.trace_id);
  members.text("outer_span_id", metadata.outer_span_id);
  if (metadata.parent) json.set("parent", to_json(*metadata.parent));
  members.time("process_start_time", metadata.process_start_time);
  members.text("time_source", metadata.time_source);
  members.text("runtime", metadata.runtime);
  if (metadata.source) json.set("source", to_json(*metadata.source));
  if (metadata.forked_from) json.set("forked_from", to_json(*metadata.forked_from));
  members.text("model", metadata.model);
  members.number("context_budget", metadata.context_budget);
  members.number("max_steps", metadata.max_steps);
  members.number("lost_events", metadata.lost_events);
  members.text("content_hash", metadata.content_hash);
  members.text("sums_hash", metadata.sums_hash);
  members.text("exit_reason", metadata.exit_reason);
  members.text("host", metadata.host);
  members.time("recorded_at", metadata.recorded_at);
  if (metadata.began_late) json.set("began_late", to_json(*metadata.began_late));
}

}  // namespace

Result<RecordingMetadata> parse_metadata(std::string_view text, std::string_view name) {
  Result<Json> json = parse_json(text, nullptr, {.restore_base64 = true});
  if (!json) return bad_metadata(name, json.error().message);
  if (!json->is_object())
    return bad_metadata(name, fmt::format("expected an object, got {}", describe(*json)));
  FieldReader fields(std::move(json->members()), "");
  RecordingMetadata metadata;
  read_fields(fields, metadata);
  if (!fields.error().empty()) return bad_metadata(name, fields.error());
  if (metadata.format_version > kFormatVersion) {
    return fail(Code::kUnsupported,
                fmt::format("metadata {} has format version {}, newer than {}", name,
                            metadata.format_version, kFormatVersion),
                "read it with a newer agdb");
  }
  metadata.unknown = fields.take_unknown();
  return metadata;
}

std::string metadata_to_json(const RecordingMetadata& metadata) {
  Json json = Json::object({{"record_id", metadata.record_id},
                            {"pid", raw(metadata.pid)},
                            {"intent", metadata.intent},
                            {"start_time", time_json(metadata.start_time)},
                            {"end_time", time_json(metadata.end_time)},
                            {"event_count", metadata.event_count},
                            {"status", metadata.status}});
  if (metadata.format_version >= 2) add_version2(json, metadata);
  if (metadata.unknown.is_object()) {
    for (const Json::Member& member : metadata.unknown.members()) json.members().push_back(member);
  }
  std::string text = dump(json, {.sorted = false, .indent = 2, .keep_bytes = true});
  text += '\n';
  return text;
}

Result<std::string> read_metadata_text(const std::string& folder) {
  Result<std::string> text = read_file(path_in(folder), kMaxBytes);
  if (text) return text;
  Error error = std::move(text).error();
  error.message = "cannot read metadata: " + error.message;
  return std::unexpected(std::move(error));
}

Result<RecordingMetadata> read_metadata(const std::string& folder) {
  AGDB_TRY(const std::string text, read_metadata_text(folder));
  return parse_metadata(text, path_in(folder));
}

Status write_metadata(FileSystem& files, const std::string& folder,
                      const RecordingMetadata& metadata, Persist persist) {
  return replace_file(files, path_in(folder), metadata_to_json(metadata), persist);
}

Result<Json> metadata_json(const RecordingMetadata& metadata) {
  return parse_json(metadata_to_json(metadata));
}

bool is_root(const RecordingMetadata& metadata) {
  return !metadata.parent || metadata.parent->record_id.empty();
}

}  // namespace agdb
