#include "debug/record/event_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/event_head.h"
#include "debug/record/event_line.h"

namespace agdb {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;

}  // namespace

EventScan::EventScan(const Recording& recording, EventText text, std::size_t first,
                     std::size_t last)
    : recording_(&recording), text_(std::move(text)), position_(first), last_(last) {}

Result<EventScan> EventScan::open(const Recording& recording, std::size_t first, std::size_t last) {
  AGDB_TRY(EventText text, EventText::open(recording.folder()));
  return EventScan(recording, std::move(text), first, std::min(last, recording.size()));
}

bool EventScan::next() {
  if (position_ >= last_) return false;
  entry_ = recording_->entry(position_++);
  return true;
}

// Reads the piece of the text that begins with the current line.
Status EventScan::load() {
  AGDB_TRY(const std::uint64_t size, text_.size());
  const std::uint64_t wanted = std::max<std::uint64_t>(entry_.length, kPiece);
  const std::uint64_t rest = size - std::min(size, entry_.offset);
  piece_offset_ = entry_.offset;
  return text_.read(
      entry_.offset,
      static_cast<std::size_t>(std::max<std::uint64_t>(std::min(wanted, rest), entry_.length)),
      piece_);
}

Result<std::string_view> EventScan::line() {
  const bool here = entry_.offset >= piece_offset_ &&
                    entry_.offset + entry_.length <= piece_offset_ + piece_.size();
  if (!here) AGDB_CHECK_OK(load());
  const std::string_view line = std::string_view(piece_).substr(
      static_cast<std::size_t>(entry_.offset - piece_offset_), entry_.length);
  if (begins_with(line, entry_.seq_num)) return line;
  EventHead head;
  // Lines of another form are compared when they are parsed.
  if (read_own_head(line, head) != 0 && head.seq_num != entry_.seq_num) {
    return fail(Code::kCorrupt,
                fmt::format("{}: at byte {} stands event {}, not {}; the file has changed",
                            text_.path(), entry_.offset, raw(head.seq_num), raw(entry_.seq_num)));
  }
  return line;
}

Result<RecordedEvent> EventScan::event() {
  AGDB_TRY(const std::string_view text, line());
  Result<RecordedEvent> event = parse_line(text);
  // Whoever reads it alone tells best what is wrong.
  if (!event || event->seq_num != entry_.seq_num) return recording_->event_at(position());
  return event;
}

}  // namespace agdb
