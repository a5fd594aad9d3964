#include "debug/replay/screen_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace agdb {

namespace {

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  // U+0080 … U+009F: terminals take U+009B for the start of an escape sequence.
  return character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

void append_escaped(std::string& out, std::string_view character) {
  if (character.size() == 2) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(character[1]));
    return;
  }
  switch (character[0]) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(character[0]));
  }
}

std::string escaped(std::string_view text, bool keep_lines) {
  const std::string utf8 = to_utf8(text);
  std::string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const std::string_view character =
        std::string_view(utf8).substr(at, character_length(utf8, at));
    at += character.size();
    const bool kept = keep_lines && (character == "\n" || character == "\t");
    if (is_control(character) && !kept) {
      append_escaped(out, character);
    } else {
      out += character;
    }
  }
  return out;
}

std::string call_text(const ToolCall& call) {
  const std::string arguments =
      call.arguments.is_string() ? call.arguments.string() : dump(call.arguments);
  return fmt::format("→ {}({})", call.name, arguments);
}

}  // namespace

std::string screen_line(std::string_view text, std::size_t width) {
  // Escaping never makes a text shorter, so what lies far behind the cut need not be looked at.
  const bool cut_early = width != 0 && text.size() > 4 * (width + 1);
  std::string line = escaped(cut_early ? prefix_of_characters(text, width + 1) : text, false);
  if (width == 0 || (!cut_early && count_characters(line) <= width)) return line;
  return std::string(prefix_of_characters(line, width - 1)) + "…";
}

std::string screen_text(std::string_view text) {
  return escaped(text, true);
}

std::string screen_message(const Message& message, std::size_t width) {
  std::string_view content = message.content;
  while (!content.empty() && content.back() == '\n') content.remove_suffix(1);
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
