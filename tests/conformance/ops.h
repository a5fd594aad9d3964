#pragma once

#include <map>
#include <string>
#include <string_view>

#include "runtime/events/json.h"
#include "tests/conformance/recordings.h"

namespace agdb::conformance {

// Runs one vector's input through the library. The answer has the form that the vector's `out` is
// compared with; what the library refuses is the answer {"error": its message}. An error means that
// the input itself makes no sense.
using Op = Result<Json> (*)(const Json& in, Recordings& recordings);

// By the name that vectors use. Each group adds its own.
using Ops = std::map<std::string, Op, std::less<>>;
void add_helper_ops(Ops& ops);
void add_record_ops(Ops& ops);
void add_session_ops(Ops& ops);
void add_diff_ops(Ops& ops);
void add_replay_text_ops(Ops& ops);
void add_fork_ops(Ops& ops);
void add_strace_ops(Ops& ops);
void add_context_ops(Ops& ops);
void add_kernel_ops(Ops& ops);
void add_trace_ops(Ops& ops);

// {"error": message}
Json refused(const Error& error);

}  // namespace agdb::conformance
