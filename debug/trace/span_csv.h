#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "debug/trace/trace_sink.h"

namespace agdb {

// Spans as CSV (RFC 4180: CRLF, quotes doubled): a header row, then a row for each span as it ends.
//
//   trace_id,span_id,parent_span_id,pid,kind,name,start,start_ns,duration_ns,status,error,
//   tokens_used,syscall_count,record_id,seq,attributes
//
// start is RFC 3339, start_ns the same since 1970; record_id and seq come from the attributes,
// which stand whole as JSON in the last field. A text that a spreadsheet would take for a formula
// (it begins with = + - @, a tab or a carriage return) gets a ' before it. Memory does not grow.
class SpanCsv final : public TraceSink {
 public:
  // `write` takes whole rows; the first call is the header row, from the constructor.
  explicit SpanCsv(std::function<void(std::string_view)> write);

  void on_span(const Span& span) override;
  std::uint64_t spans() const { return spans_; }

 private:
  void text(std::string_view value);
  // Of any whole type: half of the unsigned ones fit no signed one.
  template <typename Number>
  void number(Number value);

  std::function<void(std::string_view)> write_;
  std::string row_;         // reused
  std::string attributes_;  // as JSON, reused
  std::uint64_t spans_ = 0;
};

}  // namespace agdb
