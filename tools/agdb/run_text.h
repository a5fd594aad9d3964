#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "debug/store/trace_store.h"

namespace agdb {

// Runs as a person reads them, and as programs do.

// The columns that a table of runs can have, by name: "id", "time", "status", …
std::vector<std::string> run_column_names();
// Empty for a list that names only columns; else what is wrong.
std::string wrong_columns(const std::string& list);
// "id,time,flow" as its names. REQUIRES: wrong_columns found nothing.
std::vector<std::string> columns_of(const std::string& list);

// A table with a head. Columns are as wide as they must be; the last one, if it is a text, has the
// rest of the line and is cut to it; columns that then find no room are left out, the one before
// the last first. width 0: no limit.
std::string run_table(const std::vector<RunSummary>& runs, const std::vector<std::string>& columns,
                      std::size_t width);

// "980ms", "12.3s", "4m05s", "2h07m".
std::string latency_text(std::int64_t ms);
// How often each power of two, with bars as far as the width goes.
std::string histogram_text(const std::map<int, std::int64_t>& classes, std::size_t width);
// "▁▂▅█", a character a number.
std::string sparkline(const std::vector<std::int64_t>& numbers);

}  // namespace agdb
