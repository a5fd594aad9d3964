#include "tools/agdb/recording_argument.h"

#include <fmt/format.h>

#include <charconv>

#include "debug/record/records_dir.h"

namespace agdb {

Result<Recording> open_recording(const std::string& typed, Environment& env) {
  AGDB_TRY(const std::string folder, resolve_recording(records_dir(env), env.working_dir, typed));
  AGDB_TRY(Recording recording, [&] {
    Progress progress(*env.console, "indexing", 0, "MB", 1'000'000);
    return Recording::open(folder, progress.updater());
  }());
  for (const std::string& note : recording.notes())
    env.console->note(fmt::format("{}: {}", recording.metadata().record_id, note));
  return recording;
}

Option add_recording_argument(CommandLine& line, std::string& into) {
  return line.argument("RECORD", into, "a record id, a folder, or @ for the newest")
      .required()
      .is(ValueKind::kRecord);
}

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

Result<SeqNum> parse_seq(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::kInvalid, fmt::format("\"{}\" is not an event's number", text),
                "events are numbered 1, 2, 3, …");
  return SeqNum{number};
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

}  // namespace agdb
