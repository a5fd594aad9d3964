#pragma once

#include <string>

#include "debug/trace/span_tree.h"
#include "debug/trace/trace_list.h"
#include "tools/agdb/command.h"

namespace agdb {

// Declares the TRACE argument.
Option add_trace_argument(CommandLine& line, const char* name, std::string& into);

// The spans of the trace that a person means: by a record id, a folder or "@" the whole run that
// the recording is of, else by a run id or a trace id all that was recorded of it and what stands
// of it in the folder of traces, each span once; or by a pid the process of the daemon, else the
// newest run that has it. What could not be read goes to stderr.
Result<SpanTree> open_trace(const std::string& typed, Environment& env);

// All traces: of recorded runs and those in files, the newest first. What cannot be read goes to
// stderr.
Result<std::vector<TraceSummary>> all_traces(Environment& env);

}  // namespace agdb
