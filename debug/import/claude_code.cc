#include <utility>

#include "debug/import/claude_code_agents.h"
#include "debug/import/claude_code_intent.h"
#include "debug/import/claude_code_links.h"
#include "debug/import/claude_code_process.h"
#include "debug/import/importers.h"

namespace agdb {
namespace {

using Links = std::vector<std::optional<ClaudeLink>>;

void merge(SessionLog& log, const SessionLog& counts) {
  ImportTally tally(log);
  for (const auto& [kind, times] : counts.not_understood) tally.not_understood(kind, times);
  for (const auto& [kind, times] : counts.bookkeeping) tally.bookkeeping(kind, times);
}

// The agents of the run, a parent before its children, else as they were found.
std::vector<std::size_t> run_order(const Links& links, bool only_linked) {
  std::vector<std::vector<std::size_t>> children(links.size());
  for (std::size_t a = 1; a < links.size(); ++a) {
    if (links[a] || !only_linked) children[links[a] ? links[a]->parent : 0].push_back(a);
  }
  std::vector<std::size_t> order = {0};
  for (std::size_t at = 0; at < order.size(); ++at)
    order.insert(order.end(), children[order[at]].begin(), children[order[at]].end());
  return order;
}

class RunBuilder {
 public:
  RunBuilder(ClaudeAgents agents, SessionLog& log) : agents_(std::move(agents)), log_(&log) {}

  SessionRun build() {
    ClaudeSeen seen;
    for (ClaudeAgent& agent : agents_.agents) {
      ImportTally tally(agent.counts);
      processes_.push_back(build_claude_process(agent.lines, seen, tally));
    }
    const Links links = link_claude_agents(agents_.agents, processes_);
    const std::vector<std::size_t> order = run_order(links, agents_.is_agent_file);
    std::vector<std::size_t> place(links.size(), 0);
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
    for (const std::size_t a : order) {
      name(a);
      if (a != 0) attach(a, links[a], place);
    }
    for (const std::size_t a : order) take(a);
    return std::move(run_);
  }

 private:
  void name(std::size_t a) {
    const ClaudeAgent& agent = agents_.agents[a];
    SessionProcess& process = processes_[a].process;
    process.name = agent.id;
    const ClaudeFile no_titles;
    process.intent =
        agent.description.empty()
            ? claude_intent(processes_[a].prompts, a == 0 ? agents_.files.front() : no_titles)
            : claude_short_line(agent.description);
  }

  // Ties a sub-agent to the call that ran it.
  void attach(std::size_t a, const std::optional<ClaudeLink>& link,
              const std::vector<std::size_t>& place) {
    SessionProcess& child = processes_[a].process;
    child.parent = link ? place[link->parent] : 0;
    if (!link || !link->call) return;
    ClaudeProcess& parent = processes_[link->parent];
    const ClaudeCall& call = parent.calls[*link->call];
    child.spawn = SessionProcess::SpawnPoint{call.answer, call.call};
    const auto& answer = std::get<SessionAnswer>(parent.process.items[call.answer]);
    const Json& arguments = answer.response.tool_calls[call.call].arguments;
    const std::string_view description = arguments.text("description");
    if (agents_.agents[a].description.empty() && !description.empty())
      child.intent = claude_short_line(description);
    if (!call.result) return;
    auto& result = std::get<SessionToolResult>(parent.process.items[*call.result]);
    result.child = place[a];
    // The parent knows better how it ended than a transcript that lacks the last answer.
    if (call.spawn_status == "completed" && !result.is_error) child.exit_reason = "completed";
  }

  void take(std::size_t a) {
    merge(*log_, agents_.agents[a].counts);
    if (!agents_.agents[a].file.empty()) log_->companion_files.push_back(agents_.agents[a].file);
    if (processes_[a].has_times) run_.time_source = "log";
    run_.processes.push_back(std::move(processes_[a].process));
  }

  ClaudeAgents agents_;
  SessionLog* log_;
  std::vector<ClaudeProcess> processes_;
  SessionRun run_;
};

}  // namespace

Result<SessionLog> import_claude_code(std::string_view text, const std::string& path,
                                      SessionFiles& files) {
  SessionLog log;
  log.format = "claude-code";
  ImportTally tally(log);
  ClaudeFile file = read_claude_file(text, tally);
  const bool is_blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (!is_blank && file.known_records == 0) {
    return fail(Code::kCorrupt,
                path + " is no Claude Code session: " +
                    (file.records == 0 ? file.first_error.message
                                       : std::string("no line has a type that it writes")),
                "name the format with --format, or give a session's .jsonl file");
  }
  const std::string name = file.session_ids.empty() ? "" : file.session_ids.front();
  RunBuilder builder(find_claude_agents(std::move(file), path, files, tally), log);
  SessionRun run = builder.build();
  run.name = name;
  if (run.processes.size() > 1 || !run.processes.front().items.empty())
    log.runs.push_back(std::move(run));
  return log;
}

}  // namespace agdb
