#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <optional>

#include "debug/record/field_reader.h"
#include "debug/trace/span_line.h"

namespace agdb {
namespace {

constexpr std::int64_t kUnsetMilliseconds = -62'135'596'800'000;  // the year 1
constexpr std::int64_t kNanoseconds = 1'000'000;                  // of a millisecond

// The times of a line as they stand there.
struct Times {
  std::optional<std::int64_t> start_ms;
  std::optional<std::int64_t> end_ms;
  std::optional<std::int64_t> duration_ms;
  std::optional<std::int64_t> start_ns;
  std::optional<std::int64_t> duration_ns;
};

std::optional<std::int64_t> times_million(std::int64_t milliseconds) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(milliseconds, kNanoseconds, &product)) return std::nullopt;
  return product;
}

std::optional<std::int64_t> start_of(const Times& times) {
  if (times.start_ns) return times.start_ns;
  const std::int64_t start = times.start_ms.value_or(0);
  return start == kUnsetMilliseconds ? 0 : times_million(start);
}

std::optional<std::int64_t> duration_of(const Times& times) {
  if (times.duration_ns) return times.duration_ns;
  if (times.duration_ms) return times_million(*times.duration_ms);
  std::int64_t between = 0;
  if (!times.start_ms || !times.end_ms) return 0;
  if (__builtin_sub_overflow(*times.end_ms, *times.start_ms, &between)) return std::nullopt;
  return times_million(between);
}

// Empty, or what is wrong with the times.
std::string_view set_times(const Times& times, Span& span) {
  const std::optional<std::int64_t> start = start_of(times);
  const std::optional<std::int64_t> duration = duration_of(times);
  std::int64_t end = 0;
  if (duration && *duration < 0) return "the duration is negative";
  if (!start || !duration || __builtin_add_overflow(*start, *duration, &end))
    return "a time is beyond the years 1678 to 2262";
  span.start = WallTime(Nanoseconds(*start));
  span.duration = Nanoseconds(*duration);
  return {};
}

SpanKind kind_of(std::string_view name) {
  return name.empty() ? SpanKind::kProcess : span_kind_of(name).value_or(SpanKind::kFnCall);
}

// The way for any line, which can tell what is wrong with it.

void read_optional(FieldReader& fields, std::string_view key, std::optional<std::int64_t>& out) {
  const Json* json = fields.take(key);
  if (json == nullptr) return;
  out = json->to_int();
  if (!out) fields.wrong_type(key, "an integer", *json);
}

Json read_attributes(FieldReader& fields) {
  Json* json = fields.take("attributes");
  if (json == nullptr) return {};
  if (json->is_object()) return std::move(*json);
  fields.wrong_type("attributes", "an object", *json);
  return {};
}

SpanEvent read_event(FieldReader& fields) {
  SpanEvent event;
  fields.read("name", event.name);
  std::int64_t milliseconds = 0;
  fields.read("timestamp", milliseconds);
  std::int64_t time = times_million(milliseconds).value_or(0);
  fields.read("time_ns", time);
  event.time = WallTime(Nanoseconds(time));
  fields.read("offset_ns", event.offset);
  event.attributes = read_attributes(fields);
  return event;
}

SpanLink read_link(FieldReader& fields) {
  SpanLink link;
  fields.read("trace_id", link.trace_id);
  fields.read("span_id", link.span_id);
  link.attributes = read_attributes(fields);
  return link;
}

template <typename Item>
std::vector<Item> read_list(FieldReader& fields, std::string_view key,
                            Item (*read)(FieldReader& fields)) {
  std::vector<Item> list;
  for (Json& json : fields.take_array(key)) {
    if (!json.is_object()) {
      fields.wrong_type(key, "objects", json);
      return {};
    }
    FieldReader inner(std::move(json.members()), fmt::format("{}.", key));
    list.push_back(read(inner));
    if (!inner.error().empty()) fields.report(inner.error());
  }
  return list;
}

