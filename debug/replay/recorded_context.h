#pragma once

#include <cstdint>
#include <optional>

#include "debug/context/growth.h"
#include "debug/context/profile.h"
#include "debug/replay/spending.h"

namespace agdb {

// What filled a recorded process's context at event `seq`, and where its spending was heading.
// `budget` 0: the one that it had then. `spending` tells what could not be read on the way.

struct RecordedProfile {
  ContextProfile profile;
  Spending spending;
};
// Where there is no context yet, the error names the first event that has one.
Result<RecordedProfile> profile_at(const Recording& recording, SeqNum seq, std::int64_t budget = 0);

struct RecordedGrowth {
  Growth growth;
  Spending spending;
};
RecordedGrowth growth_at(const Recording& recording, SeqNum seq, std::int64_t budget = 0);

}  // namespace agdb
