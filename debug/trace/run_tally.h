#pragma once

#include <optional>
#include <string_view>

#include "debug/trace/recorded_trace.h"
#include "debug/trace/tally_file.h"

namespace agdb {

// The name of the file in the folder of a run's first recording in which its tally is kept.
inline constexpr std::string_view kTallyName = "trace.tally";

// As long as all files of the run are as they were.
std::optional<KeptTally> read_tally(const RecordedRun& run);
// Keeps it, but not of a run that is being recorded.
void keep_tally(FileSystem& files, const RecordedRun& run, const KeptTally& tally);

}  // namespace agdb
