#include "debug/trace/otlp_export.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "debug/trace/otlp_messages.h"
#include "debug/trace/otlp_value.h"
#include "runtime/events/hash.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;
constexpr std::string_view kTail = "]}]}]}";
constexpr int kInternal = 1;
constexpr int kClient = 3;
constexpr int kStatusError = 2;
constexpr double kNanosPerSecond = 1e9;

bool is_w3c_id(std::string_view id, std::size_t digits) {
  return id.size() == digits &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         id.find_first_not_of('0') != std::string_view::npos;
}

// The same id from the same text, so that parents and links still meet.
std::string w3c_id(const std::string& id, std::size_t digits) {
  const std::string lower = to_lower_ascii(id);
  if (is_w3c_id(lower, digits)) return lower;
  return xxh3_128(id).hex().substr(0, digits);
}

void write_id(std::string& out, std::string_view key, const std::string& id, std::size_t digits) {
  out += '"';
  out += key;
  out += R"(":")";
  out += w3c_id(id, digits);
  out += '"';
}

// Since 1970, as a 64-bit integer's text. Earlier counts as 1970.
void write_time(std::string& out, std::string_view key, std::int64_t nanoseconds) {
  out += '"';
  out += key;
  out += R"(":")";
  out += std::to_string(std::max<std::int64_t>(nanoseconds, 0));
  out += '"';
}

std::int64_t end_of(const Span& span) {
  const std::int64_t start = span.start.time_since_epoch().count();
  const std::int64_t duration = std::max<std::int64_t>(span.duration.count(), 0);
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  return start > last - duration ? last : start + duration;
}

std::string otlp_name(const Span& span) {
  switch (span.kind) {
    case SpanKind::kProcess:
      return "invoke_agent";
    case SpanKind::kLlmCall:
      return span.name.empty() ? "chat" : "chat " + span.name;
    case SpanKind::kToolCall:
      return span.name.empty() ? "execute_tool" : "execute_tool " + span.name;
    default:
      return span.name.empty() ? std::string(span_kind_name(span.kind)) : span.name;
  }
}

// The conventions' names of providers for those that others use.
std::string_view provider_name(std::string_view provider) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kNames = {{
      {"azure", "azure.ai.openai"},
      {"azure-openai", "azure.ai.openai"},
      {"bedrock", "aws.bedrock"},
      {"gemini", "gcp.gemini"},
      {"google", "gcp.gen_ai"},
      {"vertex", "gcp.vertex_ai"},
      {"mistral", "mistral_ai"},
      {"moonshot", "moonshot_ai"},
      {"watsonx", "ibm.watsonx.ai"},
      {"xai", "x_ai"},
  }};
  for (const auto& [ours, theirs] : kNames)
    if (provider == ours) return theirs;
  return provider.empty() ? "_OTHER" : provider;
}

// Few values, as the convention wants: of a process how it ended, where that is a word.
std::string_view error_type(const Span& span) {
  if (span.status == SpanStatus::kTimeout) return "timeout";
  if (span.kind == SpanKind::kToolCall) return "tool_error";
  const std::string_view reason = span.attributes.text("exit_reason");
  constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  constexpr std::size_t kLongestWord = 40;
  const bool word = !reason.empty() && reason.size() <= kLongestWord &&
                    reason.find_first_not_of(kWord) == std::string_view::npos;
  return word ? reason : "_OTHER";
}

void write_model_call(const Span& span, OtlpAttributes& out) {
  const Json& ours = span.attributes;
  const std::string_view model =
      span.name.empty() ? ours.text("model") : std::string_view(span.name);
  out.text("gen_ai.operation.name", "chat");
  out.text("gen_ai.provider.name", provider_name(ours.text("provider")));
  out.text_if("gen_ai.request.model", model);
  out.text_if("gen_ai.response.model", ours.text("model"));
  if (const std::string_view reason = ours.text("stop_reason"); !reason.empty())
    out.list_of("gen_ai.response.finish_reasons", reason);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kUsage = {{
      {"request_tokens", "gen_ai.usage.input_tokens"},
      {"response_tokens", "gen_ai.usage.output_tokens"},
      {"cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"},
      {"cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"},
  }};
  for (const auto& [key, theirs] : kUsage)
    if (const auto tokens = ours[key].to_int()) out.integer(theirs, *tokens);
  if (const auto first = ours["time_to_first_token"].to_int())
    out.real("gen_ai.response.time_to_first_chunk", static_cast<double>(*first) / kNanosPerSecond);
}

