#pragma once

#include <cstdint>
#include <map>

#include "debug/store/trace_store.h"
#include "runtime/events/json.h"

namespace agdb {

// Runs as programs read them, over HTTP and from `agdb runs --json`.

// The keys are part of the interface.
Json run_json(const RunSummary& run);
Json run_json(const RunTrace& run);
Json stats_json(const StoreStats& stats, const std::map<int, std::int64_t>& classes);
Json aggregate_json(const RunAggregate& sums);

}  // namespace agdb
