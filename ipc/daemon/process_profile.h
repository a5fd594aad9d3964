#pragma once

#include <cstdint>

#include "debug/context/profile.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// What fills a context of a living process, out of what the daemon tells of the process
// (process.info) and of the context (one of process.context). `budget` 0: the process's.
Result<ContextProfile> profile_of_process(const Json& process, const Json& context,
                                          std::int64_t budget = 0);

}  // namespace agdb
