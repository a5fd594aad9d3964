#include "ipc/ingest/otlp_request.h"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/events/json.h"

namespace agdb {
namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;

bool is_id(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

std::string lower_case(std::string_view id) {
  std::string lower(id);
  for (char& c : lower)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string why_not(const Json& span) {
  if (!span.is_object()) return "a span is no object";
  if (!is_id(span.text("traceId"), kTraceIdDigits)) return "a traceId is not 32 hex digits";
  if (!is_id(span.text("spanId"), kSpanIdDigits)) return "a spanId is not 16 hex digits";
  return {};
}

const Json::Array& items_of(const Json& json, std::string_view key) {
  static const Json::Array kNone;
  const Json& list = json[key];
  return list.is_array() ? list.items() : kNone;
}

class Reader {
 public:
  Result<OtlpRequest> read(const Json& document) {
    if (!document.is_object() || !document["resourceSpans"].is_array())
      return fail(Code::kInvalid, "no resourceSpans in it",
                  "expected an ExportTraceServiceRequest of OTLP/JSON");
    for (const Json& resource : items_of(document, "resourceSpans"))
      for (const Json& scope : items_of(resource, "scopeSpans")) take(resource, scope);
    for (auto& [id, piece] : pieces_) request_.pieces.push_back(std::move(piece));
    return std::move(request_);
  }

 private:
  // A line for each trace: a request with the spans that it has here.
  void take(const Json& resource, const Json& scope) {
    std::map<std::string, Json> spans;
    for (const Json& span : items_of(scope, "spans")) {
      if (std::string why = why_not(span); !why.empty()) {
        if (request_.rejected++ == 0) request_.rejected_why = std::move(why);
        continue;
      }
      const std::string id = lower_case(span.text("traceId"));
      TracePiece& piece = pieces_[id];
      piece.trace_id = id;
      ++piece.spans;
      ++request_.spans;
      const std::string_view parent = span.text("parentSpanId");
      piece.has_root = piece.has_root || parent.find_first_not_of('0') == std::string_view::npos;
      spans.try_emplace(id, Json::array()).first->second.push_back(span);
    }
    for (auto& [id, list] : spans)
      pieces_[id].text += line(resource["resource"], scope["scope"], std::move(list));
  }

  static std::string line(const Json& resource, const Json& scope, Json spans) {
    Json scopes = Json::array();
    scopes.push_back(Json::object({{"scope", scope}, {"spans", std::move(spans)}}));
    Json resources = Json::array();
    resources.push_back(Json::object({{"resource", resource}, {"scopeSpans", std::move(scopes)}}));
    return dump(Json::object({{"resourceSpans", std::move(resources)}}), {.sorted = false}) + "\n";
  }

  OtlpRequest request_;
  std::map<std::string, TracePiece> pieces_;
};

}  // namespace

Result<OtlpRequest> read_otlp_request(std::string_view text) {
  Result<Json> document = parse_json(text);
  if (!document) return fail(Code::kInvalid, "the body is not JSON: " + document.error().message);
  return Reader().read(*document);
}

}  // namespace agdb
