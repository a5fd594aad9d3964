#pragma once

#include <cstdint>
#include <optional>

#include "debug/context/token_history.h"
#include "debug/record/reader.h"

namespace agdb {

// What a recorded process had spent by an event.
struct Spending {
  TokenHistory history;
  std::uint64_t unreadable = 0;  // events passed over since their lines could not be read
};

// Up to and including event `upto`; all of it without one.
Spending spending_of(const Recording& recording, std::optional<SeqNum> upto = std::nullopt);

}  // namespace agdb
