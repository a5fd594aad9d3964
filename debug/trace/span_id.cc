#include "debug/trace/span_id.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "runtime/events/hash.h"

namespace agdb {

namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;

// Of its parts with a slash between; spans by the million need theirs, so nothing is allocated.
class IdText {
 public:
  IdText& add(std::string_view part) {
    if (!std::exchange(first_, false)) text_.push_back('/');
    text_.append(part);
    return *this;
  }
  IdText& add(std::uint64_t number) {
    const fmt::format_int digits(number);
    return add(std::string_view(digits.data(), digits.size()));
  }
  std::string hash() const {
    XXH64_hash_t hash = XXH3_64bits(text_.data(), text_.size());
    if (hash == 0) hash = 1;
    std::string hex(kSpanIdDigits, '0');
    for (auto digit = hex.rbegin(); digit != hex.rend(); ++digit, hash >>= 4)
      *digit = "0123456789abcdef"[hash & 15];
    return hex;
  }

 private:
  fmt::basic_memory_buffer<char, 256> text_;
  bool first_ = true;
};

bool is_id(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::string process_span_id(std::string_view trace_id, std::string_view run_id, Pid pid) {
  return IdText().add(trace_id).add(run_id).add(raw(pid)).hash();
}

std::string span_id_in(std::string_view process_span_id, SpanKind kind, std::uint64_t number,
                       std::uint32_t part) {
  return IdText()
      .add(process_span_id)
      .add(span_kind_name(kind))
      .add(number)
      .add(std::uint64_t{part})
      .hash();
}

std::string message_span_id(std::string_view process_span_id, std::uint64_t message) {
  return IdText().add(process_span_id).add("message").add(message).hash();
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
