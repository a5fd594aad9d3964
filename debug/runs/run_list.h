#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/store/trace_store.h"

namespace agdb {

// By what a list of runs is in order, the greatest first.
enum class RunSort { kId, kTime, kLatency, kTokens, kErrors, kRetries, kSteps };
// "id", "time", "latency", …; nothing for a name that is none of them.
std::optional<RunSort> run_sort_of(std::string_view name);
std::vector<std::string> run_sort_names();

// A page of the runs that fit, by whatever they are sorted; of equal ones the newest first. By id
// it is found at once; by anything else all that fit are gone through, of which only as many are
// held as the page takes.
Result<std::vector<RunSummary>> list_sorted(const TraceStore& store, const RunPage& page,
                                            const RunFilter& filter, RunSort sort);

}  // namespace agdb
