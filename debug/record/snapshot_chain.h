#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "debug/record/event_line.h"
#include "runtime/events/event.h"

namespace agdb {

// The writer's side of context snapshots: keeps the contexts of one process as their changes tell
// them, and writes each state as a full snapshot or as a delta on the one before.
//
//   if (chain.take(change)) {
//     chain.append_line(out, head, change.ctx_id);   // not yet part of the chain
//     chain.written(change.ctx_id, head.seq_num, bytes);
//   }
//
// Full at a context's first appearance and after restart(); else a delta, unless rebuilding would
// then read more than about twice the context's own bytes (a compaction, many edits, many tiny
// messages). Messages are shared with whoever made them; each is hashed once.
class SnapshotChain {
 public:
  // Brings the context up to date. False: the change does not fit what is known of the context,
  // since changes before it were lost; then it is not taken, and from here on only one that tells
  // the whole context (keep 0, with a prompt) is.
  bool take(const ContextChange& change);

  // Appends the line of a snapshot of that context. REQUIRES: take() has returned true for it.
  void append_line(std::string& out, const LineHead& head, CtxId ctx);
  // The line stands in the recording, `bytes` long: the next snapshot may build on it.
  void written(CtxId ctx, SeqNum seq_num, std::uint64_t bytes);

  // From here on each context begins with a full snapshot, as the format wants it after a gap.
  void restart();
  // Events were lost on the way here, perhaps changes among them: as restart(), and a context
  // counts as known again only when its next change fits (its size in tokens tells).
  void doubt();
  // The contexts whose state is known for sure and stands nowhere since restart().
  std::vector<CtxId> unwritten() const;
  // The process has given the context up.
  void forget(CtxId ctx);

 private:
  struct Context {
    std::shared_ptr<const std::string> prompt;
    Hash128 prompt_hash;
    std::vector<MessagePtr> messages;
    // Of the leading messages; the rest was never written. `ends`: the bytes of the JSON of all
    // messages up to this one.
    std::vector<Hash128> hashes;
    std::vector<std::uint64_t> ends;
    std::int64_t tokens = 0;
    enum class Knowledge { kSure, kDoubtful, kUnknown };
    Knowledge knowledge = Knowledge::kSure;

    SeqNum base{};               // the newest snapshot written; 0 = none to build on
    std::uint64_t keep = 0;      // leading messages that are as in the base
    bool prompt_changed = true;  // since the base
    // Of the lines that must be read to rebuild the base, and so whatever builds on it.
    std::uint64_t chain_bytes = 0;
    bool last_was_delta = false;  // the line that append_line made last
  };

  static bool fits(const Context& context, const ContextChange& change);
  static bool wants_delta(const Context& context, std::uint64_t new_bytes);
  static void append_messages(std::string& out, Context& context, std::size_t from, std::size_t to);

  std::map<CtxId, Context> contexts_;
  bool lost_any_ = false;
  std::string messages_;  // scratch
};

}  // namespace agdb
