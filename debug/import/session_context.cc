#include "debug/import/session_context.h"

#include <algorithm>
#include <utility>

#include "runtime/events/token_estimate.h"

namespace agdb {

ContextChange SessionContext::begin(std::string system_prompt) {
  prompt_tokens_ = estimate_tokens(system_prompt);
  prompt_bytes_ = system_prompt.size();
  ContextChange change = change_after(0);
  change.system_prompt = std::make_shared<const std::string>(std::move(system_prompt));
  change.tokens = prompt_tokens_;
  return change;
}

ContextChange SessionContext::append(Message message) {
  ContextChange change = change_after(size());
  add(std::move(message), change);
  return change;
}

ContextChange SessionContext::compact(std::uint64_t keep, std::vector<Message> messages) {
  ContextChange change = change_after(std::min(keep, size()));
  for (; size() > change.keep; sizes_.pop_back()) {
    message_tokens_ -= sizes_.back().tokens;
    message_bytes_ -= sizes_.back().bytes;
  }
  change.tokens = prompt_tokens_ + message_tokens_;
  for (Message& message : messages) add(std::move(message), change);
  return change;
}

void SessionContext::add(Message message, ContextChange& change) {
  std::string json;
  append_json(json, message);
  sizes_.push_back({estimate_tokens(message), json.size()});
  message_tokens_ += sizes_.back().tokens;
  message_bytes_ += sizes_.back().bytes;
  change.messages.push_back(std::make_shared<const Message>(std::move(message)));
  change.tokens = prompt_tokens_ + message_tokens_;
}

ContextChange SessionContext::change_after(std::uint64_t keep) const {
  ContextChange change;
  change.ctx_id = id_;
  change.keep = keep;
  return change;
}

}  // namespace agdb
