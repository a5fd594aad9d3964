#include "debug/replay/screen_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/json.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {

namespace {

std::string call_text(const ToolCall& call) {
  const std::string arguments =
      call.arguments.is_string() ? call.arguments.string() : dump(call.arguments);
  return fmt::format("→ {}({})", call.name, arguments);
}

}  // namespace

std::string screen_line(std::string_view text, std::size_t width) {
  if (width == 0) return printable(text);
  // Escapes never make a text shorter: what lies behind the cut need not be looked at.
  const std::string_view head = prefix_of_characters(text, width + 1);
  std::string line = printable(head);
  if (head.size() == text.size() && count_characters(line) <= width) return line;
  return std::string(prefix_of_characters(line, width - 1)) + "…";
}

std::string screen_text(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find_first_of("\n\t");
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += text[end];
    text.remove_prefix(end + 1);
  }
}

std::string screen_message(const Message& message, std::size_t width) {
  std::string_view content = message.content;
  while (content.ends_with('\n')) content.remove_suffix(1);
  while (content.starts_with('\n')) content.remove_prefix(1);
  const auto more = std::count(content.begin(), content.end(), '\n');
  std::string text = fmt::format("[{}]", message.role);
  if (!content.empty()) text += fmt::format(" {}", content.substr(0, content.find('\n')));
  if (more > 0) text += fmt::format(" (+{} line{})", more, more == 1 ? "" : "s");
  for (const ToolCall& call : message.tool_calls) text += " " + call_text(call);
  return screen_line(text, width);
}

std::string message_body(const Message& message) {
  std::string text = message.content;
  for (const ToolCall& call : message.tool_calls) {
    if (!text.empty()) text += '\n';
    text += call_text(call);
  }
  return text;
}

std::string message_text(const Message& message) {
  return fmt::format("[{}] {}", message.role, message_body(message));
}

}  // namespace agdb
