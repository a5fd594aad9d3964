#include "tools/agdb/trace_source.h"

#include <fmt/format.h>

#include "debug/record/records_dir.h"
#include "tools/agdb/daemon_session.h"

namespace agdb {

Result<TraceSource> TraceSource::find(const std::string& typed, Environment& env) {
  const std::string dir = records_dir(env);
  const Result<std::string> folder = resolve_recording(dir, env.working_dir, typed);
  if (folder) {
    AGDB_TRY(RecordedRun run, RecordedRun::of(dir, *folder));
    return TraceSource(std::move(run));
  }
  if (std::optional<TraceSource> process = trace_of_process(typed, env)) return *std::move(process);
  if (Result<RecordedRun> named = RecordedRun::named(dir, typed))
    return TraceSource(*std::move(named));
  if (Result<KeptTrace> kept = KeptTrace::open(traces_dir(env), typed))
    return TraceSource(*std::move(kept));
  return std::unexpected(folder.error());
}

std::string TraceSource::name() const {
  if (const RecordedRun* recorded = run()) return recorded->parts().front().metadata.record_id;
  return std::get<KeptTrace>(source_).trace_id();
}

WallTime TraceSource::start() const {
  return std::visit([](const auto& source) { return source.start(); }, source_);
}

Result<DerivedCounts> TraceSource::derive(TraceSink& sink, const DeriveProgress& progress) const {
  if (const RecordedRun* recorded = run()) return recorded->derive(sink, progress);
  const auto& kept = std::get<KeptTrace>(source_);
  DerivedCounts counts;
  counts.damaged_lines = kept.bad_lines();
  std::uint64_t told = 0;
  AGDB_CHECK_OK(kept.tell(sink, [&] { return !progress || progress(told++, kept.spans()); }));
  return counts;
}

std::optional<TraceSource> trace_of_process(const std::string& pid, Environment& env) {
  if (!is_pid(pid)) return std::nullopt;
  Result<DaemonSession> session = DaemonSession::open("", env);
  if (!session) return std::nullopt;
  const Result<Json> process =
      session->call("process.info", Json::object({{"pid", pid_param(pid)}}));
  if (!process) return std::nullopt;
  const std::string& dir = session->records_dir();
  const std::string record_id(process->text("record_id"));
  if (!record_id.empty())
    if (Result<RecordedRun> run = RecordedRun::of(dir, fmt::format("{}/{}", dir, record_id)))
      return TraceSource(*std::move(run));
  Result<KeptTrace> kept =
      KeptTrace::open(beside_recordings(dir, kTracesName), std::string(process->text("trace_id")));
  if (!kept) return std::nullopt;
  return TraceSource(*std::move(kept));
}

}  // namespace agdb
