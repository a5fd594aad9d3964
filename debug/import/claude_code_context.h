#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "debug/import/session.h"

namespace agdb {

// What the model had before it, message by message, while a conversation is followed through its
// tree: it grows, goes back when the user rewound it, returns to a branch that was left, and begins
// anew when it is compacted. Holds no text: a message is named by the item that brought it.
class ClaudeContext {
 public:
  // Where a message stands: in which item of the process, and for a compaction which of its
  // messages.
  struct Source {
    std::size_t item = 0;
    std::size_t message = 0;
  };
  // A moment of the conversation: the context as it was when its newest message had come. A moment
  // before a compaction is gone: who follows it continues at the end of what there is.
  struct Moment {
    std::size_t entry = 0;  // 0 = no message yet
    std::uint32_t epoch = 0;
  };
  // Whether a message begins something new. What only follows (tool results, notes of the tool
  // itself) is written beside the path of the conversation as often as on it, and never means a
  // rewind.
  enum class Weight : std::uint8_t { kOpens, kFollows };

  // How the context gets to a moment: its first `keep` messages stay, then `again` come back.
  struct Move {
    bool is_needed = false;
    std::uint64_t keep = 0;
    std::vector<Source> again;
  };

  ClaudeContext();

  Moment now() const { return {stack_.empty() ? 0 : stack_.back(), epoch_}; }
  // The moment before the first message.
  Moment beginning() const { return {0, epoch_}; }
  std::size_t size() const { return stack_.size(); }

  // Makes what stands at `moment` the context. No move is needed when the moment is this one, is
  // gone, or only following messages came since.
  Move go_to(Moment moment);
  bool needs_move(Moment moment) const;
  // A message on top.
  Moment push(Source source, Weight weight, std::optional<WallTime> time, bool is_answer = false);
  // The item of the newest answer in the context as it was at that moment.
  std::optional<std::size_t> answer_at(Moment moment) const;
  // Whether the message that `moment` ends with is in the context.
  bool holds(Moment moment) const;
  // Its place in the context. REQUIRES: holds(moment).
  std::size_t place_of(Moment moment) const { return entries_[resolve(moment).entry].depth - 1; }
  Source source_of(Moment moment) const { return entries_[resolve(moment).entry].source; }
  // When the newest message came.
  std::optional<WallTime> newest() const;

  // Whether going to `moment` means to bring back messages of a branch that was left.
  bool is_left(Moment moment) const;
  // Whether `moment` lies before a compaction that it did not outlive.
  bool is_gone(Moment moment) const { return resolve(moment).epoch != epoch_; }
  // The moments from one message to another. REQUIRES: holds(first), holds(last).
  std::vector<Moment> between(Moment first, Moment last) const;

  // Compaction: the context is empty, all moments before are gone.
  void begin_epoch();
  // A message that outlived the compaction, on top: its old moment means the new one from now on.
  void keep_over_epoch(Moment old, Source source);

 private:
  struct Entry {
    std::size_t parent = 0;
    std::size_t depth = 0;        // messages up to and with this one
    std::size_t newest_open = 0;  // depth of the newest one that opens something
    std::uint32_t epoch = 0;
    std::size_t now_as = 0;  // its place after a compaction that it outlived
    Source source;
    Weight weight = Weight::kOpens;
    std::optional<WallTime> time;
    std::optional<std::size_t> answer;  // the item of the newest one
  };

  Moment resolve(Moment moment) const;

  std::vector<Entry> entries_;  // [0] is the empty context
  std::vector<std::size_t> stack_;
  std::uint32_t epoch_ = 0;
};

}  // namespace agdb