void write_tool_call(const Span& span, OtlpAttributes& out) {
  out.text("gen_ai.operation.name", "execute_tool");
  out.text("gen_ai.tool.name", span.name);
  out.text_if("gen_ai.tool.call.id", span.attributes.text("tool_call_id"));
}

void keep_id(OtlpAttributes& out, std::string_view key, const std::string& id, std::size_t digits) {
  if (!id.empty() && !is_w3c_id(id, digits)) out.text(key, id);
}

// No two attributes may have one key.
bool is_own_key(std::string_view key) {
  constexpr std::array<std::string_view, 9> kOwn = {
      "kind",   "name",     "pid",     "tokens_used",   "syscall_count",
      "status", "trace_id", "span_id", "parent_span_id"};
  return std::ranges::find(kOwn, key) != kOwn.end();
}

// The format's integers are signed; what does not fit stays at the limit.
std::int64_t as_signed(std::uint64_t number) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

void write_own(const Span& span, OtlpAttributes& out) {
  out.text("agdb.kind", span_kind_name(span.kind));
  out.text("agdb.name", span.name);
  out.integer("agdb.pid", as_signed(raw(span.pid)));
  if (span.tokens_used != 0) out.integer("agdb.tokens_used", span.tokens_used);
  if (span.syscall_count != 0) out.integer("agdb.syscall_count", as_signed(span.syscall_count));
  if (span.status == SpanStatus::kTimeout) out.text("agdb.status", span_status_name(span.status));
  keep_id(out, "agdb.trace_id", span.trace_id, kTraceIdDigits);
  keep_id(out, "agdb.span_id", span.span_id, kSpanIdDigits);
  keep_id(out, "agdb.parent_span_id", span.parent_span_id, kSpanIdDigits);
  if (!span.attributes.is_object()) return;
  for (const Json::Member& member : span.attributes.members())
    out.value((is_own_key(member.key) ? "agdb.attribute." : "agdb.") + member.key, member.value);
}

}  // namespace

