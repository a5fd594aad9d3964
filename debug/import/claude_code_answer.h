#pragma once

#include <string>

#include "debug/import/claude_code_lines.h"

namespace agdb {

// Takes what a record tells of the call that its answer belongs to: model, stop reason, tokens,
// cost, when it was complete. Every record of an answer repeats them; they differ in output_tokens,
// which only grows, and in the stop reason, which often only the last one has. Counts that are none
// are told to `tally`.
void read_claude_call(const ClaudeLine& line, SessionAnswer& answer, ImportTally& tally);

// What went wrong, of a system record that tells of a failed attempt ("529 overloaded_error: …").
std::string claude_api_error(const Json& record);

// The message that an answer leaves in the context.
Message claude_message_of(const SessionAnswer& answer);

}  // namespace agdb
