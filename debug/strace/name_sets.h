#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/events/json.h"

namespace agdb {

// The names that filters know: system calls, event types, and the sets of them. Names are given in
// lower case.

enum class NameSet { kLlm, kTool, kCtx, kFile, kProcess, kAlert };

// "%llm", …
std::optional<NameSet> set_named(std::string_view name);
// "%llm, %tool, …"
std::string set_names();

// Whether agdb knows a call or an event type of that name.
bool is_known_name(std::string_view name);

// Whether an event of that name belongs to the set. Calls that work on a path belong where the path
// does: `args` are the call's (null for other events), `path` is the one behind its descriptor.
bool in_set(NameSet set, std::string_view name, const Json* args, std::string_view path);

}  // namespace agdb
