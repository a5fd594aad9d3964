#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/event_index.h"
#include "debug/record/event_text.h"
#include "debug/record/metadata.h"
#include "debug/record/sidecars.h"

namespace agdb {

// Compares a text with events.sum, and with the hash of all of it in the metadata, as it is read
// from beginning to end.
class BlockCheck {
 public:
  // The next bytes of the text, which begin with (or within) the line of that number.
  void take(std::string_view text);

  struct Result {
    std::string content_hash;  // of what was taken
    struct Block {
      std::uint64_t number = 0;  // from 0
      std::uint64_t first_line = 0;
      std::uint64_t last_line = 0;
    };
    std::vector<Block> damaged;
    std::vector<std::string> others;  // what is wrong with events.sum itself
  };
  // Bytes taken.
  std::uint64_t bytes() const { return bytes_; }
  // Everything was taken.
  Result finish(const std::string& folder, const RecordingMetadata& metadata, bool live);

 private:
  Hasher128 content_;
  BlockSums sums_;
  std::string computed_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 1;                 // number of the line that goes on, or begins, here
  std::vector<std::uint64_t> first_lines_;  // of each block
};

// Compares events.idx, if there is one, with the index that the text gives, as that is read from
// beginning to end.
class IndexCheck {
 public:
  IndexCheck(const std::string& folder, const RecordingMetadata& metadata);

  // Whole lines behind those before, with what look_at_lines found in them.
  void take(std::string_view lines, const IndexBuilder::Entries& seen);
  void take(std::string_view lines);
  // What is wrong. Where not all of the text was taken, or its numbers do not ascend, the text is
  // read again.
  std::vector<std::string> finish(const EventText& text);

 private:
  void compare();
  Status compare_anew(const EventText& text);

  const EventIndex::Source source_;
  OwnedFd file_;
  std::uint64_t size_ = 0;               // of the file
  std::uint64_t limit_ = 0;              // entries to compare
  std::optional<IndexTrailer> trailer_;  // none: it has not come to its end
  bool trailer_is_right_ = false;
  bool is_ours_ = false;
  bool unreadable_ = false;

  IndexBuilder builder_;
  IndexBuilder::Entries entries_;  // to compare
  IndexBuilder::Entries there_;    // scratch
  std::uint64_t compared_ = 0;
  std::uint64_t different_ = 0;
  IndexEntry first_different_;
};

}  // namespace agdb
