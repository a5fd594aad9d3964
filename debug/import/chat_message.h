#pragma once

#include <optional>
#include <string>
#include <vector>

#include "debug/import/import_tally.h"
#include "debug/import/session.h"
#include "runtime/events/json.h"

namespace agdb {

// One message of a chat-completions conversation, as the many programs that write such logs vary
// it, brought to one form.
struct ChatMessage {
  std::string role;     // "system", "developer", "user", "assistant", "tool"; others as they stand
  std::string content;  // the texts of a list of blocks, a line each
  std::string name;
  std::string result_of;  // a tool result: the id of its call; may be empty
  bool is_error = false;  // a tool result that the log marks as failed
  std::vector<ToolCall> calls;
  // tau2-bench: the user's side called the tool, not the agent.
  bool requested_by_user = false;
  std::vector<SessionAnswer::Thinking> thinking;
  // tau2-bench: answers to the same context that were refused before this one, as it tells of them.
  std::vector<SessionFailure> failures;

  // What the provider told of a call that this message answers.
  struct Usage {
    std::int64_t request_tokens = 0;
    std::int64_t response_tokens = 0;
    std::int64_t cache_read_tokens = 0;
    std::int64_t cache_creation_tokens = 0;
  };
  std::optional<Usage> usage;
  std::optional<double> cost_usd;
  std::string model;
  std::string stop_reason;
  bool has_raw_answer = false;  // the provider's own answer stands beside the message

  std::optional<WallTime> time;
  bool time_without_zone = false;
  std::optional<Nanoseconds> took;  // how long the model took
};

// Whether this looks like a message: an object with a role (or ShareGPT's "from") as text.
bool is_chat_message(const Json& json);

// Appends the message that `json` holds; several when it carries tool results as blocks or as a
// list. What is no message, and fields and blocks that are not carried over, are counted.
void read_chat_message(const Json& json, ImportTally& tally, std::vector<ChatMessage>& out);

// Token counts of one call; nothing when there are none.
std::optional<ChatMessage::Usage> read_chat_usage(const Json& json, ImportTally& tally);

// The answer in a chat.completion (its first choice; further ones are counted), or in an Anthropic
// message; nothing when there is none.
std::optional<ChatMessage> read_chat_response(const Json& json, ImportTally& tally);

}  // namespace agdb
