#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "debug/record/recorded_event.h"

namespace agdb {

// The text of events.jsonl, one event a line. README.md gives the format byte by byte.

// Longer lines are neither written nor read.
inline constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

// What every line begins with.
struct LineHead {
  SeqNum seq_num{};
  std::uint64_t n = 0;  // 0: not the process's own event, and left out
  Nanoseconds timestamp{0};
  Pid pid{};
};

// A snapshot whose messages are text already, so that no message is turned into JSON twice.
struct SnapshotText {
  ContextSnapshot::Kind kind = ContextSnapshot::Kind::kFull;
  CtxId ctx_id{};
  SeqNum base{};
  std::uint64_t keep = 0;
  const std::string* system_prompt = nullptr;  // nullptr: unchanged
  std::string_view messages;                   // their JSON, joined by commas
  std::int64_t tokens = 0;
  Hash128 hash;
};

// Each appends one line with its "\n" straight to `out`: compact, the keys in the format's order,
// free-form objects sorted, empty optional keys left out. Text that is not UTF-8 gets U+FFFD for
// each bad sequence and its bytes beside it as "<key>_base64".
void append_line(std::string& out, const LineHead& head, const Syscall& payload);
void append_line(std::string& out, const LineHead& head, const LlmResponse& payload);
void append_line(std::string& out, const LineHead& head, const StateChange& payload);
void append_line(std::string& out, const LineHead& head, const Alert& payload);
void append_line(std::string& out, const LineHead& head, const Gap& payload);
void append_line(std::string& out, const LineHead& head, const SnapshotText& payload);
// Unknown keys come after the known ones.
void append_line(std::string& out, const RecordedEvent& event);

// Reads a line, without its end: keys in any order, with any white space, and where no key has the
// exact name, one that differs in case only. Missing keys and null give empty values. Errors
// (kCorrupt): no JSON object, a wrong type, longer than kMaxLineBytes, nested too deep. Any thread.
Result<RecordedEvent> parse_line(std::string_view text, ParseNotes* notes = nullptr);

}  // namespace agdb
