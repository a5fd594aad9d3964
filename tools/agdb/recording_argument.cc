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

Result<SeqNum> parse_seq(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::kInvalid, fmt::format("\"{}\" is not an event's number", text),
                "events are numbered 1, 2, 3, …");
  return SeqNum{number};
}

}  // namespace agdb
