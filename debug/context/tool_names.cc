#include "debug/context/tool_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "runtime/events/text.h"

namespace agdb {
namespace {

// In the order in which they are looked for.
constexpr std::array<std::string_view, 29> kWellKnown = {
    "read_file",     "write_file", "list_files",
    "search_repo",   "edit_file",  "create_file",
    "run_command",   "execute",    "askuserquestion",
    "enterplanmode", "toolsearch", "websearch",
    "webfetch",      "croncreate", "cronlist",
    "crondelete",    "taskcreate", "taskupdate",
    "tasklist",      "taskget",    "agent",
    "skill",         "bash",       "glob",
    "grep",          "lsp",        "read",
    "write",         "edit"};

// Of an id that has to serve as a name; in bytes.
constexpr std::size_t kIdLength = 12;

// Calls that have no result yet, by id. Ids are not unique: the newest is taken first.
class OpenCalls {
 public:
  void opened(const ToolCall& call) { names_[call.id].push_back(call.name); }
  // "" when there is none.
  std::string answered(const std::string& id) {
    const auto found = names_.find(id);
    if (found == names_.end() || found->second.empty()) return {};
    std::string name = std::move(found->second.back());
    found->second.pop_back();
    return name;
  }

 private:
  std::unordered_map<std::string, std::vector<std::string>> names_;
};

std::string guessed_name(const Message& message) {
  const std::string text = to_lower_ascii(message.content);
  const auto known = std::ranges::find_if(
      kWellKnown, [&](std::string_view name) { return text.find(name) != std::string::npos; });
  if (known != kWellKnown.end()) return std::string(*known);
  if (message.tool_call_id.empty()) return "unknown";
  return std::string(prefix_of_bytes(message.tool_call_id, kIdLength));
}

}  // namespace

std::vector<std::string> tool_names(std::span<const Message* const> messages) {
  OpenCalls open_calls;
  std::vector<std::string> names;
  names.reserve(messages.size());
  for (const Message* message : messages) {
    for (const ToolCall& call : message->tool_calls) open_calls.opened(call);
    std::string name;
    if (message->role == "tool") {
      name = open_calls.answered(message->tool_call_id);
      if (!message->name.empty()) name = message->name;
      if (name.empty()) name = guessed_name(*message);
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace agdb
