#include "runtime/kernel/scripted.h"

#include <re2/re2.h>

#include <utility>

#include "runtime/events/token_estimate.h"

namespace agdb {
namespace {

const ScriptAnswer& choose(const ScriptTurn& turn, const Context& context, PatternCache& patterns) {
  static const std::string kNothing;
  const auto& messages = context.messages();
  const std::string& last = messages.empty() ? kNothing : messages.back()->content;
  for (const ScriptAlternative& alternative : turn.alternatives)
    if (patterns.found(alternative.when, last)) return alternative.answer;
  return turn.answer;
}

ScriptUsage usage_of(const ScriptAnswer& answer, const Context& context) {
  if (answer.usage) return *answer.usage;
  ScriptUsage usage;
  usage.request_tokens = context.tokens();
  usage.response_tokens = estimate_tokens(answer.text);
  for (const ScriptCall& call : answer.calls)
    usage.response_tokens +=
        estimate_tokens(call.call.name) + estimate_tokens(dump(call.call.arguments));
  return usage;
}

ModelAnswer make_answer(const ScriptAnswer& answer, const ModelRequest& request,
                        std::uint64_t turn) {
  const ScriptUsage usage = usage_of(answer, *request.context);
  ModelAnswer result;
  result.turn = turn;
  result.thinking = answer.thinking;
  LlmResponse& response = result.response;
  response.model = answer.model.empty() ? request.model : answer.model;
  response.request_tokens = usage.request_tokens;
  response.response_tokens = usage.response_tokens;
  response.cache_read_tokens = usage.cache_read_tokens;
  response.cache_creation_tokens = usage.cache_creation_tokens;
  response.cost_usd = usage.cost_usd;
  response.content = answer.text;
  for (const ScriptCall& call : answer.calls) response.tool_calls.push_back(call.call);
  response.stop_reason = answer.stop_reason;
  response.time_to_first_token = answer.first_token;
  response.time_to_last_token = answer.latency;
  response.request_setup = answer.setup;
  Nanoseconds at{0};
  for (const ScriptFailure& failure : answer.failures) {
    response.attempt_starts.push_back(at);
    at += failure.after;
    result.failures.push_back({failure.error, at});
  }
  if (!answer.failures.empty()) response.attempt_starts.push_back(at);
  return result;
}

Result<std::string> tool_text(const ScriptResult& result) {
  if (!result.error.empty()) return fail(Code::kUnavailable, result.error);
  return result.text.value_or(std::string());
}

}  // namespace

PatternCache::PatternCache() = default;
PatternCache::~PatternCache() = default;

bool PatternCache::found(const std::string& pattern, const std::string& text) {
  if (pattern.empty()) return true;
  auto& compiled = compiled_[pattern];
  if (!compiled) compiled = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
  return re2::RE2::PartialMatch(text, *compiled);
}

void ScriptedModel::call(const ModelRequest& request, Reply<ModelAnswer> reply) {
  if (!request.caller.agent) {
    reply(fail(Code::kInvalid, "the scripted model has no script for this process"));
    return;
  }
  const ScriptAgent& agent = *request.caller.agent;
  const std::uint64_t turn = place_in(agent, request.context->messages()).next_turn;
  if (turn == 0) {
    reply(fail(Code::kExhausted,
               "the script has no answer after turn " + std::to_string(agent.turns.size())));
    return;
  }
  const ScriptAnswer& answer = choose(agent.turns[turn - 1], *request.context, patterns_);
  Nanoseconds delay = answer.latency;
  for (const ScriptFailure& failure : answer.failures) delay += failure.after;
  Result<ModelAnswer> result = make_answer(answer, request, turn);
  if (!answer.error.empty()) result = fail(Code::kUnavailable, answer.error);
  scheduler_->after(delay,
                    [reply = std::move(reply), result = std::move(result)] { reply(result); });
}

void ScriptedTools::call(const ToolRequest& request, Reply<std::string> reply) {
  const ScriptAgent* agent = request.caller.agent.get();
  if (agent == nullptr) {
    reply(fail(Code::kNotFound, "no such tool: " + request.name));
    return;
  }
  const ScriptCall* scripted =
      find_script_call(*agent, request.turn, request.index, request.name, request.call_id);
  if (scripted != nullptr && std::holds_alternative<ScriptInterrupted>(scripted->action)) {
    scheduler_->after(scripted->latency,
                      [reply = std::move(reply)] { reply(fail(Code::kCancelled, "interrupted")); });
    return;
  }
  if (scripted != nullptr) {
    const auto* result = std::get_if<ScriptResult>(&scripted->action);
    if (result != nullptr && (result->text || !result->error.empty())) {
      scheduler_->after(scripted->latency,
                        [reply = std::move(reply), text = tool_text(*result)] { reply(text); });
      return;
    }
  }
  const auto table = agent->tools.find(request.name);
  if (table != agent->tools.end()) {
    for (const ScriptToolRule& rule : table->second) {
      if (!patterns_.found(rule.when, request.arguments)) continue;
      scheduler_->after(rule.latency,
                        [reply = std::move(reply), text = tool_text(rule.result)] { reply(text); });
      return;
    }
  }
  reply(fail(Code::kNotFound, "the script has no result for the tool " + request.name));
}

const ScriptCall* find_script_call(const ScriptAgent& agent, std::uint64_t turn, std::size_t index,
                                   std::string_view name, std::string_view id) {
  if (turn == 0 || turn > agent.turns.size()) return nullptr;
  const ScriptTurn& scripted = agent.turns[turn - 1];
  const auto fits = [&](const ScriptAnswer& answer) -> const ScriptCall* {
    if (index >= answer.calls.size()) return nullptr;
    const ScriptCall& call = answer.calls[index];
    return call.call.id == id && call.call.name == name ? &call : nullptr;
  };
  if (const ScriptCall* call = fits(scripted.answer)) return call;
  for (const ScriptAlternative& alternative : scripted.alternatives)
    if (const ScriptCall* call = fits(alternative.answer)) return call;
  return nullptr;
}

}  // namespace agdb
