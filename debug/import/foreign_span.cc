#include "debug/import/foreign_span.h"

#include <fmt/format.h>

#include <charconv>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include "debug/import/log_time.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Deeper attribute values are damage.
constexpr int kMaxValueDepth = 64;
constexpr int kStatusError = 2;

const Json& none() {
  static const Json kNone;
  return kNone;
}

// The first of these members that is there and not null.
const Json& first_of(const Json& object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const Json* value = object.find(key); value != nullptr && !value->is_null()) return *value;
  return none();
}

const Json::Array& list_of(const Json& value) {
  static const Json::Array kEmpty;
  return value.is_array() ? value.items() : kEmpty;
}

// Of 64-bit integers, which OTLP/JSON writes as text and others as numbers.
std::optional<std::int64_t> integer_of(const Json& value) {
  if (const auto number = value.to_int()) return number;
  const auto text = value.to_string();
  std::int64_t number = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

// Hex text in any case, with or without 0x; integers as hex; nothing but zeros is no id.
std::string id_of(const Json& value) {
  std::string id;
  if (const auto text = value.to_string()) {
    id = to_lower_ascii(*text);
    if (id.starts_with("0x")) id.erase(0, 2);
  } else if (const auto number = value.to_uint()) {
    id = fmt::format("{:016x}", *number);
  } else if (value.is_number()) {
    id = dump(value);  // beyond 64 bits: only good for telling it from others
  }
  return id.find_first_not_of('0') == std::string::npos ? std::string() : id;
}

std::optional<WallTime> nanoseconds_of(const Json& value) {
  const auto nanoseconds = integer_of(value);
  if (!nanoseconds || *nanoseconds <= 0) return std::nullopt;
  return WallTime(Nanoseconds(*nanoseconds));
}

// OpenTelemetry for JavaScript: [seconds, nanoseconds].
std::optional<WallTime> time_of_pair(const Json::Array& pair) {
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  if (pair.size() != 2) return std::nullopt;
  const auto seconds = pair[0].to_int();
  const auto nanoseconds = pair[1].to_int();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / kNanosPerSecond - 1;
  if (!seconds || !nanoseconds || *seconds <= 0 || *seconds > most || *nanoseconds < 0 ||
      *nanoseconds >= kNanosPerSecond)
    return std::nullopt;
  return WallTime(Nanoseconds(*seconds * kNanosPerSecond + *nanoseconds));
}

// `nano`: the field that OTLP says is in nanoseconds; `other`: one whose form tells the unit.
std::optional<WallTime> time_of(const Json& nano, const Json& other, ImportTally& tally) {
  if (nano.is_null() && other.is_null()) return std::nullopt;
  std::optional<WallTime> time;
  if (!nano.is_null()) {
    time = nanoseconds_of(nano);
  } else if (other.is_array()) {
    time = time_of_pair(other.items());
  } else {
    time = read_log_time(other);
  }
  // Zero is how OTLP writes that it is not known.
  if (!time && integer_of(nano) != 0) tally.not_understood("time that cannot be read");
  return time;
}

Json plain_value(const Json& any, int depth);

Json plain_object(const Json& entries, int depth) {
  Json object = Json::object();
  for (const Json& entry : list_of(entries)) {
    const auto key = entry["key"].to_string();
    if (key) object.members().push_back({std::string(*key), plain_value(entry["value"], depth)});
  }
  return object;
}

// What an AnyValue says. One without a value is null.
Json plain_value(const Json& any, int depth) {
  if (!any.is_object() || depth > kMaxValueDepth) return any.is_object() ? Json() : any;
  if (const Json& integer = first_of(any, {"intValue", "int_value"}); !integer.is_null()) {
    const auto number = integer_of(integer);
    return number ? Json(*number) : integer;
  }
  if (const Json& list = first_of(any, {"arrayValue", "array_value"}); list.is_object()) {
    Json values = Json::array();
    for (const Json& item : list_of(list["values"])) values.push_back(plain_value(item, depth + 1));
    return values;
  }
  if (const Json& list = first_of(any, {"kvlistValue", "kvlist_value"}); list.is_object())
    return plain_object(list["values"], depth + 1);
  return first_of(any, {"stringValue", "string_value", "boolValue", "bool_value", "doubleValue",
                        "double_value", "bytesValue", "bytes_value"});
}

// A list of keys with AnyValues, Jaeger's list of keys with plain values, or a plain object.
Json attributes_of(const Json& value) {
  if (value.is_object()) return value;
  if (value.is_array()) return plain_object(value, 0);
  return Json::object();
}

ForeignSpan::Event event_of(const Json& json, ImportTally& tally) {
  ForeignSpan::Event event;
  event.attributes = attributes_of(first_of(json, {"attributes", "fields"}));
  event.name = json.text("name", event.attributes.text("event"));
  event.time = time_of(first_of(json, {"timeUnixNano", "time_unix_nano"}),
                       first_of(json, {"timestamp", "time"}), tally);
  return event;
}

// SDKs print what a link points to as its context.
ForeignSpan::Link link_of(const Json& json) {
  const Json& context = first_of(json, {"context", "spanContext"});
  const Json& to = context.is_object() ? context : json;
  return {.trace_id = id_of(first_of(to, {"traceId", "trace_id"})),
          .span_id = id_of(first_of(to, {"spanId", "span_id"})),
          .attributes = attributes_of(json["attributes"])};
}

// An enum by its number or, as proto3's JSON writes it and OTLP's forbids, by its name.
bool is_error(const Json& code, ImportTally& tally) {
  const auto name = code.to_string();
  if (!name) return code.to_int() == kStatusError;
  tally.bookkeeping("enum written as a name");
  return to_lower_ascii(*name).ends_with("error");
}

void read_status(const Json& json, ImportTally& tally, ForeignSpan& span) {
  const Json& status = json["status"];
  span.failed = is_error(first_of(status, {"code", "status_code"}), tally);
  span.error = first_of(status, {"message", "description"}).to_string().value_or("");
  const Json& tag = span.attributes["error"];
  const bool tagged = tag == Json(true) || tag == Json("true") ||
                      span.attributes.text("otel.status_code") == "ERROR";
  span.failed = span.failed || tagged;
  if (span.error.empty()) span.error = span.attributes.text("otel.status_description");
  for (const ForeignSpan::Event& event : span.events) {
    if (!span.error.empty() || event.name != "exception") continue;
    span.error = event.attributes.text("exception.message");
    if (span.error.empty()) span.error = event.attributes.text("exception.type");
  }
}

std::string parent_of(const Json& json) {
  for (const Json& reference : list_of(json["references"]))
    if (reference.text("refType") == "CHILD_OF") return id_of(reference["spanID"]);
  const Json& parent = first_of(json, {"parentSpanId", "parent_span_id", "parent_id",
                                       "parentObservationId", "parent", "parentSpanContext"});
  return id_of(parent.is_object() ? first_of(parent, {"span_id", "spanId"}) : parent);
}

bool is_span(const Json& json) {
  if (!first_of(json, {"name", "operationName"}).is_string()) return false;
  const Json& attributes = first_of(json, {"attributes", "tags"});
  if (!attributes.is_object() && !attributes.is_array()) return false;
  return !first_of(json, {"spanId", "span_id", "spanID", "spanContext", "context", "kind",
                          "startTimeUnixNano", "start_time"})
              .is_null();
}

void read_span(const Json& json, ImportTally& tally, std::vector<ForeignSpan>& out) {
  if (!json.is_object()) return tally.not_understood("span that is no object");
  ForeignSpan span;
  const Json& context = first_of(json, {"context", "spanContext"});
  const Json& trace_id = first_of(json, {"traceId", "trace_id", "traceID"});
  const Json& span_id = first_of(json, {"spanId", "span_id", "spanID"});
  span.trace_id = id_of(trace_id.is_null() ? first_of(context, {"trace_id", "traceId"}) : trace_id);
  span.span_id = id_of(span_id.is_null() ? first_of(context, {"span_id", "spanId"}) : span_id);
  span.parent_id = parent_of(json);
  span.name = first_of(json, {"name", "operationName"}).to_string().value_or("");
  span.start = time_of(first_of(json, {"startTimeUnixNano", "start_time_unix_nano"}),
                       first_of(json, {"start_time", "startTime"}), tally);
  span.end = time_of(first_of(json, {"endTimeUnixNano", "end_time_unix_nano"}),
                     first_of(json, {"end_time", "endTime"}), tally);
  span.attributes = attributes_of(first_of(json, {"attributes", "tags"}));
  if (json["kind"].is_string()) tally.bookkeeping("enum written as a name");
  for (const Json& event : list_of(first_of(json, {"events", "logs"})))
    span.events.push_back(event_of(event, tally));
  for (const Json& link : list_of(json["links"])) span.links.push_back(link_of(link));
  read_status(json, tally, span);
  out.push_back(std::move(span));
}

void read_resources(const Json& resources, ImportTally& tally, std::vector<ForeignSpan>& out) {
  for (const Json& resource : list_of(resources))
    for (const Json& scope :
         list_of(first_of(resource, {"scopeSpans", "instrumentationLibrarySpans", "scope_spans"})))
      for (const Json& span : list_of(scope["spans"])) read_span(span, tally, out);
}

// Jaeger tells how long a span was, in microseconds, and not when it ended.
void read_jaeger_trace(const Json& trace, ImportTally& tally, std::vector<ForeignSpan>& out) {
  constexpr std::int64_t kNanosPerMicro = 1000;
  for (const Json& json : list_of(trace["spans"])) {
    const std::size_t at = out.size();
    read_span(json, tally, out);
    if (at == out.size()) continue;
    ForeignSpan& span = out.back();
    const auto duration = integer_of(json["duration"]);
    const std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
    if (!span.start || !duration || *duration < 0 || *duration > most / kNanosPerMicro ||
        span.start->time_since_epoch().count() > most)
      continue;
    span.end = *span.start + Nanoseconds(*duration * kNanosPerMicro);
  }
}

// Attributes are in the metadata, which may be text; what Langfuse knows itself is added in the
// names of the conventions where the metadata has none.
Json langfuse_attributes(const Json& observation) {
  Json metadata = observation["metadata"];
  if (const auto text = metadata.to_string()) metadata = parse_json(*text).value_or(Json());
  Json attributes = attributes_of(metadata["attributes"]);
  const auto add = [&attributes](std::string_view key, const Json& value) {
    if (!value.is_null() && attributes.find(key) == nullptr) attributes.set(key, value);
  };
  const Json& usage = observation["usageDetails"];
  add("langfuse.observation.type", observation["type"]);
  add("gen_ai.response.model", observation["model"]);
  add("gen_ai.usage.input_tokens", usage["input"]);
  add("gen_ai.usage.output_tokens", usage["output"]);
  add("input.value", observation["input"]);
  add("output.value", observation["output"]);
  return attributes;
}

void read_langfuse(const Json& document, ImportTally& tally, std::vector<ForeignSpan>& out) {
  const std::string trace_id = id_of(document["trace"]["id"]);
  for (const Json& observation : document["observations"].items()) {
    if (!observation.is_object()) {
      tally.not_understood("span that is no object");
      continue;
    }
    ForeignSpan span;
    span.trace_id = trace_id;
    span.span_id = id_of(observation["id"]);
    span.parent_id = parent_of(observation);
    span.name = observation.text("name");
    span.start = time_of(none(), observation["startTime"], tally);
    span.end = time_of(none(), observation["endTime"], tally);
    span.failed = observation.text("level") == "ERROR";
    span.error = observation.text("statusMessage");
    span.attributes = langfuse_attributes(observation);
    out.push_back(std::move(span));
  }
}

enum class Container { kNone, kResources, kTrace, kSpans, kJaeger, kJaegerTrace, kLangfuse, kSpan };

const Json& resources_of(const Json& document) {
  return first_of(document, {"resourceSpans", "batches", "resource_spans"});
}

bool is_jaeger_trace(const Json& json) {
  return json["traceID"].is_string() && json["spans"].is_array();
}

Container container_of(const Json& document) {
  if (!document.is_object()) return Container::kNone;
  if (resources_of(document).is_array()) return Container::kResources;
  if (resources_of(document["trace"]).is_array()) return Container::kTrace;
  if (document["observations"].is_array() && document["trace"].is_object())
    return Container::kLangfuse;
  if (is_jaeger_trace(document)) return Container::kJaegerTrace;
  const Json::Array& data = list_of(document["data"]);
  if (!data.empty() && is_jaeger_trace(data.front())) return Container::kJaeger;
  const Json::Array& spans = list_of(document["spans"]);
  if (!spans.empty() && is_span(spans.front())) return Container::kSpans;
  return is_span(document) ? Container::kSpan : Container::kNone;
}

}  // namespace

