#pragma once

#include <span>
#include <string>

#include "debug/runs/run_filter.h"
#include "tools/agdb/command_line.h"

namespace agdb {

// Declares -e on a command that lists runs.
Option add_run_filter(CommandLine& line, std::vector<std::string>& into);
// The filter of what was given there.
Result<RunFilter> run_filter_of(std::span<const std::string> expressions);

}  // namespace agdb
