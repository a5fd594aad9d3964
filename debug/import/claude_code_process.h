#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "debug/import/claude_code_calls.h"
#include "debug/import/claude_code_lines.h"
#include "debug/import/session.h"

namespace agdb {

// What the processes of a run must not count twice: a sub-agent that inherits its parent's
// conversation has copies of its records, with the same uuids and message ids.
struct ClaudeSeen {
  std::unordered_set<std::string> uuids;
  std::unordered_set<std::string> answers;
};

// One agent's records, understood.
struct ClaudeProcess {
  SessionProcess process;
  std::vector<ClaudeCall> calls;
  std::vector<std::string> prompts;  // what users said first, each cut; for the intent
  std::string first_message;         // the whole first user message
  bool has_times = false;
};

// `lines` in the order of writing. What the records of one agent mean is in README.md.
ClaudeProcess build_claude_process(const std::vector<const ClaudeLine*>& lines, ClaudeSeen& seen,
                                   ImportTally& tally);

}  // namespace agdb
