#include "debug/import/claude_code_intent.h"

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::size_t kMaxCharacters = 200;
// A line is not cut before this many of them for the sake of a whole word.
constexpr std::size_t kMinCharacters = 150;

std::string_view trimmed(std::string_view text) {
  const std::size_t from = std::min(text.find_first_not_of(kBlank), text.size());
  const std::size_t to = text.find_last_not_of(kBlank);
  return to == std::string_view::npos ? std::string_view{} : text.substr(from, to + 1 - from);
}

// The text between <tag> and </tag>; empty when there is none.
std::string_view inside(std::string_view text, std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::size_t from = text.find(open);
  if (from == std::string_view::npos) return {};
  const std::string_view rest = text.substr(from + open.size());
  const std::size_t to = rest.find("</" + std::string(tag) + ">");
  return to == std::string_view::npos ? std::string_view{} : trimmed(rest.substr(0, to));
}

// Without the notes that the tool puts in front of what a person says.
std::string_view without_notes(std::string_view text) {
  text = trimmed(text);
  while (text.starts_with("<ide_") || text.starts_with("<system-reminder>")) {
    const std::size_t name_end = text.find('>');
    if (name_end == std::string_view::npos) return {};
    const std::string close = "</" + std::string(text.substr(1, name_end));
    const std::size_t end = text.find(close);
    if (end == std::string_view::npos) return {};
    text = trimmed(text.substr(end + close.size()));
  }
  return text;
}

// "/review 36" of a slash command's tags.
std::string command_of(std::string_view text) {
  std::string command(inside(text, "command-name"));
  const std::string_view arguments = inside(text, "command-args");
  if (!command.empty() && !arguments.empty()) command += " " + std::string(arguments);
  return command;
}

bool is_said(std::string_view text) {
  return !text.empty() && text.front() != '<' && !text.starts_with("[Request interrupted") &&
         !text.starts_with("Caveat:");
}

// A command that the tool answered itself, /model say; others are prompts by another name.
bool is_answered_by_tool(std::string_view next) {
  return trimmed(next).starts_with("<local-command-");
}

std::string title_of(const ClaudeFile& file) {
  if (!file.custom_title.empty()) return file.custom_title;
  if (!file.ai_title.empty()) return file.ai_title;
  for (const ClaudeFile::Summary& summary : file.summaries) {
    for (const ClaudeLine& line : file.lines) {
      if (!summary.leaf_uuid.empty() && line.uuid == summary.leaf_uuid) return summary.text;
    }
  }
  return "";
}

}  // namespace

std::string claude_short_line(std::string_view text) {
  text = trimmed(text);
  const std::size_t paragraph = text.find("\n\n");
  if (paragraph != std::string_view::npos) text = text.substr(0, paragraph);
  std::string line;
  for (const char c : prefix_of_bytes(text, 8 * kMaxCharacters)) {
    const bool is_blank = kBlank.contains(c);
    if (!is_blank) line += c;
    if (is_blank && !line.ends_with(' ')) line += ' ';
  }
  if (count_characters(line) <= kMaxCharacters) return line;
  std::string_view cut = prefix_of_characters(line, kMaxCharacters);
  const std::size_t word = cut.rfind(' ');
  if (word != std::string_view::npos && word >= prefix_of_characters(cut, kMinCharacters).size())
    cut = cut.substr(0, word);
  return std::string(cut) + "...";
}

std::string claude_intent(const std::vector<std::string>& prompts, const ClaudeFile& file) {
  std::string first_command;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::string_view text = without_notes(prompts[i]);
    if (is_said(text)) return claude_short_line(text);
    const std::string command = command_of(text);
    if (command.empty()) continue;
    if (i + 1 == prompts.size() || !is_answered_by_tool(prompts[i + 1]))
      return claude_short_line(command);
    if (first_command.empty()) first_command = command;
  }
  const std::string title = title_of(file);
  return claude_short_line(title.empty() ? first_command : title);
}

}  // namespace agdb
