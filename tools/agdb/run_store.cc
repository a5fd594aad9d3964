#include "tools/agdb/run_store.h"

#include <fmt/format.h>

#include <charconv>

#include "debug/record/records_dir.h"
#include "debug/runs/run_intake.h"

namespace agdb {
namespace {

const Clock& machine_clock() {
  static const RealClock clock;
  return clock;
}

}  // namespace

Result<TraceStore> open_store(Environment& env) {
  AGDB_TRY(TraceStore store, TraceStore::open(store_path(records_dir(env)), machine_clock()));
  for (const std::string& note : store.notes()) env.console->warn(note);
  return store;
}

void keep_runs(const std::vector<std::string>& record_ids, Environment& env) {
  RunIntake intake(records_dir(env), machine_clock(),
                   [&](const std::string& line) { env.console->warn(line); });
  intake.take(record_ids);
  intake.tidy();
}

Result<RebuiltRuns> rebuild_runs(TraceStore& store, Environment& env) {
  AGDB_TRY(RecordingList list, list_recordings(records_dir(env)));
  RebuiltRuns rebuilt{.unreadable = list.unreadable.size()};
  for (const RecordingList::Unreadable& bad : list.unreadable)
    env.console->warn(fmt::format("{}: {}", bad.folder, bad.error.message));
  const std::vector<RecordedParts> runs = by_run(std::move(list.recordings));
  Progress progress(*env.console, "rebuilding", runs.size(), "runs");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    progress.update(i);
    if (!has_ended(runs[i])) {
      ++rebuilt.going_on;
      continue;
    }
    if (const Status kept = keep_run(runs[i], store, records_dir(env)); !kept) {
      ++rebuilt.unreadable;
      env.console->warn(
          fmt::format("{}: {}", runs[i].recordings.front().folder, kept.error().message));
      continue;
    }
    ++rebuilt.runs;
  }
  for (bool more = true; more;) {
    AGDB_TRY(more, store.tidy());
  }
  return rebuilt;
}

Result<StoredId> stored_id_of(const std::string& typed, const TraceStore& store) {
  if (typed == "@") {
    AGDB_TRY(const std::vector<RunSummary> newest, store.recent({.limit = 1}));
    if (!newest.empty()) return newest.front().id;
    return fail(Code::kNotFound, "there are no runs in the store",
                "`agdb run SCRIPT --record` and `agdb import FILE` make some");
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(typed.data(), typed.data() + typed.size(), number);
  if (error != std::errc() || end != typed.data() + typed.size() || number == 0)
    return fail(Code::kInvalid, fmt::format("\"{}\" is no run's number", typed),
                "`agdb runs list` shows the numbers; @ is the newest");
  return StoredId{number};
}

}  // namespace agdb
