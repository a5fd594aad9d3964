#include "debug/import/span_context.h"

#include <algorithm>
#include <utility>

namespace agdb {

Message context_message(const ChatMessage& message) {
  Message out;
  out.role = message.role;
  out.content = message.content;
  out.name = message.name;
  out.tool_call_id = message.result_of;
  out.tool_calls = message.calls;
  return out;
}

// An answer comes back in another shape than it was given in, and results of calls that ran side by
// side in any order.
bool SpanContext::same(const Entry& entry, const ChatMessage& message) {
  if (entry.role != message.role) return false;
  return entry.role == "assistant" || entry.role == "tool" || entry.content == message.content;
}

SpanContext::Change SpanContext::catch_up(const std::vector<ChatMessage>& input) {
  std::size_t keep = 0;
  while (keep < entries_.size() && keep < input.size() && same(entries_[keep], input[keep])) ++keep;
  Change change;
  // Only what is new was sent, to a provider that keeps the rest: results without the answer that
  // asked for them.
  const bool only_new =
      keep == 0 && !entries_.empty() && input.front().role == "tool" &&
      std::ranges::none_of(input, [](const ChatMessage& m) { return m.role == "assistant"; });
  if (only_new) {
    for (const ChatMessage& message : input)
      if (message.role != "tool") change.added.push_back(message);
    return change;
  }
  const auto rest = input.begin() + static_cast<std::ptrdiff_t>(keep);
  if (keep == entries_.size()) {
    change.added.assign(rest, input.end());
    return change;
  }
  change.compact.emplace();
  change.compact->kind = SessionEdit::Kind::kCompact;
  change.compact->keep = keep;
  entries_.resize(keep);
  for (auto message = rest; message != input.end(); ++message) {
    change.compact->messages.push_back(context_message(*message));
    add(message->role, message->content);
  }
  return change;
}

}  // namespace agdb
