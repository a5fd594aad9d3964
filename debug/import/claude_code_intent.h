#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "debug/import/claude_code_lines.h"

namespace agdb {

// What a session was for: the first thing that a person really asked, else a title of the session,
// else the first command given; empty when there is nothing of that. One line of at most 200
// characters.
std::string claude_intent(const std::vector<std::string>& prompts, const ClaudeFile& file);

// The beginning of a text on one line, cut between words.
std::string claude_short_line(std::string_view text);

}  // namespace agdb
