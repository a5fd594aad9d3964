#include "ipc/daemon/core.h"

#include <algorithm>
#include <utility>

#include "debug/record/metadata.h"

namespace agdb {
namespace {

// How often it is looked whether the recorder has caught up.
constexpr std::chrono::milliseconds kLook{1};

// Processes that have ended and are still known; views keep as many (ViewLimits).
constexpr std::size_t kEndedKept = 1000;

RecordingOptions recording_options(const DaemonOptions& options, RunKeeper& runs) {
  RecordingOptions recording;
  recording.records_dir = options.records_dir;
  recording.record_all = options.record_all;
  recording.host = options.host;
  recording.ended_kept = kEndedKept;
  recording.ended = [&runs](const RecordingMetadata& metadata) { runs.recorded(metadata); };
  return recording;
}

}  // namespace

std::unexpected<RpcError> refuse(const Error& error) {
  return std::unexpected(rpc_error(error));
}

Method at_once(std::function<MethodResult(const MethodCall& call)> method) {
  return [m = std::move(method)](const MethodCall& call) { call.answer(m(call)); };
}

Core::Core(DaemonOptions o)
    : options(std::move(o)),
      loop(make_loop_scheduler()),
      intake(options.records_dir, clock,
             [this](const std::string& line) { log(Level::kWarning, line); }),
      runs([this](const auto& record_ids) { return intake.take(record_ids); },
           [this] { return intake.tidy(); },
           [this](const std::string& line) { log(Level::kWarning, line); }),
      recordings(disk, clock, recording_options(options, runs),
                 [this](const std::string& line) { log(Level::kWarning, line); }),
      kernel(*loop.scheduler, bus, kernel_options()),
      agents(kernel),
      forecasts(kernel),
      started(clock.now()) {
  bus.add(recordings);
  bus.add(runs);  // behind the recordings, which have ended when it hears of a process's end
  if (!options.traces_dir.empty()) {
    spans = std::make_unique<SpanRecorder>(disk, options.traces_dir, [this](Pid pid) {
      return recordings.record_id(pid).value_or("");
    });
    bus.add(*spans);
  }
  bus.add(views);
}

Core::~Core() {
  bus.remove(views);
  if (spans) {
    bus.remove(*spans);
    if (const Status written = spans->close(); !written)
      log(Level::kError, written.error().message);
  }
  bus.remove(runs);
  bus.remove(recordings);
}

KernelOptions Core::kernel_options() {
  KernelOptions kernel_options;
  kernel_options.seed = options.seed;
  kernel_options.dead_kept = kEndedKept;
  kernel_options.answered = [this](Pid pid, const LlmResponse& response) {
    forecasts.answered(pid, response);
  };
  kernel_options.ended = [this](Pid pid) { on_ended(pid); };
  return kernel_options;
}

Result<Pid> Core::pid_of(const Json& param) const {
  if (const std::optional<std::uint64_t> number = param.to_uint()) {
    if (kernel.info(Pid{*number})) return Pid{*number};
    Error unknown = kernel.unknown(Pid{*number});
    if (unknown.hint.empty()) unknown.hint = "`agdb ps --all` lists them";
    return std::unexpected(std::move(unknown));
  }
  if (const std::optional<std::string_view> id = param.to_string()) {
    for (const ProcessInfo& info : kernel.list())
      if (recordings.record_id(info.pid) == *id) return info.pid;
    return fail(Code::kNotFound, "no process here is recorded as " + std::string(*id),
                "`agdb ps` lists them");
  }
  return fail(Code::kInvalid, "pid: expected a number or a record id");
}

Json Core::process_json(Pid pid) const {
  return process_json(*kernel.info(pid));
}

TraceParent Core::traceparent(Pid pid) const {
  const ProcessInfo info = *kernel.info(pid);
  return {info.trace_id, process_span_id(info.trace_id, info.run_id, pid)};
}

Json Core::process_json(const ProcessInfo& info) const {
  Json recent = Json::array();
  for (const std::int64_t tokens : info.recent_calls) recent.push_back(tokens);
  Json json = Json::object({{"pid", raw(info.pid)},
                            {"ppid", raw(info.parent)},
                            {"state", name_of(info.state)},
                            {"foreign", info.external},
                            {"intent", info.intent},
                            {"model", info.model},
                            {"steps", info.steps},
                            {"max_steps", info.max_steps},
                            {"tokens_used", info.tokens_used},
                            {"budget", info.budget},
                            {"policy", name_of(info.policy)},
                            {"context_tokens", info.context_tokens},
                            {"elapsed_ns", info.elapsed.count()},
                            {"started", format_wall_time(info.started)},
                            {"trace_id", info.trace_id},
                            {"recent", std::move(recent)},
                            {"alert", info.alert_level},
                            {"record_id", recordings.record_id(info.pid).value_or("")}});
  if (info.state == ProcessState::kZombie || info.state == ProcessState::kDead) {
    json.set("exit_code", info.exit.code);
    json.set("exit_reason", info.exit.reason);
  }
  return json;
}

void Core::when_caught_up(std::function<void()> tell) {
  behind_.push_back(std::move(tell));
  if (behind_.size() == 1) look_again();
}

void Core::look_again() {
  loop.scheduler->after(kLook, [this] {
    if (kernel.events_waiting() > EventBus::kRingBytes / 4) return look_again();
    for (const auto& tell : std::exchange(behind_, {})) tell();
  });
}

Result<Pid> Core::give_birth(bool record, const std::function<Result<Pid>()>& birth) {
  const Pid next = kernel.next_pid();
  if (record) recordings.record(next);
  Result<Pid> pid = birth();
  const bool nobody_born = kernel.next_pid() == next;
  if (nobody_born) recordings.withdraw(next);
  if (pid && (record || options.record_all)) bus.flush();
  return pid;
}

void Core::when_ended(Pid pid, std::function<void()> tell) {
  const std::optional<ProcessInfo> info = kernel.info(pid);
  const bool ended =
      !info || info->state == ProcessState::kZombie || info->state == ProcessState::kDead;
  if (ended) return tell();
  waiting_[pid].push_back(std::move(tell));
}

void Core::on_ended(Pid pid) {
  forecasts.forget(pid);
  const auto found = waiting_.find(pid);
  if (found == waiting_.end()) return;
  const auto tell = std::move(found->second);
  waiting_.erase(found);
  for (const auto& told : tell) told();
}

void Core::wind_up() {
  kernel.end_all(exit_reason::kInterrupted, 130);
  bus.flush();
  if (const Status closed = recordings.close_all(); !closed)
    log(Level::kError, closed.error().message);
  runs.close();
}

}  // namespace agdb
