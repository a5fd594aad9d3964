#pragma once

#include <vector>

#include "debug/store/trace_store.h"
#include "ipc/api/api_call.h"

namespace agdb {

// What the routes about traces share: the number in the path, the filters and pages of lists.

Parameter trace_id_parameter();
StoredId trace_id_of(const ApiCall& call);

// flow_name, status, client_key, min_latency_ms, has_errors, tag, since, until, and `e` for the
// expressions of `agdb runs list -e`.
std::vector<Parameter> filter_parameters();
// `now` in unix seconds. A condition that is given twice, by name and by expression, is as `e`
// says.
Result<RunFilter> filter_of(const ApiCall& call, std::int64_t now);

// limit and before.
std::vector<Parameter> page_parameters();
RunPage page_of(const ApiCall& call);

std::vector<Parameter> joined(std::vector<std::vector<Parameter>> lists);

}  // namespace agdb
