#include "debug/import/span_process.h"

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxIntentCharacters = 200;

bool is_instruction(const ChatMessage& message) {
  return message.role == "system" || message.role == "developer";
}

// The instructions that the messages begin with, a line each, and what follows them.
std::string take_instructions(std::vector<ChatMessage>& messages) {
  std::string text;
  std::size_t count = 0;
  for (; count < messages.size() && is_instruction(messages[count]); ++count)
    text += (text.empty() ? "" : "\n") + messages[count].content;
  messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
  return text;
}

// Several messages are one answer: a text and calls that its writer kept apart.
ChatMessage joined(std::vector<ChatMessage> messages) {
  if (messages.empty()) return {};
  ChatMessage answer = std::move(messages.front());
  for (std::size_t i = 1; i < messages.size(); ++i) {
    ChatMessage& more = messages[i];
    if (!answer.content.empty() && !more.content.empty()) answer.content += '\n';
    answer.content += more.content;
    std::ranges::move(more.calls, std::back_inserter(answer.calls));
    std::ranges::move(more.thinking, std::back_inserter(answer.thinking));
    if (answer.stop_reason.empty()) answer.stop_reason = std::move(more.stop_reason);
  }
  return answer;
}

// Some writers make a message of each call of an answer.
void join_answers(std::vector<ChatMessage>& messages) {
  std::vector<ChatMessage> out;
  for (ChatMessage& message : messages) {
    if (message.role != "assistant" || out.empty() || out.back().role != "assistant") {
      out.push_back(std::move(message));
      continue;
    }
    std::vector<ChatMessage> both;
    both.push_back(std::move(out.back()));
    both.push_back(std::move(message));
    out.back() = joined(std::move(both));
  }
  messages = std::move(out);
}

SessionAnswer session_answer(SpanProcess::ModelCall& call) {
  SessionAnswer answer;
  ChatMessage message = joined(std::move(call.messages.output));
  const SpanFacts& facts = call.facts;
  answer.began = call.span->start;
  answer.ended = call.span->end;
  if (answer.began && answer.ended) answer.ended = std::max(answer.began, answer.ended);
  answer.thinking = std::move(message.thinking);
  answer.failures = call.failures;
  LlmResponse& response = answer.response;
  response.model = facts.model;
  response.content = std::move(message.content);
  response.tool_calls = std::move(message.calls);
  response.stop_reason = facts.stop_reason.empty() ? message.stop_reason : facts.stop_reason;
  response.cost_usd = facts.cost_usd;
  response.time_to_first_token = facts.time_to_first_token;
  response.request_setup = facts.request_setup;
  if (call.span->failed)
    response.error = call.span->error.empty() ? "failed without a message" : call.span->error;
  if (facts.usage) {
    answer.has_usage = true;
    response.request_tokens = facts.usage->request_tokens;
    response.response_tokens = facts.usage->response_tokens;
    response.cache_read_tokens = facts.usage->cache_read_tokens;
    response.cache_creation_tokens = facts.usage->cache_creation_tokens;
  }
  return answer;
}

}  // namespace

