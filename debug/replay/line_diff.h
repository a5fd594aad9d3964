#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/json.h"

namespace agdb {

// A line of a text compared with another text, or a note that equal lines were left out here.
struct LineChange {
  enum class Kind { kKept, kRemoved, kAdded, kSkipped };
  Kind kind = Kind::kKept;
  std::string text;           // without its line end; empty for kSkipped
  std::uint64_t skipped = 0;  // equal lines left out here; only for kSkipped

  bool operator==(const LineChange&) const = default;
};

// The lines of a text, without their line feeds. A final line feed is followed by one more, empty
// line (so that texts with equal lines are equal); the empty text has none. The views are valid as
// long as the text.
std::vector<std::string_view> split_lines(std::string_view text);

// How `to` differs from `from`, line by line: in each place first what was removed, then what was
// added. Equal lines further than `context` lines from any change are left out, and counted. Empty
// when the lines are equal, and when the two have more than kMaxDiffLines together: nobody reads
// that many, and they are not worth the memory.
inline constexpr std::size_t kMaxDiffLines = std::size_t{1} << 20;
std::vector<LineChange> diff_lines(std::string_view from, std::string_view to,
                                   std::size_t context = 1);

// The share of two texts that is equal, from 0 to 1: their common start, their common end, and of
// what lies between the lines that both have (not looked at in texts of over a MiB). Linear in
// their lengths; 1 for two empty texts.
double similarity(std::string_view a, std::string_view b);

// [{"op":"-","text":…}, {"op":"+",…}, {"op":" ",…}, {"op":"skipped","skipped":N}]
Json to_json(const std::vector<LineChange>& changes);

}  // namespace agdb
