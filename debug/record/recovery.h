#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/record/file.h"

namespace agdb {

// What recovery found and did.
struct RecoveryReport {
  bool recovered = false;  // false: there was nothing to do, the recording had ended
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;              // of text that is kept
  std::uint64_t torn_bytes = 0;         // moved from the end of events.jsonl to events.torn
  std::uint64_t summed_bytes = 0;       // of text whose sums its writer had not written
  std::vector<std::string> notes = {};  // lines for a person
};

// Ends a recording whose writer died, in place of the writer and under its lock: bytes behind the
// last whole line move to events.torn, index and sums are completed, and the metadata says
// "interrupted" and counts. Whoever is killed in the middle of this leaves a recording that can be
// recovered again; at worst the torn bytes stand in events.torn twice.
//
// Errors: its writer is at work (kInvalid), version 1 (kUnsupported), the folder cannot be written.
// Opening a Recording does this by itself where it can.
Result<RecoveryReport> recover_recording(FileSystem& files, const std::string& folder);

}  // namespace agdb
