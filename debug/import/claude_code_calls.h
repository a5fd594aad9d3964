#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "debug/import/session.h"

namespace agdb {

// A tool call of a process, with what links it to the sub-agent that it ran.
struct ClaudeCall {
  std::size_t answer = 0;  // index in the process's items
  std::size_t call = 0;    // index in the answer's tool_calls
  std::string id;
  std::optional<WallTime> time;       // when its record was complete
  std::optional<std::size_t> result;  // index in the items of its result
  std::string spawned_agent;          // as the log names it; may be empty
  std::string spawn_status;
};

// Pairs tool results with calls: a result belongs to the nearest earlier call of its id that has
// none yet. Ids are not unique, so a map by id alone would lose calls.
class ClaudeCalls {
 public:
  void add(ClaudeCall call);
  // The call that a result of `id` belongs to, which is open no longer; nothing when there is none.
  // Valid until the next add.
  ClaudeCall* close(std::string_view id);
  // That call, left open.
  const ClaudeCall* open(std::string_view id) const;
  // The newest call of that id, open or not; nothing when there is none.
  const ClaudeCall* newest(std::string_view id) const;
  // Whether a call of the answer at that item has no result.
  bool has_open_call(std::size_t answer) const;

  std::vector<ClaudeCall>& all() { return calls_; }

 private:
  struct SameId {
    std::size_t newest = 0;
    std::vector<std::size_t> open;
  };

  std::vector<ClaudeCall> calls_;
  std::unordered_map<std::string, SameId> by_id_;
};

}  // namespace agdb
