#include "debug/import/session_steps.h"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

namespace agdb {
namespace {

std::vector<std::string> names_of(const SessionRun& run) {
  std::vector<std::string> names;
  std::unordered_set<std::string> taken;
  // The next copy of a name to try, so that many agents of one name are named in one pass.
  std::unordered_map<std::string, std::uint64_t> copies;
  for (std::size_t i = 0; i < run.processes.size(); ++i) {
    const std::string& own = run.processes[i].name;
    const std::string wanted = i == 0 ? "main" : own.empty() ? "agent" : "agent-" + own;
    std::string name = wanted;
    while (!taken.insert(name).second) {
      std::uint64_t& copy = copies.try_emplace(wanted, 2).first->second;
      name = fmt::format("{}-{}", wanted, copy++);
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

RunAgents::RunAgents(const SessionRun& run) : names(names_of(run)), spawned(run.processes.size()) {
  for (std::size_t i = 0; i < run.processes.size(); ++i) {
    const SessionProcess& process = run.processes[i];
    if (process.parent && process.spawn && *process.parent < spawned.size())
      spawned[*process.parent].push_back(i);
  }
}

SessionCalls::SessionCalls(const SessionRun& run, const RunAgents& agents, std::size_t process)
    : fates_(run.processes.at(process).items.size()), ends_(fates_.size()), turns_(fates_.size()) {
  const std::vector<SessionItem>& items = run.processes[process].items;
  std::uint64_t turn = 1;
  for (std::size_t i = 0; i < items.size(); ++i) {
    ends_[i] = i;
    turns_[i] = turn;
    const auto* answer = std::get_if<SessionAnswer>(&items[i]);
    if (answer == nullptr) continue;
    fates_[i].resize(answer->response.tool_calls.size());
    if (answer->response.error.empty()) ++turn;
  }
  std::optional<std::size_t> step;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::holds_alternative<SessionAnswer>(items[i])) step = i;
    const auto* result = std::get_if<SessionToolResult>(&items[i]);
    if (result == nullptr) continue;
    CallFate& its = fate(result->answer, result->call);
    if (result->child) its.child = result->child;
    if (its.result == nullptr) {
      its.result = result;
      its.result_item = i;
    }
    if (step == result->answer) ends_[*step] = i;
  }
  for (const std::size_t i : agents.spawned.at(process)) {
    const SessionProcess::SpawnPoint& spawn = *run.processes[i].spawn;
    fate(spawn.answer, spawn.call).child = i;
  }
}

CallFate& SessionCalls::fate(std::size_t answer_item, std::size_t call) {
  const bool known = answer_item < fates_.size() && call < fates_[answer_item].size();
  AGDB_ASSERT(known, fmt::format("a result names call {} of item {}", call, answer_item));
  return fates_[answer_item][call];
}

ToolCall call_of(const SessionAnswer& answer, std::size_t call, std::uint64_t turn) {
  ToolCall out = answer.response.tool_calls.at(call);
  if (out.id.empty()) out.id = fmt::format("call_{}_{}", turn, call + 1);
  return out;
}

std::vector<ToolCall> calls_of(const SessionAnswer& answer, std::uint64_t turn) {
  std::vector<ToolCall> calls;
  for (std::size_t i = 0; i < answer.response.tool_calls.size(); ++i)
    calls.push_back(call_of(answer, i, turn));
  return calls;
}

Message answer_message(const SessionAnswer& answer, std::uint64_t turn) {
  Message message;
  message.role = "assistant";
  message.content = answer.response.content;
  message.tool_calls = calls_of(answer, turn);
  message.turn = turn;
  return message;
}

Message result_message(const ToolCall& call, std::string content) {
  Message message;
  message.role = "tool";
  message.content = std::move(content);
  message.name = call.name;
  message.tool_call_id = call.id;
  return message;
}

std::vector<std::optional<WallTime>> attempt_starts(const SessionAnswer& answer) {
  // A failure is told when it happens, and the next attempt follows it.
  std::vector<std::optional<WallTime>> starts = {answer.began};
  for (const SessionFailure& failure : answer.failures)
    starts.push_back(failure.time ? failure.time : starts.back());
  return starts;
}

}  // namespace agdb
