#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "debug/trace/span.h"

namespace agdb {

// A span as JSON, with the keys of the reference format first and in its order, then ours, which
// its readers do not know and skip:
//
//   {"trace_id","span_id","parent_span_id","pid","name","start_time_ms","end_time_ms",
//    "duration_ms","syscall_count","tokens_used","status",
//    "kind","start_ns","duration_ns"[,"error"][,"attributes"][,"span_events"][,"links"]}
//
// Times are of the Unix epoch; milliseconds are cut, nanoseconds exact. A span event is {"name",
// "time_ns","offset_ns"[,"attributes"]}, a link {"trace_id","span_id"[,"attributes"]}. Text that is
// not UTF-8 has its bytes beside it as "<key>_base64".

// Appends those members, without the braces. An empty parent is left out on demand.
enum class EmptyParent { kKept, kLeftOut };
void append_span_members(std::string& out, const Span& span, EmptyParent empty_parent);
// Appends one line with its "\n".
void append_span_line(std::string& out, const Span& span);

// Reads lines; keeps buffers between them. One thread at a time.
//
// Keys may stand in any order, and where none has the exact name, in another case; unknown ones are
// skipped. Missing keys and null are empty values: without our keys, times are those in
// milliseconds, the kind is `process`, and the reference's "events" are taken. A kind that this
// version does not know is fn_call. Errors (kCorrupt): no JSON object, a wrong type, a time beyond
// the years 1678 to 2262, a negative duration. The time not set (year 1) reads as 1970.
class SpanLineReader {
 public:
  SpanLineReader();
  ~SpanLineReader();
  SpanLineReader(SpanLineReader&&) noexcept;
  SpanLineReader& operator=(SpanLineReader&&) noexcept;

  // `line` without its end. `readable`: bytes from its first on that may be read, at least its own;
  // a line that has a few more is not copied. `span` is a new one, and anything after an error.
  Status read(std::string_view line, std::size_t readable, Span& span);
  Result<Span> read(std::string_view line);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace agdb
