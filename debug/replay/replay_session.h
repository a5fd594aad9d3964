#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "debug/record/reader.h"
#include "debug/replay/context_diff.h"
#include "debug/replay/fork_context.h"
#include "debug/strace/filter.h"

namespace agdb {

struct ReplayPosition {
  std::int64_t cursor = -1;  // by position in the recording; -1 = not started
  std::size_t total = 0;

  bool operator==(const ReplayPosition&) const = default;
};

struct ReplayListItem {
  RecordedEvent event;
  bool is_cursor = false;
};

enum class SearchDirection { kForward, kBackward };
using EventPredicate = std::function<bool(const RecordedEvent&)>;

struct SearchResult {
  std::optional<RecordedEvent> event;  // nothing: no such event in that direction
  std::uint64_t unreadable = 0;        // events passed over since their lines could not be read
};

// Moves a cursor through a recording, forwards and backwards, and asks at it. Knows nothing of
// commands.
//
//   ReplaySession session(recording);
//   AGDB_TRY(RecordedEvent first, session.next());
//   AGDB_TRY(ContextDiff diff, session.diff_from_cursor(SeqNum{40}));
//
// Positions count by place, go_to takes an event's number, so that holes in the numbering do no
// harm. The cursor begins before the first event. Whatever fails leaves the cursor where it was,
// also when an event's line turns out to be unreadable. next and prev cost one line, go_to a binary
// search. The recording outlives the session; it may grow (Recording::refresh) between calls. One
// thread.
class ReplaySession {
 public:
  explicit ReplaySession(const Recording& recording) : recording_(&recording) {}

  // "replay: already at end of recording"
  Result<RecordedEvent> next();
  // "replay: already at beginning of recording"
  Result<RecordedEvent> prev();
  // "replay: event with SeqNum N not found"
  Result<RecordedEvent> go_to(SeqNum seq);
  // The last event that began at or before `time`. "replay: no event at or before +1.5s"
  Result<RecordedEvent> go_to_time(Nanoseconds time);
  // "replay: recording is empty"
  Result<RecordedEvent> go_to_first();
  Result<RecordedEvent> go_to_last();
  // "replay: no current event (not started)"
  Result<RecordedEvent> current() const;
  ReplayPosition position() const;

  // The events up to `reach` before and behind the cursor; none when not started.
  Result<std::vector<ReplayListItem>> list(std::size_t reach) const;

  // The nearest event behind (or before) the cursor that `wanted` takes; the cursor moves to it,
  // and stays when there is none. Not started: forwards from the first event; backwards finds
  // nothing.
  SearchResult find(SearchDirection direction, const EventPredicate& wanted);
  // The same for a filter, which sees what Reads and Writes are about only when the recording is
  // read from its beginning: so the cost is that of all events up to the one found (backwards: the
  // cursor).
  SearchResult find(SearchDirection direction, const Filter& filter);

  Result<ContextDiff> diff(SeqNum from, SeqNum to) const;
  // From the event at the cursor; errors as current and diff.
  Result<ContextDiff> diff_from_cursor(SeqNum to) const;

  // The context at the cursor; errors as current and restore.
  Result<ForkContext> fork() const;
  // "replay: record_reader: event with SeqNum N not found"
  Result<ForkContext> fork_at(SeqNum seq) const;

  const Recording& recording() const { return *recording_; }

 private:
  Result<RecordedEvent> move_to(std::size_t index);
  Result<SeqNum> current_seq() const;

  const Recording* recording_;
  std::optional<std::size_t> cursor_;
};

// Takes events in whose verbose text (replay_line.h) `text` occurs; ASCII letters match in either
// case.
EventPredicate contains_text(std::string_view text);

}  // namespace agdb
