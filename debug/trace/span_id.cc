#include "debug/trace/span_id.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "runtime/events/hash.h"

namespace agdb {

namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;

std::string hex_id(std::string_view what) {
  const XXH64_hash_t hash = XXH3_64bits(what.data(), what.size());
  return fmt::format("{:016x}", hash == 0 ? 1 : hash);
}

bool is_id(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::string process_span_id(std::string_view trace_id, std::string_view run_id, Pid pid) {
  return hex_id(fmt::format("{}/{}/{}", trace_id, run_id, raw(pid)));
}

std::string span_id_in(std::string_view process_span_id, SpanKind kind, std::uint64_t number,
                       std::uint32_t part) {
  return hex_id(fmt::format("{}/{}/{}/{}", process_span_id, span_kind_name(kind), number, part));
}

std::string message_span_id(std::string_view process_span_id, std::uint64_t message) {
  return hex_id(fmt::format("{}/message/{}", process_span_id, message));
}

std::string trace_id_of_run(std::string_view run_id) {
  return xxh3_128(run_id).hex();
}

std::optional<TraceParent> parse_traceparent(std::string_view header) {
  // "00-" 32 "-" 16 "-" 2
  constexpr std::size_t kSpanAt = 3 + kTraceIdDigits + 1;
  constexpr std::size_t kFlagsAt = kSpanAt + kSpanIdDigits + 1;
  constexpr std::size_t kSize = kFlagsAt + 2;
  if (header.size() < kSize || header[2] != '-' || header[kSpanAt - 1] != '-' ||
      header[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const std::string_view version = header.substr(0, 2);
  const std::string_view flags = header.substr(kFlagsAt, 2);
  if (!std::ranges::all_of(version, hex) || !std::ranges::all_of(flags, hex) || version == "ff") {
    return std::nullopt;
  }
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return std::nullopt;
  const std::string_view trace_id = header.substr(3, kTraceIdDigits);
  const std::string_view span_id = header.substr(kSpanAt, kSpanIdDigits);
  if (!is_id(trace_id, kTraceIdDigits) || !is_id(span_id, kSpanIdDigits)) return std::nullopt;
  const bool odd = std::string_view("13579bdf").find(flags[1]) != std::string_view::npos;
  return TraceParent{std::string(trace_id), std::string(span_id), odd};
}

std::string format_traceparent(const TraceParent& parent) {
  return fmt::format("00-{}-{}-{}", parent.trace_id, parent.span_id, parent.sampled ? "01" : "00");
}

}  // namespace agdb
