#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "debug/import/chat_message.h"
#include "debug/import/foreign_span.h"

namespace agdb {

// What a span is in the run of an agent.
enum class SpanRole : std::uint8_t { kOther, kAgent, kModelCall, kToolCall, kEmbedding };

// By its attributes, whichever of the conventions names them: agdb's own, OpenTelemetry's GenAI in
// its three generations, OpenInference, OpenLLMetry (Traceloop), the Vercel AI SDK, Langfuse. Never
// by the span's name, which everybody chooses freely.
SpanRole role_of(const ForeignSpan& span);

// What the attributes tell, under any of their names. Empty = they do not.
struct SpanFacts {
  std::string agent;
  std::string model;
  std::string provider;
  std::string tool;
  std::string tool_call_id;
  std::optional<ChatMessage::Usage> usage;  // request_tokens includes cached input
  std::string stop_reason;
  std::optional<double> cost_usd;
  Nanoseconds time_to_first_token{0};
  Nanoseconds request_setup{0};
  Json arguments;  // of a tool call: an object, or text; null
  std::optional<std::string> result;
  // agdb tells that the tool was asked and never answered.
  bool without_result = false;
};

SpanFacts read_span_facts(const ForeignSpan& span, ImportTally& tally);

// The first attribute of these (parted by blanks) that is a text, or "".
std::string_view text_attribute(const ForeignSpan& span, std::string_view keys);

// Takes over from `other` what `facts` lacks.
void fill_in(SpanFacts& facts, const SpanFacts& other);

}  // namespace agdb
