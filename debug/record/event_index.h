#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/event_text.h"
#include "debug/record/number_check.h"
#include "debug/record/reader.h"

namespace agdb {

// Where the events of a recording stand: made by reading events.jsonl through once, line by line,
// with every line checked in full. Holds entries only, no texts.
class EventIndex {
 public:
  // `format_version`: in version 1 numbers may be missing, repeated and unordered; from 2 on that
  // is damage.
  explicit EventIndex(std::int64_t format_version) : format_version_(format_version) {}

  // Takes in the lines from where the last call ended. With a writer at work, what stands behind
  // the last line's end is left for later; else it is an event if complete, damage if it is JSON,
  // or torn. Returns how many events are new.
  Result<std::size_t> extend(const EventText& text, bool has_writer);

  // In the order of numbers; of equal ones in that of the file.
  const std::vector<EventEntry>& entries() const { return entries_; }
  // The first position whose number is >= seq.
  std::size_t lower_bound(SeqNum seq) const;
  // The first position whose number is > seq.
  std::size_t upper_bound(SeqNum seq) const;

  // Positions of the snapshots, of all contexts or of one.
  const std::vector<std::size_t>& snapshots() const { return snapshots_; }
  const std::vector<std::size_t>& snapshots_of(CtxId ctx) const;
  // The contexts that have snapshots, in order of appearance.
  const std::vector<CtxId>& contexts() const { return contexts_; }
  // Of the context that the events before position `end` used last, the newest snapshot among them.
  // A context that has none there yet does not count.
  std::optional<std::size_t> last_used_snapshot(std::size_t end) const;
  // Positions of gaps.
  const std::vector<std::size_t>& gaps() const { return gaps_; }

  const std::vector<LineDamage>& damage() const { return damage_; }
  const std::optional<TornTail>& torn_tail() const { return torn_tail_; }
  const std::map<std::string, std::uint64_t>& unknown_types() const { return unknown_types_; }
  const ParseNotes& parse_notes() const { return parse_notes_; }

 private:
  void take(const LineScanner::Line& line);
  void take_tail(const LineScanner::Line& line);
  void add(const LineScanner::Line& line, const RecordedEvent& event);
  void skip(const LineScanner::Line& line, std::string why);
  void note(const LineScanner::Line& line, std::string why, bool skipped);
  void list(std::size_t index);
  void sort();

  const std::int64_t format_version_;
  std::vector<EventEntry> entries_;
  std::vector<std::size_t> snapshots_;
  std::map<CtxId, std::vector<std::size_t>> snapshots_of_;
  std::vector<CtxId> contexts_;
  std::vector<std::size_t> context_uses_;  // snapshots, and events that name a context
  std::vector<std::size_t> gaps_;
  std::vector<LineDamage> damage_;
  std::optional<TornTail> torn_tail_;
  std::map<std::string, std::uint64_t> unknown_types_;
  ParseNotes parse_notes_;

  std::uint64_t next_offset_ = 0;  // of the first line not seen
  std::uint64_t next_line_ = 1;
  NumberCheck numbers_;
  bool sorted_ = true;
};

}  // namespace agdb
