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
  // `first_n`: the number of the first event that may stand in the recording; 0 = not known.
  explicit GapCheck(std::uint64_t first_n)
      : started_(first_n > 0), last_(first_n > 0 ? first_n - 1 : 0) {}

  // What is wrong with the next event's number; nothing when it fits, or is 0 (the event has none).
  std::optional<std::string> next(std::uint64_t n);
  std::optional<std::string> next(const Gap& gap);
  // A line that cannot be read may have carried a number.
  void skip_line() { ++skipped_; }
  // Events that gap events tell of.
  std::uint64_t lost() const { return lost_; }

 private:
  bool started_;
  std::uint64_t last_;
  std::uint64_t skipped_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace agdb
