#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "debug/record/file.h"
#include "debug/record/hash64.h"
#include "debug/record/index_builder.h"
#include "runtime/events/hash.h"

namespace agdb {

// Bytes of text that one sum of events.sum is over.
inline constexpr std::size_t kSumBlockBytes = 64 << 10;

// The sums of a text's blocks, as events.sum holds them: 8 bytes a block, little-endian XXH3-64.
class BlockSums {
 public:
  // The next bytes of the text; appends the sums of the blocks that they fill.
  void take(std::string_view text, std::string& out);
  // The sum of the last, partial block, if there is one.
  void finish(std::string& out);

 private:
  Hasher64 hasher_;
  std::size_t filled_ = 0;  // bytes of the block so far
};

// What grows beside events.jsonl while it is recorded: events.idx and events.sum. Told what has
// been written there, it appends to its files in batches, so they are never ahead of the text; it
// keeps none open. Where that fails, the file is left as it is, which is said once, and the
// recording does not suffer: a reader makes an index again, and the metadata names no sums.
//
// A text of few events has no index: it is made in less than the time that a file takes.
class RecordingSidecars {
 public:
  using Log = std::function<void(const std::string& line)>;

  RecordingSidecars(FileSystem& files, std::string folder, std::string record_id, Log log);

  // Whole lines that have just been written, and what look_at_lines finds in them.
  void take(std::string_view lines, const IndexBuilder::Entries& seen);
  // The text is complete. Returns the hash of events.sum for the metadata; empty when that is not
  // complete.
  std::string finish();

 private:
  struct Growing {
    std::string name;
    std::string waiting = {};
    bool exists = false;
    bool failed = false;
  };
  void append(Growing& file);
  void finish_index();

  FileSystem& files_;
  const std::string folder_;
  const std::string record_id_;
  const Log log_;

  IndexBuilder builder_;
  IndexBuilder::Entries entries_;  // scratch
  std::string head_;               // of the text, as much as the index's proof needs
  std::string tail_;
  Growing index_{.name = "events.idx"};

  BlockSums blocks_;
  Hasher128 sums_hash_;
  Growing sums_{.name = "events.sum"};
};

}  // namespace agdb
