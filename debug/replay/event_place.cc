#include "debug/replay/event_place.h"

#include <fmt/format.h>

namespace agdb {

std::optional<SeqNum> first_context(const Recording& recording) {
  for (std::size_t i = 0; i < recording.size(); ++i)
    if (const EventEntry entry = recording.entry(i); entry.type == EventType::kContextSnapshot)
      return entry.seq_num;
  return std::nullopt;
}

Error with_first_context(Error error, const Recording& recording) {
  if (error.code != Code::kNotFound || !error.hint.empty()) return error;
  const std::optional<SeqNum> first = first_context(recording);
  error.hint = first ? fmt::format("the first event with a context is {}", raw(*first))
                     : "no event of this recording has a context";
  return error;
}

Status check_seq(const Recording& recording, SeqNum seq) {
  if (recording.index_of(seq)) return {};
  if (recording.empty())
    return fail(Code::kNotFound,
                fmt::format("event {} not found: the recording is empty", raw(seq)));
  return fail(Code::kNotFound, fmt::format("event {} not found", raw(seq)),
              fmt::format("the recording has {} to {}", raw(recording.entry(0).seq_num),
                          raw(recording.entry(recording.size() - 1).seq_num)));
}

Result<SeqNum> seq_or_last(const Recording& recording, std::optional<SeqNum> seq) {
  if (recording.empty()) return fail(Code::kNotFound, "the recording is empty");
  if (!seq) return recording.entry(recording.size() - 1).seq_num;
  AGDB_CHECK_OK(check_seq(recording, *seq));
  return *seq;
}

}  // namespace agdb
