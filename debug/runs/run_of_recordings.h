#pragma once

#include <string>
#include <vector>

#include "debug/record/records_dir.h"
#include "debug/store/trace_store.h"

namespace agdb {

// Where the store of the recordings in a folder lies: "store.db" beside a folder called "records"
// (.agdb/store.db), within any other, so that nothing is written outside of what a person named.
std::string store_path(const std::string& records_dir);

// The recordings of one run, root first.
struct RecordedParts {
  std::vector<ListedRecording> recordings;
};

// Recordings by run, oldest run first.
std::vector<RecordedParts> by_run(std::vector<ListedRecording> recordings);
// Whether the processes of a run have all ended, as far as they are recorded.
bool has_ended(const RecordedParts& run);

// A run in one trace; README.md says what comes from where. Lines that cannot be read are passed
// over. An error when a recording cannot be opened. REQUIRES: at least one recording.
// `store` tells the traces of the runs that others continue.
Result<RunTrace> run_trace_of(const RecordedParts& run, const TraceStore& store,
                              const std::string& records_dir);

}  // namespace agdb
