#include "debug/import/record_session.h"

#include <fmt/format.h>

#include <random>

#include "debug/import/session_events.h"
#include "debug/import/session_steps.h"

namespace agdb {
namespace {

std::string random_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

}  // namespace

Result<RecordedSession> record_session(const SessionRun& run, Pid first, RecordingOptions options,
                                       const RecordingLog& log) {
  FileSystem disk;
  const RealClock clock;
  const std::string name = options.source ? options.source->name : "the log";
  options.record_all = true;
  if (options.source) options.source->times_without_zone = run.times_without_zone;
  RecordingManager manager(disk, clock, std::move(options), log);
  const std::string run_id = random_id();
  const std::string trace_id = run.trace_id.empty() ? random_id() : run.trace_id;
  const RunAgents agents(run);
  RecordedSession recorded;
  for (std::size_t process = 0; process < run.processes.size(); ++process) {
    session_events(run, agents, process, first, run_id, trace_id,
                   [&](Event&& event) { manager.on_event(event); });
    recorded.record_ids.push_back(manager.record_id(Pid{raw(first) + process}).value_or(""));
  }
  AGDB_CHECK_OK(manager.close_all());
  const RecordingManager::Totals totals = manager.totals();
  if (totals.failed > 0)
    return fail(Code::kIo, fmt::format("{} of {} processes of {} could not be recorded",
                                       totals.failed, run.processes.size(), name));
  if (totals.lost_events > 0)
    return fail(Code::kIo,
                fmt::format("{} events of {} could not be written", totals.lost_events, name));
  recorded.events = totals.events;
  return recorded;
}

}  // namespace agdb
