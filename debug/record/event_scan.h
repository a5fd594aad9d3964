#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "debug/record/event_text.h"
#include "debug/record/reader.h"

namespace agdb {

// Goes over the events of a recording one behind the other: the text comes in large pieces, and no
// line is turned into an event that nobody asks for.
//
//   AGDB_TRY(EventScan scan, EventScan::open(recording));
//   while (scan.next()) {
//     if (scan.entry().type == EventType::kLlmResponse) use(scan.event());
//   }
//
// One thread. The recording outlives it, and is not refreshed meanwhile.
class EventScan {
 public:
  // From the event at position `first` up to, not including, the one at `last`.
  static Result<EventScan> open(const Recording& recording, std::size_t first = 0,
                                std::size_t last = SIZE_MAX);

  // Goes to the next event; false behind the last.
  bool next();
  std::size_t position() const { return position_ - 1; }
  // What the index tells of it.
  const EventEntry& entry() const { return entry_; }
  // Its line, without its end; valid until next(). An error when the file cannot be read, or when
  // that is not the line that the index tells of.
  Result<std::string_view> line();
  // The same as Recording::event_at of its position.
  Result<RecordedEvent> event();

 private:
  EventScan(const Recording& recording, EventText text, std::size_t first, std::size_t last);
  Status load();

  const Recording* recording_;
  EventText text_;
  std::size_t position_;  // of the event behind the current one
  std::size_t last_;
  EventEntry entry_;
  std::string piece_;  // of the text
  std::uint64_t piece_offset_ = 0;
};

}  // namespace agdb
