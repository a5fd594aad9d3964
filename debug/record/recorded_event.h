#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// What an event of a recording is. The numbers are for tables and indexes; in events.jsonl stands
// the name. kOther: a type that this version does not know.
enum class EventType : std::uint8_t {
  kOther = 0,
  kSyscall = 1,
  kContextSnapshot = 2,
  kLlmResponse = 3,
  kStateChange = 4,
  kAlert = 5,
  kGap = 6,
};

// "syscall", "context_snapshot", "llm_response", "state_change", "alert", "gap"; else kOther.
EventType event_type_of(std::string_view name);

// The payload of a context_snapshot as it stands in its line. A whole context, whatever the kind of
// its snapshot, comes from Recording::context_at.
struct ContextSnapshot {
  enum class Kind {
    kFull,      // all messages
    kDelta,     // builds on the snapshot `base` of the same context
    kVersion1,  // written by a version-1 recorder: texts only
  };
  Kind kind = Kind::kFull;
  CtxId ctx_id{};
  SeqNum base{};           // kDelta
  std::uint64_t keep = 0;  // kDelta: how many leading messages of the base stay
  // Always there when full; in a delta only when the prompt changed.
  std::optional<std::string> system_prompt;
  // kFull: all; kDelta: those that follow the kept ones; kVersion1: `texts`, split into role and
  // content.
  std::vector<Message> messages;
  // kVersion1 only: the messages as they stand in the file, conventionally "[role] content".
  std::vector<std::string> texts;
  std::int64_t tokens = 0;  // estimated size of the whole context
  std::string hash;         // of the whole context, 32 hex digits; empty in version 1

  bool operator==(const ContextSnapshot&) const = default;
};

// A version-1 text as a message: split at the first "] " behind a leading "["; a text that has no
// such form is a user message whole.
Message message_from_version1(std::string_view text);

// One line of events.jsonl.
struct RecordedEvent {
  using Payload =
      std::variant<std::monostate, Syscall, ContextSnapshot, LlmResponse, StateChange, Alert, Gap>;

  SeqNum seq_num{};
  std::uint64_t n = 0;  // the process's own number of the event; 0 = not told (gaps, version 1)
  Nanoseconds timestamp{0};  // since the process was created
  Pid pid{};
  std::string type;  // as it stands in the line, also when this version does not know it
  // monostate: the type is unknown, or the line has no payload.
  Payload payload;
  // Keys that this version does not know, kept for copying; null when there are none. Those of the
  // payload are in an object under the payload's key.
  Json unknown;

  EventType event_type() const { return event_type_of(type); }
  bool operator==(const RecordedEvent&) const = default;
};

// The key under which events of that type carry their payload: "syscall", "context", "llm",
// "state", "alert", "gap"; empty for kOther.
std::string_view payload_key(EventType type);

// A live event in its recorded form, not yet numbered.
// REQUIRES: not a ContextChange (snapshot_chain.h makes snapshots of those), ProcessStart or
// ProcessEnd.
RecordedEvent to_recorded(const Event& event);

}  // namespace agdb
