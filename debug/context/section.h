#pragma once

#include <string>
#include <string_view>

namespace agdb {

// A blank line and a section's heading with its line feed: "── Title ─────", `dashes` of them
// behind it.
std::string section(std::string_view title, int dashes);

}  // namespace agdb
