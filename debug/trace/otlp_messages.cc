#include "debug/trace/otlp_messages.h"

#include <array>
#include <utility>

namespace agdb {
namespace {

Json text_part(std::string_view text) {
  return Json::object({{"type", "text"}, {"content", text}});
}

Json parts_of(const Message& message) {
  Json parts = Json::array();
  if (message.role == "tool") {
    Json part = Json::object({{"type", "tool_call_response"}});
    if (!message.tool_call_id.empty()) part.set("id", message.tool_call_id);
    part.set("response", message.content);
    parts.push_back(std::move(part));
    return parts;
  }
  if (!message.content.empty()) parts.push_back(text_part(message.content));
  for (const ToolCall& call : message.tool_calls) {
    Json part = Json::object({{"type", "tool_call"}});
    if (!call.id.empty()) part.set("id", call.id);
    part.set("name", call.name);
    if (!call.arguments.is_null()) part.set("arguments", call.arguments);
    parts.push_back(std::move(part));
  }
  return parts;
}

Json message_json(const Message& message) {
  Json json = Json::object({{"role", message.role}, {"parts", parts_of(message)}});
  if (!message.name.empty()) json.set("name", message.name);
  return json;
}

// The provider's word in the schema's few.
std::string_view finish_reason(std::string_view stop_reason, bool calls_tools) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kWords = {{
      {"end_turn", "stop"},
      {"stop", "stop"},
      {"stop_sequence", "stop"},
      {"max_tokens", "length"},
      {"length", "length"},
      {"tool_use", "tool_call"},
      {"tool_calls", "tool_call"},
      {"tool_call", "tool_call"},
      {"refusal", "content_filter"},
      {"content_filter", "content_filter"},
      {"error", "error"},
  }};
  for (const auto& [theirs, ours] : kWords)
    if (stop_reason == theirs) return ours;
  return calls_tools ? "tool_call" : "stop";
}

}  // namespace

std::string otlp_input_messages(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) list.push_back(message_json(message));
  return dump(list, {.sorted = false});
}

std::string otlp_output_messages(const Message& message, std::string_view stop_reason) {
  Json json = message_json(message);
  json.set("finish_reason", finish_reason(stop_reason, !message.tool_calls.empty()));
  Json list = Json::array();
  list.push_back(std::move(json));
  return dump(list, {.sorted = false});
}

std::string otlp_system_instructions(std::string_view prompt) {
  Json list = Json::array();
  list.push_back(text_part(prompt));
  return dump(list, {.sorted = false});
}

}  // namespace agdb
