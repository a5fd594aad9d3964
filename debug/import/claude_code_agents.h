#pragma once

#include <deque>
#include <string>
#include <vector>

#include "debug/import/claude_code_lines.h"

namespace agdb {

// The records of one agent of a session, wherever they were found.
struct ClaudeAgent {
  std::string id;
  std::vector<const ClaudeLine*> lines;  // in the order of writing
  std::string description;               // of the task, where a companion file tells it
  std::string tool_use_id;               // the call that ran it, where the log tells it apart
  std::string file;                      // its own one; empty when inside another's
  SessionLog counts;                     // what was met while reading that file
};

// A session and its sub-agents, in any of the layouts that the versions of Claude Code wrote:
// records with isSidechain inside the parent's file; agent-<id>.jsonl beside it; the same under
// <session>/subagents/, with agent-<id>.meta.json; and mirrored into the parent as agent_progress
// records, which count only where the agent's own are nowhere.
struct ClaudeAgents {
  std::vector<ClaudeAgent> agents;  // [0] is the one that the file is of
  bool is_agent_file = false;  // the file is a sub-agent's: most files beside it are no children
  // What owns the records.
  std::deque<ClaudeFile> files;
  std::deque<ClaudeLine> nested;
};

// `file` is the imported one, read from `path`. Looks for companions only there.
ClaudeAgents find_claude_agents(ClaudeFile file, const std::string& path, SessionFiles& files,
                                ImportTally& tally);

}  // namespace agdb
