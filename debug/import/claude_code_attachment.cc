#include "debug/import/claude_code_attachment.h"

#include <array>
#include <string_view>

#include "debug/import/claude_code_content.h"

namespace agdb {
namespace {

// Where versions that do not write `rendered` have the words that the model gets.
struct Words {
  std::string_view type;
  std::array<std::string_view, 3> path;
};
constexpr std::array<Words, 11> kWords = {{
    {"agent_listing_delta", {"addedLines"}},
    {"critical_system_reminder", {"content"}},
    {"deferred_tools_delta", {"addedLines"}},
    {"edited_text_file", {"snippet"}},
    {"file", {"content", "file", "content"}},
    {"hook_additional_context", {"content"}},
    {"mcp_instructions_delta", {"addedBlocks"}},
    {"nested_memory", {"content", "content"}},
    {"queued_command", {"prompt"}},
    {"selected_lines_in_ide", {"content"}},
    {"skill_listing", {"content"}},
}};

const Json& at_path(const Json& from, const std::array<std::string_view, 3>& path) {
  const Json* at = &from;
  for (const std::string_view key : path) {
    if (!key.empty()) at = &(*at)[key];
  }
  return *at;
}

// What such a hook prints goes to the model; what others print, to nobody.
bool is_hook_for_the_model(const Json& attachment) {
  const std::string_view event = attachment.text("hookEvent");
  return attachment.text("type") == "hook_success" &&
         (event == "SessionStart" || event == "UserPromptSubmit");
}

void add_words(const Json& content, std::vector<std::string>& words, ImportTally& tally) {
  if (!content.is_string() && !content.is_array()) return;
  std::string text = read_claude_text(content, tally);
  if (!text.empty()) words.push_back(std::move(text));
}

}  // namespace

std::vector<std::string> read_claude_attachment(const ClaudeLine& line, ImportTally& tally) {
  std::vector<std::string> words;
  if (line.rendered.is_array()) {
    for (const Json& message : line.rendered.items()) add_words(message["content"], words, tally);
    return words;
  }
  const std::string_view type = line.body.text("type");
  for (const Words& known : kWords) {
    if (known.type == type) add_words(at_path(line.body, known.path), words, tally);
  }
  if (is_hook_for_the_model(line.body)) add_words(line.body["content"], words, tally);
  return words;
}

std::string claude_prompt_snapshot(const ClaudeLine& line) {
  if (line.body.text("type") != "prompt_snapshot") return "";
  const Json& prompt = line.body["systemPrompt"];
  if (prompt.is_string()) return prompt.string();
  std::string text;
  if (!prompt.is_array()) return text;
  for (const Json& section : prompt.items()) {
    if (!section.is_string()) continue;
    if (!text.empty()) text += "\n\n";
    text += section.string();
  }
  return text;
}

}  // namespace agdb
