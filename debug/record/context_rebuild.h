#pragma once

#include <cstddef>

#include "debug/record/reader.h"

namespace agdb {

// The context that the snapshot at that position shows: follows the deltas back to where nothing is
// missing any more, and checks the result against the snapshot's hash. Errors name the snapshot and
// the one that it was built on. REQUIRES: a context_snapshot event stands there.
Result<RestoredContext> rebuild_context(const Recording& recording, std::size_t index);

}  // namespace agdb
