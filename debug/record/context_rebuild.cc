#include "debug/record/context_rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace agdb {
namespace {

using Kind = ContextSnapshot::Kind;

// A snapshot read from its line.
struct ReadSnapshot {
  std::size_t index = 0;
  RecordedEvent event;
  ContextSnapshot& payload() { return std::get<ContextSnapshot>(event.payload); }
};

Result<ReadSnapshot> read_snapshot(const Recording& recording, std::size_t index) {
  AGDB_TRY(RecordedEvent event, recording.event_at(index));
  if (!std::holds_alternative<ContextSnapshot>(event.payload)) {
    return fail(Code::kCorrupt,
                fmt::format("context snapshot #{} has no context data", raw(event.seq_num)));
  }
  return ReadSnapshot{index, std::move(event)};
}

std::unexpected<Error> broken_chain(SeqNum snapshot, SeqNum base, std::string_view why) {
  return fail(Code::kCorrupt,
              fmt::format("context snapshot #{} builds on #{}, {}", raw(snapshot), raw(base), why));
}

// The snapshot that `delta` builds on. It stands before it, so that the way back has an end.
Result<ReadSnapshot> read_base(const Recording& recording, ReadSnapshot& delta) {
  const SeqNum seq_num = delta.event.seq_num;
  const SeqNum base = delta.payload().base;
  const std::optional<std::size_t> index = recording.index_of(base);
  if (!index || *index >= delta.index)
    return broken_chain(seq_num, base, "which is not there before it");
  if (recording.entry(*index).type != EventType::kContextSnapshot)
    return broken_chain(seq_num, base, "which is no context snapshot");
  Result<ReadSnapshot> read = read_snapshot(recording, *index);
  if (!read) return broken_chain(seq_num, base, read.error().message);
  if (read->payload().kind == Kind::kVersion1 || read->payload().ctx_id != delta.payload().ctx_id)
    return broken_chain(seq_num, base, "which is of another context");
  const std::uint64_t kept = read->payload().kind == Kind::kDelta ? read->payload().keep : 0;
  if (delta.payload().keep > kept + read->payload().messages.size()) {
    return broken_chain(seq_num, base,
                        fmt::format("of which it keeps {} messages; it has {}",
                                    delta.payload().keep, kept + read->payload().messages.size()));
  }
  return read;
}

// Collects a context from its end to its beginning.
class Rebuild {
 public:
  Rebuild(const Recording& recording, ReadSnapshot snapshot)
      : recording_(recording), snapshot_(std::move(snapshot)) {}

  Result<RestoredContext> run() {
    const SeqNum target = snapshot_.event.seq_num;
    const ContextSnapshot& wanted = snapshot_.payload();
    RestoredContext context{.ctx_id = wanted.ctx_id,
                            .snapshot = target,
                            .timestamp = snapshot_.event.timestamp,
                            .tokens = wanted.tokens,
                            .hash = wanted.hash};
    take(std::numeric_limits<std::uint64_t>::max());
    while (snapshot_.payload().kind == Kind::kDelta && (missing_ > 0 || !prompt_)) {
      AGDB_TRY(snapshot_, read_base(recording_, snapshot_));
      take(missing_);
    }
    std::reverse(messages_.begin(), messages_.end());
    context.messages = std::move(messages_);
    context.system_prompt = std::move(prompt_).value_or("");
    context.bytes_read = bytes_read_;
    AGDB_CHECK_OK(check_hash(context));
    return context;
  }

 private:
  // Of the first `count` messages of this snapshot's context, those that its own line holds.
  void take(std::uint64_t count) {
    ContextSnapshot& payload = snapshot_.payload();
    bytes_read_ += recording_.entry(snapshot_.index).length;
    if (!prompt_) prompt_ = std::move(payload.system_prompt);
    const std::uint64_t kept = payload.kind == Kind::kDelta ? payload.keep : 0;
    const std::uint64_t own =
        std::min<std::uint64_t>(payload.messages.size(), count > kept ? count - kept : 0);
    for (std::uint64_t i = own; i > 0; --i)
      messages_.push_back(std::move(payload.messages[static_cast<std::size_t>(i - 1)]));
    missing_ = std::min(count, kept);
  }

  Status check_hash(RestoredContext& context) const {
    context.message_hashes.reserve(context.messages.size());
    for (const Message& message : context.messages)
      context.message_hashes.push_back(hash_of(message));
    const std::string hash =
        context_hash(xxh3_128(context.system_prompt), context.message_hashes).hex();
    if (context.hash.empty() || hash == context.hash) return {};
    return fail(
        Code::kCorrupt,
        fmt::format("context snapshot #{}, put together from #{} on, does not match its "
                    "hash: {} is written there, the messages give {}",
                    raw(context.snapshot), raw(snapshot_.event.seq_num), context.hash, hash),
        "`agdb verify` tells what is damaged");
  }

  const Recording& recording_;
  ReadSnapshot snapshot_;          // the one looked at
  std::vector<Message> messages_;  // the last first
  std::optional<std::string> prompt_;
  std::uint64_t missing_ = 0;  // leading messages that the snapshots before hold
  std::uint64_t bytes_read_ = 0;
};

RestoredContext from_version1(const Recording& recording, ReadSnapshot snapshot) {
  ContextSnapshot& payload = snapshot.payload();
  RestoredContext context;
  context.snapshot = snapshot.event.seq_num;
  context.timestamp = snapshot.event.timestamp;
  context.version1 = true;
  context.bytes_read = recording.entry(snapshot.index).length;
  for (const Message& message : payload.messages)
    context.message_hashes.push_back(hash_of(message));
  const auto system = std::find_if(payload.messages.begin(), payload.messages.end(),
                                   [](const Message& message) { return message.role == "system"; });
  if (system != payload.messages.end()) context.system_prompt = system->content;
  context.messages = std::move(payload.messages);
  context.texts = std::move(payload.texts);
  return context;
}

}  // namespace

Result<RestoredContext> rebuild_context(const Recording& recording, std::size_t index) {
  AGDB_TRY(ReadSnapshot snapshot, read_snapshot(recording, index));
  if (snapshot.payload().kind == Kind::kVersion1)
    return from_version1(recording, std::move(snapshot));
  return Rebuild(recording, std::move(snapshot)).run();
}

}  // namespace agdb
