#include "debug/replay/recorded_context.h"

#include <span>
#include <utility>

#include "debug/replay/event_place.h"

namespace agdb {

Result<RecordedProfile> profile_at(const Recording& recording, SeqNum seq, std::int64_t budget) {
  const Result<RestoredContext> context = recording.context_at(seq);
  if (!context) return std::unexpected(with_first_context(context.error(), recording));
  Spending spending = spending_of(recording, seq);
  ProfileInput input;
  input.pid = recording.metadata().pid;
  input.ctx_id = context->ctx_id;
  input.tokens_used = spending.history.tokens_used();
  input.context_budget = budget != 0 ? budget : spending.budget;
  input.system_prompt = context->system_prompt;
  input.messages = borrow(std::span<const Message>(context->messages));
  ContextProfile profile = profile_context(input);
  return RecordedProfile{std::move(profile), std::move(spending)};
}

RecordedGrowth growth_at(const Recording& recording, SeqNum seq, std::int64_t budget) {
  Spending spending = spending_of(recording, seq);
  const RecordingMetadata& metadata = recording.metadata();
  Growth growth = spending.history.growth(metadata.pid, budget != 0 ? budget : spending.budget,
                                          metadata.max_steps);
  return {std::move(growth), std::move(spending)};
}

}  // namespace agdb
