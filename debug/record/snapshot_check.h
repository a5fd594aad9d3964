#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/recorded_event.h"

namespace agdb {

// Compares each context snapshot of a recording with its hash, seen in the order of the file,
// without keeping texts: per context the hashes of the newest state only.
class SnapshotCheck {
 public:
  struct State {
    Hash128 prompt;
    std::vector<Hash128> messages;
  };
  // The state that an older snapshot shows, put together from the file; for deltas on others than
  // the one before, which our recorder never writes.
  using OlderState = std::function<std::optional<State>(SeqNum)>;

  explicit SnapshotCheck(OlderState older) : older_(std::move(older)) {}

  // What is wrong with the snapshot; nothing when it is right. Version 1 has nothing to compare.
  std::optional<std::string> next(SeqNum seq_num, const ContextSnapshot& snapshot);
  // Snapshots compared so far.
  std::uint64_t checked() const { return checked_; }

 private:
  struct Newest {
    SeqNum seq_num{};
    std::optional<State> state;  // nothing: it could not be put together
  };
  std::optional<State> base_state(const ContextSnapshot& snapshot);

  OlderState older_;
  std::map<CtxId, Newest> newest_;
  std::uint64_t checked_ = 0;
};

}  // namespace agdb
