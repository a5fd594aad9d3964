#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "debug/import/importers.h"

// A vocabulary for Claude Code session files and for what became of them.

namespace agdb {

// Files in memory.
class MemoryFiles final : public SessionFiles {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(const std::string& path) override {
    const auto at = files.find(path);
    if (at == files.end()) return fail(Code::kNotFound, path + " not found");
    return at->second;
  }
  std::vector<std::string> list(const std::string& folder) override {
    const std::string prefix = folder == "." ? "" : folder + (folder.ends_with('/') ? "" : "/");
    std::map<std::string, int> names;
    for (const auto& [path, text] : files) {
      if (!path.starts_with(prefix)) continue;
      const std::string rest = path.substr(prefix.size());
      names[rest.substr(0, rest.find('/'))] = 0;
    }
    std::vector<std::string> out;
    for (const auto& [name, unused] : names) out.push_back(name);
    return out;
  }
};

namespace claude {

// Blocks.
inline Json text(std::string words) {
  return Json::object({{"type", "text"}, {"text", words}});
}
inline Json thinking(std::string words, std::string signature = "sig") {
  return Json::object({{"type", "thinking"}, {"thinking", words}, {"signature", signature}});
}
inline Json use(std::string id, std::string name, Json input = Json::object()) {
  return Json::object({{"type", "tool_use"}, {"id", id}, {"name", name}, {"input", input}});
}
inline Json result(std::string id, Json content, bool is_error = false) {
  Json block = Json::object({{"type", "tool_result"}, {"tool_use_id", id}, {"content", content}});
  if (is_error) block.set("is_error", true);
  return block;
}
inline Json blocks(std::vector<Json> list) {
  return Json(Json::Array(list));
}

// The words of a line's uuid and parent: "" is null, "-" leaves the key out.
struct Place {
  std::string uuid;
  std::string parent;
};

// Writes lines, a second apart.
class Log {
 public:
  explicit Log(std::string session = "sess") : session_(session) {}

  // Any record; the newest one can still be changed.
  Json& line(std::string type, Place place) {
    lines_.push_back(Json::object({{"type", type}, {"sessionId", session_}}));
    Json& json = lines_.back();
    if (place.uuid != "-") json.set("uuid", place.uuid);
    if (place.parent != "-")
      json.set("parentUuid", place.parent.empty() ? Json() : Json(place.parent));
    json.set("timestamp", format_wall_time(time(seconds_++)));
    if (!agent_.empty()) json.set("isSidechain", true).set("agentId", agent_);
    return json;
  }
  Json& user(Place place, Json content) {
    return line("user", place)
        .set("message", Json::object({{"role", "user"}, {"content", content}}));
  }
  Json& answer(Place place, std::string message_id, std::vector<Json> content,
               std::int64_t output_tokens = 1) {
    return line("assistant", place)
        .set("message",
             Json::object({{"id", message_id},
                           {"role", "assistant"},
                           {"model", "claude-x"},
                           {"content", blocks(content)},
                           {"usage", Json::object({{"input_tokens", 3},
                                                   {"cache_creation_input_tokens", 10},
                                                   {"cache_read_input_tokens", 100},
                                                   {"output_tokens", output_tokens}})}}));
  }
  Json& system(Place place, std::string subtype) {
    return line("system", place).set("subtype", subtype);
  }
  Json& attachment(Place place, Json attachment) {
    return line("attachment", place).set("attachment", attachment);
  }
  // From here on the lines are a sub-agent's; "" ends that.
  void agent(std::string id) { agent_ = id; }
  // Says the line that stands at `index` again.
  void again(std::size_t index) { lines_.push_back(lines_[index]); }
  Json& at(std::size_t index) { return lines_[index]; }
  std::size_t size() const { return lines_.size(); }

  std::string text() const {
    std::string text;
    for (const Json& json : lines_) text += dump(json) + "\n";
    return text;
  }
  // A log stands where its text is wanted.
  operator std::string() const { return text(); }  // NOLINT(google-explicit-constructor)

  // The time of the line that was written at that second.
  static WallTime time(int second) {
    return *parse_wall_time("2026-01-01T00:00:00Z") + std::chrono::seconds(second);
  }

