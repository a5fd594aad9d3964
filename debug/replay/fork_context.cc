#include "debug/replay/fork_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "debug/replay/screen_text.h"
#include "runtime/events/token_estimate.h"

namespace agdb {

namespace {

constexpr std::array<std::string_view, 2> kForkKeys = {"system_prompt", "messages"};
constexpr std::array<std::string_view, 6> kMessageKeys = {"role",         "content",    "name",
                                                          "tool_call_id", "tool_calls", "turn"};
constexpr std::array<std::string_view, 3> kCallKeys = {"id", "name", "arguments"};

std::string_view name_of(Json::Type type) {
  switch (type) {
    case Json::Type::kNull:
      return "null";
    case Json::Type::kBool:
      return "true or false";
    case Json::Type::kInt:
    case Json::Type::kUint:
    case Json::Type::kDouble:
      return "a number";
    case Json::Type::kString:
      return "a text";
    case Json::Type::kArray:
      return "a list";
    case Json::Type::kObject:
      return "an object";
  }
  return "a value";
}

std::unexpected<Error> wrong_type(const std::string& where, std::string_view wanted,
                                  const Json& got) {
  return fail(Code::kInvalid,
              fmt::format("{}: expected {}, got {}", where, wanted, name_of(got.type())),
              "the fork is unchanged; edit again");
}

Status check_object(const Json& json, const std::string& where,
                    std::span<const std::string_view> known) {
  if (!json.is_object()) return wrong_type(where, "an object", json);
  for (const Json::Member& member : json.members()) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    return fail(Code::kInvalid,
                fmt::format("{}: unknown key \"{}\"", where, screen_line(member.key, 60)),
                fmt::format("known keys are {}", fmt::join(known, ", ")));
  }
  return {};
}

// An absent key and null are as good as the empty text.
Status check_text(const Json& object, std::string_view key, const std::string& where) {
  const Json& value = object[key];
  if (value.is_null() || value.is_string()) return {};
  return wrong_type(fmt::format("{}.{}", where, key), "a text", value);
}

Status check_calls(const Json& calls, const std::string& where) {
  if (calls.is_null()) return {};
  if (!calls.is_array()) return wrong_type(where, "a list", calls);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Json& call = calls.items()[i];
    const std::string place = fmt::format("{}[{}]", where, i);
    AGDB_CHECK_OK(check_object(call, place, kCallKeys));
    AGDB_CHECK_OK(check_text(call, "id", place));
    AGDB_CHECK_OK(check_text(call, "name", place));
    const Json& arguments = call["arguments"];
    if (!arguments.is_null() && !arguments.is_object() && !arguments.is_string()) {
      return wrong_type(place + ".arguments", "an object or a text", arguments);
    }
  }
  return {};
}

Result<Message> edited_message(const Json& json, const std::string& where) {
  AGDB_CHECK_OK(check_object(json, where, kMessageKeys));
  for (const std::string_view key : {"role", "content", "name", "tool_call_id"}) {
    AGDB_CHECK_OK(check_text(json, key, where));
  }
  if (json.text("role").empty()) {
    return fail(Code::kInvalid, where + ".role: missing or empty",
                "give it \"user\", \"assistant\" or \"tool\"");
  }
  AGDB_CHECK_OK(check_calls(json["tool_calls"], where + ".tool_calls"));
  const Json& turn = json["turn"];
  if (!turn.is_null() && !turn.to_uint()) {
    return wrong_type(where + ".turn", "a whole number from 0", turn);
  }
  Result<Message> message = message_from_json(json);
  if (!message) message.error().message = where + ": " + message.error().message;
  return message;
}

Result<std::vector<Message>> edited_messages(const Json& list) {
  if (!list.is_array()) return wrong_type("messages", "a list", list);
  std::vector<Message> messages;
  messages.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    AGDB_TRY(Message message, edited_message(list.items()[i], fmt::format("messages[{}]", i)));
    messages.push_back(std::move(message));
  }
  return messages;
}

Json chat_call(const ToolCall& call) {
  const std::string arguments = call.arguments.is_string() ? call.arguments.string()
                                : call.arguments.is_null() ? "{}"
                                                           : dump(call.arguments);
  return Json::object(
      {{"id", call.id},
       {"type", "function"},
       {"function", Json::object({{"name", call.name}, {"arguments", arguments}})}});
}

