#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "debug/trace/span.h"
#include "runtime/events/text.h"

namespace agdb {

// Attributes that are empty or 0 are absent.
inline void put(Json::Object& attributes, const char* key, std::string_view text) {
  if (!text.empty()) attributes.push_back({key, text});
}
inline void put(Json::Object& attributes, const char* key, std::int64_t number) {
  if (number != 0) attributes.push_back({key, number});
}
inline void put(Json::Object& attributes, const char* key, std::uint64_t number) {
  if (number != 0) attributes.push_back({key, number});
}
inline void put(Json::Object& attributes, const char* key, Nanoseconds time) {
  put(attributes, key, time.count());
}

// The recording holds an error's whole text; a span holds its beginning.
inline constexpr std::size_t kMaxErrorBytes = 4096;

inline void set_error(Span& span, std::string_view why) {
  if (why.empty()) return;
  const bool timed_out = why.starts_with("[TIMEOUT]") || why == "no message came in time";
  span.status = timed_out ? SpanStatus::kTimeout : SpanStatus::kError;
  span.error = prefix_of_bytes(why, kMaxErrorBytes);
}

}  // namespace agdb
