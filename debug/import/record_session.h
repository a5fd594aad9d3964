#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "debug/import/session.h"
#include "debug/record/recording_manager.h"

namespace agdb {

struct RecordedSession {
  std::vector<std::string> record_ids;  // by process; empty = could not be recorded
  std::uint64_t events = 0;
};

// Makes the recordings of one import: of every process of its runs, with pids from 1 on. The run
// id of each run is a new one, and so is its trace id where it has none.
//
// A run's root is completed when all other processes of the run are, and the root of the first run
// when all runs are: it is the import's seal. However an import ends before that (the program is
// killed, the disk is full), process 1 is not "completed".
class ImportRecorder {
 public:
  // `options` name the folder and the source; what is made are recordings of all processes.
  // `files` outlives it.
  ImportRecorder(FileSystem& files, RecordingOptions options, RecordingLog log);
  // Without finish the root of the first run ends as "stopped".
  ~ImportRecorder();
  ImportRecorder(const ImportRecorder&) = delete;
  ImportRecorder& operator=(const ImportRecorder&) = delete;

  // `wrote`, which may be empty, is told of each process. An error when not all could be written:
  // what could stays, and there is nothing more to do but to give up.
  Result<RecordedSession> record(const SessionRun& run, const std::function<void()>& wrote = {});
  // All runs are recorded. Once.
  Status finish();

 private:
  struct OpenRun;

  FileSystem& files_;
  const RealClock clock_;
  RecordingOptions options_;
  const RecordingLog log_;
  std::uint64_t next_pid_ = 1;
  std::unique_ptr<OpenRun> first_;
};

// The recordings that an import of a single run makes.
Result<RecordedSession> record_session(const SessionRun& run, RecordingOptions options,
                                       const RecordingLog& log);

}  // namespace agdb
