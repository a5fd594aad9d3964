#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/event_text.h"
#include "debug/record/index_builder.h"
#include "debug/record/index_store.h"
#include "debug/record/reader.h"

namespace agdb {

// A file that is being made under a name of its own; the name goes when it is not kept.
class UnfinishedFile {
 public:
  UnfinishedFile() = default;
  UnfinishedFile(OwnedFd file, std::string path) : fd(std::move(file)), path_(std::move(path)) {}
  UnfinishedFile(UnfinishedFile&& other) noexcept
      : fd(std::move(other.fd)), path_(std::exchange(other.path_, {})) {}
  UnfinishedFile& operator=(UnfinishedFile&& other) noexcept;
  ~UnfinishedFile();

  // False where the name could not be given.
  bool keep_as(const std::string& path);

  OwnedFd fd;

 private:
  std::string path_;  // empty: nothing to take away
};

// What ends a file with that builder's entries; all zero when the text cannot be read.
IndexTrailer trailer_of(const IndexBuilder& builder, const EventText& text);

// Where the events of a recording stand: read from events.idx as far as that is right, and made
// from events.jsonl for the rest, or for all of it. Holds the whereabouts of contexts, gaps and
// damage in memory; the entries stay in files.
//
// events.idx is never trusted blindly: header, trailer, and the first and last bytes of the text
// that it covers are checked when it is opened; every entry when it is used (whoever reads the line
// sees whether the event stands there); links when they are followed.
class EventIndex {
 public:
  struct Source {
    std::string folder;
    std::string record_id;
    // In version 1 numbers may be missing, repeated and unordered; from 2 on that is damage.
    std::int64_t format_version = 1;
    TextProgress progress = {};  // of making it, in open()
  };
  // Reads no more of the text than it must, up to its end. `has_writer`: as for extend().
  static Result<EventIndex> open(const EventText& text, Source source, bool has_writer);

  // Takes in the lines from where the last call ended. With a writer at work, what stands behind
  // the last line's end is left for later; else it is an event if complete, damage if it is JSON,
  // or torn. Returns how many events are new.
  Result<std::size_t> extend(const EventText& text, bool has_writer);

  // Whether events.idx lacks something that is known here.
  bool is_newer_than_file() const { return is_newer_; }
  // Puts events.idx as it should be in the place of what is there. Readers see the old or the new
  // one as a whole. REQUIRES: no writer.
  Status save(const EventText& text);

  // In the order of numbers; of equal ones in that of the file.
  std::uint64_t size() const { return store_.size(); }
  // REQUIRES: position < size(). All zero when it cannot be read: failed().
  EventEntry entry(std::uint64_t position) const;
  // Of the first event with that number, nothing when there is none. Where no number is missing,
  // that is one small read.
  std::optional<EventEntry> find(SeqNum seq) const;
  // As they stand in the file: up to `most` from there on.
  std::vector<IndexEntry> raw_entries(std::uint64_t position, std::size_t most) const {
    return store_.range(position, most);
  }
  IndexTrailer trailer(const EventText& text) const { return trailer_of(builder_, text); }
  // The index was cut or changed while it was open: what came of it since does not count.
  bool failed() const { return store_.failed(); }
  // Bytes of the text that the entries cover.
  std::uint64_t text_bytes() const { return builder_.next_offset(); }

  // The first position whose number is >= seq.
  std::uint64_t lower_bound(SeqNum seq) const;
  // The first position whose number is > seq.
  std::uint64_t upper_bound(SeqNum seq) const;

  // The contexts that have snapshots, in order of appearance.
  const std::vector<IndexedContext>& contexts() const { return builder_.contexts(); }
  // The newest snapshot, of all contexts or of one, before position `end`.
  std::optional<std::uint64_t> snapshot_before(std::uint64_t end) const;
  std::optional<std::uint64_t> snapshot_before(std::uint64_t end, CtxId ctx) const;
  // Of the context that the events before position `end` used last, the newest snapshot among them.
  // A context that has none there yet does not count.
  std::optional<std::uint64_t> last_used_snapshot(std::uint64_t end) const;
  std::optional<std::uint64_t> gap_before(std::uint64_t end) const;

  const std::vector<LineDamage>& damage() const { return builder_.damage(); }
  const std::optional<TornTail>& torn_tail() const { return torn_tail_; }
  const std::map<std::string, std::uint64_t>& unknown_types() const {
    return builder_.unknown_types();
  }
  const ParseNotes& parse_notes() const { return builder_.parse_notes(); }

 private:
  explicit EventIndex(Source source);
  bool adopt(const EventText& text);
  bool adopt_finished(const EventText& text, OwnedFd file, std::uint64_t size);
  bool adopt_growing(const EventText& text, OwnedFd file, std::uint64_t size);
  void begin(const EventText& text, bool has_writer);
  UnfinishedFile begin_file() const;
  Result<UnfinishedFile> copy_to_file() const;
  void tell_progress(std::uint64_t size) const;
  Status take_many_lines(const EventText& text, std::uint64_t size);
  Status take_lines(const EventText& text, std::uint64_t size);
  Result<bool> take_line(const EventText& text, std::uint64_t size, IndexBuilder::Entries& entries);
  Status take_tail(const EventText& text, std::uint64_t size);
  void sort();
  std::optional<std::uint64_t> follow(std::uint32_t link, std::uint64_t before) const;
  bool is_snapshot(const IndexEntry& entry) const;
  std::string path(std::string_view name) const;

  Source source_;
  IndexBuilder builder_;
  UnfinishedFile filling_;  // the name of the file that store_ appends to
  IndexStore store_;
  std::optional<TornTail> torn_tail_;
  bool is_newer_ = true;
};

}  // namespace agdb
