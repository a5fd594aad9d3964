#include "debug/import/claude_code_agents.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace agdb {
namespace {

using Kind = ClaudeLine::Kind;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

constexpr std::string_view kAgentPrefix = "agent-";
constexpr std::string_view kLinesSuffix = ".jsonl";
constexpr std::string_view kMetaSuffix = ".meta.json";

bool speaks(const ClaudeLine& line) {
  return line.kind == Kind::kUser || line.kind == Kind::kAssistant;
}

// The id in the name of a sub-agent's file, "agent-<id>.jsonl"; whoever collects sessions puts a
// prefix in front ("project-agent-<id>.jsonl"). Empty for other names.
std::string_view agent_id_in(std::string_view name) {
  if (!name.ends_with(kLinesSuffix)) return {};
  const std::size_t at = name.rfind(kAgentPrefix);
  if (at == std::string_view::npos) return {};
  if (at > 0 && name[at - 1] != '-' && name[at - 1] != '_' && name[at - 1] != '.') return {};
  name.remove_prefix(at + kAgentPrefix.size());
  name.remove_suffix(kLinesSuffix.size());
  return name;
}

bool is_agent_name(std::string_view name) {
  return !agent_id_in(name).empty();
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// With a final slash, or empty.
std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.size() - file_name(path).size());
}

std::string_view without_suffix(std::string_view name) {
  if (name.ends_with(kLinesSuffix)) name.remove_suffix(kLinesSuffix.size());
  return name;
}

// The record in a file's side branch that the branch of each record begins with; kNone for records
// that are in none.
std::vector<std::size_t> branch_roots(const std::vector<ClaudeLine>& lines) {
  std::unordered_map<std::string_view, std::size_t> by_uuid;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].is_sidechain) by_uuid.emplace(lines[i].uuid, i);
  }
  std::vector<std::size_t> root(lines.size(), kNone);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].is_sidechain) continue;
    std::vector<std::size_t> path;
    std::size_t at = i;
    while (root[at] == kNone) {
      path.push_back(at);
      root[at] = at;  // also ends a cycle
      const auto parent = by_uuid.find(lines[at].parent_uuid);
      if (!lines[at].parent_uuid.empty() && parent != by_uuid.end()) at = parent->second;
    }
    for (const std::size_t passed : path) root[passed] = root[at];
  }
  return root;
}

class Finder {
 public:
  Finder(const std::string& path, SessionFiles& files, ImportTally& tally)
      : path_(path), files_(&files), tally_(&tally) {}

  ClaudeAgents find(ClaudeFile file) {
    found_.files.push_back(std::move(file));
    const ClaudeFile& main = found_.files.front();
    split(main);
    if (!path_.empty() && path_ != "-") companions(main);
    for (const ClaudeFile& read : found_.files) mirrored(read);
    return std::move(found_);
  }

 private:
  // More than a session has; a bound for a folder that is no session's.
  static constexpr std::size_t kMaxCompanions = 10'000;
  static constexpr int kMaxFolderDepth = 3;

  ClaudeAgent* agent(std::string_view id) {
    const auto at = by_id_.find(std::string(id));
    return at == by_id_.end() ? nullptr : &found_.agents[at->second];
  }

  ClaudeAgent& add_agent(std::string id) {
    by_id_.emplace(id, found_.agents.size());
    found_.agents.emplace_back();
    found_.agents.back().id = std::move(id);
    return found_.agents.back();
  }

