#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "debug/import/claude_code_agents.h"
#include "debug/import/claude_code_process.h"

namespace agdb {

// Who ran a sub-agent.
struct ClaudeLink {
  std::size_t parent = 0;           // index of the agent
  std::optional<std::size_t> call;  // index in the parent's calls; absent when not known
};

// Per agent its link; none for agents that nothing in the log connects with a call, and for [0].
// The links make a tree: of agents that claim to have run each other in a circle none has one.
//
// Evidence, the surest first: the call's id beside the sub-agent (.meta.json, agent_progress), the
// agent's id in the call's result (toolUseResult.agentId, then the "agentId:" line of its text),
// and that the sub-agent begins with exactly the words of the call's prompt.
std::vector<std::optional<ClaudeLink>> link_claude_agents(
    const std::vector<ClaudeAgent>& agents, const std::vector<ClaudeProcess>& processes);

}  // namespace agdb
