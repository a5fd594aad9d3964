#include <array>
#include <charconv>
#include <chrono>

#include "debug/trace/span_line.h"
#include "runtime/events/json.h"

namespace agdb {
namespace {

constexpr DumpStyle kFreeForm{.sorted = false, .indent = 0, .keep_bytes = true};

template <typename Integer>
void append_integer(std::string& out, std::string_view key, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out += key;
  out.append(digits.data(), end);
}

std::int64_t milliseconds(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

void append_attributes(std::string& out, const Json& attributes) {
  if (!attributes.is_object() || attributes.empty()) return;
  out += ",\"attributes\":";
  dump_to(out, attributes, kFreeForm);
}

void append_event(std::string& out, const SpanEvent& event) {
  out += '{';
  dump_text_member_to(out, "name", event.name);
  append_integer(out, ",\"time_ns\":", event.time.time_since_epoch().count());
  append_integer(out, ",\"offset_ns\":", event.offset.count());
  append_attributes(out, event.attributes);
  out += '}';
}

void append_link(std::string& out, const SpanLink& link) {
  out += '{';
  dump_text_member_to(out, "trace_id", link.trace_id);
  out += ',';
  dump_text_member_to(out, "span_id", link.span_id);
  append_attributes(out, link.attributes);
  out += '}';
}

template <typename List, typename Append>
void append_list(std::string& out, std::string_view key, const List& list, Append append) {
  if (list.empty()) return;
  out += key;
  for (std::size_t i = 0; i < list.size(); ++i) {
    out += i == 0 ? '[' : ',';
    append(out, list[i]);
  }
  out += ']';
}

void append_reference_members(std::string& out, const Span& span, EmptyParent empty_parent) {
  dump_text_member_to(out, "trace_id", span.trace_id);
  out += ',';
  dump_text_member_to(out, "span_id", span.span_id);
  out += ',';
  if (!span.parent_span_id.empty() || empty_parent == EmptyParent::kKept) {
    dump_text_member_to(out, "parent_span_id", span.parent_span_id);
    out += ',';
  }
  append_integer(out, "\"pid\":", raw(span.pid));
  out += ',';
  dump_text_member_to(out, "name", span.name);
  append_integer(out, ",\"start_time_ms\":", milliseconds(span.start));
  append_integer(out, ",\"end_time_ms\":", milliseconds(span.end()));
  append_integer(out, ",\"duration_ms\":", span.duration.count() / 1'000'000);
  append_integer(out, ",\"syscall_count\":", span.syscall_count);
  append_integer(out, ",\"tokens_used\":", span.tokens_used);
  out += ",\"status\":\"";
  out += span_status_name(span.status);
  out += '"';
}

}  // namespace

void append_span_members(std::string& out, const Span& span, EmptyParent empty_parent) {
  append_reference_members(out, span, empty_parent);
  out += ",\"kind\":\"";
  out += span_kind_name(span.kind);
  append_integer(out, "\",\"start_ns\":", span.start.time_since_epoch().count());
  append_integer(out, ",\"duration_ns\":", span.duration.count());
  if (!span.error.empty()) {
    out += ',';
    dump_text_member_to(out, "error", span.error);
  }
  append_attributes(out, span.attributes);
  append_list(out, ",\"span_events\":", span.events, append_event);
  append_list(out, ",\"links\":", span.links, append_link);
}

void append_span_line(std::string& out, const Span& span) {
  out += '{';
  append_span_members(out, span, EmptyParent::kKept);
  out += "}\n";
}

}  // namespace agdb
