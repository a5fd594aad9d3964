#include "runtime/events/message.h"

#include <fmt/format.h>

#include "runtime/events/base64_sibling.h"
#include "runtime/events/text.h"
#include "runtime/events/token_estimate.h"

namespace agdb {
namespace {

constexpr DumpStyle kKeepBytes{.sorted = true, .indent = 0, .keep_bytes = true};

void append_member(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  out += ',';
  dump_text_member_to(out, key, text);
}

std::string_view name_of(Json::Type type) {
  switch (type) {
    case Json::Type::kNull:
      return "null";
    case Json::Type::kBool:
      return "a boolean";
    case Json::Type::kInt:
    case Json::Type::kUint:
      return "an integer";
    case Json::Type::kDouble:
      return "a number";
    case Json::Type::kString:
      return "a string";
    case Json::Type::kArray:
      return "an array";
    case Json::Type::kObject:
      return "an object";
  }
  return "unknown";
}

std::unexpected<Error> wrong_type(std::string_view key, std::string_view expected,
                                  const Json& got) {
  return fail(Code::kCorrupt,
              fmt::format("{}: expected {}, got {}", key, expected, name_of(got.type())));
}

// A text with the exact bytes of its "<key>_base64" sibling, if it has one. Missing and null are
// empty.
Result<std::string> text_member(const Json& json, std::string_view key) {
  const Json& member = json[key];
  if (member.is_null()) return std::string();
  if (!member.is_string()) return wrong_type(key, "a string", member);
  const Json* sibling = json.find(fmt::format("{}{}", key, kBase64Suffix));
  if (sibling != nullptr && sibling->is_string()) {
    if (auto bytes = bytes_behind(member.string(), sibling->string())) return *std::move(bytes);
  }
  return member.string();
}

// Content as a list of blocks, of which only text can be kept.
Result<std::string> text_of_blocks(const Json::Array& blocks) {
  std::string out;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string key = fmt::format("content[{}]", i);
    if (!blocks[i].is_object()) return wrong_type(key, "an object", blocks[i]);
    const std::string_view type = blocks[i].text("type");
    if (type != "text")
      return fail(Code::kCorrupt, fmt::format("{}: a block of type \"{}\", not \"text\"", key,
                                              to_utf8(prefix_of_bytes(type, 40))));
    const Json& text = blocks[i]["text"];
    if (!text.is_string()) return wrong_type(key + ".text", "a string", text);
    if (i > 0) out += '\n';
    out += text.string();
  }
  return out;
}

Result<std::string> content_of(const Json& json) {
  const Json& content = json["content"];
  return content.is_array() ? text_of_blocks(content.items()) : text_member(json, "content");
}

Result<std::vector<ToolCall>> tool_calls_of(const Json& json) {
  std::vector<ToolCall> calls;
  const Json& list = json["tool_calls"];
  if (list.is_null()) return calls;
  if (!list.is_array()) return wrong_type("tool_calls", "an array", list);
  for (const Json& item : list.items()) {
    Result<ToolCall> call = tool_call_from_json(item);
    if (!call) {
      return fail(call.error().code,
                  fmt::format("tool_calls[{}]: {}", calls.size(), call.error().message));
    }
    calls.push_back(*std::move(call));
  }
  return calls;
}

Result<std::uint64_t> turn_of(const Json& json) {
  const Json& turn = json["turn"];
  if (turn.is_null()) return 0;
  if (const std::optional<std::uint64_t> value = turn.to_uint()) return *value;
  if (turn.is_number()) return fail(Code::kCorrupt, "turn: expected an integer from 0");
  return wrong_type("turn", "an integer", turn);
}

void set_text(Json& json, std::string_view key, const std::string& text) {
  if (!text.empty()) json.set(key, text);
}

Json to_json(const ToolCall& call) {
  Json json = Json::object({{"id", call.id}, {"name", call.name}});
  if (!call.arguments.is_null()) json.set("arguments", call.arguments);
  return json;
}

}  // namespace

