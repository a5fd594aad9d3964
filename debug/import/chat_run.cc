#include "debug/import/chat_run.h"

#include <algorithm>
#include <utility>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxIntentCharacters = 200;

bool is_prompt_role(std::string_view role) {
  return role == "system" || role == "developer";
}

// Written by hand, not by a model: see the class comment.
bool is_greeting(const ChatMessage& message) {
  return message.role == "assistant" && message.calls.empty() && !message.usage &&
         !message.has_raw_answer;
}

// The end of the greetings at the start of a conversation: where the user first speaks. A
// conversation without a user has none.
std::size_t end_of_greetings(const std::vector<ChatMessage>& messages) {
  const auto user = std::find_if(messages.begin(), messages.end(),
                                 [](const ChatMessage& m) { return m.role == "user"; });
  return user == messages.end() ? 0 : static_cast<std::size_t>(user - messages.begin());
}

// One line, short enough to tell runs apart in a list: a task's instruction can be pages long.
std::string intent_of(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
    if (line.size() > 4 * kMaxIntentCharacters + 4) break;
  }
  if (line.ends_with(' ')) line.pop_back();
  return truncate(line, kMaxIntentCharacters);
}

Message context_message(ChatMessage&& message) {
  Message out;
  out.role = std::move(message.role);
  out.content = std::move(message.content);
  out.name = std::move(message.name);
  out.tool_call_id = std::move(message.result_of);
  out.tool_calls = std::move(message.calls);
  return out;
}

}  // namespace

ChatRunBuilder::ChatRunBuilder(ChatRunFacts facts, ImportTally& tally)
    : facts_(std::move(facts)), tally_(&tally) {
  process_.model = facts_.model;
}

void ChatRunBuilder::add_context(std::vector<ChatMessage> messages) {
  for (ChatMessage& message : messages) {
    note_time(message);
    if (!user_side(message)) add_edit(std::move(message));
  }
}

void ChatRunBuilder::add(std::vector<ChatMessage> messages) {
  const std::size_t greetings = end_of_greetings(messages);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    note_time(messages[i]);
    if (!user_side(messages[i])) add_message(std::move(messages[i]), i < greetings);
  }
}

// tau2-bench never gives the agent a user's message that calls tools, not even text that stands in
// it.
bool ChatRunBuilder::user_side(const ChatMessage& message) {
  if (message.role == "user" && message.usage) tally_->bookkeeping("model call of the user's side");
  if (message.role == "tool" && message.requested_by_user) {
    tally_->bookkeeping("user tool result");
    return true;
  }
  if (message.role != "user" || message.calls.empty()) return false;
  tally_->bookkeeping("user tool call", message.calls.size());
  if (!message.content.empty()) tally_->bookkeeping("user text beside a tool call");
  return true;
}

void ChatRunBuilder::add_message(ChatMessage message, bool may_be_greeting) {
  if (message.role == "tool") return add_result(std::move(message));
  if (message.role != "assistant" || (may_be_greeting && is_greeting(message)))
    return add_edit(std::move(message));
  // The conversation goes step by step: a call begins when what it answers is there.
  const auto ended = message.time;
  auto began = ended && last_time_ ? last_time_ : ended;
  if (ended && message.took) began = *ended - *message.took;
  add_answer(std::move(message), began, ended);
}

void ChatRunBuilder::add_edit(ChatMessage message) {
  if (is_prompt_role(message.role) && process_.items.empty() && !process_.system_prompt) {
    process_.system_prompt = std::move(message.content);
    return;
  }
  if (message.role == "user" && first_words_.empty()) first_words_ = message.content;
  tally_->bookkeeping("thinking of another call", message.thinking.size());
  tally_->bookkeeping("failure of another call", message.failures.size());
  SessionEdit edit;
  edit.time = message.time;
  edit.messages.push_back(context_message(std::move(message)));
  if (edit.time) last_time_ = edit.time;
  process_.items.emplace_back(std::move(edit));
}

