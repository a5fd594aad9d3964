#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/store/database.h"
#include "debug/store/trace_store.h"

namespace agdb {

// Lists of traces, newest first, out of a filter. REQUIRES of all: one read transaction.

// Each condition of the filter could lead through an index; the one that the fewest traces meet
// does, and the others are looked at of each trace it leads to.
Result<std::vector<RunSummary>> list_runs(Database& database, const RunFilter& filter,
                                          const RunPage& page);
// Of those, the ones that the full-text index finds for a match expression.
Result<std::vector<RunSummary>> list_matches(Database& database, std::string_view match,
                                             const RunFilter& filter, const RunPage& page);
Result<std::vector<RunSummary>> list_correlated(Database& database,
                                                std::string_view correlation_id);

}  // namespace agdb
