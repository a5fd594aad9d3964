#include "debug/trace/span_csv.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace agdb {
namespace {

constexpr std::string_view kHeader =
    "trace_id,span_id,parent_span_id,pid,kind,name,start,start_ns,duration_ns,status,error,"
    "tokens_used,syscall_count,record_id,seq,attributes\r\n";
constexpr std::string_view kBeginsFormula = "=+-@\t\r";

}  // namespace

SpanCsv::SpanCsv(std::function<void(std::string_view)> write) : write_(std::move(write)) {
  write_(kHeader);
}

template <typename Number>
void SpanCsv::number(Number value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  row_.append(digits, static_cast<std::size_t>(end - digits));
  row_ += ',';
}

void SpanCsv::on_span(const Span& span) {
  row_.clear();
  for (const std::string* id : {&span.trace_id, &span.span_id, &span.parent_span_id}) text(*id);
  number(raw(span.pid));
  text(span_kind_name(span.kind));
  text(span.name);
  text(format_wall_time(span.start));
  number(span.start.time_since_epoch().count());
  number(span.duration.count());
  text(span_status_name(span.status));
  text(span.error);
  number(span.tokens_used);
  number(span.syscall_count);
  text(span.attributes.text("record_id"));
  const Json& seq = span.attributes["seq"];
  if (seq.type() == Json::Type::kUint) {
    number(seq.to_uint().value_or(0));
  } else if (seq.is_integer()) {
    number(seq.to_int().value_or(0));
  } else {
    row_ += ',';
  }
  attributes_.clear();
  if (!span.attributes.empty()) dump_to(attributes_, span.attributes);
  text(attributes_);
  row_.pop_back();
  row_ += "\r\n";
  write_(row_);
  ++spans_;
}

void SpanCsv::text(std::string_view value) {
  const bool formula = !value.empty() && kBeginsFormula.contains(value.front());
  const bool quoted = std::ranges::any_of(
      value, [](char c) { return c == ',' || c == '"' || c == '\r' || c == '\n'; });
  if (quoted) row_ += '"';
  if (formula) row_ += '\'';
  // Quotes within are doubled.
  for (std::size_t quote = 0; quoted && (quote = value.find('"')) != std::string_view::npos;) {
    row_ += value.substr(0, quote + 1);
    row_ += '"';
    value.remove_prefix(quote + 1);
  }
  row_ += value;
  if (quoted) row_ += '"';
  row_ += ',';
}

}  // namespace agdb
