#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/events/event.h"
#include "runtime/events/message.h"

namespace agdb {

// What a model will be given: a system prompt and messages. Messages are immutable and shared with
// the events that report them. Each change returns the ContextChange that describes it. Not
// thread-safe.
class Context {
 public:
  explicit Context(CtxId id) : id_(id) {}

  CtxId id() const { return id_; }
  const std::string& system_prompt() const { return *system_prompt_; }
  const std::vector<MessagePtr>& messages() const { return messages_; }
  // Estimated size of all of it.
  std::int64_t tokens() const { return prompt_tokens_ + message_tokens_; }
  // The length of the compact JSON of all messages and of the prompt's text: what a request
  // carries.
  std::uint64_t bytes() const { return system_prompt_->size() + message_bytes_; }

  ContextChange set_system_prompt(std::string prompt);
  ContextChange append(Message message);
  // The first `keep` messages stay (all, when there are fewer), `messages` follow.
  ContextChange replace_from(std::uint64_t keep, std::vector<Message> messages);
  // Everything at once, into an empty context.
  ContextChange restore(std::string prompt, std::vector<MessagePtr> messages);

 private:
  struct Size {
    std::int64_t tokens = 0;
    std::uint64_t bytes = 0;
  };
  void add(MessagePtr message);
  ContextChange change(std::uint64_t keep) const;

  CtxId id_;
  std::shared_ptr<const std::string> system_prompt_ = std::make_shared<const std::string>();
  std::vector<MessagePtr> messages_;
  std::vector<Size> sizes_;  // beside messages_
  std::int64_t prompt_tokens_ = 0;
  std::int64_t message_tokens_ = 0;
  std::uint64_t message_bytes_ = 0;
};

}  // namespace agdb
