#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "debug/context/growth.h"
#include "runtime/events/event.h"

namespace agdb {

// Collects what growth and forecast need from a process's events, as they come or as they are read
// from a recording: feed the model's answers and the context changes in order, then ask.
class TokenHistory {
 public:
  TokenHistory() = default;
  // The events before the first that will be told are not known, but what the model calls among
  // them took: a recording that began late. Steps go on from theirs.
  TokenHistory(std::int64_t tokens_before, std::uint64_t calls_before);

  // A model's answer, `at` since the process was created. One answer is one step.
  void add(const LlmResponse& response, Nanoseconds at);
  // The context's leading messages stay, `removed` behind them went: the next call comes after a
  // compaction when anything was removed.
  void note_removed_messages(std::uint64_t removed);

  // Those before included.
  std::int64_t tokens_used() const { return tokens_used_; }
  std::int64_t steps() const;
  // Model calls that were told.
  const std::vector<CallTokens>& calls() const { return calls_; }
  // Cumulative, one a call.
  const std::vector<TokenSnapshot>& snapshots() const { return snapshots_; }

  // Both predictions for a process with these limits (0 = none).
  Growth growth(Pid pid, std::int64_t context_budget, std::int64_t max_steps) const;

 private:
  std::vector<CallTokens> calls_;
  std::vector<TokenSnapshot> snapshots_;
  std::int64_t tokens_before_ = 0;
  std::uint64_t calls_before_ = 0;
  std::int64_t tokens_used_ = 0;
  bool compacted_ = false;
};

}  // namespace agdb