Json chat_message(const Message& message) {
  Json json = Json::object({{"role", message.role}});
  // An answer that only calls tools has no content there, not an empty one.
  const bool only_calls = message.content.empty() && !message.tool_calls.empty();
  json.set("content", only_calls ? Json() : Json(message.content));
  if (!message.name.empty()) json.set("name", message.name);
  if (!message.tool_call_id.empty()) json.set("tool_call_id", message.tool_call_id);
  if (message.tool_calls.empty()) return json;
  Json calls = Json::array();
  for (const ToolCall& call : message.tool_calls) calls.push_back(chat_call(call));
  json.set("tool_calls", std::move(calls));
  return json;
}

Json message_list(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) list.push_back(to_json(message));
  return list;
}

}  // namespace

void ForkContext::set_system_prompt(std::string text) {
  if (prompt_message) messages[*prompt_message].content = text;
  system_prompt = std::move(text);
}

void ForkContext::append(std::string role, std::string content) {
  append(Message{.role = std::move(role), .content = std::move(content)});
}

void ForkContext::append(Message message) {
  messages.push_back(std::move(message));
}

Status ForkContext::remove_last(std::int64_t count) {
  if (count < 0) {
    return fail(Code::kInvalid, fmt::format("fork: cannot remove {} messages", count),
                "give the number of messages to take from the end, from 1");
  }
  const std::size_t gone = std::min(static_cast<std::size_t>(count), messages.size());
  messages.resize(messages.size() - gone);
  if (prompt_message && *prompt_message >= messages.size()) prompt_message.reset();
  return {};
}

bool ForkContext::replace_last(std::string content) {
  if (messages.empty()) return false;
  if (prompt_message == messages.size() - 1) system_prompt = content;
  messages.back().content = std::move(content);
  return true;
}

std::vector<Message> messages_without_prompt(const ForkContext& fork) {
  std::vector<Message> messages;
  messages.reserve(fork.messages.size());
  for (std::size_t i = 0; i < fork.messages.size(); ++i) {
    if (i != fork.prompt_message) messages.push_back(fork.messages[i]);
  }
  return messages;
}

std::string summary_text(const ForkContext& fork) {
  std::int64_t tokens = estimate_tokens(fork.system_prompt);
  for (const Message& message : fork.messages) tokens += estimate_tokens(message);
  std::string text = fmt::format(
      "Original PID: {}\nSeqNum:       {}\nIntent:       {}\nMessages:     {}\n",
      raw(fork.original_pid), raw(fork.seq_num), screen_line(fork.intent), fork.messages.size());
  if (!fork.system_prompt.empty()) {
    text += fmt::format("System Prompt: len:{}\n", fork.system_prompt.size());
  }
  text += fmt::format("Tokens (est): ~{}\n", tokens);
  if (raw(fork.gap) != 0) {
    text +=
        fmt::format("Lost events:  at #{:03}; the context may have changed there\n", raw(fork.gap));
  }
  return text;
}

Json to_json(const ForkContext& fork) {
  Json json = Json::object({{"original_pid", raw(fork.original_pid)},
                            {"seq_num", raw(fork.seq_num)},
                            {"intent", fork.intent},
                            {"system_prompt", fork.system_prompt},
                            {"messages", message_list(fork.messages)}});
  if (raw(fork.ctx_id) != 0) json.set("ctx_id", raw(fork.ctx_id));
  if (!fork.record_id.empty()) {
    json.set("forked_from",
             Json::object({{"record_id", fork.record_id}, {"seq_num", raw(fork.seq_num)}}));
  }
  if (raw(fork.gap) != 0) json.set("gap", raw(fork.gap));
  return json;
}

Json to_chat_messages(const ForkContext& fork) {
  Json list = Json::array();
  if (!fork.system_prompt.empty()) {
    list.push_back(Json::object({{"role", "system"}, {"content", fork.system_prompt}}));
  }
  for (std::size_t i = 0; i < fork.messages.size(); ++i) {
    if (i != fork.prompt_message) list.push_back(chat_message(fork.messages[i]));
  }
  return list;
}

std::string to_editable_text(const ForkContext& fork) {
  const Json json = Json::object({{"system_prompt", fork.system_prompt},
                                  {"messages", message_list(messages_without_prompt(fork))}});
  return dump(json, {.sorted = false, .indent = 2, .keep_bytes = true}) + "\n";
}

Status apply_edited_text(ForkContext& fork, std::string_view text) {
  AGDB_TRY(const Json json, parse_json(text, nullptr, {.restore_base64 = true}));
  AGDB_CHECK_OK(check_object(json, "fork", kForkKeys));
  AGDB_CHECK_OK(check_text(json, "system_prompt", "fork"));
  AGDB_TRY(std::vector<Message> messages, edited_messages(json["messages"]));
  fork.system_prompt = json.text("system_prompt");
  fork.messages = std::move(messages);
  fork.prompt_message.reset();
  return {};
}

}  // namespace agdb
