#pragma once

#include "ipc/api/api_context.h"
#include "ipc/api/route_table.h"

namespace agdb {

// The API, a function a group of paths. `context` outlives the table.
void add_index_routes(RouteTable& table, ApiContext& context);
void add_runs_routes(RouteTable& table, ApiContext& context);
void add_runs_change_routes(RouteTable& table, ApiContext& context);
void add_metrics_routes(RouteTable& table, ApiContext& context);
void add_process_routes(RouteTable& table, ApiContext& context);
void add_recording_routes(RouteTable& table, ApiContext& context);
void add_live_routes(RouteTable& table, ApiContext& context);
void add_export_routes(RouteTable& table, ApiContext& context);
void add_span_routes(RouteTable& table, ApiContext& context);

// All of them.
void add_all_routes(RouteTable& table, ApiContext& context);

}  // namespace agdb
