#include <algorithm>
#include <utility>

#include "debug/import/session_events.h"
#include "debug/import/session_steps.h"

namespace agdb {
namespace {

constexpr const char* kNoResult = "no result in the log";
// A script says no more of a call than this, so that sums cannot overflow.
constexpr std::int64_t kMostTokens = 1'000'000'000'000;
// A log of more steps must not meet a limit that the runtime sets where a script says none.
constexpr std::size_t kStepsWithoutLimit = 1000;

// From `begin` to `end` where both are known and in this order.
Nanoseconds between(const std::optional<WallTime>& begin, const std::optional<WallTime>& end) {
  if (!begin || !end || *end <= *begin || begin->time_since_epoch() < Nanoseconds{0}) return {};
  return *end - *begin;
}

std::int64_t bounded(std::int64_t tokens) {
  return std::clamp<std::int64_t>(tokens, 0, kMostTokens);
}

// The script of one process: its items in order, each added to the turn that it belongs to.
class AgentWriter {
 public:
  AgentWriter(const SessionRun& run, const RunAgents& agents, std::size_t index)
      : process_(run.processes.at(index)), names_(agents.names), calls_(run, agents, index) {}

  ScriptAgent write() {
    agent_.model = process_.model;
    agent_.system_prompt = process_.system_prompt.value_or(std::string());
    for (item_ = 0; item_ < process_.items.size(); ++item_)
      std::visit([this](const auto& item) { add(item); }, process_.items[item_]);
    if (!failures_.empty()) add_last_failure();
    agent_.closing = std::exchange(before_, {});
    // Without a message the runtime would say the intent in the user's name.
    if (!agent_.messages.empty()) agent_.intent = process_.intent;
    if (agent_.turns.size() >= kStepsWithoutLimit)
      agent_.max_steps = static_cast<std::int64_t>(agent_.turns.size()) + 1;
    return std::move(agent_);
  }

  const std::vector<std::size_t>& children() const { return children_; }

 private:
  void add(const SessionEdit& edit) {
    if (!in_turns_ || cannot_stand_before_turns(edit)) {
      change_birth(edit);
    } else {
      add_edit(edit);
    }
    if (edit.time) last_time_ = edit.time;
  }

  // A script has no assistant's message before its first turn: where calls failed before the first
  // answer, and the log has one behind them, what stands before that turn becomes birth too.
  bool cannot_stand_before_turns(const SessionEdit& edit) {
    const bool has_answer = std::ranges::any_of(
        edit.messages, [](const Message& message) { return message.role == "assistant"; });
    if (!agent_.turns.empty() || !has_answer) return false;
    for (const ContextEdit& earlier : std::exchange(before_, {})) {
      const auto kind = earlier.kind == ContextEdit::Kind::kCompact ? SessionEdit::Kind::kCompact
                                                                    : SessionEdit::Kind::kAppend;
      change_birth({.kind = kind, .keep = earlier.keep, .messages = earlier.messages, .time = {}});
    }
    return true;
  }

  // Before the first answer nothing is played: the agent is born with what came of it.
  void change_birth(const SessionEdit& edit) {
    std::vector<Message>& messages = agent_.messages;
    if (edit.kind == SessionEdit::Kind::kCompact && edit.keep < messages.size())
      messages.resize(edit.keep);
    messages.insert(messages.end(), edit.messages.begin(), edit.messages.end());
  }

  void add_edit(const SessionEdit& from) {
    ContextEdit edit;
    edit.delay = between(last_time_, from.time);
    if (from.kind == SessionEdit::Kind::kCompact) {
      edit.kind = ContextEdit::Kind::kCompact;
      edit.keep = from.keep;
      edit.messages = from.messages;
      before_.push_back(std::move(edit));
      return;
    }
    for (const Message& message : from.messages) {
      edit.messages = {message};
      before_.push_back(edit);
      edit.delay = Nanoseconds{0};  // the next one comes with it
    }
  }

  void add(const SessionAnswer& from) {
    in_turns_ = true;
    const auto starts = attempt_starts(from);
    for (std::size_t i = 0; i < from.failures.size(); ++i)
      add_failure(from.failures[i].error, starts[i], starts[i + 1]);
    if (!from.response.error.empty()) {
      add_failure(from.response.error, starts.back(), from.ended);
    } else {
      ScriptTurn turn;
      turn.before = std::exchange(before_, {});
      turn.answer = answer_of(from);
      turn.answer.failures = std::exchange(failures_, {});
      turn.answer.latency = between(starts.back(), from.ended);
      turn.answer.first_token = std::min(turn.answer.first_token, turn.answer.latency);
      turn.answer.setup = std::min(turn.answer.setup, turn.answer.first_token > Nanoseconds{0}
                                                          ? turn.answer.first_token
                                                          : turn.answer.latency);
      agent_.turns.push_back(std::move(turn));
    }
    if (const auto time = from.ended ? from.ended : from.began) last_time_ = time;
  }