bool read_foreign_spans(const Json& document, ImportTally& tally, std::vector<ForeignSpan>& out) {
  switch (container_of(document)) {
    case Container::kResources:
      read_resources(resources_of(document), tally, out);
      return true;
    case Container::kTrace:
      read_resources(resources_of(document["trace"]), tally, out);
      return true;
    case Container::kSpans:
      for (const Json& span : document["spans"].items()) read_span(span, tally, out);
      return true;
    case Container::kJaeger:
      for (const Json& trace : document["data"].items()) read_jaeger_trace(trace, tally, out);
      return true;
    case Container::kJaegerTrace:
      read_jaeger_trace(document, tally, out);
      return true;
    case Container::kLangfuse:
      read_langfuse(document, tally, out);
      return true;
    case Container::kSpan:
      read_span(document, tally, out);
      return true;
    case Container::kNone:
      break;
  }
  bool any = false;
  for (const Json& item : list_of(document)) {
    if (item.is_array()) {
      tally.not_understood("list within a list");
    } else if (read_foreign_spans(item, tally, out)) {
      any = true;
    } else {
      tally.not_understood("list element that is no span");
    }
  }
  return any;
}

bool holds_foreign_spans(const Json& document) {
  const Json::Array& list = list_of(document);
  return container_of(list.empty() ? document : list.front()) != Container::kNone;
}

}  // namespace agdb