OtlpExport::OtlpExport(std::function<Status(std::string_view)> send, OtlpOptions options)
    : send_(std::move(send)), options_(std::move(options)) {
  head_ = R"({"resourceSpans":[{"resource":{"attributes":)";
  OtlpAttributes resource(head_);
  resource.text("service.name", options_.service_name);
  resource.text("telemetry.sdk.name", "agdb");
  resource.text("telemetry.sdk.language", "cpp");
  resource.text("telemetry.sdk.version", AGDB_VERSION);
  resource.end();
  for (const std::string_view piece :
       {std::string_view(R"(},"schemaUrl":")"), kOtlpSchemaUrl,
        std::string_view(R"(","scopeSpans":[{"scope":{"name":"agdb","version":")"),
        std::string_view(AGDB_VERSION), std::string_view(R"("},"schemaUrl":")"), kOtlpSchemaUrl,
        std::string_view(R"(","spans":[)")})
    head_ += piece;
}

void OtlpExport::on_span(const Span& span) {
  if (!failed_) return;
  if (in_request_ == 0) request_ = head_;
  if (in_request_ > 0) request_ += ',';
  write_span(span);
  ++in_request_;
  ++spans_;
  if (in_request_ >= options_.spans_a_request || request_.size() >= options_.bytes_a_request)
    send_request();
}

void OtlpExport::send_request() {
  request_ += kTail;
  ++requests_;
  in_request_ = 0;
  failed_ = send_(request_);
}

Status OtlpExport::finish() {
  if (failed_ && in_request_ > 0) send_request();
  return failed_;
}

void OtlpExport::write_span(const Span& span) {
  request_ += '{';
  write_id(request_, "traceId", span.trace_id, kTraceIdDigits);
  request_ += ',';
  write_id(request_, "spanId", span.span_id, kSpanIdDigits);
  if (!span.parent_span_id.empty()) {
    request_ += ',';
    write_id(request_, "parentSpanId", span.parent_span_id, kSpanIdDigits);
  }
  request_ += R"(,"name":)";
  dump_string_to(request_, otlp_name(span));
  request_ += R"(,"kind":)";
  request_ += std::to_string(span.kind == SpanKind::kLlmCall ? kClient : kInternal);
  request_ += ',';
  write_time(request_, "startTimeUnixNano", span.start.time_since_epoch().count());
  request_ += ',';
  write_time(request_, "endTimeUnixNano", end_of(span));
  write_attributes(span);
  write_events(span);
  write_links(span);
  if (span.failed()) {
    request_ += R"(,"status":{"code":)" + std::to_string(kStatusError) + R"(,"message":)";
    dump_string_to(request_, span.error);
    request_ += '}';
  }
  request_ += '}';
}

void OtlpExport::write_attributes(const Span& span) {
  request_ += R"(,"attributes":)";
  OtlpAttributes attributes(request_);
  if (span.kind == SpanKind::kProcess) attributes.text("gen_ai.operation.name", "invoke_agent");
  if (span.kind == SpanKind::kLlmCall) write_model_call(span, attributes);
  if (span.kind == SpanKind::kToolCall) write_tool_call(span, attributes);
  if (span.failed()) attributes.text("error.type", error_type(span));
  write_own(span, attributes);
  write_content(span, attributes);
  attributes.end();
}

void OtlpExport::write_content(const Span& span, OtlpAttributes& attributes) {
  const bool model_call = span.kind == SpanKind::kLlmCall;
  if (options_.content == nullptr || (!model_call && span.kind != SpanKind::kToolCall)) return;
  const SpanContent content = options_.content->content_of(span);
  if (!content.system_prompt.empty())
    attributes.text("gen_ai.system_instructions", otlp_system_instructions(content.system_prompt));
  if (!content.input.empty())
    attributes.text("gen_ai.input.messages", otlp_input_messages(content.input));
  if (content.output)
    attributes.text("gen_ai.output.messages",
                    otlp_output_messages(*content.output, span.attributes.text("stop_reason")));
  if (!content.arguments.is_null())
    attributes.text("gen_ai.tool.call.arguments", content.arguments.is_string()
                                                      ? content.arguments.string()
                                                      : dump(content.arguments));
  if (content.result) attributes.text("gen_ai.tool.call.result", *content.result);
}

namespace {

void write_event(std::string& out, std::string_view name, std::int64_t time,
                 std::string_view category, const Json& own) {
  out += '{';
  write_time(out, "timeUnixNano", time);
  out += R"(,"name":)";
  dump_string_to(out, name);
  out += R"(,"attributes":)";
  OtlpAttributes attributes(out);
  attributes.text_if("agdb.category", category);
  attributes.members("", own);
  attributes.end();
  out += '}';
}

}  // namespace

void OtlpExport::on_instant(const TraceInstant& instant) {
  Instants& all = instants_[raw(instant.pid)];
  if (all.kept == kMaxInstants) {
    ++all.dropped;
    return;
  }
  if (all.kept++ > 0) all.events += ',';
  write_event(all.events, instant.name, instant.time.time_since_epoch().count(), instant.category,
              instant.attributes);
}

void OtlpExport::write_events(const Span& span) {
  Instants instants;
  if (span.kind == SpanKind::kProcess)
    if (auto node = instants_.extract(raw(span.pid))) instants = std::move(node.mapped());
  if (span.events.empty() && instants.kept == 0) return;
  request_ += R"(,"events":[)";
  for (const SpanEvent& event : span.events) {
    if (&event != &span.events.front()) request_ += ',';
    write_event(request_, event.name, event.time.time_since_epoch().count(), {}, event.attributes);
  }
  if (!span.events.empty() && instants.kept > 0) request_ += ',';
  request_ += instants.events;
  request_ += ']';
  if (instants.dropped > 0)
    request_ += R"(,"droppedEventsCount":)" + std::to_string(instants.dropped);
}

void OtlpExport::write_links(const Span& span) {
  if (span.links.empty()) return;
  request_ += R"(,"links":[)";
  for (const SpanLink& link : span.links) {
    request_ += &link == &span.links.front() ? "{" : ",{";
    write_id(request_, "traceId", link.trace_id, kTraceIdDigits);
    request_ += ',';
    write_id(request_, "spanId", link.span_id, kSpanIdDigits);
    request_ += R"(,"attributes":)";
    OtlpAttributes attributes(request_);
    attributes.members("", link.attributes);
    attributes.end();
    request_ += '}';
  }
  request_ += ']';
}

}  // namespace agdb
