#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/message.h"

namespace agdb {

// Messages in the JSON of the GenAI semantic conventions v1.41.1: {role, parts, name?}, the parts
// text, tool_call and tool_call_response.

// gen_ai.input.messages
std::string otlp_input_messages(const std::vector<Message>& messages);
// gen_ai.output.messages: one, with its finish reason (the provider's stop reason; empty: not
// known).
std::string otlp_output_messages(const Message& message, std::string_view stop_reason);
// gen_ai.system_instructions
std::string otlp_system_instructions(std::string_view prompt);

}  // namespace agdb