std::string one_line_of(std::string_view text) {
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

void SpanProcess::add(ModelCall call) {
  Answer added;
  added.answer = session_answer(call);
  added.call = std::move(call);
  added.taken.resize(added.answer.response.tool_calls.size());
  const std::size_t index = answers_.size();
  by_span_[added.call.span] = index;
  for (std::size_t i = 0; i < added.taken.size(); ++i)
    if (const std::string& id = added.answer.response.tool_calls[i].id; !id.empty())
      by_id_[id].push_back({index, i});
  answers_.push_back(std::move(added));
}

// The newest answer when the span began, that was one.
std::optional<std::size_t> SpanProcess::answer_before(const ForeignSpan& span) const {
  const auto behind = std::ranges::upper_bound(
      answers_, span.start, {}, [](const Answer& answer) { return answer.answer.began; });
  // Without a time it is the last one.
  const auto end = span.start ? behind : answers_.end();
  for (auto at = end; at != answers_.begin();)
    if ((--at)->answer.response.error.empty())
      return static_cast<std::size_t>(at - answers_.begin());
  return std::nullopt;
}

// Ids repeat: the nearest call of that id in the answers up to `newest` that has no use yet. Where
// several of that answer's calls have it, the one of the tool, and else the last.
std::optional<SpanProcess::CallPlace> SpanProcess::open_call(const std::string& id,
                                                             std::string_view tool,
                                                             std::size_t newest) const {
  // A file in which one id stands for very many calls must not cost their square.
  constexpr std::size_t kLookedAt = 256;
  const auto places = by_id_.find(id);
  if (id.empty() || places == by_id_.end()) return std::nullopt;
  std::optional<CallPlace> nearest;
  std::size_t looked_at = 0;
  for (auto at = places->second.rbegin(); at != places->second.rend(); ++at) {
    if (++looked_at > kLookedAt || (nearest && at->answer != nearest->answer)) break;
    if (at->answer > newest || taken(*at)) continue;
    if (answers_[at->answer].answer.response.tool_calls[at->call].name == tool) return *at;
    if (!nearest) nearest = *at;
  }
  return nearest;
}

std::optional<std::size_t> SpanProcess::known_answer(const ForeignSpan* call) const {
  const auto found = by_span_.find(call);
  if (found == by_span_.end() || !answers_[found->second].answer.response.error.empty())
    return std::nullopt;
  return found->second;
}

std::optional<SpanProcess::CallPlace> SpanProcess::place_of(const ToolUse& use) {
  auto index = known_answer(use.behind);
  if (!index) index = answer_before(*use.span);
  if (!index) return std::nullopt;
  if (const auto named = open_call(use.facts.tool_call_id, use.facts.tool, *index)) return named;
  const Answer& answer = answers_[*index];
  const std::vector<ToolCall>& calls = answer.answer.response.tool_calls;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (!answer.taken[i] && calls[i].name == use.facts.tool &&
        (use.facts.tool_call_id.empty() || calls[i].id.empty()))
      return CallPlace{*index, i};
  ToolCall call;
  call.id = use.facts.tool_call_id;
  call.name = use.facts.tool;
  call.arguments = use.facts.arguments.is_null() ? Json::object() : use.facts.arguments;
  return append_call(*index, std::move(call));
}

SpanProcess::CallPlace SpanProcess::append_call(std::size_t answer, ToolCall call) {
  answers_[answer].answer.response.tool_calls.push_back(std::move(call));
  answers_[answer].taken.push_back(false);
  return {answer, answers_[answer].taken.size() - 1};
}

bool SpanProcess::add(ToolUse use) {
  const auto place = place_of(use);
  if (!place) return false;
  if (use.facts.without_result) return true;
  answers_[place->answer].taken[place->call] = true;
  ToolCall& call = answers_[place->answer].answer.response.tool_calls[place->call];
  if (says_nothing(call.arguments) && !use.facts.arguments.is_null())
    call.arguments = use.facts.arguments;
  if (use.child) children_[*use.child] = *place;
  Result result;
  result.answer = place->answer;
  result.call = place->call;
  result.after = known_answer(use.behind);
  result.result.content = use.facts.result.value_or(use.span->failed ? use.span->error : "");
  result.result.is_error = use.span->failed;
  result.result.began = use.span->start;
  result.result.ended = use.span->end;
  result.result.child = use.child;
  results_.push_back(std::move(result));
  return true;
}

bool SpanProcess::begin_child(std::size_t child, const ForeignSpan& spawn) {
  const auto index = answer_before(spawn);
  if (!index) return false;
  std::vector<bool>& taken = answers_[*index].taken;
  const auto open = std::ranges::find(taken, false);
  const CallPlace place = open == taken.end()
                              ? append_call(*index, ToolCall{"", "spawn", Json::object()})
                              : CallPlace{*index, static_cast<std::size_t>(open - taken.begin())};
  answers_[place.answer].taken[place.call] = true;
  children_[child] = place;
  return true;
}

void SpanProcess::end_child(std::size_t child, const ForeignSpan& wait, const ForeignSpan* behind) {
  const auto place = children_.find(child);
  if (place == children_.end()) return;
  Result result;
  result.answer = place->second.answer;
  result.call = place->second.call;
  result.after = known_answer(behind);
  result.result.began = wait.start;
  result.result.ended = wait.end;
  result.result.child = child;
  results_.push_back(std::move(result));
}

// A result comes before the first answer that began behind it, and behind its own.
std::size_t SpanProcess::slot_of(const Result& result) const {
  if (result.after) return std::max(*result.after, result.answer) + 1;
  std::size_t slot = 0;
  if (const auto& ended = result.result.ended)
    slot = static_cast<std::size_t>(
        std::ranges::lower_bound(answers_, ended, {},
                                 [](const Answer& answer) { return answer.answer.began; }) -
        answers_.begin());
  return std::max(slot, result.answer + 1);
}

void SpanProcess::order_results() {
  std::ranges::stable_sort(results_, {}, [](const Result& result) {
    return result.result.ended ? result.result.ended : result.result.began;
  });
  for (std::size_t i = 0; i < results_.size(); ++i) slots_.emplace_back(slot_of(results_[i]), i);
  std::ranges::stable_sort(slots_, {}, &std::pair<std::size_t, std::size_t>::first);
}

SessionProcess SpanProcess::finish() {
  order_results();
  describe();
  for (; emitted_ < answers_.size(); ++emitted_) emit_answer(answers_[emitted_]);
  emit_results(answers_.size(), nullptr);
  if (process_.intent.empty()) process_.intent = one_line_of(first_words_);
  for (const auto& [child, place] : children_)
    spawns[child] = {answers_[place.answer].item, place.call};
  return std::move(process_);
}

void SpanProcess::emit_answer(Answer& answer) {
  std::vector<ChatMessage>& input = answer.call.messages.input;
  std::string instructions = take_instructions(input);
  if (emitted_ == 0 && !instructions.empty()) {
    process_.system_prompt = std::move(instructions);
  } else if (!instructions.empty() && instructions != process_.system_prompt) {
    tally_->not_understood("change of the instructions");
  }
  join_answers(input);
  emit_results(emitted_, &input);
  catch_up(answer);
  answer.item = process_.items.size();
  context_.add("assistant", answer.answer.response.content);
  process_.items.emplace_back(answer.answer);
}

// What the model got is what the next call was given as the results, in that order.
void SpanProcess::emit_results(std::size_t before, const std::vector<ChatMessage>* input) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; input != nullptr && i < input->size(); ++i)
    if (const ChatMessage& message = (*input)[i];
        message.role == "tool" && !message.result_of.empty())
      places[message.result_of] = i;
  std::size_t end = next_slot_;
  while (end < slots_.size() && slots_[end].first <= before) ++end;
  order_as_given(end, places);
  for (; next_slot_ < end; ++next_slot_) {
    Result& result = results_[slots_[next_slot_].second];
    if (const auto found = places.find(id_of(result)); found != places.end())
      result.result.content = (*input)[found->second].content;
    emit_result(result);
  }
}