Result<Span> read_thoroughly(std::string_view line) {
  AGDB_TRY(Json json, parse_json(line, nullptr, {.restore_base64 = true}));
  if (!json.is_object())
    return fail(Code::kCorrupt, fmt::format("expected an object, got {}", describe(json)));
  FieldReader fields(std::move(json.members()), "");
  Span span;
  fields.read("trace_id", span.trace_id);
  fields.read("span_id", span.span_id);
  fields.read("parent_span_id", span.parent_span_id);
  fields.read("pid", span.pid);
  fields.read("name", span.name);
  Times times;
  read_optional(fields, "start_time_ms", times.start_ms);
  read_optional(fields, "end_time_ms", times.end_ms);
  read_optional(fields, "duration_ms", times.duration_ms);
  read_optional(fields, "start_ns", times.start_ns);
  read_optional(fields, "duration_ns", times.duration_ns);
  fields.read("syscall_count", span.syscall_count);
  fields.read("tokens_used", span.tokens_used);
  std::string text;
  fields.read("status", text);
  span.status = span_status_of(text);
  text.clear();
  fields.read("kind", text);
  span.kind = kind_of(text);
  fields.read("error", span.error);
  span.attributes = read_attributes(fields);
  span.events = read_list(fields, "span_events", read_event);
  if (span.events.empty()) span.events = read_list(fields, "events", read_event);
  span.links = read_list(fields, "links", read_link);
  if (!fields.error().empty()) return fail(Code::kCorrupt, fields.error());
  if (const std::string_view wrong = set_times(times, span); !wrong.empty())
    return fail(Code::kCorrupt, std::string(wrong));
  return span;
}

}  // namespace

// The quick way, for lines of known keys that stand there once: goes over the line once and builds
// nothing but the span. What it does not like is read thoroughly.
struct SpanLineReader::Rep {
  simdjson::ondemand::parser parser;
  std::string padded;

