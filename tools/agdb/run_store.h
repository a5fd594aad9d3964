#pragma once

#include <string>
#include <vector>

#include "debug/store/trace_store.h"
#include "tools/agdb/command.h"

namespace agdb {

// The store of the runs whose recordings are in the records dir. What was found wrong with it when
// opening is told on stderr.
Result<TraceStore> open_store(Environment& env);

// Takes the run that these recordings are of into the store, or each of several runs. What goes
// wrong is a warning: the recordings are there, and `agdb runs rebuild` does it again.
void keep_runs(const std::vector<std::string>& record_ids, Environment& env);

struct RebuiltRuns {
  std::size_t runs = 0;
  std::size_t unreadable = 0;
  std::size_t going_on = 0;  // whose recordings are still being written
};
// All runs of the records dir, oldest first. A run that is in the store keeps its id, annotations
// and correlation.
Result<RebuiltRuns> rebuild_runs(TraceStore& store, Environment& env);

// "7", or "@" for the newest: a trace's number as a person types it.
Result<StoredId> stored_id_of(const std::string& typed, const TraceStore& store);

}  // namespace agdb