void ChatRunBuilder::add_answer(ChatMessage message, std::optional<WallTime> began,
                                std::optional<WallTime> ended, std::string error) {
  note_time(message);
  SessionAnswer answer;
  answer.began = began && ended ? std::min(began, ended) : began;
  answer.ended = ended;
  answer.thinking = std::move(message.thinking);
  answer.failures = std::move(message.failures);
  LlmResponse& response = answer.response;
  response.model = message.model.empty() ? facts_.model : std::move(message.model);
  response.content = std::move(message.content);
  response.tool_calls = std::move(message.calls);
  response.stop_reason = std::move(message.stop_reason);
  response.cost_usd = message.cost_usd;
  response.error = std::move(error);
  if (message.usage) {
    answer.has_usage = true;
    response.request_tokens = message.usage->request_tokens;
    response.response_tokens = message.usage->response_tokens;
    response.cache_read_tokens = message.usage->cache_read_tokens;
    response.cache_creation_tokens = message.usage->cache_creation_tokens;
  }
  if (process_.model.empty()) process_.model = response.model;
  has_times_ = has_times_ || answer.began || ended;
  if (ended) last_time_ = ended;
  const std::size_t item = process_.items.size();
  last_answer_ = item;
  open_calls_of_last_answer_ = response.tool_calls.size();
  for (std::size_t i = 0; i < response.tool_calls.size(); ++i) {
    const ToolCall& call = response.tool_calls[i];
    calls_.push_back({item, i});
    open_call(by_id_[call.id], item, calls_.size() - 1);
    open_call(by_name_[call.name], item, calls_.size() - 1);
    open_call(all_, item, calls_.size() - 1);
  }
  process_.items.emplace_back(std::move(answer));
}

void ChatRunBuilder::open_call(CallStack& stack, std::size_t item, std::size_t index) {
  if (stack.empty() || stack.back().item != item) stack.push_back({item, {}});
  stack.back().calls.push_back(index);
}

// The first open call of the latest answer that has one.
ChatRunBuilder::OpenCall* ChatRunBuilder::nearest_open(CallStack& stack) {
  for (; !stack.empty(); stack.pop_back()) {
    CallGroup& group = stack.back();
    for (; group.next < group.calls.size(); ++group.next)
      if (OpenCall& call = calls_[group.calls[group.next]]; !call.closed) return &call;
  }
  return nullptr;
}

ChatRunBuilder::OpenCall* ChatRunBuilder::call_of(const ChatMessage& result) {
  auto& index = result.result_of.empty() ? by_name_ : by_id_;
  const std::string& key = result.result_of.empty() ? result.name : result.result_of;
  if (key.empty()) return nearest_open(all_);
  const auto found = index.find(key);
  return found == index.end() ? nullptr : nearest_open(found->second);
}

// A result of no known call was in the context all the same: it becomes an edit.
void ChatRunBuilder::add_result(ChatMessage message) {
  OpenCall* call = call_of(message);
  if (call == nullptr) {
    tally_->not_understood("tool result without its call");
    return add_edit(std::move(message));
  }
  call->closed = true;
  if (call->item == last_answer_) --open_calls_of_last_answer_;
  SessionToolResult result;
  result.answer = call->item;
  result.call = call->call;
  result.is_error =
      message.is_error || (facts_.errors_by_text && message.content.starts_with("Error"));
  result.content = std::move(message.content);
  result.ended = message.time;
  if (message.time) {
    result.began = last_time_ ? std::min(last_time_, message.time) : message.time;
    last_time_ = message.time;
  }
  process_.items.emplace_back(std::move(result));
}

void ChatRunBuilder::note_time(const ChatMessage& message) {
  if (!message.time) return;
  has_times_ = true;
  run_.times_without_zone = run_.times_without_zone || message.time_without_zone;
}

SessionRun ChatRunBuilder::finish() {
  run_.name = std::move(facts_.name);
  run_.time_source = has_times_ ? "log" : "order";
  if (!process_.system_prompt) process_.system_prompt = std::move(facts_.system_prompt);
  process_.intent = intent_of(facts_.intent.empty() ? first_words_ : facts_.intent);
  if (!facts_.exit_reason.empty()) {
    process_.exit_reason = std::move(facts_.exit_reason);
  } else if (open_calls_of_last_answer_ > 0) {
    process_.exit_reason = "log ended";
  }
  run_.processes.push_back(std::move(process_));
  return std::move(run_);
}

}  // namespace agdb
