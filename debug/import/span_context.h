#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/import/chat_message.h"
#include "debug/import/session.h"

namespace agdb {

// The context of an agent as far as it is known, held against what each of its model calls was
// given: spans carry the whole context with each call, or nothing.
class SpanContext {
 public:
  // What has to happen to the context before a call.
  struct Change {
    std::optional<SessionEdit> compact;  // first
    std::vector<ChatMessage> added;      // then these came
  };

  // `input`: the messages of a call without the leading instructions; not empty.
  Change catch_up(const std::vector<ChatMessage>& input);
  void add(std::string role, std::string content) {
    entries_.push_back({std::move(role), std::move(content)});
  }

 private:
  struct Entry {
    std::string role;
    std::string content;
  };
  static bool same(const Entry& entry, const ChatMessage& message);

  std::vector<Entry> entries_;
};

Message context_message(const ChatMessage& message);

}  // namespace agdb
