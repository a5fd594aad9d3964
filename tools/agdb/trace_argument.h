#pragma once

#include <string>

#include "debug/trace/gathered_trace.h"
#include "debug/trace/span_tree.h"
#include "tools/agdb/command.h"

namespace agdb {

// Declares the TRACE argument.
Option add_trace_argument(CommandLine& line, const char* name, std::string& into);

// The run that a person means by a record id, a folder or "@"; else by the pid of a process that
// the daemon knows, if anything is recorded or kept of it; else by a run id, a trace id or a pid;
// else the kept trace of that id.
Result<TraceSource> find_source(const std::string& typed, Environment& env);

// The spans of the trace that a person means: by a record id, a folder or "@" the whole run that
// the recording is of, else by a run id or a trace id all that was recorded of it and what stands
// of it in the folder of traces, each span once; or by a pid the process of the daemon, else the
// newest run that has it. What could not be read goes to stderr.
Result<SpanTree> open_trace(const std::string& typed, Environment& env);

// All traces: of recorded runs and those in files, the newest first. What cannot be read goes to
// stderr.
Result<std::vector<TraceSummary>> all_traces(Environment& env);

}  // namespace agdb
