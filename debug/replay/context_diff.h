#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/reader.h"
#include "debug/replay/line_diff.h"

namespace agdb {

// What the model knew at one point against what it knew at another.

struct PromptDiff {
  bool changed = false;
  // prompt_hash of runtime/events/hash.h; empty when there is no prompt, and in version 1.
  std::string from_hash;
  std::string to_hash;
  std::vector<LineChange> lines = {};  // when changed

  bool operator==(const PromptDiff&) const = default;
};

// A message that only one of the two contexts has.
struct DiffMessage {
  std::size_t index = 0;  // in its context, from 0
  // Version 1: the text as it stands in the file. Version 2: "[role] content" and a line for each
  // tool call.
  std::string text;
  Message message;  // version 2 only

  bool operator==(const DiffMessage&) const = default;
};

// A message of the one context that stands, edited, in the same place of the other.
struct ChangedMessage {
  std::size_t from_index = 0;
  std::size_t to_index = 0;
  Message from;
  Message to;
  std::vector<LineChange> lines = {};  // of content and tool calls; empty when only `fields` differ
  // What else differs: "content" (too many lines to show), "name", "tool_call_id", "tool_calls" (in
  // their ids alone).
  std::vector<std::string> fields = {};

  bool operator==(const ChangedMessage&) const = default;
};

struct MessagesDiff {
  std::vector<DiffMessage> added;
  std::vector<DiffMessage> removed;
  std::vector<ChangedMessage> changed = {};  // neither in added nor in removed
  std::uint64_t from_count = 0;
  std::uint64_t to_count = 0;
  std::uint64_t steps = 0;  // what the comparison cost: elements and pairs looked at

  bool operator==(const MessagesDiff&) const = default;
};

struct TokenDelta {
  std::int64_t from_tokens = 0;
  std::int64_t to_tokens = 0;
  std::int64_t delta = 0;

  bool operator==(const TokenDelta&) const = default;
};

struct ContextDiff {
  // The snapshots that were compared, not the events that were asked for.
  SeqNum from_seq_num{};
  SeqNum to_seq_num{};
  Nanoseconds from_timestamp{0};
  Nanoseconds to_timestamp{0};
  PromptDiff system_prompt;
  MessagesDiff messages;
  TokenDelta token_delta;
  // Both contexts are of version 1: the comparison is the reference's, and its prompt and token
  // parts stay empty.
  bool version1 = false;
  CtxId from_ctx_id{};
  CtxId to_ctx_id{};
  // The gap event behind the snapshot used and before the event asked for: events were lost there,
  // and the context may have changed meanwhile. 0 = none.
  SeqNum from_gap{};
  SeqNum to_gap{};
  // Set when two recordings were compared.
  std::string from_record_id = {};
  std::string to_record_id = {};

  bool operator==(const ContextDiff&) const = default;
};

// Whether the two contexts are the same: what `diff --exit-code` asks.
bool is_empty(const ContextDiff& diff);

// A place in a recording; without `ctx` the context last used by then is meant.
struct ContextPlace {
  SeqNum seq{};
  std::optional<CtxId> ctx = {};
};

// The context at `from` against the one at `to` (which may be the earlier one). Errors: "no context
// snapshots available in this recording", "diff: no context snapshot found before SeqNum N", "diff:
// context snapshot #N has no context data", and what the reader says of damage.
Result<ContextDiff> diff_contexts(const Recording& recording, ContextPlace from, ContextPlace to);
// The same across two recordings; errors then also name the recording.
Result<ContextDiff> diff_contexts(const Recording& from_recording, ContextPlace from,
                                  const Recording& to_recording, ContextPlace to);
ContextDiff diff_contexts(const RestoredContext& from, const RestoredContext& to);

// The reference's way, for version 1: behind the common prefix all of `from` was removed and all of
// `to` was added.
MessagesDiff diff_by_prefix(const std::vector<std::string>& from,
                            const std::vector<std::string>& to);
// Version 2's way: a longest common subsequence of the messages (as a model sees them: `turn` does
// not count); of what is left, a removed and an added message of one role in one place that are
// alike are one changed message.
MessagesDiff diff_by_subsequence(const std::vector<Message>& from, const std::vector<Message>& to);

struct DiffTextOptions {
  // Characters a line may have; 0 = lines are not cut. Texts of version 1 are never cut.
  std::size_t width = 0;
};

// The reference's text, and in further lines what only version 2 knows: the prompt's changed lines,
// and edited messages ("  ~ ") with theirs. Every line ends with a line feed. Fit for a terminal.
std::string diff_text(const ContextDiff& diff, const DiffTextOptions& options = {});
// The reference's keys (times in ms) and ours: from_timestamp_ns, to_timestamp_ns,
// system_prompt.lines, messages.added_at, .removed_at (indices from 0), .changed [{from_index,
// to_index, role, from, to, lines, fields}]; where known from_ctx_id, to_ctx_id, from_gap, to_gap,
// from_record_id, to_record_id.
Json to_json(const ContextDiff& diff);

}  // namespace agdb
