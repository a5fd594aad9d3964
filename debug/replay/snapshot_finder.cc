#include "debug/replay/snapshot_finder.h"

#include <fmt/format.h>

#include <limits>

namespace agdb {

Result<SeqNum> nearest_snapshot(const Recording& recording, SeqNum seq, std::optional<CtxId> ctx) {
  if (const auto index = recording.snapshot_at_or_before(seq, ctx)) {
    return recording.entry(*index).seq_num;
  }
  const std::optional<SeqNum> first = next_snapshot(recording, seq, ctx);
  return fail(Code::kNotFound, fmt::format("no context snapshot found before SeqNum {}", raw(seq)),
              first ? fmt::format("the first one is at SeqNum {}", raw(*first)) : std::string());
}

std::optional<SeqNum> next_snapshot(const Recording& recording, SeqNum seq,
                                    std::optional<CtxId> ctx) {
  if (raw(seq) == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  const SeqNum last{std::numeric_limits<std::uint64_t>::max()};
  for (auto [at, end] = recording.range(SeqNum{raw(seq) + 1}, last); at < end; ++at) {
    const EventEntry entry = recording.entry(at);
    if (entry.type == EventType::kContextSnapshot && (!ctx || entry.ctx_id == *ctx)) {
      return entry.seq_num;
    }
  }
  return std::nullopt;
}

}  // namespace agdb
