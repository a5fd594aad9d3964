#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/import/import_tally.h"
#include "debug/import/session.h"

namespace agdb {

// One record of a Claude Code session file, with what an importer needs of it. Everything in it
// comes from outside: any field may be empty, wrong or a lie.
struct ClaudeLine {
  enum class Kind : std::uint8_t {
    kUser,
    kAssistant,
    kAttachment,
    kSystem,
    kAgentProgress,  // a sub-agent's record, mirrored into its parent's file
    kLink,           // means nothing to the model, but others hang on it in the tree
  };
  enum class Parent : std::uint8_t { kAbsent, kNull, kNamed };

  Kind kind = Kind::kLink;
  Parent parent_is = Parent::kAbsent;
  bool is_sidechain = false;
  bool is_meta = false;
  bool is_compact_summary = false;
  bool is_api_error = false;
  bool is_display_only = false;  // shown to the person, never sent to the model
  std::string uuid;
  std::string parent_uuid;
  std::string agent_id;
  std::string request_id;
  std::optional<WallTime> time;
  // Of the model call; only versions before 1.0.10 or so tell.
  std::optional<Nanoseconds> took;
  std::optional<double> cost_usd;
  // kUser and kAssistant: the message. kAttachment: the attachment. kSystem: the whole record.
  // kAgentProgress: the sub-agent's record.
  Json body;
  Json rendered;              // kAttachment: what the model got of it, in versions that tell
  std::string spawned_agent;  // kUser with a tool result: the sub-agent that the tool ran
  std::string spawn_status;   // how that went: "completed", "async_launched", …
  std::string tool_use_id;    // kAgentProgress: the call that runs the sub-agent
};

// A session file, read.
struct ClaudeFile {
  struct Summary {
    std::string leaf_uuid;  // the last line of what is summed up; often of another session
    std::string text;
  };

  std::vector<ClaudeLine> lines;         // in the order of writing
  std::vector<std::string> session_ids;  // each once, in order of appearance
  std::string custom_title;
  std::string ai_title;
  std::vector<Summary> summaries;
  std::uint64_t known_records = 0;  // of a type that Claude Code writes
  std::uint64_t records = 0;        // JSON documents of any kind
  Error first_error;                // why the first line that is no JSON is none
};

// Reads the records of a file. Bookkeeping records are counted and gone; what is no JSON, or of an
// unknown type, is counted as not understood.
ClaudeFile read_claude_file(std::string_view text, ImportTally& tally);

// The record that another one carries inside (ClaudeLine::kAgentProgress). Nothing when it is none.
std::optional<ClaudeLine> read_nested_claude_line(const Json& record);

}  // namespace agdb