  void add_failure(const std::string& error, const std::optional<WallTime>& began,
                   const std::optional<WallTime>& ended) {
    failures_.push_back({error, between(began, ended)});
  }

  // The log ends with calls that failed for good.
  void add_last_failure() {
    ScriptTurn turn;
    turn.before = std::exchange(before_, {});
    turn.answer.error = failures_.back().error;
    turn.answer.latency = failures_.back().after;
    failures_.pop_back();
    turn.answer.failures = std::exchange(failures_, {});
    agent_.turns.push_back(std::move(turn));
  }

  ScriptAnswer answer_of(const SessionAnswer& from) {
    const LlmResponse& response = from.response;
    ScriptAnswer answer;
    answer.text = response.content;
    for (const SessionAnswer::Thinking& thinking : from.thinking)
      answer.thinking += (answer.thinking.empty() ? "" : "\n") + thinking.text;
    if (response.model != agent_.model) answer.model = response.model;
    answer.stop_reason = response.stop_reason;
    answer.first_token = std::max(Nanoseconds{0}, response.time_to_first_token);
    answer.setup = std::max(Nanoseconds{0}, response.request_setup);
    if (from.has_usage) {
      answer.usage = ScriptUsage{.request_tokens = bounded(response.request_tokens),
                                 .response_tokens = bounded(response.response_tokens),
                                 .cache_read_tokens = bounded(response.cache_read_tokens),
                                 .cache_creation_tokens = bounded(response.cache_creation_tokens),
                                 .cost_usd = response.cost_usd};
    }
    const std::vector<ToolCall> calls = calls_of(from, calls_.turn(item_));
    for (std::size_t i = 0; i < calls.size(); ++i)
      answer.calls.push_back(call_of_script(calls[i], calls_.of(item_)[i]));
    set_tool_latencies(from, answer.calls);
    return answer;
  }

  ScriptCall call_of_script(ToolCall call, const CallFate& fate) {
    ScriptCall out;
    if (call.name.empty()) call.name = "unnamed";
    out.call = std::move(call);
    if (fate.child) {
      children_.push_back(*fate.child);
      // A failed sub-agent was a sub-agent: its error is what its parent reads.
      out.action = ScriptSpawn{.agent = names_[*fate.child],
                               .background = false,
                               .text = fate.result ? fate.result->content : kNoResult,
                               .error = {}};
    } else if (fate.result == nullptr) {
      out.action = ScriptInterrupted{};
    } else if (fate.result->is_error && !fate.result->content.empty()) {
      out.action = ScriptResult{.text = {}, .error = fate.result->content};
    } else {
      out.action = ScriptResult{.text = fate.result->content, .error = {}};
    }
    return out;
  }

  // The runtime begins all calls of an answer at once and takes their results as they come, calls
  // of one moment in their order. So a call's latency counts from the answer, and is at least what
  // keeps the results in the log's order.
  void set_tool_latencies(const SessionAnswer& from, std::vector<ScriptCall>& calls) {
    const std::vector<CallFate>& fates = calls_.of(item_);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < fates.size(); ++i)
      if (fates[i].result != nullptr && !fates[i].child) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return fates[a].result_item < fates[b].result_item;
    });
    Nanoseconds latest{0};
    std::size_t before = 0;
    for (const std::size_t i : order) {
      // One that came only after the next answer cannot be waited for: it comes last.
      const bool in_step = fates[i].result_item <= calls_.end_of_step(item_);
      const Nanoseconds told = in_step ? between(from.ended, fates[i].result->ended) : latest;
      latest = std::max(told, latest + Nanoseconds{i < before ? 1 : 0});
      calls[i].latency = latest;
      before = i;
    }
  }

  void add(const SessionToolResult& result) {
    if (result.ended) last_time_ = result.ended;
  }

  const SessionProcess& process_;
  const std::vector<std::string>& names_;
  const SessionCalls calls_;
  ScriptAgent agent_;
  std::size_t item_ = 0;
  bool in_turns_ = false;
  std::vector<ContextEdit> before_;      // of the next turn
  std::vector<ScriptFailure> failures_;  // of the next turn
  std::vector<std::size_t> children_;
  std::optional<WallTime> last_time_;
};

}  // namespace

Script session_script(const SessionRun& run, std::size_t main) {
  return session_script(run, RunAgents(run), main);
}

Script session_script(const SessionRun& run, const RunAgents& agents, std::size_t main) {
  const std::vector<std::string>& names = agents.names;
  Script script;
  script.main = names.at(main);
  std::vector<std::size_t> waiting = {main};
  while (!waiting.empty()) {
    const std::size_t index = waiting.back();
    waiting.pop_back();
    if (script.agents.contains(names.at(index))) continue;
    AgentWriter writer(run, agents, index);
    script.agents.emplace(names[index], writer.write());
    waiting.insert(waiting.end(), writer.children().begin(), writer.children().end());
  }
  return script;
}

}  // namespace agdb
