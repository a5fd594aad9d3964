#include "debug/import/claude_code_answer.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace agdb {
namespace {

class Usage {
 public:
  Usage(const Json& usage, ImportTally& tally) : usage_(usage), tally_(tally) {}

  bool tells() const {
    return usage_["input_tokens"].is_number() || usage_["output_tokens"].is_number();
  }
  std::int64_t tokens(std::string_view key) const { return count(usage_[key]); }
  // What was written to the cache; newest versions tell it by time of life as well, some only so.
  std::int64_t cache_creation() const {
    if (usage_["cache_creation_input_tokens"].is_number())
      return tokens("cache_creation_input_tokens");
    const Json& by_life = usage_["cache_creation"];
    return count(by_life["ephemeral_5m_input_tokens"]) +
           count(by_life["ephemeral_1h_input_tokens"]);
  }

 private:
  std::int64_t count(const Json& value) const { return read_token_count(value, tally_); }

  const Json& usage_;
  ImportTally& tally_;
};

void read_usage(const Usage& usage, SessionAnswer& answer) {
  if (!usage.tells()) return;
  LlmResponse& response = answer.response;
  const std::int64_t output = usage.tokens("output_tokens");
  if (answer.has_usage && output < response.response_tokens) return;
  answer.has_usage = true;
  response.response_tokens = output;
  response.cache_read_tokens = usage.tokens("cache_read_input_tokens");
  response.cache_creation_tokens = usage.cache_creation();
  response.request_tokens =
      usage.tokens("input_tokens") + response.cache_read_tokens + response.cache_creation_tokens;
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

void read_claude_call(const ClaudeLine& line, SessionAnswer& answer, ImportTally& tally) {
  LlmResponse& response = answer.response;
  const std::string_view model = line.body.text("model");
  if (!model.empty()) response.model = model;
  const std::string_view stop_reason = line.body.text("stop_reason");
  if (!stop_reason.empty()) response.stop_reason = stop_reason;
  read_usage(Usage(line.body["usage"], tally), answer);
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
