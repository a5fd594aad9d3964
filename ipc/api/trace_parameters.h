#pragma once

#include <optional>
#include <string>

#include "debug/trace/gathered_trace.h"
#include "ipc/api/api_call.h"
#include "ipc/api/api_context.h"

namespace agdb {

// What the routes about traces share: the name of one, and what it means, as on the command line.
// It is compared with what there is, or checked, before it becomes part of a path.

Parameter trace_parameter(std::string name = "trace", Parameter::In in = Parameter::In::kPath);

// The run of a record id ("@": the newest), of a process of the daemon, of a run id, a trace id or
// a pid; else the kept trace of that id. Errors: no name of any (kInvalid), none there (kNotFound).
Result<TraceSource> trace_source_of(const ApiCall& call, const ApiContext& context,
                                    std::string_view name = "trace");
// The same, but of a run id or a trace id all that there is of it. No spans: there is none.
Result<GatheredTrace> gather_trace_of(const ApiCall& call, const ApiContext& context,
                                      std::string_view name = "trace");

}  // namespace agdb