  bool read(std::string_view line, std::size_t readable, Span& span) {
    if (readable < line.size() + simdjson::SIMDJSON_PADDING) {
      padded.reserve(line.size() + simdjson::SIMDJSON_PADDING);
      padded.assign(line);
      line = padded;
      readable = padded.capacity();
    }
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser.iterate(line.data(), line.size(), readable).get(document) ||
        document.get_object().get(object))
      return false;
    seen_ = 0;
    times_ = {};
    for (auto field : object) {
      std::string_view key;
      simdjson::ondemand::value value;
      if (field.unescaped_key().get(key) || field.value().get(value)) return false;
      if (!take(key, value, span)) return false;
    }
    // Nothing may stand behind the object.
    return document.current_location().error() != simdjson::SUCCESS &&
           set_times(times_, span).empty();
  }

 private:
  using Value = simdjson::ondemand::value;

  bool take(std::string_view key, Value& value, Span& span) {
    switch (key.size()) {
      case 3:
        return key == "pid" && once(0) && pid(value, span.pid);
      case 4:
        if (key == "name") return once(1) && text(value, span.name);
        return key == "kind" && once(2) && kind(value, span.kind);
      case 5:
        return key == "error" && once(3) && text(value, span.error);
      case 6:
        return key == "status" && once(4) && status(value, span.status);
      case 7:
        return key == "span_id" && once(5) && text(value, span.span_id);
      case 8:
        if (key == "trace_id") return once(6) && text(value, span.trace_id);
        return key == "start_ns" && once(7) && number(value, times_.start_ns);
      default:
        return take_long(key, value, span);
    }
  }

  bool take_long(std::string_view key, Value& value, Span& span) {
    if (key == "parent_span_id") return once(8) && text(value, span.parent_span_id);
    if (key == "start_time_ms") return once(9) && number(value, times_.start_ms);
    if (key == "end_time_ms") return once(10) && number(value, times_.end_ms);
    if (key == "duration_ms") return once(11) && number(value, times_.duration_ms);
    if (key == "duration_ns") return once(12) && number(value, times_.duration_ns);
    if (key == "syscall_count") return once(13) && !value.get_uint64().get(span.syscall_count);
    if (key == "tokens_used") return once(14) && !value.get_int64().get(span.tokens_used);
    return key == "attributes" && once(15) && attributes(value, span.attributes);
  }

  bool once(unsigned bit) {
    const bool first = (seen_ >> bit & 1) == 0;
    seen_ |= 1u << bit;
    return first;
  }
  static bool text(Value& value, std::string& out) {
    std::string_view text;
    if (value.get_string().get(text)) return false;
    out = text;
    return true;
  }
  static bool pid(Value& value, Pid& out) {
    std::uint64_t number = 0;
    if (value.get_uint64().get(number)) return false;
    out = Pid{number};
    return true;
  }
  static bool number(Value& value, std::optional<std::int64_t>& out) {
    return !value.get_int64().get(out.emplace());
  }
  static bool kind(Value& value, SpanKind& out) {
    std::string_view name;
    if (value.get_string().get(name)) return false;
    out = kind_of(name);
    return true;
  }
  static bool status(Value& value, SpanStatus& out) {
    std::string_view name;
    if (value.get_string().get(name)) return false;
    out = span_status_of(name);
    return true;
  }
  // What was made of attributes: after an error the parser must not be asked again.
  enum class Plain { kYes, kNo, kError };

  // A second parser for each line would take as long as all the rest: plain members are taken as
  // they come, and only what holds more is parsed for itself.
  static bool attributes(Value& value, Json& out) {
    simdjson::ondemand::object object;
    if (value.get_object().get(object)) return false;
    const Plain plain = plain_attributes(object, out);
    if (plain != Plain::kNo) return plain == Plain::kYes;
    bool any = false;
    std::string_view text;
    if (object.reset().get(any) || object.raw_json().get(text)) return false;
    Result<Json> json = parse_json(text, nullptr, {.restore_base64 = true});
    if (!json) return false;
    out = *std::move(json);
    return true;
  }
  static Plain plain_attributes(simdjson::ondemand::object& object, Json& out) {
    Json::Object members;
    members.reserve(4);
    for (auto field : object) {
      std::string_view key;
      Value value;
      if (field.unescaped_key().get(key) || field.value().get(value)) return Plain::kError;
      if (key.ends_with("_base64")) return Plain::kNo;
      members.push_back({std::string(key), {}});
      const Plain plain = plain_value(value, members.back().value);
      if (plain != Plain::kYes) return plain;
    }
    out = std::move(members);
    return Plain::kYes;
  }
  // A text, an integer of 64 bits, true or false.
  static Plain plain_value(Value& value, Json& out) {
    using Type = simdjson::ondemand::json_type;
    Type type{};
    if (value.type().get(type)) return Plain::kError;
    const auto taken = [&out](auto result) {
      if (result.error()) return Plain::kError;
      out = Json(result.value_unsafe());
      return Plain::kYes;
    };
    if (type == Type::string) return taken(value.get_string());
    if (type == Type::boolean) return taken(value.get_bool());
    bool whole = false;
    if (type != Type::number || value.is_integer().get(whole) || !whole) return Plain::kNo;
    return taken(value.get_int64());
  }

  unsigned seen_ = 0;
  Times times_;
};

SpanLineReader::SpanLineReader() : rep_(std::make_unique<Rep>()) {}
SpanLineReader::~SpanLineReader() = default;
SpanLineReader::SpanLineReader(SpanLineReader&&) noexcept = default;
SpanLineReader& SpanLineReader::operator=(SpanLineReader&&) noexcept = default;

Status SpanLineReader::read(std::string_view line, std::size_t readable, Span& span) {
  if (rep_->read(line, readable, span)) return {};
  AGDB_TRY(span, read_thoroughly(line));
  return {};
}

Result<Span> SpanLineReader::read(std::string_view line) {
  Span span;
  AGDB_CHECK_OK(read(line, line.size(), span));
  return span;
}

}  // namespace agdb
