#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/hash.h"
#include "runtime/events/json.h"

namespace agdb {

// A tool call that the model asked for. `arguments` is what the provider gave: an object, or the
// text itself where that was no JSON object.
struct ToolCall {
  std::string
      id;  // not unique within a run: pair a result with the nearest earlier open call of its id
  std::string name;
  Json arguments;

  bool operator==(const ToolCall&) const = default;
};

// One message of a context. Empty optional fields mean absent.
struct Message {
  std::string role;     // "system", "user", "assistant", "tool"; others pass through
  std::string content;  // any bytes
  std::string name = {};
  std::string tool_call_id = {};
  std::vector<ToolCall> tool_calls = {};
  // The script turn that this message belongs to or stands behind (runtime/events/script.h); 0 =
  // none.
  std::uint64_t turn = 0;

  bool operator==(const Message&) const = default;
};

// Messages do not change once they are in a context, so contexts, events and recorders share them.
using MessagePtr = std::shared_ptr<const Message>;

// The message's compact JSON, keys in the order role, content, name, tool_call_id, tool_calls,
// turn; empty optional ones left out; content always there. These are the bytes that are hashed and
// stored.
void append_json(std::string& out, const Message& message);
void append_json(std::string& out, const ToolCall& call);
Json to_json(const Message& message);
// Reads what append_json wrote, and any object with a role or content; unknown keys are ignored.
Result<Message> message_from_json(const Json& json);
Result<ToolCall> tool_call_from_json(const Json& json);

Hash128 hash_of(const Message& message);

// The hash of a whole context: XXH3-128 over the 16 bytes of the prompt's hash followed by those of
// each message. Feed the messages in order; each was hashed once, by hash_of.
Hash128 context_hash(Hash128 system_prompt, std::span<const Hash128> messages);

// Estimated tokens of what the model reads of a message: content, and names and arguments of its
// calls.
std::int64_t estimate_tokens(const Message& message);

}  // namespace agdb