void append_json(std::string& out, const Message& message) {
  out += '{';
  dump_text_member_to(out, "role", message.role);
  out += ',';
  dump_text_member_to(out, "content", message.content);
  append_member(out, "name", message.name);
  append_member(out, "tool_call_id", message.tool_call_id);
  if (!message.tool_calls.empty()) {
    out += R"(,"tool_calls":)";
    char separator = '[';
    for (const ToolCall& call : message.tool_calls) {
      out += separator;
      append_json(out, call);
      separator = ',';
    }
    out += ']';
  }
  if (message.turn != 0) fmt::format_to(std::back_inserter(out), R"(,"turn":{})", message.turn);
  out += '}';
}

void append_json(std::string& out, const ToolCall& call) {
  out += '{';
  dump_text_member_to(out, "id", call.id);
  out += ',';
  dump_text_member_to(out, "name", call.name);
  if (!call.arguments.is_null()) {
    if (call.arguments.is_string()) {
      out += ',';
      dump_text_member_to(out, "arguments", call.arguments.string());
    } else {
      out += R"(,"arguments":)";
      dump_to(out, call.arguments, kKeepBytes);
    }
  }
  out += '}';
}

Json to_json(const Message& message) {
  Json json = Json::object({{"role", message.role}, {"content", message.content}});
  set_text(json, "name", message.name);
  set_text(json, "tool_call_id", message.tool_call_id);
  if (!message.tool_calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) calls.push_back(to_json(call));
    json.set("tool_calls", std::move(calls));
  }
  if (message.turn != 0) json.set("turn", message.turn);
  return json;
}

Result<Message> message_from_json(const Json& json) {
  if (!json.is_object()) return wrong_type("message", "an object", json);
  if (json.find("role") == nullptr && json.find("content") == nullptr)
    return fail(Code::kCorrupt, "message: neither role nor content is there");
  AGDB_TRY(std::string role, text_member(json, "role"));
  AGDB_TRY(std::string content, content_of(json));
  AGDB_TRY(std::string name, text_member(json, "name"));
  AGDB_TRY(std::string tool_call_id, text_member(json, "tool_call_id"));
  AGDB_TRY(std::vector<ToolCall> calls, tool_calls_of(json));
  AGDB_TRY(const std::uint64_t turn, turn_of(json));
  return Message{std::move(role),         std::move(content), std::move(name),
                 std::move(tool_call_id), std::move(calls),   turn};
}

Result<ToolCall> tool_call_from_json(const Json& json) {
  if (!json.is_object()) return wrong_type("tool call", "an object", json);
  AGDB_TRY(std::string id, text_member(json, "id"));
  AGDB_TRY(std::string name, text_member(json, "name"));
  if (!json["arguments"].is_string())
    return ToolCall{std::move(id), std::move(name), json["arguments"]};
  AGDB_TRY(std::string arguments, text_member(json, "arguments"));
  return ToolCall{std::move(id), std::move(name), std::move(arguments)};
}

Hash128 hash_of(const Message& message) {
  std::string json;
  json.reserve(message.content.size() + 128);
  append_json(json, message);
  return xxh3_128(json);
}

Hash128 context_hash(Hash128 system_prompt, std::span<const Hash128> messages) {
  Hasher128 hasher;
  const auto update = [&hasher](const Hash128& hash) {
    hasher.update({reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()});
  };
  update(system_prompt);
  for (const Hash128& message : messages) update(message);
  return hasher.digest();
}

std::int64_t estimate_tokens(const Message& message) {
  std::int64_t sum = estimate_tokens(std::string_view(message.content));
  for (const ToolCall& call : message.tool_calls) {
    sum += estimate_tokens(std::string_view(call.name));
    if (!call.arguments.is_null()) sum += estimate_tokens(dump(call.arguments));
  }
  return sum;
}

}  // namespace agdb
