#pragma once

#include <optional>
#include <string>
#include <vector>

#include "debug/trace/span.h"
#include "runtime/events/message.h"

namespace agdb {

// What was said in a model call or a tool call: not among a span's attributes, since it is large
// and may be secret.
struct SpanContent {
  // Of a model call.
  std::string system_prompt;
  std::vector<Message> input;
  std::optional<Message> output;
  // Of a tool call; null and nothing when not known.
  Json arguments;
  std::optional<std::string> result;
};

// Where exporters get it, when a person asks for it.
class SpanContentSource {
 public:
  virtual ~SpanContentSource() = default;
  // Of a model call or a tool call. An empty one where nothing is known.
  virtual SpanContent content_of(const Span& span) = 0;
};

}  // namespace agdb
