#pragma once

#include "ipc/api/route_table.h"

namespace agdb {

// What debug/runs/run_json.h makes, as components: "TraceSummary", "Trace", "Annotation",
// "TraceStats", "TraceAggregate", "TraceList".
void add_run_schemas(RouteTable& table);

}  // namespace agdb
