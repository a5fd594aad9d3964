#include "ipc/wire/rpc_message.h"

#include <array>
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
    Name{RpcCode::kMethodNotFound, "method_not_found", {}},
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
};

// Deep enough for tool arguments; a context's messages nest six levels.
constexpr int kMaxDepth = 128;

RpcMessage invalid(RpcCode code, std::string why, Json id = {}) {
  RpcMessage message;
  message.id = std::move(id);
  message.error = RpcError{code, std::move(why)};
  return message;
}

RpcError read_error(const Json& json) {
  RpcError error;
  error.code = static_cast<RpcCode>(json.integer("code", static_cast<int>(RpcCode::kInternal)));
  error.message = json.text("message");
  error.hint = json["data"].text("hint");
  return error;
}

RpcMessage read_response(Json& json, Json id) {
  RpcMessage message;
  message.kind = RpcMessage::Kind::kResponse;
  message.id = std::move(id);
  if (const Json* error = json.find("error")) {
    message.error = read_error(*error);
  } else {
    message.result = std::move(*json.find("result"));
  }
  return message;
}

RpcMessage read_message(Json& json) {
  constexpr RpcCode kInvalid = RpcCode::kInvalidRequest;
  if (!json.is_object()) return invalid(kInvalid, "a request is a JSON object");
  const Json* id_member = json.find("id");
  Json id = id_member == nullptr ? Json() : *id_member;
  if (!id.is_null() && !id.is_string() && !id.is_number())
    return invalid(kInvalid, "\"id\" is neither text nor number");
  if (json.text("jsonrpc") != "2.0") return invalid(kInvalid, R"("jsonrpc" is not "2.0")", id);
  Json* method = json.find("method");
  if (method == nullptr) {
    if (json.find("result") != nullptr || json.find("error") != nullptr)
      return read_response(json, std::move(id));
    return invalid(kInvalid, "\"method\" is missing", id);
  }
  if (!method->is_string()) return invalid(kInvalid, "\"method\" is no text", id);
  Json* params = json.find("params");
  if (params != nullptr && !params->is_object() && !params->is_array() && !params->is_null())
    return invalid(kInvalid, "\"params\" is neither an object nor a list", id);
  RpcMessage message;
  message.kind =
      id_member == nullptr ? RpcMessage::Kind::kNotification : RpcMessage::Kind::kRequest;
  message.id = std::move(id);
  message.method = std::move(method->string());
  if (params != nullptr) message.params = std::move(*params);
  return message;
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
  RpcLine line;
  Result<Json> json = parse_json(text, nullptr, {.max_depth = kMaxDepth});
  if (!json) {
    line.messages.push_back(invalid(RpcCode::kParseError, "not JSON: " + json.error().message));
    return line;
  }
  if (!json->is_array()) {
    line.messages.push_back(read_message(*json));
    return line;
  }
  if (json->empty()) {
    line.messages.push_back(invalid(RpcCode::kInvalidRequest, "a batch of nothing"));
    return line;
  }
  line.batch = true;
  for (Json& item : json->items()) line.messages.push_back(read_message(item));
  return line;
}

std::string request_line(std::string_view id, std::string_view method, std::string_view params) {
  std::string line = R"({"jsonrpc":"2.0","id":)";
  line.append(id).append(",\"method\":");
  dump_string_to(line, method);
  return line.append(",\"params\":").append(params).append("}\n");
}

std::string notification_line(std::string_view method, std::string_view params) {
  std::string line;
  line.reserve(method.size() + params.size() + 48);
  line.append(R"({"jsonrpc":"2.0","method":)");
  dump_string_to(line, method);
  return line.append(",\"params\":").append(params).append("}\n");
}

std::string result_text(const Json& id, std::string_view result) {
  std::string text = R"({"jsonrpc":"2.0","id":)";
  dump_to(text, id);
  return text.append(",\"result\":").append(result).append("}");
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
