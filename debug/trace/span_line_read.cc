#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <optional>

#include "debug/record/field_reader.h"
#include "debug/record/json_cursor.h"
#include "debug/trace/span_line.h"
#include "runtime/events/base64_sibling.h"
#include "runtime/events/text.h"

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
  bool read(std::string_view line, std::size_t readable, Span& span) {
    if (!is_utf8(line)) return false;
    const auto take = [&](std::string_view key) { return this->take(key, span); };
    at_ = JsonCursor(line, readable);
    times_ = {};
    bool good = false;
    if (read_own(span)) {
      seen_ = kOwn;
      good = at_.each_further(take);
    } else {
      at_ = JsonCursor(line, readable);
      times_ = {};
      seen_ = 0;
      good = at_.each(take);
    }
    return good && at_.at_end() && set_times(times_, span).empty();
  }

 private:
  // The members that every line has as we write it, in their order.
  bool read_own(Span& span) {
    return at_.skip_text(R"({"trace_id":)") && at_.text(span.trace_id) &&
           at_.skip_text(R"(,"span_id":)") && at_.text(span.span_id) &&
           at_.skip_text(R"(,"parent_span_id":)") && at_.text(span.parent_span_id) &&
           at_.skip_text(R"(,"pid":)") && pid(span.pid) &&  //
           at_.skip_text(R"(,"name":)") && at_.text(span.name) &&
           at_.skip_text(R"(,"start_time_ms":)") && number(times_.start_ms) &&
           at_.skip_text(R"(,"end_time_ms":)") && number(times_.end_ms) &&
           at_.skip_text(R"(,"duration_ms":)") && number(times_.duration_ms) &&
           at_.skip_text(R"(,"syscall_count":)") && at_.count(span.syscall_count) &&
           at_.skip_text(R"(,"tokens_used":)") && at_.integer(span.tokens_used) &&
           at_.skip_text(R"(,"status":)") && status(span.status) && at_.skip_text(R"(,"kind":)") &&
           kind(span.kind) && at_.skip_text(R"(,"start_ns":)") && number(times_.start_ns) &&
           at_.skip_text(R"(,"duration_ns":)") && number(times_.duration_ns);
  }

  bool take(std::string_view key, Span& span) {
    if (key == "trace_id") return once(0) && at_.text(span.trace_id);
    if (key == "span_id") return once(1) && at_.text(span.span_id);
    if (key == "parent_span_id") return once(2) && at_.text(span.parent_span_id);
    if (key == "pid") return once(3) && pid(span.pid);
    if (key == "name") return once(4) && at_.text(span.name);
    if (key == "start_time_ms") return once(5) && number(times_.start_ms);
    if (key == "end_time_ms") return once(6) && number(times_.end_ms);
    if (key == "duration_ms") return once(7) && number(times_.duration_ms);
    if (key == "syscall_count") return once(8) && at_.count(span.syscall_count);
    if (key == "tokens_used") return once(9) && at_.integer(span.tokens_used);
    if (key == "status") return once(10) && status(span.status);
    if (key == "kind") return once(11) && kind(span.kind);
    if (key == "start_ns") return once(12) && number(times_.start_ns);
    if (key == "duration_ns") return once(13) && number(times_.duration_ns);
    if (key == "error") return once(14) && at_.text(span.error);
    return key == "attributes" && once(15) && attributes(span.attributes);
  }
  static constexpr unsigned kOwn = (1u << 14) - 1;

  bool once(unsigned bit) {
    const bool first = (seen_ >> bit & 1) == 0;
    seen_ |= 1u << bit;
    return first;
  }
  bool pid(Pid& out) {
    std::uint64_t number = 0;
    const bool good = at_.count(number);
    out = Pid{number};
    return good;
  }
  bool number(std::optional<std::int64_t>& out) { return at_.integer(out.emplace()); }
  bool kind(SpanKind& out) {
    std::string_view name;
    const bool good = at_.text(name);
    out = kind_of(name);
    return good;
  }
  bool status(SpanStatus& out) {
    std::string_view name;
    const bool good = at_.text(name);
    out = span_status_of(name);
    return good;
  }

  // A parser for the attributes of each line would take as long as all the rest: plain members are
  // taken as they come, and only what holds more is parsed.
  bool attributes(Json& out) {
    const JsonCursor begin = at_;
    if (plain_attributes(out)) return true;
    at_ = begin;
    std::string_view text;
    if (!at_.object(text)) return false;
    Result<Json> json = parse_json(text, nullptr, {.restore_base64 = true});
    if (!json) return false;
    out = *std::move(json);
    return true;
  }
  bool plain_attributes(Json& out) {
    members_.clear();
    const bool good = at_.each([this](std::string_view key) {
      return !key.ends_with(kBase64Suffix) &&
             plain_value(members_.emplace_back(std::string(key), Json()).value);
    });
    // In memory of just their size: there may be millions of spans.
    if (good)
      out = Json::Object(std::move_iterator(members_.begin()), std::move_iterator(members_.end()));
    return good;
  }
  // A text, an integer of 64 bits, true or false.
  bool plain_value(Json& out) {
    switch (at_.peek()) {
      case '"':
        out = std::string();
        return at_.text(out.string());
      case 't':
      case 'f': {
        bool value = false;
        const bool good = at_.boolean(value);
        out = value;
        return good;
      }
      default: {
        std::int64_t value = 0;
        const bool good = at_.integer(value);
        out = value;
        return good;
      }
    }
  }

  JsonCursor at_{{}, 0};
  unsigned seen_ = 0;
  Times times_;
  Json::Object members_;  // of the attributes that are being read
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
