#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// The context of an imported process as it grows. Each change returns the ContextChange that
// reports it, with the figures that the runtime would give.
class SessionContext {
 public:
  explicit SessionContext(CtxId id) : id_(id) {}

  // The first change, of a context without messages.
  ContextChange begin(std::string system_prompt);
  ContextChange append(Message message);
  // The first `keep` messages stay (all, when there are fewer), `messages` follow.
  ContextChange compact(std::uint64_t keep, std::vector<Message> messages);

  std::uint64_t size() const { return sizes_.size(); }
  // What a request carries: the prompt's text and the compact JSON of all messages.
  std::uint64_t bytes() const { return prompt_bytes_ + message_bytes_; }

 private:
  struct Size {
    std::int64_t tokens = 0;
    std::uint64_t bytes = 0;
  };
  void add(Message message, ContextChange& change);
  ContextChange change_after(std::uint64_t keep) const;

  CtxId id_;
  std::int64_t prompt_tokens_ = 0;
  std::int64_t message_tokens_ = 0;
  std::uint64_t prompt_bytes_ = 0;
  std::uint64_t message_bytes_ = 0;
  std::vector<Size> sizes_;  // of each message
};

}  // namespace agdb
