#pragma once

#include <cstdint>
#include <functional>

#include "debug/record/file.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/trace_list.h"

namespace agdb {

// What a list shows of a recorded run.
struct RunTally {
  TraceTally tally;
  std::uint64_t damaged_lines = 0;
};

// The name of the file in the folder of a run's first recording in which its tally is kept.
inline constexpr std::string_view kTallyName = "trace.tally";

// The tally of a run that has ended is kept in a file (README.md has its form), so that a list of
// many runs need not derive the spans of each. It counts as long as the names, sizes and times of
// change of all files that it was made of are the same; nothing otherwise, which is no error.
std::optional<RunTally> read_tally(const RecordedRun& run);
// Keeps it, but not of a run that is being recorded. What cannot be written is derived again.
void keep_tally(FileSystem& files, const RecordedRun& run, const RunTally& tally);

}  // namespace agdb
