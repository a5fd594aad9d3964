#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/import/session.h"
#include "debug/record/recording_manager.h"

namespace agdb {

struct RecordedSession {
  std::vector<std::string> record_ids;  // by process; empty = could not be recorded
  std::uint64_t events = 0;
};

// Makes a recording of every process of a run, with pids from `first` on; the run id is a new one,
// and so is the trace id where the run has none. `options` name the folder and the source; what is
// made of them are recordings of all. An error when not all could be written: what could stays.
Result<RecordedSession> record_session(const SessionRun& run, Pid first, RecordingOptions options,
                                       const RecordingLog& log);

}  // namespace agdb
