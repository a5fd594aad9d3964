#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// A session log of another tool, understood but not yet recorded: what happened, in the order in
// which the agent lived it, without the log's own shape. Importers make it; session_events turns it
// into the events of a recording, session_script into a script that the runtime executes.
//
// Absent means that the log does not tell. Nothing here is invented.

// Something from outside changed the context: a person spoke, the context was compacted.
struct SessionEdit {
  enum class Kind { kAppend, kCompact };
  Kind kind = Kind::kAppend;
  std::uint64_t keep = 0;         // kCompact: how many leading messages stay
  std::vector<Message> messages;  // kAppend: exactly one
  std::optional<WallTime> time;
};

// An attempt at a model call that failed and was tried again.
struct SessionFailure {
  std::string error;
  std::optional<WallTime> time;
};

// One model call and its answer: one call whatever number of log records it is spread over.
struct SessionAnswer {
  // content, tool_calls, tokens and times as far as known. response.error: the call failed for
  // good.
  LlmResponse response;
  bool has_usage = false;  // the log gave token counts for this call
  struct Thinking {
    std::string text;
    std::string signature;
  };
  std::vector<Thinking> thinking;
  std::vector<SessionFailure> failures;
  std::optional<WallTime> began;  // when the request left, where the log tells or implies it
  std::optional<WallTime> ended;  // when the answer was complete
};

// The result of a tool call of an earlier answer of the same process.
struct SessionToolResult {
  std::size_t answer = 0;  // index of the SessionAnswer in the process's items
  std::size_t call = 0;    // index in its tool_calls
  std::string content;     // as the model got it
  bool is_error = false;
  std::optional<WallTime> began;
  std::optional<WallTime> ended;
  // Set when the call ran a sub-agent whose transcript is known: its index in
  // SessionRun::processes.
  std::optional<std::size_t> child;
};

using SessionItem = std::variant<SessionEdit, SessionAnswer, SessionToolResult>;

// One agent. Its first edits, up to the first answer, are the messages that it was born with.
struct SessionProcess {
  std::string name;  // the log's id of the agent, for messages
  std::string intent;
  std::string provider = "imported";
  std::string model;  // the first one used
  std::optional<std::string> system_prompt;
  std::vector<SessionItem> items;
  // The process that spawned it, an index in SessionRun::processes; absent for the root. Where the
  // log holds a sub-agent but not the call that ran it, the root is its parent and `spawn` is
  // absent.
  std::optional<std::size_t> parent;
  struct SpawnPoint {
    std::size_t answer = 0;
    std::size_t call = 0;
  };
  std::optional<SpawnPoint> spawn;  // the parent's call
  // When it began and ended, where the log tells more of that than its items' times.
  std::optional<WallTime> began;
  std::optional<WallTime> ended;
  // How it ended: "completed", or what the log says ("max_steps", "interrupted", "log ended").
  std::string exit_reason = "completed";
};

// One run: a root agent and its sub-agents. processes[0] is the root; a parent stands before its
// children.
struct SessionRun {
  std::string name;      // what tells it from the other runs of a file; may be empty
  std::string trace_id;  // the log's own, 32 hex digits; empty: it has none
  std::vector<SessionProcess> processes;
  // Where the times come from: "log", "durations", "order".
  std::string time_source = "order";
  bool times_without_zone = false;  // they were taken as UTC
};

// A whole file or folder, read.
struct SessionLog {
  std::string format;  // "claude-code", "openai-chat", …
  std::vector<SessionRun> runs;
  // What was met and not carried over, by kind ("image block", "line not JSON"), and how often.
  // Kinds that are bookkeeping of the other tool and never part of a run are under `bookkeeping`.
  std::map<std::string, std::uint64_t> not_understood;
  std::map<std::string, std::uint64_t> bookkeeping;
  // Other files that belong to it and were read too (sub-agents).
  std::vector<std::string> companion_files;
};

// What an importer may read beside the file itself: given so that tests need no disk.
class SessionFiles {
 public:
  virtual ~SessionFiles() = default;
  // The whole file. Errors: kNotFound, kIo, kPermission.
  virtual Result<std::string> read(const std::string& path) = 0;
  // The names (not paths) in a folder, sorted; empty when there is no such folder.
  virtual std::vector<std::string> list(const std::string& folder) = 0;
};

}  // namespace agdb
