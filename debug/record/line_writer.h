#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "debug/record/file.h"
#include "debug/record/sidecars.h"
#include "runtime/events/hash.h"

namespace agdb {

// Lines on their way into events.jsonl: gathered, and handed to the system as a batch.
//
//   append_line(lines.buffer(), …);
//   lines.keep(false);
//   lines.write();
//
// The file ends with a whole line after every write. Where one stopped in the middle of a line and
// the file cannot be cut back either, half a line stands there until a later write completes it.
class LineWriter {
 public:
  // `beside` is told every line that is in the file.
  LineWriter(AppendFile file, std::unique_ptr<RecordingSidecars> beside)
      : file_(std::move(file)), beside_(std::move(beside)) {}

  // To append the text of the next line to; keep() or undo() then.
  std::string& buffer() { return waiting_; }
  // How much was appended since.
  std::size_t pending_bytes() const { return waiting_.size() - kept_bytes(); }
  // That is a line. `is_own`: not an event of the process, but added by its recorder. `head`: what
  // the index wants to know of it, where that is known, so that nobody reads the line again.
  void keep(bool is_own, const EventHead* head = nullptr) {
    const bool known = head != nullptr;
    lines_.push_back({waiting_.size(), is_own, known, known ? *head : EventHead()});
  }
  void undo() { waiting_.resize(kept_bytes()); }

  bool empty() const { return lines_.empty(); }
  std::size_t lines() const { return lines_.size(); }
  std::size_t bytes() const { return waiting_.size(); }

  // Hands over what waits. What could not be written waits on.
  AppendFile::Outcome write();
  // Gives up what waits.
  struct Dropped {
    std::uint64_t lines = 0;
    std::uint64_t events = 0;  // those that are not the recorder's own
  };
  Dropped drop();

  // Whether something was written since the last sync.
  bool unsynced() const { return unsynced_; }
  Status sync();
  Status close() { return file_.close(); }
  // Of the whole lines in the file.
  Hash128 content_hash() const { return hasher_.digest(); }
  // The file is complete; returns the hash of its sums, empty when they are not.
  std::string finish_beside() { return beside_->finish(); }

 private:
  struct Line {
    std::size_t end = 0;  // in waiting_
    bool is_own = false;
    bool has_head = false;
    EventHead head = {};
  };
  std::size_t kept_bytes() const { return lines_.empty() ? 0 : lines_.back().end; }
  void move_to_file(std::size_t bytes);
  void cut_half_line();
  void tell_beside(std::vector<Line>::const_iterator end, std::string_view text);

  AppendFile file_;
  std::unique_ptr<RecordingSidecars> beside_;
  IndexBuilder::Entries seen_;  // scratch
  std::string waiting_;
  std::vector<Line> lines_;
  std::size_t half_line_ =
      0;  // leading bytes of waiting_ that stand at the file's end all the same
  std::uint64_t file_bytes_ = 0;  // of whole lines
  Hasher128 hasher_;
  bool unsynced_ = false;
};

}  // namespace agdb
