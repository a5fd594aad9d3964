#pragma once

#include "debug/secrets/secret_kind.h"
#include "tools/agdb/command.h"

namespace agdb {

// Says on stderr how many secrets of which kinds an export has masked; nothing where there were
// none.
void tell_masked(const MaskCounts& masked, Environment& env);

}  // namespace agdb
