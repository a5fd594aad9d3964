#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/event_head.h"
#include "debug/record/event_text.h"
#include "debug/record/index_format.h"
#include "debug/record/number_check.h"

namespace agdb {

// What the entries tell of some whole lines can be known without the lines before, but for links:
// so several threads may look at different ones.

// The type of an entry that stands for a line that must be judged by parse_line; its offset is
// right.
inline constexpr std::uint8_t kUnjudgedType = 0xff;
// Appends one entry for each of the lines, of which the first begins at `offset`. What is around
// the lines up to `readable_end` may be read, too.
void look_at_lines(std::uint64_t offset, std::string_view lines, std::vector<IndexEntry>& out,
                   const char* readable_end = nullptr);
// The entry of a line in our own form; `length` without its end.
IndexEntry own_form_entry(const EventHead& head, std::uint64_t offset, std::size_t length);

// Turns the lines of events.jsonl, seen once in their order, into the entries of the index; used by
// the recorder on what it writes, and by readers on what they find. Keeps little beside the last
// entries' whereabouts: contexts, gaps, damage.
class IndexBuilder {
 public:
  using Entries = std::vector<IndexEntry>;

  // `format_version`: in version 1 numbers may be missing, repeated and unordered; from 2 on that
  // is damage.
  explicit IndexBuilder(std::int64_t format_version) : format_version_(format_version) {}

  // Whole lines, that begin at next_offset(); appends their entries.
  void take(std::string_view lines, Entries& out);
  // The same lines, at which somebody else has looked, with the entries that look_at_lines gave.
  void take(std::string_view lines, const Entries& seen, Entries& out);
  // A line that was looked for in another way: too long, or without its end.
  void take(const LineScanner::Line& line, Entries& out);

  // Goes on from entries made before by another builder: all of them, in order, with no damage
  // between. False: that entry cannot stand there.
  bool resume(const IndexEntry& entry);
  // Goes on from a summary. REQUIRES: a new builder; `last` is the last entry, `newest` the newest
  // snapshot, where there are such.
  void resume(IndexSummary summary, std::uint64_t count, std::uint64_t text_bytes,
              const IndexEntry& last, const IndexEntry& newest);

  // Entries made so far.
  std::uint64_t count() const { return count_; }
  std::uint64_t next_offset() const { return next_offset_; }
  std::uint64_t next_line() const { return next_line_; }
  // Whether the numbers have ascended so far.
  bool sorted() const { return sorted_; }
  // Puts entries that are not sorted in the order of their numbers, and links them anew. REQUIRES:
  // all entries made so far. From then on nothing can be taken any more.
  void sort(Entries& entries);
  // Whether that has happened.
  bool reordered() const { return reordered_; }

  const std::vector<IndexedContext>& contexts() const { return contexts_; }
  const IndexedContext* context(CtxId ctx) const;
  const std::vector<std::uint32_t>& gaps() const { return gaps_; }
  const std::vector<LineDamage>& damage() const { return damage_; }
  const std::map<std::string, std::uint64_t>& unknown_types() const { return unknown_types_; }
  const ParseNotes& parse_notes() const { return notes_; }
  IndexSummary summary() const;

 private:
  void take_slowly(std::string_view line, Entries& out);
  void add(const IndexEntry& seen, Entries& out);
  void link(IndexEntry& entry);
  void skip(std::uint64_t length, std::string why);
  void note(std::uint64_t length, std::string why, bool skipped);

  std::int64_t format_version_;
  std::uint64_t count_ = 0;
  std::uint64_t next_offset_ = 0;
  std::uint64_t next_line_ = 1;
  NumberCheck numbers_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t skipped_ = 0;  // lines since the last entry
  bool sorted_ = true;
  bool reordered_ = false;

  // 1 + position, 0 = none, as in the entries.
  std::uint32_t newest_snapshot_ = 0;
  std::uint64_t newest_ctx_ = 0;
  std::uint32_t newest_of_other_ = 0;
  std::uint32_t newest_used_ = 0;

  std::vector<IndexedContext> contexts_;
  std::map<CtxId, std::size_t> context_at_;  // in contexts_
  std::vector<std::uint32_t> gaps_;
  std::vector<LineDamage> damage_;
  std::map<std::string, std::uint64_t> unknown_types_;
  ParseNotes notes_;
  Entries seen_;  // scratch
};

}  // namespace agdb
