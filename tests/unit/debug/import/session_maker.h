#pragma once

#include <string>
#include <utility>
#include <vector>

#include "debug/import/session.h"

namespace agdb {

// Words in which tests write down what a session log held.

// Milliseconds after an arbitrary moment.
inline WallTime at_ms(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(1'750'000'000'000 + milliseconds));
}

inline SessionEdit says(std::string role, std::string content,
                        std::optional<WallTime> time = std::nullopt) {
  SessionEdit edit;
  edit.messages.push_back({.role = std::move(role), .content = std::move(content)});
  edit.time = time;
  return edit;
}

inline SessionEdit compacts(std::uint64_t keep, std::vector<Message> messages,
                            std::optional<WallTime> time = std::nullopt) {
  return {SessionEdit::Kind::kCompact, keep, std::move(messages), time};
}

inline SessionAnswer answers(std::string content, std::vector<ToolCall> calls = {}) {
  SessionAnswer answer;
  answer.response.content = std::move(content);
  answer.response.tool_calls = std::move(calls);
  return answer;
}

inline SessionAnswer answers_between(WallTime began, WallTime ended, std::string content,
                                     std::vector<ToolCall> calls = {}) {
  SessionAnswer answer = answers(std::move(content), std::move(calls));
  answer.began = began;
  answer.ended = ended;
  return answer;
}

inline SessionAnswer fails(std::string error) {
  SessionAnswer answer;
  answer.response.error = std::move(error);
  return answer;
}

inline ToolCall calls(std::string id, std::string name, Json arguments = Json::object()) {
  return {std::move(id), std::move(name), std::move(arguments)};
}

// The result of the call at that place of the answer at that item.
inline SessionToolResult results(std::size_t answer, std::size_t call, std::string content) {
  SessionToolResult result;
  result.answer = answer;
  result.call = call;
  result.content = std::move(content);
  return result;
}

inline SessionToolResult results_between(WallTime began, WallTime ended, std::size_t answer,
                                         std::size_t call, std::string content) {
  SessionToolResult result = results(answer, call, std::move(content));
  result.began = began;
  result.ended = ended;
  return result;
}

inline SessionToolResult failing(SessionToolResult result) {
  result.is_error = true;
  return result;
}

inline SessionToolResult of_child(std::size_t child, SessionToolResult result) {
  result.child = child;
  return result;
}

inline SessionProcess process_of(std::vector<SessionItem> items) {
  SessionProcess process;
  process.intent = "help";
  process.model = "m";
  process.system_prompt = "Be brief.";
  process.items = std::move(items);
  return process;
}

inline SessionProcess child_of(std::size_t parent, std::string name,
                               std::vector<SessionItem> items) {
  SessionProcess process = process_of(std::move(items));
  process.name = std::move(name);
  process.intent = "look";
  process.parent = parent;
  return process;
}

inline SessionRun run_of(std::vector<SessionItem> items) {
  SessionRun run;
  run.processes.push_back(process_of(std::move(items)));
  return run;
}

}  // namespace agdb
