#include "ipc/wire/rpc_message.h"

#include <array>
#include <cstdint>
#include <utility>

namespace agdb {
namespace {

struct Name {
  RpcCode rpc;
  std::string_view name;
  std::optional<Code> code;
};
constexpr std::array kNames = {
    Name{RpcCode::kParseError, "parse_error", {}},
    Name{RpcCode::kInvalidRequest, "invalid_request", {}},
    Name{RpcCode::kInvalidParams, "invalid_params", {}},
    Name{RpcCode::kInternal, "internal", {}},
    Name{RpcCode::kNotFound, "not_found", Code::kNotFound},
    Name{RpcCode::kInvalid, "invalid", Code::kInvalid},
    Name{RpcCode::kCorrupt, "corrupt", Code::kCorrupt},
    Name{RpcCode::kIo, "io", Code::kIo},
    Name{RpcCode::kPermission, "permission", Code::kPermission},
    Name{RpcCode::kUnsupported, "unsupported", Code::kUnsupported},
    Name{RpcCode::kTimeout, "timeout", Code::kTimeout},
    Name{RpcCode::kExhausted, "exhausted", Code::kExhausted},
    Name{RpcCode::kUnavailable, "unavailable", Code::kUnavailable},
    Name{RpcCode::kCancelled, "cancelled", Code::kCancelled},
    Name{RpcCode::kTooLong, "too_long", {}},
    // Behind kUnsupported, which is what our own error of that code is told as.
    Name{RpcCode::kMethodNotFound, "method_not_found", Code::kUnsupported},
};

RpcMessage invalid(RpcCode code, std::string why, Json id = {}) {
  RpcMessage message;
  message.id = std::move(id);
  message.error = RpcError{code, std::move(why)};
  return message;
}

// Whether more values stand in the text than are allowed: each but the first of a list or an object
// has a comma before it.
bool has_too_many_values(std::string_view text) {
  if (text.size() <= RpcLimits::kValues) return false;
  std::size_t values = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if ((c == ',' || c == '[' || c == '{') && ++values > RpcLimits::kValues) return true;
  }
  return false;
}

std::optional<RpcError> read_error(const Json& json) {
  const std::optional<std::int64_t> code = json["code"].to_int();
  const std::optional<std::string_view> message = json["message"].to_string();
  if (!code || !std::in_range<int>(*code) || !message) return std::nullopt;
  return RpcError{static_cast<RpcCode>(*code), std::string(*message),
                  std::string(json["data"].text("hint"))};
}

RpcMessage read_response(Json& json, const Json& id) {
  constexpr RpcCode kInvalid = RpcCode::kInvalidRequest;
  Json* result = json.find("result");
  const Json* error = json.find("error");
  if (json.find("id") == nullptr) return invalid(kInvalid, R"("id" is missing)");
  if (result != nullptr && error != nullptr)
    return invalid(kInvalid, R"("result" and "error" exclude each other)", id);
  RpcMessage message;
  message.kind = RpcMessage::Kind::kResponse;
  message.id = id;
  if (result != nullptr) {
    message.result = std::move(*result);
    return message;
  }
  message.error = read_error(*error);
  if (message.error) return message;
  return invalid(kInvalid, R"("error" is no object with "code" and "message")", id);
}

RpcMessage read_call(Json& json, Json& method, const Json& id) {
  constexpr RpcCode kInvalid = RpcCode::kInvalidRequest;
  if (!method.is_string()) return invalid(kInvalid, R"("method" is no text)", id);
  Json* params = json.find("params");
  if (params != nullptr && !params->is_object() && !params->is_array())
    return invalid(kInvalid, R"("params" is neither an object nor a list)", id);
  RpcMessage message;
  message.kind =
      json.find("id") == nullptr ? RpcMessage::Kind::kNotification : RpcMessage::Kind::kRequest;
  message.id = id;
  message.method = std::move(method.string());
  if (params != nullptr) message.params = std::move(*params);
  return message;
}

RpcMessage read_message(Json& json) {
  constexpr RpcCode kInvalid = RpcCode::kInvalidRequest;
  if (!json.is_object()) return invalid(kInvalid, "a request is a JSON object");
  const Json id = json["id"];
  if (!id.is_null() && !id.is_string() && !id.is_number())
    return invalid(kInvalid, R"("id" is neither text nor number)");
  if (json.text("jsonrpc") != "2.0") return invalid(kInvalid, R"("jsonrpc" is not "2.0")", id);
  if (Json* method = json.find("method")) return read_call(json, *method, id);
  if (json.find("result") != nullptr || json.find("error") != nullptr)
    return read_response(json, id);
  return invalid(kInvalid, R"("method" is missing)", id);
}

RpcLine only(RpcMessage message) {
  RpcLine line;
  line.messages.push_back(std::move(message));
  return line;
}

void append_params(std::string& line, std::string_view params) {
  if (!params.empty()) line.append(",\"params\":").append(params);
  line.append("}\n");
}

}  // namespace

