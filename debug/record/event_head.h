#pragma once

#include <optional>
#include <string_view>

#include "debug/record/recorded_event.h"

namespace agdb {

// What the index keeps of a line: the few members that can be known without reading all of it.
struct EventHead {
  SeqNum seq_num{};
  Nanoseconds timestamp{0};
  EventType type = EventType::kOther;
  // The context that a snapshot shows, or that a CtxRead or CtxWrite names; 0 = none.
  CtxId ctx_id{};
};

// The quick way, for lines as we write them: looks at the first hundred bytes or so of the line
// that begins at `text` (which may go on behind it). Returns the number of bytes looked at, 0 when
// the line is not of that form and the slow way must judge it. What stands behind those bytes is
// not looked at: a syntax error there shows when the event is read, and in verify.
std::size_t read_own_head(std::string_view text, EventHead& head);

// How a line as we write it begins: all that stands in front of the payload, but for the pid.
struct OwnLineStart {
  SeqNum seq_num{};
  Nanoseconds timestamp{0};
  EventType type = EventType::kOther;
  std::uint64_t n = 0;  // 0: not told
};
// Returns where the value begins that stands under the payload's key, 0 when the line is not of
// that form.
std::size_t read_own_start(std::string_view line, OwnLineStart& start);
// Whether a line as we write it begins with this number; false for one of another form, too.
bool begins_with(std::string_view line, SeqNum seq_num);

// The way for any order of keys and any white space: goes over the whole line once, builds nothing.
// Nothing: it cannot tell, and parse_line must: unknown types, keys in another case or twice, null,
// wrong types, errors. In arguments and results, only strings and brackets are looked at.
// `readable`: bytes from the line's first on that may be read; see JsonCursor.
std::optional<EventHead> read_any_head(std::string_view line, std::size_t readable);

// The head of an event that was read whole.
EventHead head_of(const RecordedEvent& event);

}  // namespace agdb
