#pragma once

#include <string>
#include <vector>

#include "debug/import/claude_code_lines.h"

namespace agdb {

// What the model got of an attachment, a text a message; empty when it got nothing, or when its
// words are not in the line (then the attachment counts as bookkeeping).
std::vector<std::string> read_claude_attachment(const ClaudeLine& line, ImportTally& tally);

// The system prompt that an attachment tells, or empty.
std::string claude_prompt_snapshot(const ClaudeLine& line);

}  // namespace agdb
