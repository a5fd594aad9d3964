#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/events/json.h"

namespace agdb {

// Processes of the daemon, as ps and top show them. All functions are pure.

// "0:07", "12:03", "1:02:03": how long, in whole seconds.
std::string clock_text(std::int64_t nanoseconds);
// "0", "950", "12.3k", "1.2M": a number of tokens in at most five characters.
std::string short_count(std::int64_t number);
// "37%", ">999%"; empty without a budget.
std::string budget_share(const Json& process);
// The tokens of the newest model calls as bars of one character each, the newest last; at most
// `width` of them.
std::string sparkline(const Json& recent, std::size_t width);

struct TableRow {
  const Json* process;  // as ipc/README.md tells one
  std::size_t depth = 0;
};
// With `forest`: children below their parents, each deeper; else in the order given.
std::vector<TableRow> table_rows(const std::vector<Json>& processes, bool forest);

// Whether a table has the column of the parents; where a tree shows them it has room for more.
enum class Parents { kShown, kLeftOut };
std::string table_header(Parents parents);
// `width` 0: not cut. Printable.
std::string table_line(const TableRow& row, std::size_t width, Parents parents);

}  // namespace agdb