 private:
  std::string session_;
  std::string agent_;
  int seconds_ = 0;
  std::vector<Json> lines_;
};

inline constexpr const char* kPath = "/p/sess.jsonl";

inline Result<SessionLog> try_import(const std::string& text, MemoryFiles files = {},
                                     const std::string& path = kPath) {
  return import_claude_code(text, path, files);
}
inline SessionLog import(const std::string& text, const MemoryFiles& files = {},
                         const std::string& path = kPath) {
  Result<SessionLog> log = try_import(text, files, path);
  if (log) return *std::move(log);
  ADD_FAILURE() << log.error().message;
  return {};
}

inline std::string shown(const Message& message) {
  std::string out = message.role + ": " + message.content;
  for (const ToolCall& call : message.tool_calls) out += " [" + call.name + "]";
  return out;
}

// What happened, an item a line: "user: hello", "answer: hi [Read]", "Read: the result",
// "Read failed: …", "failed call: …", "keep 2", "keep 0, then user: a summary".
inline std::vector<std::string> story(const SessionProcess& process) {
  std::vector<std::string> out;
  for (const SessionItem& item : process.items) {
    if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
      const bool failed = !answer->response.error.empty();
      std::string line =
          failed ? "failed call: " + answer->response.error : "answer: " + answer->response.content;
      for (const ToolCall& call : answer->response.tool_calls) line += " [" + call.name + "]";
      out.push_back(line);
    } else if (const auto* result = std::get_if<SessionToolResult>(&item)) {
      const auto& asked = std::get<SessionAnswer>(process.items.at(result->answer));
      out.push_back(asked.response.tool_calls.at(result->call).name +
                    (result->is_error ? " failed: " : ": ") + result->content);
    } else {
      const auto& edit = std::get<SessionEdit>(item);
      std::string line =
          edit.kind == SessionEdit::Kind::kCompact ? "keep " + std::to_string(edit.keep) : "";
      for (const Message& message : edit.messages)
        line += (line.empty() ? "" : ", then ") + shown(message);
      out.push_back(line);
    }
  }
  return out;
}

// The story of the root of a log with one run.
inline std::vector<std::string> story(const SessionLog& log) {
  if (log.runs.size() != 1) return {"runs: " + std::to_string(log.runs.size())};
  return story(log.runs[0].processes.at(0));
}

// What the model has before it in the end, as whoever plays the items would have it.
inline std::vector<std::string> context(const SessionProcess& process) {
  std::vector<std::string> out;
  for (const SessionItem& item : process.items) {
    if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
      if (!answer->response.error.empty()) continue;
      out.push_back(shown({.role = "assistant",
                           .content = answer->response.content,
                           .tool_calls = answer->response.tool_calls}));
    } else if (const auto* result = std::get_if<SessionToolResult>(&item)) {
      out.push_back("tool: " + result->content);
    } else {
      const auto& edit = std::get<SessionEdit>(item);
      if (edit.kind == SessionEdit::Kind::kCompact && edit.keep < out.size()) out.resize(edit.keep);
      for (const Message& message : edit.messages) out.push_back(shown(message));
    }
  }
  return out;
}
inline std::vector<std::string> context(const SessionLog& log) {
  return log.runs.size() == 1 ? context(log.runs[0].processes.at(0)) : std::vector<std::string>{};
}

inline std::vector<const SessionAnswer*> answers(const SessionProcess& process) {
  std::vector<const SessionAnswer*> out;
  for (const SessionItem& item : process.items) {
    if (const auto* answer = std::get_if<SessionAnswer>(&item)) out.push_back(answer);
  }
  return out;
}
inline SessionAnswer nth_answer(const SessionLog& log, std::size_t n = 0) {
  return *answers(log.runs.at(0).processes.at(0)).at(n);
}
inline SessionProcess root_of(const SessionLog& log) {
  return log.runs.at(0).processes.at(0);
}
// Only of a log that lives on.
const SessionProcess& root(SessionLog&&) = delete;
inline const SessionProcess& root(const SessionLog& log) {
  return log.runs.at(0).processes.at(0);
}

inline std::uint64_t count(const std::map<std::string, std::uint64_t>& counts,
                           const std::string& kind) {
  const auto at = counts.find(kind);
  return at == counts.end() ? 0 : at->second;
}

}  // namespace claude
}  // namespace agdb
