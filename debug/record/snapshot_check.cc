#include "debug/record/snapshot_check.h"

#include <fmt/format.h>

namespace agdb {

using Kind = ContextSnapshot::Kind;

namespace {

// The hash of the state that the snapshot's own messages make of the one that it builds on.
std::string apply(const SnapshotHashes& snapshot, SnapshotCheck::State& state) {
  state.messages.resize(static_cast<std::size_t>(snapshot.keep));
  state.messages.insert(state.messages.end(), snapshot.messages.begin(), snapshot.messages.end());
  if (snapshot.prompt) state.prompt = *snapshot.prompt;
  return context_hash(state.prompt, state.messages).hex();
}

}  // namespace

SnapshotHashes hashes_of(const ContextSnapshot& snapshot) {
  SnapshotHashes hashes{.kind = snapshot.kind,
                        .ctx_id = snapshot.ctx_id,
                        .base = snapshot.base,
                        .keep = snapshot.keep,
                        .hash = snapshot.hash};
  if (snapshot.system_prompt) hashes.prompt = xxh3_128(*snapshot.system_prompt);
  for (const Message& message : snapshot.messages) hashes.messages.push_back(hash_of(message));
  return hashes;
}

std::optional<SnapshotCheck::State> SnapshotCheck::base_state(const SnapshotHashes& snapshot) {
  if (snapshot.kind == Kind::kFull) return State{.prompt = xxh3_128({}), .messages = {}};
  const auto newest = newest_.find(snapshot.ctx_id);
  if (newest != newest_.end() && newest->second.seq_num == snapshot.base)
    return std::exchange(newest->second.state, std::nullopt);
  return older_(snapshot.base);
}

std::optional<std::string> SnapshotCheck::next(SeqNum seq_num, const ContextSnapshot& snapshot) {
  if (snapshot.kind == Kind::kVersion1) return std::nullopt;
  return next(seq_num, hashes_of(snapshot), [] { return std::nullopt; });
}

std::optional<std::string> SnapshotCheck::next(SeqNum seq_num, const SnapshotHashes& snapshot,
                                               const Exact& exact) {
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
  std::string hash = apply(snapshot, *state);
  if (hash != snapshot.hash) {
    if (const std::optional<SnapshotHashes> other = exact()) hash = apply(*other, *state);
  }
  newest.state = std::move(state);
  if (hash == snapshot.hash) return std::nullopt;
  return fmt::format(
      "context snapshot #{} does not match its hash: \"{}\" is written there, the "
      "messages give {}",
      raw(seq_num), snapshot.hash, hash);
}

}  // namespace agdb
