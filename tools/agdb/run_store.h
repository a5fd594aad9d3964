#pragma once

#include <string>
#include <vector>

#include "debug/runs/rebuild.h"
#include "debug/store/trace_store.h"
#include "tools/agdb/command.h"

namespace agdb {

// The store of the runs whose recordings are in the records dir. What was found wrong with it when
// opening is told on stderr; one that was begun anew beside a damaged one is filled first.
Result<TraceStore> open_store(Environment& env);
// The same, but not filled.
Result<TraceStore> open_store_as_it_is(Environment& env);

// Takes the run that these recordings are of into the store, or each of several runs. What goes
// wrong is a warning: the recordings are there, and `agdb runs rebuild` does it again.
void keep_runs(const std::vector<std::string>& record_ids, Environment& env);

// Fills it with all runs of the records dir, showing how far it is, and says what became of them.
Result<Rebuild::Counts> rebuild_runs(TraceStore& store, Environment& env);
std::string rebuilt_text(const Rebuild::Counts& counts);

// "7", or "@" for the newest: a trace's number as a person types it.
Result<StoredId> stored_id_of(const std::string& typed, const TraceStore& store);

}  // namespace agdb
