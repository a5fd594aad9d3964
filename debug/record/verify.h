#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/record/event_text.h"
#include "runtime/events/result.h"

namespace agdb {

// Something about a recording that is not as it must be.
struct VerifyFinding {
  enum class Kind {
    kLine,      // a line that is no event: syntax, wrong type, too long
    kNumber,    // seq_num out of order, missing, twice
    kType,      // an event of an unknown type, or without its payload
    kSnapshot,  // a delta's base is wrong, a context does not match its hash
    kGap,       // events are missing without a gap event, or a gap event does not fit
    kTail,      // bytes behind the last whole line
    kMetadata,  // a count, the content's hash, the status
    kSum,       // a block of 64 KiB that is not what was written, or events.sum itself
    kIndex,     // events.idx; nothing is lost, it is made again when it is noticed
  };
  Kind kind = Kind::kLine;
  std::uint64_t line = 0;    // from 1; 0 = the recording as a whole
  std::uint64_t offset = 0;  // byte in events.jsonl
  std::string what;

  bool operator==(const VerifyFinding&) const = default;
};

// "line", "number", …: the kind's name in machine-readable output.
const char* name_of(VerifyFinding::Kind kind);

struct VerifyReport {
  std::vector<VerifyFinding> findings;  // in the order of the file, then those of the whole
  std::uint64_t events = 0;             // that can be read
  std::uint64_t snapshots = 0;          // put together and compared with their hash
  std::uint64_t bytes = 0;
  bool live = false;  // still being written: what stands there so far was looked at

  bool ok() const { return findings.empty(); }
};

// Reads a recording's events once from beginning to end, whatever its size, and reports everything
// that is wrong, not the first only. Errors: what Recording::open refuses.
Result<VerifyReport> verify_recording(const std::string& folder, const TextProgress& progress = {});

}  // namespace agdb
