#include "debug/context/token_history.h"

#include <algorithm>
#include <limits>

#include "debug/context/saturating.h"

namespace agdb {

TokenHistory::TokenHistory(std::int64_t tokens_before, std::uint64_t calls_before)
    : tokens_before_(std::max<std::int64_t>(tokens_before, 0)),
      calls_before_(calls_before),
      tokens_used_(tokens_before_) {}

std::int64_t TokenHistory::steps() const {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return saturating_add(static_cast<std::int64_t>(std::min(calls_before_, most)),
                        static_cast<std::int64_t>(calls_.size()));
}

void TokenHistory::add(const LlmResponse& response, Nanoseconds at) {
  // A provider's negative count is no count.
  const std::int64_t tokens = saturating_add(std::max<std::int64_t>(response.request_tokens, 0),
                                             std::max<std::int64_t>(response.response_tokens, 0));
  tokens_used_ = saturating_add(tokens_used_, tokens);
  calls_.push_back({tokens, compacted_});
  compacted_ = false;
  snapshots_.push_back(
      {steps(), tokens_used_, std::chrono::duration_cast<std::chrono::milliseconds>(at).count()});
}

void TokenHistory::note_removed_messages(std::uint64_t removed) {
  if (removed > 0) compacted_ = true;
}

Growth TokenHistory::growth(Pid pid, std::int64_t context_budget, std::int64_t max_steps) const {
  Growth growth = predict_growth({.pid = pid,
                                  .tokens_used = tokens_used_,
                                  .context_budget = context_budget,
                                  .current_step = steps(),
                                  .max_steps = max_steps,
                                  .history = snapshots_});
  growth.forecast = forecast_calls({.calls = calls_,
                                    .budget = context_budget,
                                    .tokens_before = tokens_before_,
                                    .calls_before = calls_before_});
  return growth;
}

}  // namespace agdb
