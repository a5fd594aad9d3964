#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "debug/trace/span_content.h"
#include "debug/trace/trace_sink.h"
#include "runtime/events/result.h"

namespace agdb {

class OtlpAttributes;

// The version of the GenAI semantic conventions that the attributes follow; each request names it.
inline constexpr std::string_view kOtlpSchemaUrl = "https://opentelemetry.io/schemas/1.41.1";

struct OtlpOptions {
  std::string service_name = "agdb";  // the resource's
  // A request is complete at so many spans, or when it has so many bytes.
  std::size_t spans_a_request = 512;
  std::size_t bytes_a_request = std::size_t{4} << 20;
  // Adds messages, and arguments and results of tools. Outlives the exporter. Null: none.
  SpanContentSource* content = nullptr;
};

// Spans as OTLP/JSON: ExportTraceServiceRequests, each a line when it is written to a file.
//
//   kind       name in OTLP          kind      attributes beside agdb's own
//   process    invoke_agent          internal  gen_ai.operation.name
//   llm_call   chat MODEL            client    gen_ai.{operation.name, provider.name,
//   request.model,
//                                              response.model, response.finish_reasons,
//                                              response.time_to_first_chunk, usage.*}
//   tool_call  execute_tool NAME     internal  gen_ai.{operation.name, tool.name, tool.call.id}
//   others     the span's name       internal
//
// gen_ai.usage.input_tokens includes cached input, as our request_tokens does. What failed has the
// status error and error.type. agdb's own are agdb.kind, agdb.name, agdb.pid, agdb.tokens_used,
// agdb.syscall_count, agdb.status (a timeout) and agdb.<key> for each attribute of the span
// (agdb.attribute.<key> where that is one of these): from
// them an import makes the same span again. Ids that are no W3C ids are hashed, and kept as
// agdb.{trace_id, span_id, parent_span_id}. An instant (an alert, a loss, a state) is an event of
// its process's span; of one process at most kMaxInstants are kept, the rest counts as dropped.
// Counters have no place in a trace and are left out.
//
// Memory is one request and the instants of the processes that have not ended.
class OtlpExport final : public TraceSink {
 public:
  static constexpr std::size_t kMaxInstants = 1000;

  // `send` takes a whole request, without a line end. After its first error it is not called again.
  explicit OtlpExport(std::function<Status(std::string_view request)> send,
                      OtlpOptions options = {});

  void on_span(const Span& span) override;
  void on_instant(const TraceInstant& instant) override;
  // Sends what is left. The first error of `send`, if there was one.
  Status finish();

  std::uint64_t spans() const { return spans_; }
  std::uint64_t requests() const { return requests_; }

 private:
  struct Instants {
    std::string events;  // JSON, parted by commas
    std::size_t kept = 0;
    std::uint64_t dropped = 0;
  };

  void send_request();
  void write_span(const Span& span);
  void write_attributes(const Span& span);
  void write_content(const Span& span, OtlpAttributes& attributes);
  void write_events(const Span& span);
  void write_links(const Span& span);

  std::function<Status(std::string_view)> send_;
  OtlpOptions options_;
  std::string head_;  // what every request begins with
  std::string request_;
  std::size_t in_request_ = 0;
  std::unordered_map<std::uint64_t, Instants> instants_;  // by pid
  Status failed_;
  std::uint64_t spans_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace agdb
