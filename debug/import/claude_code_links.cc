#include "debug/import/claude_code_links.h"

#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace agdb {
namespace {

using Site = std::pair<std::size_t, std::size_t>;  // process, call

// The id in "agentId: a1b2 (use …)", which newer versions end a sub-agent's result with.
std::string_view named_agent(std::string_view result) {
  constexpr std::string_view kLabel = "agentId: ";
  const std::size_t at = result.rfind(kLabel);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = result.substr(at + kLabel.size());
  return rest.substr(0, rest.find_first_of(" \t\r\n("));
}

class Linker {
 public:
  Linker(const std::vector<ClaudeAgent>& agents, const std::vector<ClaudeProcess>& processes)
      : agents_(&agents), processes_(&processes), links_(agents.size()) {
    for (std::size_t p = 0; p < processes.size(); ++p) {
      for (std::size_t c = 0; c < processes[p].calls.size(); ++c) index(p, c);
    }
  }

  std::vector<std::optional<ClaudeLink>> link() {
    link_by(by_call_id_, [&](std::size_t a) { return (*agents_)[a].tool_use_id; });
    link_by(by_result_, [&](std::size_t a) { return (*agents_)[a].id; });
    link_by(by_result_text_, [&](std::size_t a) { return (*agents_)[a].id; });
    link_by(by_prompt_, [&](std::size_t a) { return (*processes_)[a].first_message; });
    break_circles();
    return std::move(links_);
  }

 private:
  struct Queue {
    std::vector<Site> sites;
    std::size_t taken = 0;  // all before it are
  };
  using Sites = std::unordered_map<std::string, Queue>;

  void index(std::size_t p, std::size_t c) {
    const std::vector<SessionItem>& items = (*processes_)[p].process.items;
    const ClaudeCall& call = (*processes_)[p].calls[c];
    const ToolCall& tool =
        std::get<SessionAnswer>(items[call.answer]).response.tool_calls[call.call];
    by_call_id_[call.id].sites.emplace_back(p, c);
    if (!call.spawned_agent.empty()) by_result_[call.spawned_agent].sites.emplace_back(p, c);
    if (tool.name != "Task" && tool.name != "Agent") return;
    by_prompt_[std::string(tool.arguments.text("prompt"))].sites.emplace_back(p, c);
    if (!call.result) return;
    const std::string_view named =
        named_agent(std::get<SessionToolResult>(items[*call.result]).content);
    if (!named.empty()) by_result_text_[std::string(named)].sites.emplace_back(p, c);
  }

  // Links the agents that have none yet by a key of theirs, each call to one agent.
  template <typename KeyOf>
  void link_by(Sites& sites, KeyOf key_of) {
    for (std::size_t a = 1; a < agents_->size(); ++a) {
      const std::string key = links_[a] ? "" : key_of(a);
      const auto at = sites.find(key);
      if (key.empty() || at == sites.end()) continue;
      auto& [queue, taken] = at->second;
      while (taken < queue.size() && taken_.contains(queue[taken])) ++taken;
      for (std::size_t q = taken; q < queue.size() && !links_[a]; ++q) {
        if (queue[q].first != a && taken_.insert(queue[q]).second)
          links_[a] = ClaudeLink{queue[q].first, queue[q].second};
      }
    }
  }

  void break_circles() {
    for (std::size_t a = 1; a < links_.size(); ++a) {
      std::size_t at = a;
      for (std::size_t steps = 0; links_[at] && steps <= links_.size(); ++steps)
        at = links_[at]->parent;
      if (links_[at]) links_[a].reset();
    }
  }

  const std::vector<ClaudeAgent>* agents_;
  const std::vector<ClaudeProcess>* processes_;
  std::vector<std::optional<ClaudeLink>> links_;
  Sites by_call_id_, by_result_, by_result_text_, by_prompt_;
  std::set<Site> taken_;
};

}  // namespace

std::vector<std::optional<ClaudeLink>> link_claude_agents(
    const std::vector<ClaudeAgent>& agents, const std::vector<ClaudeProcess>& processes) {
  return Linker(agents, processes).link();
}

}  // namespace agdb
