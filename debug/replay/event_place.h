#pragma once

#include <optional>

#include "debug/record/reader.h"

namespace agdb {

// The first event at which a context is known; none where there is no snapshot.
std::optional<SeqNum> first_context(const Recording& recording);
// The error of asking for a context where there is none yet, with that event as its hint.
Error with_first_context(Error error, const Recording& recording);

// Fails with the range that exists when there is no such event.
Status check_seq(const Recording& recording, SeqNum seq);
// The number that was asked for, which must exist; the last event's without one. A recording
// without events has none.
Result<SeqNum> seq_or_last(const Recording& recording, std::optional<SeqNum> seq);

}  // namespace agdb
