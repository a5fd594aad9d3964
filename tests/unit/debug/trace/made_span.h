#pragma once

#include <string>

#include "debug/trace/span.h"

namespace agdb {

inline constexpr std::string_view kMadeTrace = "0af7651916cd43dd8448eb211c80319c";

// 2026-03-08T10:00:00Z and so many milliseconds.
inline WallTime at_ms(std::int64_t ms) {
  return WallTime(Nanoseconds(1'772'964'000'000'000'000 + ms * 1'000'000));
}

// A span of the given milliseconds; the ids are its own name's and the parent's text.
inline Span made_span(SpanKind kind, std::string id, std::string parent, std::string name,
                      std::int64_t from_ms, std::int64_t to_ms) {
  Span span;
  span.trace_id = kMadeTrace;
  span.span_id = std::move(id);
  span.parent_span_id = std::move(parent);
  span.pid = Pid{1};
  span.kind = kind;
  span.name = std::move(name);
  span.start = at_ms(from_ms);
  span.duration = Nanoseconds((to_ms - from_ms) * 1'000'000);
  return span;
}

}  // namespace agdb
