#pragma once

#include <string>
#include <vector>

#include "debug/import/session.h"
#include "debug/record/metadata.h"
#include "tools/agdb/command.h"

namespace agdb {

// A session log read from disk, before it is recorded.
struct ReadLog {
  std::string path;
  RecordingSource source;
  SessionLog log;
};

// Reads and understands a file. `format`: empty = by looking at it. An error when it is in no
// format that agdb knows.
Result<ReadLog> read_log(const std::string& path, const std::string& format);

struct LogFiles {
  std::vector<std::string> paths;
  std::size_t own_recordings = 0;  // folders that were not entered: agdb's own
};

// The regular files below a folder that can be session logs (*.json, *.jsonl), in natural order,
// those of a parent before those of its sub-agents. A file is itself; one of a recording of agdb's
// own is an error.
Result<LogFiles> log_files(const std::string& path);

struct ImportedRun {
  std::size_t run = 0;                  // index in the log
  std::vector<std::string> record_ids;  // by process; empty = could not be recorded
  std::uint64_t events = 0;
};

// Writes a recording for every process of the log's runs, in the records dir. The last that it does
// is to complete that of the first process.
Result<std::vector<ImportedRun>> record_log(const ReadLog& read, Environment& env);

}  // namespace agdb
