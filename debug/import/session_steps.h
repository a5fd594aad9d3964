#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/import/session.h"

namespace agdb {

// What session_events and session_script agree on: which result and which sub-agent belong to a
// call, what the messages of a step are, what the agents are called.

// What the processes of a run are to each other, worked out once for all of them.
struct RunAgents {
  explicit RunAgents(const SessionRun& run);

  // By process, unique in the run: "main" for the root, "agent-<name>" for the others.
  std::vector<std::string> names;
  // By process, those that a call of it is known to have run, in the order of the run.
  std::vector<std::vector<std::size_t>> spawned;
};

// What became of a tool call.
struct CallFate {
  const SessionToolResult* result = nullptr;  // null: the log has none
  std::size_t result_item = 0;                // where the result stands in the items
  std::optional<std::size_t> child;           // the process that the call ran
};

// The fates of all calls of one process. REQUIRES: the run outlives it and does not change.
class SessionCalls {
 public:
  SessionCalls(const SessionRun& run, const RunAgents& agents, std::size_t process);

  // By the index of the call in its answer; empty for items that are no answers.
  const std::vector<CallFate>& of(std::size_t answer_item) const { return fates_[answer_item]; }
  // The last item of the step that the answer begins: its last result before the next answer.
  std::size_t end_of_step(std::size_t answer_item) const { return ends_[answer_item]; }
  // The script turn of the answer, from 1: calls that failed for good have none of their own, and
  // the one that the next answer has.
  std::uint64_t turn(std::size_t answer_item) const { return turns_[answer_item]; }

 private:
  CallFate& fate(std::size_t answer_item, std::size_t call);

  std::vector<std::vector<CallFate>> fates_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint64_t> turns_;
};

// The calls of an answer as the runtime knows them: one that the log gives no id gets the id that a
// script's reader would give it, "call_<turn>_<number>".
ToolCall call_of(const SessionAnswer& answer, std::size_t call, std::uint64_t turn);
std::vector<ToolCall> calls_of(const SessionAnswer& answer, std::uint64_t turn);

Message answer_message(const SessionAnswer& answer, std::uint64_t turn);
// As the runtime makes it: results carry no turn.
Message result_message(const ToolCall& call, std::string content);

// When the attempts of a model call began, the one that was answered last; nothing where the log
// does not tell.
std::vector<std::optional<WallTime>> attempt_starts(const SessionAnswer& answer);

}  // namespace agdb
