#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "debug/record/recorded_event.h"
#include "debug/record/snapshot_check.h"

namespace agdb {

// What verify asks of a line.
struct CheckedLine {
  SeqNum seq_num{};
  std::uint64_t n = 0;
  Pid pid{};
  EventType type = EventType::kOther;
  std::unique_ptr<SnapshotHashes> snapshot = {};  // of a context_snapshot
};

// Checks the whole of a line, its syntax and its known members' types, without building an event of
// it: for lines in the usual form, which are nearly all. Keeps buffers between lines.
class LineCheck {
 public:
  LineCheck();
  ~LineCheck();

  // Nothing: parse_line must judge. That is so for everything out of the ordinary, errors above
  // all.
  // `readable`: bytes from the line's first on that may be read; a line that has a few behind it is
  // not copied.
  std::optional<CheckedLine> read(std::string_view line, std::size_t readable);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace agdb
