#pragma once

#include <optional>

#include "debug/record/reader.h"

namespace agdb {

// Where a recording shows its contexts. Without `ctx` snapshots of any context count.

// The snapshot with the largest number <= seq; `seq` itself need not exist. Error: "no context
// snapshot found before SeqNum N", with a hint where the first one is.
Result<SeqNum> nearest_snapshot(const Recording& recording, SeqNum seq,
                                std::optional<CtxId> ctx = std::nullopt);
// The snapshot with the smallest number > seq, or nothing.
std::optional<SeqNum> next_snapshot(const Recording& recording, SeqNum seq,
                                    std::optional<CtxId> ctx = std::nullopt);

}  // namespace agdb
