#include "tests/conformance/input.h"

#include "debug/record/event_line.h"

namespace agdb::conformance {

namespace {

Result<std::string> repeated(const Json& piece, const Json& times) {
  const auto text = piece.to_string();
  const auto count = times.to_uint();
  if (!text || !count) return fail(Code::kInvalid, "expected a text and how often it is repeated");
  std::string out;
  for (std::uint64_t i = 0; i < *count; ++i) out += *text;
  return out;
}

}  // namespace

Result<std::string> text_of(const Json& in) {
  if (in.is_null()) return std::string();
  if (const auto text = in.to_string()) return std::string(*text);
  if (in.is_array() && in.size() == 2) return repeated(in.items()[0], in.items()[1]);
  return repeated(in["repeat"], in["n"]);
}

Result<RecordedEvent> recorded_event_of(const Json& in) {
  return parse_line(dump(in));
}

LiveCall live_call_of(const Json& in) {
  return {.pid = Pid{in["pid"].to_uint().value_or(0)},
          .timestamp = Nanoseconds(in.integer("ts_ns")),
          .call = {.name = std::string(in.text("syscall")),
                   .args = in["args"],
                   .result = in["result"],
                   .err = std::string(in.text("err")),
                   .duration = Nanoseconds(in.integer("dur_ns")),
                   .span_id = std::string(in.text("span_id"))}};
}

}  // namespace agdb::conformance
