#pragma once

#include <vector>

#include "debug/import/chat_message.h"
#include "debug/import/foreign_span.h"

namespace agdb {

// What was said in a model call.
struct SpanMessages {
  std::vector<ChatMessage> input;  // the system's instructions first
  std::vector<ChatMessage> output;
};

// From where the span has it: messages in parts (gen_ai.input.messages and output.messages), a
// message spread over numbered attributes (gen_ai.prompt.0.role,
// llm.input_messages.0.message.role), the Vercel AI SDK's ai.prompt.messages, events
// (gen_ai.user.message, gen_ai.choice, gen_ai.content.prompt), a request and its answer as JSON
// (input.value, output.value). The first of these that has messages counts.
SpanMessages read_span_messages(const ForeignSpan& span, ImportTally& tally);

}  // namespace agdb
