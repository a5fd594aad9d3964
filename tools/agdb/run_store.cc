#include "tools/agdb/run_store.h"

#include <fmt/format.h>

#include <charconv>

#include "debug/record/records_dir.h"
#include "debug/runs/run_intake.h"
#include "tools/agdb/plural.h"

namespace agdb {
namespace {

const Clock& machine_clock() {
  static const RealClock clock;
  return clock;
}

}  // namespace

Result<TraceStore> open_store_as_it_is(Environment& env) {
  AGDB_TRY(TraceStore store, TraceStore::open(store_path(records_dir(env)), machine_clock()));
  for (const std::string& note : store.notes()) env.console->warn(note);
  return store;
}

Result<TraceStore> open_store(Environment& env) {
  AGDB_TRY(TraceStore store, open_store_as_it_is(env));
  AGDB_TRY(const bool lacks_runs, store.lacks_recorded_runs());
  if (lacks_runs) {
    AGDB_TRY(const Rebuild::Counts counts, rebuild_runs(store, env));
    env.console->note(fmt::format("filled it from the recordings: {}", rebuilt_text(counts)));
  }
  return store;
}

void keep_runs(const std::vector<std::string>& record_ids, Environment& env) {
  RunIntake intake(records_dir(env), machine_clock(),
                   [&](const std::string& line) { env.console->warn(line); });
  intake.take(record_ids);
  intake.tidy();
}

Result<Rebuild::Counts> rebuild_runs(TraceStore& store, Environment& env) {
  AGDB_TRY(Rebuild rebuild, Rebuild::begin(store, records_dir(env), [&](const std::string& line) {
             env.console->warn(line);
           }));
  {
    Progress progress(*env.console, "rebuilding", rebuild.size(), "runs");
    std::uint64_t done = 0;
    for (bool more = true; more; progress.update(done++)) {
      AGDB_TRY(more, rebuild.step());
    }
  }
  for (bool more = true; more;) {
    AGDB_TRY(more, store.tidy());
  }
  return rebuild.counts();
}

std::string rebuilt_text(const Rebuild::Counts& counts) {
  return fmt::format(
      "{} taken in{}{}", plural(counts.runs, "run"),
      counts.unreadable == 0 ? "" : fmt::format(", {} unreadable", counts.unreadable),
      counts.going_on == 0 ? "" : fmt::format(", {} going on", counts.going_on));
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
