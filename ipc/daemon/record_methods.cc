#include "ipc/daemon/core.h"
#include "ipc/daemon/params.h"
#include "ipc/daemon/session.h"

namespace agdb {
namespace {

// What has happened before the call belongs to the time before the recording.
MethodResult start(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  const bool children = params.boolean("children");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  core.bus.flush();
  Json begun = Json::array();
  const auto add = [&](Pid process, const std::string& id) {
    begun.push_back(Json::object({{"pid", raw(process)}, {"record_id", id}}));
  };
  if (children) {
    const auto all = core.recordings.start_with_children(*pid);
    if (!all) return refuse(all.error());
    for (const RecordingManager::Running& each : *all) add(each.pid, each.record_id);
  } else {
    const Result<std::string> id = core.recordings.start(*pid);
    if (!id) return refuse(id.error());
    add(*pid, *id);
  }
  return Json::object({{"recordings", std::move(begun)}});
}

MethodResult stop(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pid");
  if (const auto error = params.error()) return std::unexpected(*error);
  const Result<Pid> pid = core.pid_of(named);
  if (!pid) return refuse(pid.error());
  core.bus.flush();
  const Result<std::uint64_t> events = core.recordings.stop(*pid);
  if (!events) return refuse(events.error());
  return Json::object({{"pid", raw(*pid)},
                       {"record_id", core.recordings.record_id(*pid).value_or("")},
                       {"events", *events}});
}

MethodResult list(Core& core, const MethodCall& call) {
  if (const auto error = Params(call.params).error()) return std::unexpected(*error);
  Json running = Json::array();
  for (const RecordingManager::Running& each : core.recordings.list())
    running.push_back(Json::object({{"pid", raw(each.pid)},
                                    {"record_id", each.record_id},
                                    {"events", each.events},
                                    {"lost", each.lost_events}}));
  return Json::object({{"recordings", std::move(running)}});
}

}  // namespace

void add_record_methods(MethodTable& table, Core& core) {
  const auto add = [&](std::string_view name, MethodResult (*method)(Core&, const MethodCall&)) {
    table[name] = at_once([&core, method](const MethodCall& call) { return method(core, call); });
  };
  add("record.start", start);
  add("record.stop", stop);
  add("record.list", list);
}

}  // namespace agdb
