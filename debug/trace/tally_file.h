#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "debug/record/file.h"
#include "debug/trace/trace_list.h"

namespace agdb {

// What a list shows of a run or of a kept trace.
struct KeptTally {
  TraceTally tally;
  std::uint64_t damaged_lines = 0;
};

// Tallies in files (README.md has their form), so that a list need not read all spans of
// everything. One counts as long as the files that it was made of are the same.

// [size, time of change in ns] of a file, appended to a list; -1 where there is none.
void append_file_state(Json& state, const std::string& path);

// Nothing where there is none, or it was made of something else, which is no error.
std::optional<KeptTally> read_tally_file(const std::string& path, const Json& made_of);
// What cannot be written is counted again.
void keep_tally_file(FileSystem& files, const std::string& path, const Json& made_of,
                     const KeptTally& tally);

}  // namespace agdb
