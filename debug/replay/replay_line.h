#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "debug/record/metadata.h"
#include "debug/record/recorded_event.h"
#include "debug/replay/replay_session.h"

namespace agdb {

struct ReplayLineOptions {
  // Syscalls with every argument, answers and contexts of version 2 with their content, on further
  // lines.
  bool verbose = false;
  // Characters a compact line may have; 0 = not cut.
  std::size_t width = 0;
};

// One recorded event as the replay commands show it, without a final line feed:
// [#001 +0.5s] syscall: Open("/dev/llm/claude") → FD(3) (1.2ms)
std::string replay_line(const RecordedEvent& event, const ReplayLineOptions& options = {});

// A line an event, "► " before the one at the cursor; no final line feed.
std::string replay_list(const std::vector<ReplayListItem>& items, std::size_t width = 0);

// What a recording is, in the reference's six lines and, where version 2 tells more, in further
// ones; no final line feed. `event_count`: the events that could be read.
std::string replay_summary(const RecordingMetadata& metadata, std::size_t event_count);

}  // namespace agdb
