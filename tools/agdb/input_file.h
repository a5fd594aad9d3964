#pragma once

#include <cstdint>
#include <string>

#include "runtime/events/result.h"

namespace agdb {

// Files that a person names are read whole up to this size.
inline constexpr std::uint64_t kMaxInputFile = std::uint64_t{4} << 30;

// The whole file; "-" is stdin. Errors name the file and why: missing, a folder, unreadable, too
// large.
Result<std::string> read_input_file(const std::string& path);

}  // namespace agdb
