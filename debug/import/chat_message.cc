#include "debug/import/chat_message.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "debug/import/log_time.h"

namespace agdb {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The first of these members that is there and not null.
const Json& first_of(const Json& object, std::initializer_list<std::string_view> keys) {
  static const Json kNone;
  for (const std::string_view key : keys)
    if (const Json* value = object.find(key); value != nullptr && !value->is_null()) return *value;
  return kNone;
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

// Provider's text of arguments: an object, or the text itself where it is none.
Json read_arguments(const Json& json) {
  const auto text = json.to_string();
  if (!text) return json.is_null() ? Json::object() : json;
  auto parsed = parse_json(*text);
  if (!parsed || !parsed->is_object()) return json;
  return std::move(*parsed);
}

ToolCall read_call(const Json& json, ImportTally& tally) {
  const Json& function = first_of(json, {"function", "custom"});
  const Json& source = function.is_object() ? function : json;
  ToolCall call;
  call.id = first_of(json, {"id", "tool_call_id"}).to_string().value_or("");
  call.name = function.is_string() ? function.string() : source.text("name");
  call.arguments = read_arguments(first_of(source, {"arguments", "input", "args"}));
  if (call.name.empty()) tally.not_understood("tool call without a name");
  return call;
}

void read_calls(const Json& json, ImportTally& tally, ChatMessage& message) {
  if (const Json& calls = json["tool_calls"]; calls.is_array()) {
    for (const Json& call : calls.items()) {
      if (!call.is_object()) {
        tally.not_understood("tool call of an unknown form");
        continue;
      }
      message.calls.push_back(read_call(call, tally));
      if (call.text("requestor") == "user") message.requested_by_user = true;
    }
  } else if (!says_nothing(calls)) {
    tally.not_understood("tool call of an unknown form");
  }
  // The form before tool_calls; some programs write both for one call.
  if (const Json& call = json["function_call"]; call.is_object() && message.calls.empty())
    message.calls.push_back(read_call(call, tally));
}

void read_thinking_block(const Json& block, ChatMessage& message) {
  std::string text(
      first_of(block, {"thinking", "reasoning", "text", "content"}).to_string().value_or(""));
  if (const Json& summary = block["summary"]; summary.is_array())
    for (const Json& part : summary.items()) append_line(text, part.text("text"));
  if (!text.empty() || !block.text("signature").empty())
    message.thinking.push_back({std::move(text), std::string(block.text("signature"))});
}

// The same thinking may stand there several times: in the content's blocks, in thinking_blocks,
// and, without its signature, in reasoning_content.
void read_thinking(const Json& json, ImportTally& tally, ChatMessage& message) {
  if (!message.thinking.empty()) return;
  if (const Json& blocks = json["thinking_blocks"]; blocks.is_array())
    for (const Json& block : blocks.items()) read_thinking_block(block, message);
  if (!message.thinking.empty()) return;
  const Json& text = first_of(json, {"reasoning_content", "reasoning"});
  if (text.is_string()) {
    if (!text.string().empty()) message.thinking.push_back({text.string(), {}});
  } else if (!says_nothing(text)) {
    tally.not_understood("reasoning of an unknown form");
  }
}

class BlockReader {
 public:
  BlockReader(ChatMessage& message, ImportTally& tally, std::vector<ChatMessage>& results)
      : message_(message), tally_(tally), results_(results) {}

  void read(const Json& content) {
    if (const auto text = content.to_string()) {
      message_.content += *text;
    } else if (content.is_array()) {
      for (const Json& block : content.items()) read_block(block);
    } else if (content.is_object()) {
      read_block(content);
    } else if (!content.is_null()) {
      tally_.not_understood("content that is no text");
    }
  }

 private:
  void read_block(const Json& block) {
    if (const auto text = block.to_string()) return append_line(message_.content, *text);
    const std::string_view type = block.text("type", block["text"].is_string() ? "text" : "");
    if (is_one_of(type, {"text", "input_text", "output_text"}) && block["text"].is_string()) {
      append_line(message_.content, block.text("text"));
    } else if (type == "refusal") {
      append_line(message_.content, block.text("refusal"));
    } else if (is_one_of(type, {"thinking", "reasoning"})) {
      read_thinking_block(block, message_);
    } else if (type == "tool_use") {
      message_.calls.push_back(read_call(block, tally_));
    } else if (type == "tool_result") {
      read_result(block);
    } else {
      count_block(type);
    }
  }

  void read_result(const Json& block) {
    ChatMessage result;
    result.role = "tool";
    result.result_of = block.text("tool_use_id");
    result.is_error = block.boolean("is_error");
    // Results within results are no form that anybody writes.
    for (const Json& part : block["content"].is_array() ? block["content"].items() : Json::Array{})
      if (part.text("type") != "tool_result")
        BlockReader(result, tally_, results_).read_block(part);
    if (block["content"].is_string()) result.content = block["content"].string();
    results_.push_back(std::move(result));
  }

  void count_block(std::string_view type) {
    if (type.find("image") != std::string_view::npos) return tally_.not_understood("image block");
    if (type.find("audio") != std::string_view::npos) return tally_.not_understood("audio block");
    if (type.empty()) return tally_.not_understood("content block of an unknown form");
    tally_.not_understood(std::string(type) + " block");
  }

  ChatMessage& message_;
  ImportTally& tally_;
  std::vector<ChatMessage>& results_;
};

std::string read_role(const Json& json) {
  if (const auto role = json["role"].to_string())
    return std::string(*role == "function" ? "tool" : *role);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kShareGpt = {{
      {"human", "user"},
      {"gpt", "assistant"},
      {"function_call", "assistant"},
      {"observation", "tool"},
      {"function_response", "tool"},
  }};
  const std::string_view from = json.text("from");
  for (const auto& [theirs, ours] : kShareGpt)
    if (from == theirs) return std::string(ours);
  return std::string(from);
}

// tau2-bench's `error` is a flag; others write the error's text there, or a status.
bool read_is_error(const Json& json) {
  return !says_nothing(json["error"]) || json.boolean("is_error") || json.text("status") == "error";
}

void read_time(const Json& json, ImportTally& tally, ChatMessage& message) {
  const Json& time = first_of(json, {"timestamp", "created_at", "created", "create_time"});
  if (!time.is_null()) {
    message.time = read_log_time(time, &message.time_without_zone);
    if (!message.time) tally.not_understood("time that cannot be read");
  }
  if (const Json* took = json.find("generation_time_seconds"))
    message.took = read_log_seconds(*took);
}

// tau2-bench keeps the provider's choice (or its message) as it came.
void read_raw_answer(const Json& raw, ImportTally& tally, ChatMessage& message) {
  if (!raw.is_object()) return;
  message.has_raw_answer = true;
  tally.bookkeeping("raw provider answer");
  read_thinking(raw["message"].is_object() ? raw["message"] : raw, tally, message);
  if (message.model.empty()) message.model = raw.text("model");
  if (message.stop_reason.empty())
    message.stop_reason = raw.text("finish_reason", raw.text("stop_reason"));
  if (!message.usage) message.usage = read_chat_usage(raw["usage"], tally);
}

void read_cost(const Json& json, ChatMessage& message) {
  const auto cost = first_of(json, {"cost", "cost_usd", "response_cost"}).to_double();
  if (cost && *cost >= 0) message.cost_usd = *cost;
}

void read_failures(const Json& errors, ImportTally& tally, ChatMessage& message) {
  if (says_nothing(errors)) return;
  if (!errors.is_array()) return tally.not_understood("errors of an unknown form");
  for (const Json& error : errors.items())
    message.failures.push_back({error.is_string() ? error.string() : dump(error), {}});
}

// What is carried over, or says something about the other tool only. Fields that say nothing (null,
// false, empty) are never counted.
constexpr std::string_view kKnownFields =
    "role from content value name tool_calls function_call tool_call_id refusal "
    "reasoning_content reasoning thinking_blocks usage cost cost_usd response_cost model "
    "finish_reason stop_reason raw_data timestamp created_at created create_time "
    "generation_time_seconds turn_idx id error errors is_error status requestor "
    "tool_messages type object index weight provider_specific_fields cache_control "
    "is_final_chunk contains_speech";

std::string call_id_of_result(const Json& json, const std::string& role) {
  if (role != "tool") return {};
  return std::string(first_of(json, {"tool_call_id", "id"}).to_string().value_or(""));
}

const Json& first_choice(const Json::Array& choices) {
  for (const Json& choice : choices)
    if (choice.is_object() && choice.integer("index", -1) == 0) return choice;
  return choices.front();
}

}  // namespace

bool is_chat_message(const Json& json) {
  return json["role"].is_string() || (json["from"].is_string() && json["value"].is_string());
}

std::optional<ChatMessage::Usage> read_chat_usage(const Json& json, ImportTally& tally) {
  const Json& prompt = first_of(json, {"prompt_tokens", "input_tokens"});
  const Json& completion = first_of(json, {"completion_tokens", "output_tokens"});
  if (prompt.is_null() && completion.is_null()) return std::nullopt;
  ChatMessage::Usage usage;
  usage.request_tokens = read_token_count(prompt, tally);
  usage.response_tokens = read_token_count(completion, tally);
  const Json& details = first_of(json, {"prompt_tokens_details", "input_tokens_details"});
  const Json& hit = first_of(json, {"cache_read_input_tokens", "prompt_cache_hit_tokens"});
  usage.cache_read_tokens = read_token_count(hit.is_null() ? details["cached_tokens"] : hit, tally);
  usage.cache_creation_tokens = read_token_count(json["cache_creation_input_tokens"], tally);
  // Anthropic's own counts leave cached tokens out of input_tokens; all others have them in.
  const bool cached_apart = json["prompt_tokens"].is_null() && details.is_null();
  if (cached_apart) usage.request_tokens += usage.cache_read_tokens + usage.cache_creation_tokens;
  return usage;
}

void read_chat_message(const Json& json, ImportTally& tally, std::vector<ChatMessage>& out) {
  if (!is_chat_message(json)) return tally.not_understood("list element that is no message");
  if (const Json& results = json["tool_messages"]; results.is_array()) {
    for (const Json& result : results.items())
      if (!result["tool_messages"].is_array()) read_chat_message(result, tally, out);
    return;
  }
  ChatMessage message;
  message.role = read_role(json);
  message.name = json.text("name");
  message.result_of = call_id_of_result(json, message.role);
  message.is_error = message.role == "tool" && read_is_error(json);
  message.requested_by_user = json.text("requestor") == "user";
  message.model = json.text("model");
  message.stop_reason = json.text("finish_reason", json.text("stop_reason"));
  message.usage = read_chat_usage(json["usage"], tally);
  read_cost(json, message);
  read_failures(json["errors"], tally, message);
  read_time(json, tally, message);
  read_calls(json, tally, message);
  std::vector<ChatMessage> results;
  BlockReader(message, tally, results).read(first_of(json, {"content", "value"}));
  if (const auto refusal = json.text("refusal"); !refusal.empty() && refusal != message.content)
    append_line(message.content, refusal);
  read_thinking(json, tally, message);
  read_raw_answer(json["raw_data"], tally, message);
  tally.unknown_fields(json, kKnownFields, "message field ");
  for (ChatMessage& result : results) {
    result.time = message.time;
    out.push_back(std::move(result));
  }
  const bool only_results = !results.empty() && message.content.empty() && message.calls.empty();
  if (!only_results) out.push_back(std::move(message));
}

std::optional<ChatMessage> read_chat_response(const Json& json, ImportTally& tally) {
  const Json* source = &json;
  const Json* choice = nullptr;
  if (const Json& choices = json["choices"]; choices.is_array() && !choices.empty()) {
    tally.not_understood("further choice of one answer", choices.size() - 1);
    choice = &first_choice(choices.items());
    source = choice->find("message");
  }
  std::vector<ChatMessage> read;
  if (source != nullptr && is_chat_message(*source)) {
    read_chat_message(*source, tally, read);
  } else if (choice != nullptr && (*choice)["text"].is_string()) {
    read.emplace_back().content = (*choice)["text"].string();
  }
  if (read.empty()) return std::nullopt;
  ChatMessage answer = std::move(read.back());
  answer.role = "assistant";
  if (choice != nullptr) answer.stop_reason = choice->text("finish_reason");
  if (!answer.usage) answer.usage = read_chat_usage(json["usage"], tally);
  if (answer.model.empty()) answer.model = json.text("model");
  return answer;
}

}  // namespace agdb
