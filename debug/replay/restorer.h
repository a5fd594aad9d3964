#pragma once

#include <optional>

#include "debug/record/reader.h"
#include "debug/replay/fork_context.h"

namespace agdb {

// The context at event `seq`, ready to be edited and continued from. `seq` need not exist. Without
// `ctx` the context last used by then is meant. Errors: "fork: no context snapshot found before
// SeqNum N", "fork: context snapshot #N has no context data", and what the reader says of damage.
Result<ForkContext> restore(const Recording& recording, SeqNum seq,
                            std::optional<CtxId> ctx = std::nullopt);

}  // namespace agdb
