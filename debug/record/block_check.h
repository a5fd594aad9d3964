#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/record/event_text.h"
#include "debug/record/metadata.h"
#include "debug/record/sidecars.h"

namespace agdb {

// Compares a text with events.sum, and with the hash of all of it in the metadata, as it is read
// from beginning to end; and events.idx with the index that the text gives.
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

// What is wrong with events.idx, if there is one.
std::vector<std::string> check_index(const EventText& text, const std::string& folder,
                                     const RecordingMetadata& metadata);

}  // namespace agdb