std::string_view name_of(RpcCode code) {
  for (const Name& known : kNames)
    if (known.rpc == code) return known.name;
  return "unknown";
}

RpcError rpc_error(const Error& error) {
  for (const Name& known : kNames)
    if (known.code == error.code) return {known.rpc, error.message, error.hint};
  return {RpcCode::kInternal, error.message, error.hint};
}

Error to_error(const RpcError& error) {
  for (const Name& known : kNames)
    if (known.rpc == error.code && known.code) return {*known.code, error.message, error.hint};
  return {Code::kInvalid, error.message, error.hint};
}

RpcLine parse_rpc_line(std::string_view text) {
  constexpr RpcCode kInvalid = RpcCode::kInvalidRequest;
  if (has_too_many_values(text))
    return only(invalid(kInvalid, "more than " + std::to_string(RpcLimits::kValues) + " values"));
  Result<Json> json = parse_json(text, nullptr, {.max_depth = RpcLimits::kDepth});
  if (!json) return only(invalid(RpcCode::kParseError, "not JSON: " + json.error().message));
  if (!json->is_array()) return only(read_message(*json));
  if (json->empty()) return only(invalid(kInvalid, "a batch of nothing"));
  if (json->size() > RpcLimits::kBatch)
    return only(invalid(kInvalid, "a batch of " + std::to_string(json->size()) +
                                      " messages; at most " + std::to_string(RpcLimits::kBatch)));
  RpcLine line;
  line.batch = true;
  line.messages.reserve(json->size());
  for (Json& item : json->items()) line.messages.push_back(read_message(item));
  return line;
}

std::string request_line(std::string_view id, std::string_view method, std::string_view params) {
  std::string line;
  line.reserve(id.size() + method.size() + params.size() + 48);
  line.append(R"({"jsonrpc":"2.0","id":)").append(id).append(",\"method\":");
  dump_string_to(line, method);
  append_params(line, params);
  return line;
}

std::string notification_line(std::string_view method, std::string_view params) {
  std::string line;
  line.reserve(method.size() + params.size() + 48);
  line.append(R"({"jsonrpc":"2.0","method":)");
  dump_string_to(line, method);
  append_params(line, params);
  return line;
}

std::string result_text(const Json& id, std::string_view result) {
  std::string text;
  text.reserve(result.size() + 64);
  text.append(R"({"jsonrpc":"2.0","id":)");
  dump_to(text, id);
  text.append(",\"result\":").append(result).append("}");
  return text;
}

std::string error_text(const Json& id, const RpcError& error) {
  const Json json =
      Json::object({{"code", static_cast<int>(error.code)},
                    {"message", error.message},
                    {"data", Json::object({{"code", name_of(error.code)}, {"hint", error.hint}})}});
  std::string text = R"({"jsonrpc":"2.0","id":)";
  dump_to(text, id);
  text += ",\"error\":";
  dump_to(text, json, {.sorted = false});
  return text + "}";
}

}  // namespace agdb
