#include "debug/import/span_messages.h"

#include <charconv>
#include <map>
#include <utility>

#include "debug/import/span_facts.h"

namespace agdb {
namespace {

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.string() : value.is_null() ? std::string() : dump(value);
}

// Text that is a JSON object is one.
Json arguments_of(const Json& value) {
  if (value.is_null()) return Json::object();
  const auto text = value.to_string();
  if (!text) return value;
  auto parsed = parse_json(*text);
  return parsed && parsed->is_object() ? *std::move(parsed) : value;
}

ToolCall call_of_part(const Json& part) {
  return {std::string(part.text("id")), std::string(part.text("name")),
          arguments_of(part["arguments"])};
}

ChatMessage result_of_part(const Json& part, const Json& message) {
  ChatMessage result;
  result.role = "tool";
  result.name = message.text("name", part.text("name"));
  result.result_of = part.text("id");
  // The schema says `response`; its example, and so some writers, `result`.
  result.content = text_of(part["response"].is_null() ? part["result"] : part["response"]);
  return result;
}

// A message of the conventions: {role, parts}.
void read_parts(const Json& json, ImportTally& tally, std::vector<ChatMessage>& out) {
  ChatMessage message;
  message.role = json.text("role");
  message.name = json.text("name");
  message.stop_reason = json.text("finish_reason");
  bool has_results = false;
  for (const Json& part : json["parts"].items()) {
    const std::string_view type = part.text("type");
    if (type == "text") {
      append_line(message.content, part.text("content"));
    } else if (type == "tool_call") {
      message.calls.push_back(call_of_part(part));
    } else if (type == "tool_call_response") {
      out.push_back(result_of_part(part, json));
      has_results = true;
    } else if (type == "reasoning" || type == "thinking") {
      message.thinking.push_back({std::string(part.text("content")), {}});
    } else {
      tally.not_understood(type.empty() ? "message part of an unknown form"
                                        : std::string(type) + " part");
    }
  }
  const bool empty = message.content.empty() && message.calls.empty() && message.thinking.empty();
  if (!has_results || !empty) out.push_back(std::move(message));
}

void read_message(const Json& json, ImportTally& tally, std::vector<ChatMessage>& out) {
  if (json["parts"].is_array()) return read_parts(json, tally, out);
  read_chat_message(json, tally, out);
}

// A list of messages or one, as JSON or as its text.
std::vector<ChatMessage> read_list(const Json& value, ImportTally& tally) {
  std::vector<ChatMessage> messages;
  Json list = value;
  if (const auto text = value.to_string()) {
    auto parsed = parse_json(*text);
    if (!parsed || !(parsed->is_array() || parsed->is_object())) {
      tally.not_understood("messages that cannot be read");
      return messages;
    }
    list = *std::move(parsed);
  }
  if (list["messages"].is_array()) list = Json(list["messages"]);
  if (list.is_object()) read_message(list, tally, messages);
  if (list.is_array())
    for (const Json& item : list.items()) read_message(item, tally, messages);
  return messages;
}

// The instructions are parts, or a text.
void read_instructions(const Json& value, std::vector<ChatMessage>& out) {
  if (value.is_null()) return;
  ChatMessage message;
  message.role = "system";
  Json list = value;
  if (const auto text = value.to_string()) list = parse_json(*text).value_or(value);
  if (list.is_array()) {
    for (const Json& part : list.items()) append_line(message.content, part.text("content"));
  } else {
    message.content = text_of(list);
  }
  if (!message.content.empty()) out.push_back(std::move(message));
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "12." at the start of a key.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != '.') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

// Messages whose fields are attributes of their own. Numbers are only an order: one of any size
// costs no more than another.
class NumberedMessages {
 public:
  explicit NumberedMessages(ImportTally& tally) : tally_(&tally) {}

  std::vector<ChatMessage> read(const Json& attributes, std::string_view prefix) {
    for (const Json::Member& member : attributes.members()) {
      std::string_view key = member.key;
      if (!take_prefix(key, prefix)) continue;
      const auto number = take_number(key);
      if (!number) continue;
      take_prefix(key, "message.");
      set(messages_[*number], key, member.value);
    }
    std::vector<ChatMessage> out;
    for (auto& [number, numbered] : messages_) out.push_back(finished(std::move(numbered)));
    return out;
  }

 private:
  struct Numbered {
    ChatMessage message;
    std::map<std::uint64_t, ToolCall> calls;
    std::map<std::uint64_t, std::string> texts;
  };

  void set(Numbered& numbered, std::string_view key, const Json& value) {
    ChatMessage& message = numbered.message;
    if (key == "role") {
      message.role = text_of(value);
    } else if (key == "content") {
      message.content = text_of(value);
    } else if (key == "name") {
      message.name = text_of(value);
    } else if (key == "tool_call_id") {
      message.result_of = text_of(value);
    } else if (key == "finish_reason") {
      message.stop_reason = text_of(value);
    } else if (take_prefix(key, "tool_calls.")) {
      set_call(numbered, key, value);
    } else if (take_prefix(key, "contents.")) {
      set_block(numbered, key, value);
    } else {
      tally_->not_understood("message field " + std::string(key));
    }
  }

  void set_call(Numbered& numbered, std::string_view key, const Json& value) {
    const auto number = take_number(key);
    if (!number) return;
    take_prefix(key, "tool_call.");
    take_prefix(key, "function.");
    ToolCall& call = numbered.calls[*number];
    if (key == "id") call.id = text_of(value);
    if (key == "name") call.name = text_of(value);
    if (key == "arguments") call.arguments = arguments_of(value);
  }

