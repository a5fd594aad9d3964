#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/events/event.h"

namespace agdb {

// Whether the process's own numbers have no hole but where a gap event tells of one, seen event by
// event.
class GapCheck {
 public:
  // `from_birth`: the recording begins with the process's first event.
  explicit GapCheck(bool from_birth) : started_(from_birth) {}

  // What is wrong with the next event's number; nothing when it fits, or is 0 (the event has none).
  std::optional<std::string> next(std::uint64_t n);
  std::optional<std::string> next(const Gap& gap);
  // A line that cannot be read may have carried a number.
  void skip_line() { ++skipped_; }
  // Events that gap events tell of.
  std::uint64_t lost() const { return lost_; }

 private:
  bool started_;
  std::uint64_t last_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace agdb
