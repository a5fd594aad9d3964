#include "debug/import/claude_code_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace agdb {
namespace {

// A count of tokens; a negative one is no count.
std::int64_t tokens(const Json& usage, std::string_view key) {
  return std::max<std::int64_t>(usage.integer(key), 0);
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  return a > std::numeric_limits<std::int64_t>::max() - b ? std::numeric_limits<std::int64_t>::max()
                                                          : a + b;
}

// What was written to the cache; newest versions tell it by time of life as well, some only so.
std::int64_t cache_creation(const Json& usage) {
  if (usage["cache_creation_input_tokens"].is_number())
    return tokens(usage, "cache_creation_input_tokens");
  const Json& by_life = usage["cache_creation"];
  return sum(tokens(by_life, "ephemeral_5m_input_tokens"),
             tokens(by_life, "ephemeral_1h_input_tokens"));
}

void read_usage(const Json& usage, SessionAnswer& answer) {
  const bool tells = usage["input_tokens"].is_number() || usage["output_tokens"].is_number();
  LlmResponse& response = answer.response;
  const std::int64_t output = tokens(usage, "output_tokens");
  if (!tells || (answer.has_usage && output < response.response_tokens)) return;
  answer.has_usage = true;
  response.response_tokens = output;
  response.cache_read_tokens = tokens(usage, "cache_read_input_tokens");
  response.cache_creation_tokens = cache_creation(usage);
  response.request_tokens = sum(tokens(usage, "input_tokens"),
                                sum(response.cache_read_tokens, response.cache_creation_tokens));
}

// The innermost message of nested error objects ({"error":{"error":{"message":…}}}), and their
// type.
struct ErrorText {
  std::string_view type;
  std::string_view message;
};
ErrorText innermost_error(const Json& error) {
  ErrorText text;
  const Json* at = &error;
  for (int depth = 0; depth < 8 && at->is_object(); ++depth, at = &(*at)["error"]) {
    const std::string_view message = at->text("message");
    if (!message.empty()) text = {at->text("type"), message};
  }
  if (at->is_string() && text.message.empty()) text.message = at->string();
  return text;
}

}  // namespace

void read_claude_call(const ClaudeLine& line, SessionAnswer& answer) {
  LlmResponse& response = answer.response;
  const std::string_view model = line.body.text("model");
  if (!model.empty()) response.model = model;
  const std::string_view stop_reason = line.body.text("stop_reason");
  if (!stop_reason.empty()) response.stop_reason = stop_reason;
  read_usage(line.body["usage"], answer);
  if (line.cost_usd) response.cost_usd = line.cost_usd;
  if (line.time && (!answer.ended || *answer.ended < *line.time)) answer.ended = line.time;
}

std::string claude_api_error(const Json& record) {
  const Json& error = record["error"];
  const ErrorText text = innermost_error(error);
  std::string out;
  if (const auto status = error["status"].to_int()) out = fmt::format("{} ", *status);
  if (!text.type.empty()) out += fmt::format("{}: ", text.type);
  out += text.message;
  if (text.message.empty()) {
    const std::string_view code = record["cause"].text("code", error["cause"].text("code"));
    out += code.empty() ? record.text("content", "request failed") : code;
  }
  return out;
}

Message claude_message_of(const SessionAnswer& answer) {
  Message message;
  message.role = "assistant";
  message.content = answer.response.content;
  message.tool_calls = answer.response.tool_calls;
  return message;
}

}  // namespace agdb
