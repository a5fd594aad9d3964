#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/record/event_text.h"
#include "debug/record/metadata.h"
#include "debug/record/recorded_event.h"

namespace agdb {

// Where an event stands in events.jsonl, and what can be known of it without reading its line.
struct EventEntry {
  std::uint64_t offset = 0;  // of the line's first byte
  std::uint32_t length = 0;  // bytes, without the line's end
  EventType type = EventType::kOther;
  SeqNum seq_num{};
  Nanoseconds timestamp{0};
  // The context that a snapshot shows, or that a CtxRead or CtxWrite names; 0 = none.
  CtxId ctx_id{};

  bool operator==(const EventEntry&) const = default;
};

// A line that could not be read, or that stands in the wrong place.
struct LineDamage {
  std::uint64_t line = 0;    // from 1
  std::uint64_t offset = 0;  // bytes
  std::uint64_t length = 0;  // bytes, without the line's end
  std::string why;
  bool skipped = true;  // false: the line is among the events all the same

  bool operator==(const LineDamage&) const = default;
};

// Bytes behind the last line's end that are not a complete event: a writer died in the middle.
struct TornTail {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  bool operator==(const TornTail&) const = default;
};

// A context as it was at some event.
struct RestoredContext {
  CtxId ctx_id{};
  SeqNum snapshot{};         // the snapshot that shows it
  Nanoseconds timestamp{0};  // that snapshot's
  std::string system_prompt = {};
  std::vector<Message> messages = {};
  // Version 1 only: the messages as they stand in the file. There the system prompt is also one of
  // the messages, and tokens and hashes are not known.
  bool version1 = false;
  std::vector<std::string> texts = {};
  // Events were lost between the snapshot and the event asked for, told by this gap event: the
  // context may have changed meanwhile. 0 = none were.
  SeqNum gap{};
  std::int64_t tokens = 0;
  std::string hash = {};                     // of the whole, 32 hex digits
  std::vector<Hash128> message_hashes = {};  // one a message
  std::uint64_t bytes_read = 0;              // of events.jsonl, to put it together
};

// A recording opened for reading: finished, still being written, or left behind by a writer that
// died.
//
//   AGDB_TRY(Recording recording, Recording::open(folder));
//   for (std::size_t i = 0; i < recording.size(); ++i) {
//     AGDB_TRY(RecordedEvent event, recording.event_at(i)); ...
//
// Events are in the order of their numbers (of equal ones, of the file). Opening a recording that
// nobody writes may leave a better events.idx in its folder, and recovers it if its writer died
// (recovery.h); nothing else is written.
// Lines and entries are read from files when they are asked for, so a recording of any size can be
// open. A file that is changed or cut while open gives errors, not wrong events. Const calls: any
// thread.
class Recording {
 public:
  // `folder` is a recording's folder. Errors name the file that is missing or unreadable and
  // contain "metadata" or "events". Damaged lines are no error of opening: see damage().
  // `progress` is told of making an index.
  static Result<Recording> open(const std::string& folder, TextProgress progress = {});
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;
  ~Recording();

  const std::string& folder() const;
  // As the file tells, except that a recording whose writer died has the status "interrupted", and
  // its count is that of the events found.
  const RecordingMetadata& metadata() const;

  // Lines that are events. Of one that begins and ends as the recorder writes them, what stands
  // between is judged only when it is read: where it was damaged since, event_at gives an error.
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  // By position. REQUIRES: index < size(). All zero when events.idx was cut meanwhile: then reading
  // any event gives an error.
  EventEntry entry(std::size_t index) const;
  Result<RecordedEvent> event_at(std::size_t index) const;
  // The line as it stands in the file, without its end.
  Result<std::string> line_at(std::size_t index) const;

  // The line of the event with that number (of several, the first in the file) in `line`, without
  // its end, and what the index tells of it, compared with how the line begins; no event is built
  // of it. Whoever fetches many passes the same string.
  Result<EventEntry> fetch(SeqNum seq, std::string& line) const;
  // By number; of several events with one number the first in the file. Error: "event with SeqNum N
  // not found".
  Result<RecordedEvent> event(SeqNum seq) const;
  std::optional<std::size_t> index_of(SeqNum seq) const;
  // The positions [first, last) of the events numbered from … to, both included.
  std::pair<std::size_t, std::size_t> range(SeqNum from, SeqNum to) const;

  bool has_snapshots() const;
  // The contexts that have snapshots, in order of appearance.
  std::vector<CtxId> contexts() const;
  // The position of the snapshot (of that context, or of any) with the largest number <= seq; `seq`
  // itself need not exist.
  std::optional<std::size_t> snapshot_at_or_before(SeqNum seq,
                                                   std::optional<CtxId> ctx = std::nullopt) const;
  // The context at event `seq`: the nearest snapshot at or before it, put together and checked
  // against its hash. Without `ctx` the context last used by then (snapshot, CtxRead, CtxWrite) is
  // meant. At a CtxWrite it is still the state before. Errors: "no context snapshot found before
  // SeqNum N", "context snapshot #N has no context data"; what is damaged names both numbers
  // involved.
  Result<RestoredContext> context_at(SeqNum seq, std::optional<CtxId> ctx = std::nullopt) const;

  // What was found wrong when opening. Commands that skip something say so.
  const std::vector<LineDamage>& damage() const;
  const std::optional<TornTail>& torn_tail() const;
  // Events of types that this version does not know, by type.
  const std::map<std::string, std::uint64_t>& unknown_types() const;
  // Lines for a person: the writer died, bytes were cut, lines skipped. Empty when all is well.
  const std::vector<std::string>& notes() const;

  // Whether its writer is at work: it will grow.
  bool live() const;
  // Takes in what has been written since, and the end if it came. Returns how many events are new.
  // Entries keep their positions. Not const: no other call at the same time.
  Result<std::size_t> refresh();

 private:
  struct Impl;
  explicit Recording(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
