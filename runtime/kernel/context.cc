#include "runtime/kernel/context.h"

#include <algorithm>
#include <utility>

#include "runtime/events/token_estimate.h"

namespace agdb {

ContextChange Context::change(std::uint64_t keep) const {
  ContextChange change;
  change.ctx_id = id_;
  change.keep = keep;
  change.messages.assign(messages_.begin() + static_cast<std::ptrdiff_t>(keep), messages_.end());
  change.tokens = tokens();
  return change;
}

void Context::add(MessagePtr message) {
  std::string json;
  append_json(json, *message);
  const Size size{estimate_tokens(*message), json.size()};
  message_tokens_ += size.tokens;
  message_bytes_ += size.bytes;
  sizes_.push_back(size);
  messages_.push_back(std::move(message));
}

ContextChange Context::set_system_prompt(std::string prompt) {
  prompt_tokens_ = estimate_tokens(prompt);
  system_prompt_ = std::make_shared<const std::string>(std::move(prompt));
  ContextChange result = change(messages_.size());
  result.system_prompt = system_prompt_;
  return result;
}

ContextChange Context::append(Message message) {
  const std::uint64_t keep = messages_.size();
  add(std::make_shared<const Message>(std::move(message)));
  return change(keep);
}

ContextChange Context::replace_from(std::uint64_t keep, std::vector<Message> messages) {
  keep = std::min<std::uint64_t>(keep, messages_.size());
  while (messages_.size() > keep) {
    message_tokens_ -= sizes_.back().tokens;
    message_bytes_ -= sizes_.back().bytes;
    sizes_.pop_back();
    messages_.pop_back();
  }
  for (Message& message : messages) add(std::make_shared<const Message>(std::move(message)));
  return change(keep);
}

ContextChange Context::restore(std::string prompt, std::vector<MessagePtr> messages) {
  set_system_prompt(std::move(prompt));
  for (MessagePtr& message : messages) add(std::move(message));
  ContextChange result = change(0);
  result.system_prompt = system_prompt_;
  return result;
}

}  // namespace agdb
