#include <unistd.h>

#include <algorithm>

#include "ipc/daemon/core.h"
#include "ipc/daemon/params.h"
#include "ipc/daemon/session.h"

namespace agdb {
namespace {

Json status(Core& core) {
  std::int64_t alive = 0;
  auto ended = static_cast<std::int64_t>(core.kernel.forgotten());
  std::int64_t foreign = 0;
  for (const ProcessInfo& info : core.kernel.list()) {
    const bool gone = info.state == ProcessState::kDead || info.state == ProcessState::kZombie;
    ++(gone ? ended : alive);
    if (info.external && !gone) ++foreign;
  }
  const auto recordings = core.recordings.list();
  const auto losing = std::ranges::count_if(
      recordings, [](const RecordingManager::Running& each) { return each.lost_events > 0; });
  const DaemonOptions& options = core.options;
  const RunKeeper::Counts runs = core.runs.counts();
  Json listeners = Json::object();
  for (const auto& [name, address] : core.listeners) listeners.set(name, address);
  Json told = Json::object(
      {{"version", options.version},
       {"protocol", 1},
       {"os_pid", static_cast<std::int64_t>(::getpid())},
       {"uptime_ns", (core.clock.now() - core.started).count()},
       {"socket", options.socket},
       {"listeners", std::move(listeners)},
       {"records_dir", options.records_dir},
       {"record_all", options.record_all},
       {"processes", Json::object({{"alive", alive}, {"ended", ended}, {"foreign", foreign}})},
       {"connections", core.connections},
       {"views", core.views.views()},
       {"recordings", recordings.size()},
       {"recordings_losing", losing},
       {"runs",
        Json::object(
            {{"stored", runs.stored}, {"waiting", runs.waiting}, {"not_stored", runs.not_stored}})},
       {"events", Json::object({{"refused", core.kernel.events_refused()},
                                {"history_dropped", core.views.history_dropped()}})},
       {"rejected_notifications", core.rejected_notifications}});
  for (const auto& [name, report] : core.reports) told.set(name, report());
  return told;
}

}  // namespace

void add_daemon_methods(MethodTable& table, Core& core) {
  table["daemon.status"] = at_once([&core](const MethodCall& call) -> MethodResult {
    if (const auto error = Params(call.params).error()) return std::unexpected(*error);
    return status(core);
  });
  table["daemon.methods"] = at_once([&table](const MethodCall& call) -> MethodResult {
    if (const auto error = Params(call.params).error()) return std::unexpected(*error);
    Json names = Json::array();
    for (const auto& [name, method] : table) names.push_back(name);
    return Json::object({{"methods", std::move(names)}});
  });
  table["daemon.shutdown"] = at_once([&core](const MethodCall& call) -> MethodResult {
    if (const auto error = Params(call.params).error()) return std::unexpected(*error);
    core.shut_down();
    return Json::object();
  });
}

}  // namespace agdb