const std::string& SpanProcess::id_of(const Result& result) const {
  return answers_[result.answer].answer.response.tool_calls[result.call].id;
}

// Of the results up to slot `end`: those of calls side by side may have come in another order than
// they ended in. Where the next call was not given all of them, their ends decide.
void SpanProcess::order_as_given(std::size_t end,
                                 const std::unordered_map<std::string_view, std::size_t>& places) {
  const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(next_slot_);
  const auto last = slots_.begin() + static_cast<std::ptrdiff_t>(end);
  const auto id = [this](const auto& slot) { return id_of(results_[slot.second]); };
  if (!std::all_of(begin, last, [&](const auto& slot) { return places.contains(id(slot)); }))
    return;
  std::stable_sort(begin, last, [&](const auto& a, const auto& b) {
    return places.at(id(a)) < places.at(id(b));
  });
}

void SpanProcess::emit_result(Result& result) {
  result.result.answer = answers_[result.answer].item;
  result.result.call = result.call;
  context_.add("tool", result.result.content);
  process_.items.emplace_back(std::move(result.result));
}

// The context as the call was given it.
void SpanProcess::catch_up(const Answer& answer) {
  if (answer.call.messages.input.empty()) return;
  SpanContext::Change change = context_.catch_up(answer.call.messages.input);
  if (change.compact) process_.items.emplace_back(*std::move(change.compact));
  for (ChatMessage& message : change.added) add_outside(std::move(message));
}

// A tool's result of which there is no span is one all the same.
void SpanProcess::add_outside(ChatMessage message) {
  if (first_words_.empty() && message.role == "user") first_words_ = message.content;
  context_.add(message.role, message.content);
  const auto open = message.role == "tool" && emitted_ > 0
                        ? open_call(message.result_of, message.name, emitted_ - 1)
                        : std::nullopt;
  if (open) {
    SessionToolResult result;
    result.answer = answers_[open->answer].item;
    result.call = open->call;
    result.content = std::move(message.content);
    result.is_error = message.is_error;
    answers_[open->answer].taken[open->call] = true;
    process_.items.emplace_back(std::move(result));
    return;
  }
  // What stands before the first answer is of another run that this one goes on with.
  if (message.role == "tool" && emitted_ > 0)
    tally_->not_understood("tool result without its call");
  SessionEdit edit;
  edit.messages.push_back(context_message(message));
  if (message.role == "user") edit.time = next_users_time();
  process_.items.emplace_back(std::move(edit));
}

// Of a message that came between the last answer and the one at hand.
std::optional<WallTime> SpanProcess::next_users_time() {
  if (emitted_ == 0 || emitted_ >= answers_.size()) return std::nullopt;
  const auto& after = answers_[emitted_ - 1].answer.ended;
  const auto& until = answers_[emitted_].answer.began;
  if (!after || !until) return std::nullopt;
  while (next_users_time_ < users_times_.size() && users_times_[next_users_time_] <= *after)
    ++next_users_time_;
  if (next_users_time_ == users_times_.size() || users_times_[next_users_time_] > *until)
    return std::nullopt;
  return users_times_[next_users_time_++];
}

void SpanProcess::describe() {
  for (const Answer& answer : answers_) {
    if (process_.model.empty()) process_.model = answer.answer.response.model;
    if (process_.provider.empty()) process_.provider = answer.call.facts.provider;
  }
  if (process_.provider.empty()) process_.provider = "imported";
  if (!process_.exit_reason.empty()) return;
  process_.exit_reason = "completed";
  if (answers_.empty()) return;
  const Answer& last = answers_.back();
  if (!last.answer.response.error.empty()) process_.exit_reason = "api error";
  if (std::ranges::find(last.taken, false) != last.taken.end()) process_.exit_reason = "log ended";
}

}  // namespace agdb
