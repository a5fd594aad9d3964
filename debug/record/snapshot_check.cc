#include "debug/record/snapshot_check.h"

#include <fmt/format.h>

namespace agdb {

using Kind = ContextSnapshot::Kind;

std::optional<SnapshotCheck::State> SnapshotCheck::base_state(const ContextSnapshot& snapshot) {
  if (snapshot.kind == Kind::kFull) return State{.prompt = xxh3_128({}), .messages = {}};
  const auto newest = newest_.find(snapshot.ctx_id);
  if (newest != newest_.end() && newest->second.seq_num == snapshot.base)
    return std::exchange(newest->second.state, std::nullopt);
  return older_(snapshot.base);
}

std::optional<std::string> SnapshotCheck::next(SeqNum seq_num, const ContextSnapshot& snapshot) {
  if (snapshot.kind == Kind::kVersion1) return std::nullopt;
  ++checked_;
  std::optional<State> state = base_state(snapshot);
  Newest& newest = newest_[snapshot.ctx_id];
  newest = {.seq_num = seq_num, .state = std::nullopt};
  if (!state || snapshot.base >= seq_num) {
    return fmt::format("context snapshot #{} builds on #{}, which is not there for it",
                       raw(seq_num), raw(snapshot.base));
  }
  if (snapshot.keep > state->messages.size()) {
    return fmt::format("context snapshot #{} keeps {} messages of #{}, which has {}", raw(seq_num),
                       snapshot.keep, raw(snapshot.base), state->messages.size());
  }
  state->messages.resize(static_cast<std::size_t>(snapshot.keep));
  for (const Message& message : snapshot.messages) state->messages.push_back(hash_of(message));
  if (snapshot.system_prompt) state->prompt = xxh3_128(*snapshot.system_prompt);
  const std::string hash = context_hash(state->prompt, state->messages).hex();
  newest.state = std::move(state);
  if (hash == snapshot.hash) return std::nullopt;
  return fmt::format(
      "context snapshot #{} does not match its hash: \"{}\" is written there, the "
      "messages give {}",
      raw(seq_num), snapshot.hash, hash);
}

}  // namespace agdb