  // The agents whose records the file itself holds. The main one is the first; a sub-agent's own
  // file has none, and then it is the sub-agent.
  void split(const ClaudeFile& file) {
    const auto is_main = [](const ClaudeLine& line) { return !line.is_sidechain; };
    const bool has_main = std::any_of(file.lines.begin(), file.lines.end(), [&](const auto& line) {
      return is_main(line) && speaks(line);
    });
    const bool has_side = !std::all_of(file.lines.begin(), file.lines.end(), is_main);
    found_.is_agent_file = has_side && !has_main;
    if (!found_.is_agent_file)
      found_.agents.emplace_back().id = file.session_ids.empty()
                                            ? std::string(without_suffix(file_name(path_)))
                                            : file.session_ids.front();
    std::vector<const ClaudeLine*> main_lines;
    const std::vector<std::size_t> roots = branch_roots(file.lines);
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const ClaudeLine& line = file.lines[i];
      if (!line.is_sidechain) {
        main_lines.push_back(&line);
        continue;
      }
      const std::string& id = line.agent_id.empty() ? file.lines[roots[i]].uuid : line.agent_id;
      ClaudeAgent* known = agent(id);
      (known != nullptr ? *known : add_agent(id)).lines.push_back(&line);
    }
    std::vector<const ClaudeLine*>& first = found_.agents.front().lines;
    first.insert(first.begin(), main_lines.begin(), main_lines.end());
  }

  // --- Files beside it

  void companions(const ClaudeFile& main) {
    const std::string folder(folder_of(path_));
    if (!found_.is_agent_file) {
      std::vector<std::string> sessions = main.session_ids;
      const std::string stem(without_suffix(file_name(path_)));
      if (std::find(sessions.begin(), sessions.end(), stem) == sessions.end())
        sessions.insert(sessions.begin(), stem);
      for (const std::string& session : sessions)
        folder_of_session(folder + session + "/subagents", 1);
    }
    if (found_.is_agent_file && !runs_agents(found_.agents.front())) return;
    for (const std::string& name : files_->list(folder.empty() ? "." : folder)) {
      if (is_agent_name(name) && name != file_name(path_)) companion(folder + name, &main);
    }
  }

  static bool runs_agents(const ClaudeAgent& agent) {
    const auto is_run = [](const Json& block) {
      const std::string_view name = block.text("name");
      return block.text("type") == "tool_use" && (name == "Task" || name == "Agent");
    };
    return std::any_of(agent.lines.begin(), agent.lines.end(), [&](const ClaudeLine* line) {
      const Json& content = line->body["content"];
      return content.is_array() &&
             std::any_of(content.items().begin(), content.items().end(), is_run);
    });
  }

  void folder_of_session(const std::string& folder, int depth) {
    for (const std::string& name : files_->list(folder)) {
      if (is_agent_name(name)) {
        companion(folder + "/" + name, nullptr);
      } else if (name.find('.') == std::string::npos && depth < kMaxFolderDepth) {
        folder_of_session(folder + "/" + name, depth + 1);
      }
    }
  }

  // A sub-agent's file. Beside a session's file stand those of all sessions: `only_of` names the
  // one whose they must be.
  void companion(const std::string& path, const ClaudeFile* only_of) {
    if (found_.files.size() > kMaxCompanions) return tally_->not_understood("sub-agent file");
    const Result<std::string> text = files_->read(path);
    if (!text) return tally_->not_understood("sub-agent file that cannot be read");
    if (only_of != nullptr && !names_session(*text, *only_of)) return;
    SessionLog counts;
    ImportTally tally(counts);
    ClaudeFile file = read_claude_file(*text, tally);
    if (only_of != nullptr && !is_of_session(file, *only_of)) return;
    found_.files.push_back(std::move(file));
    add_file(found_.files.back(), path, std::move(counts));
  }

  // A look at the bytes, before the work of reading them.
  static bool names_session(std::string_view text, const ClaudeFile& session) {
    return std::any_of(session.session_ids.begin(), session.session_ids.end(),
                       [&](const std::string& id) { return text.contains(id); });
  }

  static bool is_of_session(const ClaudeFile& file, const ClaudeFile& session) {
    const bool is_side = std::any_of(file.lines.begin(), file.lines.end(),
                                     [](const ClaudeLine& line) { return line.is_sidechain; });
    return is_side && std::find_first_of(file.session_ids.begin(), file.session_ids.end(),
                                         session.session_ids.begin(),
                                         session.session_ids.end()) != file.session_ids.end();
  }

  void add_file(const ClaudeFile& file, const std::string& path, SessionLog counts) {
    std::string id(agent_id_in(file_name(path)));
    for (const ClaudeLine& line : file.lines) {
      if (line.agent_id.empty() || line.kind == Kind::kAgentProgress) continue;
      id = line.agent_id;
      break;
    }
    if (agent(id) != nullptr) return tally_->bookkeeping("repeated sub-agent file");
    ClaudeAgent& added = add_agent(id);
    added.file = path;
    added.counts = std::move(counts);
    for (const ClaudeLine& line : file.lines) added.lines.push_back(&line);
    read_meta(added);
  }

  void read_meta(ClaudeAgent& agent) {
    const std::string path = std::string(without_suffix(agent.file)) + std::string(kMetaSuffix);
    const Result<std::string> text = files_->read(path);
    if (!text) return;
    const Result<Json> meta = parse_json(*text);
    if (!meta) {
      ImportTally(agent.counts).not_understood("sub-agent description not JSON");
      return;
    }
    agent.description = meta->text("description");
    agent.tool_use_id = meta->text("toolUseId");
  }

  // --- Mirrored records

  void mirrored(const ClaudeFile& file) {
    for (const ClaudeLine& line : file.lines) {
      if (line.kind != Kind::kAgentProgress) continue;
      const std::string& id = line.agent_id.empty() ? line.tool_use_id : line.agent_id;
      ClaudeAgent* known = agent(id);
      const bool has_own = known != nullptr && !mirrored_only_.contains(id);
      if (has_own || id.empty()) {
        tally_->bookkeeping("progress:agent_progress");
        continue;
      }
      std::optional<ClaudeLine> nested = read_nested_claude_line(line.body);
      if (!nested) {
        tally_->not_understood("agent_progress without a message");
        continue;
      }
      found_.nested.push_back(*std::move(nested));
      ClaudeAgent& agent = known != nullptr ? *known : add_agent(id);
      mirrored_only_.insert(id);
      agent.lines.push_back(&found_.nested.back());
      agent.tool_use_id = line.tool_use_id;
    }
  }

  const std::string& path_;
  SessionFiles* files_;
  ImportTally* tally_;
  ClaudeAgents found_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_set<std::string> mirrored_only_;
};

}  // namespace

ClaudeAgents find_claude_agents(ClaudeFile file, const std::string& path, SessionFiles& files,
                                ImportTally& tally) {
  return Finder(path, files, tally).find(std::move(file));
}

}  // namespace agdb
