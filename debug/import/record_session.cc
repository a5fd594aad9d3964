#include "debug/import/record_session.h"

#include <fmt/format.h>

#include <memory>
#include <random>
#include <utility>

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

// A run whose root has not ended.
struct ImportRecorder::OpenRun {
  OpenRun(FileSystem& files, const Clock& clock, const RecordingOptions& options,
          const RecordingLog& log)
      : manager(files, clock, options, log),
        source(options.source ? options.source->name : "the log") {}
  ~OpenRun() { static_cast<void>(manager.close_all()); }
  OpenRun(const OpenRun&) = delete;
  OpenRun& operator=(const OpenRun&) = delete;

  Status check() const;
  Status end();

  RecordingManager manager;
  const std::string source;  // for messages
  std::optional<Event> root_ends;
  std::size_t processes = 0;
};

// Whether all has been written so far.
Status ImportRecorder::OpenRun::check() const {
  const RecordingManager::Totals totals = manager.totals();
  if (totals.failed > 0)
    return fail(Code::kIo, fmt::format("{} of {} processes of {} could not be recorded",
                                       totals.failed, processes, source));
  if (totals.lost_events > 0)
    return fail(Code::kIo,
                fmt::format("{} events of {} could not be written", totals.lost_events, source));
  if (totals.unfinished > 0)
    return fail(Code::kIo, fmt::format("{} of {} recordings of {} could not be completed",
                                       totals.unfinished, processes, source));
  return {};
}

Status ImportRecorder::OpenRun::end() {
  if (root_ends) manager.on_event(*root_ends);
  AGDB_CHECK_OK(manager.close_all());
  return check();
}

ImportRecorder::ImportRecorder(FileSystem& files, RecordingOptions options, RecordingLog log)
    : files_(files), options_(std::move(options)), log_(std::move(log)) {
  options_.record_all = true;
}

ImportRecorder::~ImportRecorder() = default;

Result<RecordedSession> ImportRecorder::record(const SessionRun& run,
                                               const std::function<void()>& wrote) {
  if (options_.source) options_.source->times_without_zone = run.times_without_zone;
  auto open = std::make_unique<OpenRun>(files_, clock_, options_, log_);
  open->processes = run.processes.size();
  RecordingManager& manager = open->manager;
  const Pid root{next_pid_};
  const std::string run_id = random_id();
  const std::string trace_id = run.trace_id.empty() ? random_id() : run.trace_id;
  const RunAgents agents(run);
  RecordedSession recorded;
  for (std::size_t process = 0; process < run.processes.size(); ++process) {
    session_events(run, agents, process, root, run_id, trace_id, [&](Event&& event) {
      if (process == 0 && std::holds_alternative<ProcessEnd>(event.payload)) {
        open->root_ends = std::move(event);
      } else {
        manager.on_event(event);
      }
    });
    recorded.record_ids.push_back(manager.record_id(Pid{raw(root) + process}).value_or(""));
    if (wrote) wrote();
  }
  next_pid_ += run.processes.size();
  AGDB_CHECK_OK(open->check());
  recorded.events = manager.totals().events + manager.event_count(root);
  if (raw(root) == 1) {
    first_ = std::move(open);
  } else {
    AGDB_CHECK_OK(open->end());
  }
  return recorded;
}

Status ImportRecorder::finish() {
  const std::unique_ptr<OpenRun> first = std::move(first_);
  return first == nullptr ? Status() : first->end();
}

Result<RecordedSession> record_session(const SessionRun& run, RecordingOptions options,
                                       const RecordingLog& log) {
  FileSystem disk;
  ImportRecorder recorder(disk, std::move(options), log);
  AGDB_TRY(RecordedSession session, recorder.record(run));
  AGDB_CHECK_OK(recorder.finish());
  return session;
}

}  // namespace agdb
