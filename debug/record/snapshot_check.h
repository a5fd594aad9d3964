#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/recorded_event.h"

namespace agdb {

// A snapshot without its texts.
struct SnapshotHashes {
  ContextSnapshot::Kind kind = ContextSnapshot::Kind::kFull;
  CtxId ctx_id{};
  SeqNum base{};
  std::uint64_t keep = 0;
  std::optional<Hash128> prompt = {};
  std::vector<Hash128> messages = {};
  std::string hash = {};  // 32 hex digits
};
SnapshotHashes hashes_of(const ContextSnapshot& snapshot);

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
  // The same with hashes of the messages as they stand in the line, which another program may have
  // written in another form: when the whole does not match, `exact` gives those of the messages.
  using Exact = std::function<std::optional<SnapshotHashes>()>;
  std::optional<std::string> next(SeqNum seq_num, const SnapshotHashes& snapshot,
                                  const Exact& exact);
  // Snapshots compared so far.
  std::uint64_t checked() const { return checked_; }

 private:
  struct Newest {
    SeqNum seq_num{};
    std::optional<State> state;  // nothing: it could not be put together
  };
  std::optional<State> base_state(const SnapshotHashes& snapshot);

  OlderState older_;
  std::map<CtxId, Newest> newest_;
  std::uint64_t checked_ = 0;
};

}  // namespace agdb