  void set_block(Numbered& numbered, std::string_view key, const Json& value) {
    const auto number = take_number(key);
    if (!number) return;
    take_prefix(key, "message_content.");
    if (key == "text") {
      numbered.texts[*number] = text_of(value);
    } else if (key == "type" && value != Json("text")) {
      tally_->not_understood(text_of(value) + " block");
    }
  }

  static ChatMessage finished(Numbered numbered) {
    ChatMessage message = std::move(numbered.message);
    for (auto& [number, text] : numbered.texts) append_line(message.content, text);
    for (auto& [number, call] : numbered.calls) message.calls.push_back(std::move(call));
    return message;
  }

  ImportTally* tally_;
  std::map<std::uint64_t, Numbered> messages_;
};

// What an event says, in the two forms that were in use: its attributes as the message's fields, or
// the whole as JSON in one attribute.
void read_event(const ForeignSpan::Event& event, ImportTally& tally, SpanMessages& out) {
  constexpr std::string_view kPrefix = "gen_ai.";
  constexpr std::string_view kSuffix = ".message";
  const Json& body = event.attributes;
  std::string_view role = event.name;
  if (event.name == "gen_ai.content.prompt") {
    for (ChatMessage& message : read_list(body["gen_ai.prompt"], tally))
      out.input.push_back(std::move(message));
  } else if (event.name == "gen_ai.content.completion") {
    for (ChatMessage& message : read_list(body["gen_ai.completion"], tally))
      out.output.push_back(std::move(message));
  } else if (event.name == "gen_ai.choice") {
    Json choice = body["message"].is_null() ? body : body["message"];
    if (choice.is_string()) choice = parse_json(choice.string()).value_or(choice);
    ChatMessage message;
    message.role = "assistant";
    message.content = choice.is_object() ? text_of(choice["content"]) : text_of(choice);
    message.stop_reason = body.text("finish_reason");
    out.output.push_back(std::move(message));
  } else if (take_prefix(role, kPrefix) && role.ends_with(kSuffix)) {
    ChatMessage message;
    message.role = role.substr(0, role.size() - kSuffix.size());
    message.content = text_of(body["content"]);
    message.result_of = message.role == "tool" ? body.text("id") : "";
    out.input.push_back(std::move(message));
  }
}

ChatMessage vercel_answer(const ForeignSpan& span) {
  ChatMessage message;
  message.role = "assistant";
  message.content = text_attribute(span, "ai.response.text ai.response.object");
  const Json calls = parse_json(span.attributes.text("ai.response.toolCalls")).value_or(Json());
  if (calls.is_array())
    for (const Json& call : calls.items())
      message.calls.push_back(
          {std::string(call.text("toolCallId")), std::string(call.text("toolName")),
           arguments_of(call["input"].is_null() ? call["args"] : call["input"])});
  return message;
}

void read_input(const ForeignSpan& span, ImportTally& tally, std::vector<ChatMessage>& out) {
  const Json& attributes = span.attributes;
  read_instructions(attributes["gen_ai.system_instructions"], out);
  const auto take = [&out](std::vector<ChatMessage> messages) {
    for (ChatMessage& message : messages) out.push_back(std::move(message));
    return !messages.empty();
  };
  if (const Json& list = attributes["gen_ai.input.messages"]; !list.is_null()) {
    take(read_list(list, tally));
    return;
  }
  if (take(NumberedMessages(tally).read(attributes, "gen_ai.prompt."))) return;
  if (take(NumberedMessages(tally).read(attributes, "llm.input_messages."))) return;
  if (const Json& list = attributes["ai.prompt.messages"]; !list.is_null())
    take(read_list(list, tally));
}

void read_output(const ForeignSpan& span, ImportTally& tally, std::vector<ChatMessage>& out) {
  const Json& attributes = span.attributes;
  if (const Json& list = attributes["gen_ai.output.messages"]; !list.is_null()) {
    out = read_list(list, tally);
    return;
  }
  out = NumberedMessages(tally).read(attributes, "gen_ai.completion.");
  if (out.empty()) out = NumberedMessages(tally).read(attributes, "llm.output_messages.");
  if (!out.empty()) return;
  if (attributes["ai.response.text"].is_string() || attributes["ai.response.object"].is_string() ||
      attributes["ai.response.toolCalls"].is_string())
    out.push_back(vercel_answer(span));
}

// A whole request or answer is written beside the messages too; alone it is the messages.
std::vector<ChatMessage> read_body(const Json& value, ImportTally& tally) {
  Json body = value;
  if (const auto text = value.to_string()) body = parse_json(*text).value_or(Json());
  if (body.is_object() && body["choices"].is_array()) {
    auto answer = read_chat_response(body, tally);
    if (!answer) return {};
    std::vector<ChatMessage> messages;
    messages.push_back(*std::move(answer));
    return messages;
  }
  const Json& list = body.is_object() ? body["messages"] : body;
  const bool messages =
      list.is_array() && !list.empty() &&
      (is_chat_message(list.items().front()) || list.items().front()["parts"].is_array());
  return messages ? read_list(list, tally) : std::vector<ChatMessage>();
}

}  // namespace

SpanMessages read_span_messages(const ForeignSpan& span, ImportTally& tally) {
  SpanMessages messages;
  read_input(span, tally, messages.input);
  read_output(span, tally, messages.output);
  if (messages.input.empty() && messages.output.empty())
    for (const ForeignSpan::Event& event : span.events) read_event(event, tally, messages);
  if (messages.input.empty()) messages.input = read_body(span.attributes["input.value"], tally);
  if (messages.output.empty()) messages.output = read_body(span.attributes["output.value"], tally);
  return messages;
}

}  // namespace agdb
