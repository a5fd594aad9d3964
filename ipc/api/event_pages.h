#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "debug/record/reader.h"
#include "debug/replay/recorded_subjects.h"
#include "debug/secrets/secret_kind.h"

namespace agdb {

// The events of a recording that fit, as lines as they stand in it, piece by piece.
class EventPages {
 public:
  struct Wanted {
    SeqNum from{};
    SeqNum to{};
    std::uint64_t limit = 0;
    Filter filter;
    bool raw = false;  // secrets stay as they are
  };
  EventPages(Recording recording, Wanted wanted);

  // Appends lines, each with `separator` behind it, until so many bytes are there; false: that was
  // the last.
  Result<bool> next(std::string& out, std::string_view separator, std::size_t bytes);

  // The first that fits and is beyond the limit; nothing: there is none.
  std::optional<SeqNum> more() const { return more_; }
  std::uint64_t unreadable() const { return unreadable_; }
  const MaskCounts& masked() const { return masked_; }

 private:
  Result<bool> fits(std::size_t index);

  Recording recording_;
  Wanted wanted_;
  RecordedSubjects subjects_;
  std::size_t next_ = 0;
  std::size_t end_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t unreadable_ = 0;
  std::optional<SeqNum> more_;
  MaskCounts masked_;
};

}  // namespace agdb
