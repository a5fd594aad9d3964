#pragma once

#include <cstdint>
#include <optional>

#include "debug/context/token_history.h"
#include "debug/record/reader.h"

namespace agdb {

// What a recorded process had spent by an event.
struct Spending {
  // Of a recording that began late: the sums from before, then its own events.
  TokenHistory history;
  std::int64_t budget = 0;  // that it had then; 0: none
  // Events before such a recording of which nobody knows what they were: at least that was spent.
  std::uint64_t lost_before = 0;
  std::uint64_t unreadable = 0;  // events passed over since their lines could not be read
};

// Up to and including event `upto`; all of it without one.
Spending spending_of(const Recording& recording, std::optional<SeqNum> upto = std::nullopt);

}  // namespace agdb
