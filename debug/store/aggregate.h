#pragma once

#include <cstdint>

#include "debug/store/database.h"
#include "debug/store/trace_store.h"

namespace agdb {

// Of all traces: from the sums that are kept, and the latencies of those classes that a percentile
// falls into. REQUIRES: one read transaction.
Result<RunAggregate> aggregate_all(Database& database);
// Of those with a time of `since` (unix seconds) and later: one pass over an index that holds all
// that is asked for.
Result<RunAggregate> aggregate_since(Database& database, std::int64_t since);

}  // namespace agdb
