#include "tools/agdb/run_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "debug/record/file.h"
#include "debug/strace/event_lines.h"
#include "debug/trace/span_recorder.h"
#include "runtime/events/hash.h"
#include "runtime/events/printable.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/input_file.h"
#include "tools/agdb/interrupt.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/run_store.h"

namespace agdb {
namespace {

// Prints what passes the filters to stderr. With strace off only alerts are shown.
class LiveView final : public Subscriber {
 public:
  LiveView(Console& console, bool strace, Filter filter)
      : console_(console), strace_(strace), filter_(std::move(filter)), lines_(style(console)) {}

  void on_event(const Event& event) override {
    const FilterSubject subject = subjects_.subject(event);
    const bool recorded = event.n != 0;
    const bool wanted = recorded && strace_ && filter_.matches(subject);
    if (wanted) {
      const std::string line = lines_.line(event, subject.path) + "\n";
      std::fwrite(line.data(), 1, line.size(), stderr);
      return;
    }
    lines_.skip(event);
    if (const auto* alert = std::get_if<Alert>(&event.payload)) say(event.pid, *alert);
  }

 private:
  static StraceOptions style(Console& console) {
    StraceOptions options;
    options.color = console.color_err();
    options.show_pid = true;
    return options;
  }

  void say(Pid pid, const Alert& alert) {
    if (alert.level == "exceeded") {
      console_.warn(fmt::format("pid {}: budget exceeded at step {}: {} of {} tokens spent",
                                raw(pid), alert.step, alert.tokens_used, alert.context_budget));
      return;
    }
    console_.warn(fmt::format(
        "pid {}: {:.1f} % of the budget is left at step {} ({} of {} tokens spent, "
        "about {})",
        raw(pid), alert.remaining_pct, alert.step, alert.tokens_used, alert.context_budget,
        plural(static_cast<std::uint64_t>(alert.est_remaining_steps), "more step")));
  }

  Console& console_;
  const bool strace_;
  const Filter filter_;
  EventLines lines_;
  LiveSubjects subjects_;
};

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

std::uint64_t seed_of(const RunOptions& options) {
  if (options.seed != 0) return options.seed;
  const auto now = RealClock().wall().time_since_epoch().count();
  return static_cast<std::uint64_t>(now) ^ (static_cast<std::uint64_t>(::getpid()) << 48);
}

Status warn_of_unknown_names(const Filter& filter, Console& console) {
  for (const std::string& name : filter.unknown_names())
    console.warn(fmt::format(
        "no system call is called {}: it matches nothing but an agent's own calls", name));
  return {};
}

bool failed(const ExitStatus& exit) {
  return exit.reason != exit_reason::kCompleted && exit.reason != exit_reason::kToolErrors &&
         exit.reason != exit_reason::kScriptExhausted;
}

Json agent_json(const RunOutcome::Agent& agent) {
  const ProcessInfo& info = agent.info;
  Json json = Json::object({{"pid", raw(info.pid)},
                            {"ppid", raw(info.parent)},
                            {"intent", info.intent},
                            {"model", info.model},
                            {"steps", info.steps},
                            {"tokens_used", info.tokens_used},
                            {"context_budget", info.budget},
                            {"exit_code", info.exit.code},
                            {"exit_reason", info.exit.reason}});
  json.set("trace_id", info.trace_id);
  if (!agent.record_id.empty()) json.set("record_id", agent.record_id);
  return json;
}

}  // namespace

Result<RunOutcome> run_agents(std::vector<RunRoot> roots, const RunOptions& options,
                              Environment& env) {
  AGDB_TRY(Filter filter, Filter::parse_all(options.filters));
  AGDB_CHECK_OK(warn_of_unknown_names(filter, *env.console));
  std::shared_ptr<Device> files;
  if (!options.fs_folder.empty()) {
    AGDB_TRY(files, make_fs_device(options.fs_folder));
  }

  // Before anybody is on the bus: from there on only the end of this function takes them off again.
  if (options.record) AGDB_CHECK_OK(make_records_dir(env));

  const bool real_clock = options.clock == "real";
  const std::unique_ptr<Scheduler> scheduler =
      real_clock ? make_real_scheduler(options.speed) : make_sim_scheduler();
  Kernel* running = nullptr;
  std::atomic<bool> interrupted{false};
  InterruptGuard guard([&] {
    interrupted = true;
    scheduler->post([&] {
      if (running != nullptr) running->end_all(exit_reason::kInterrupted, 130);
    });
  });

  EventBus bus;
  LiveView view(*env.console, options.strace, std::move(filter));
  bus.add(view);
  FileSystem disk;
  const RealClock machine_clock;
  std::unique_ptr<RecordingManager> manager;
  if (options.record) {
    RecordingOptions recording;
    recording.records_dir = records_dir(env);
    recording.host = host_name();
    if (!roots.empty()) recording.source = roots.front().source;
    manager = std::make_unique<RecordingManager>(
        disk, machine_clock, std::move(recording),
        [&](const std::string& line) { env.console->warn(line); });
    bus.add(*manager);
  }
  std::unique_ptr<SpanRecorder> spans;  // behind the manager, which knows the recordings then
  if (options.trace) {
    spans = std::make_unique<SpanRecorder>(disk, traces_dir(env), [&](Pid pid) {
      return manager ? manager->record_id(pid).value_or("") : "";
    });
    bus.add(*spans);
  }

  KernelOptions kernel_options;
  kernel_options.seed = seed_of(options);
  if (!real_clock)
    kernel_options.pace = [&](std::size_t waiting) {
      if (waiting > EventBus::kRingBytes / 2) bus.flush();
    };
  RunOutcome outcome;
  outcome.roots = roots.size();
  Status started;
  {
    Kernel kernel(*scheduler, bus, std::move(kernel_options));
    running = &kernel;
    if (files) started = kernel.vfs().mount("/dev/fs", files);
    for (RunRoot& root : roots) {
      if (!started) break;
      SpawnRequest request;
      request.script = std::move(root.script);
      request.intent = std::move(root.intent);
      request.budget = options.budget;
      request.max_steps = options.max_steps;
      request.restored = std::move(root.restored);
      if (const Result<Pid> pid = kernel.spawn(std::move(request)); !pid)
        started = std::unexpected(pid.error());
    }
    if (started) kernel.run();
    bus.flush();
    for (ProcessInfo& info : kernel.list()) {
      const auto id = manager ? manager->record_id(info.pid) : std::nullopt;
      outcome.agents.push_back({std::move(info), id.value_or("")});
    }
    outcome.events_refused = kernel.events_refused();
    outcome.elapsed = scheduler->clock().now();
    running = nullptr;
  }
  Status closed;
  if (spans) {
    bus.remove(*spans);
    if (const Status written = spans->close(); !written) env.console->warn(written.error().message);
  }
  if (manager) {
    closed = manager->close_all();
    bus.remove(*manager);
    outcome.recorded = manager->totals();
  }
  bus.remove(view);
  AGDB_CHECK_OK(started);
  AGDB_CHECK_OK(closed);
  std::vector<std::string> record_ids;
  for (const RunOutcome::Agent& agent : outcome.agents) record_ids.push_back(agent.record_id);
  keep_runs(record_ids, env);
  outcome.interrupted = interrupted;
  outcome.traced = spans != nullptr;
  return outcome;
}

void add_run_options(CommandLine& line, RunOptions& options, const std::optional<Option>& run) {
  const auto of_a_run = [&](Option option) { return run ? option.needs(*run) : option; };
  of_a_run(line.flag("--record", options.record,
                     "record every process; prints the record id of the root"));
  of_a_run(
      line.flag("--trace", options.trace,
                "keep the spans of every process (`agdb trace list`); a recording has them too"));
  const Option strace =
      of_a_run(line.flag("--strace", options.strace, "show every event on stderr as it happens"));
  line.option("-e", "EXPR", options.filters,
              "with --strace: only events that match (may be repeated)")
      .check(filter_expression)
      .needs(strace);
  of_a_run(line.option("--budget", "N", options.budget,
                       "tokens that each root may spend (default: the script's)")
               .check(above_zero));
  of_a_run(line.option("--max-steps", "N", options.max_steps,
                       "steps after which a root ends (default: the script's, else 10000)")
               .check(above_zero));
  of_a_run(line.option("--clock", "CLOCK", options.clock,
                       "sim (hours pass at once, the default) or real")
               .one_of({"sim", "real"}));
  of_a_run(line.option("--speed", "X", options.speed,
                       "with --clock real: so many times as fast (default 1)")
               .between(0.001, 1e6));
  of_a_run(
      line.option("--seed", "N", options.seed, "of run ids: the same seed gives the same ids"));
  of_a_run(line.option("--fs", "DIR", options.fs_folder,
                       "folder that agents see as /dev/fs (default: none)")
               .is(ValueKind::kFolder));
}

ExitCode report(const RunOutcome& outcome, bool json, Environment& env) {
  Console& console = *env.console;
  bool root_failed = false;
  Json agents = Json::array();
  for (std::size_t i = 0; i < outcome.agents.size(); ++i) {
    const RunOutcome::Agent& agent = outcome.agents[i];
    const ProcessInfo& info = agent.info;
    const bool root = info.parent == kRuntimePid && i < outcome.roots;
    root_failed = root_failed || (root && failed(info.exit));
    if (json) {
      agents.push_back(agent_json(agent));
      continue;
    }
    console.note(fmt::format("pid {} ended: {} ({}, {}{})", raw(info.pid), info.exit.reason,
                             plural(info.steps, "step"), plural(info.tokens_used, "token"),
                             agent.record_id.empty() ? "" : ", recorded as " + agent.record_id));
    if (root && !agent.record_id.empty()) console.print_line(agent.record_id);
    if (root && outcome.traced)
      console.note(fmt::format("its spans are kept: `agdb trace show {}`", info.trace_id));
  }
  if (outcome.events_refused > 0 || outcome.recorded.lost_events > 0)
    console.warn(fmt::format(
        "{} lost: the recorder was behind or could not write; the recordings say where",
        plural(std::max(outcome.events_refused, outcome.recorded.lost_events), "event")));
  if (outcome.recorded.failed > 0)
    console.warn(fmt::format("{} could not be recorded",
                             plural(outcome.recorded.failed, "process", "processes")));
  if (json)
    console.print_line(dump(Json::object({{"agents", std::move(agents)},
                                          {"elapsed_ns", outcome.elapsed.count()},
                                          {"interrupted", outcome.interrupted},
                                          {"lost_events", outcome.recorded.lost_events},
                                          {"unrecorded_processes", outcome.recorded.failed}}),
                            {.sorted = false, .indent = 2}));
  if (outcome.interrupted) return ExitCode::kInterrupted;
  if (outcome.recorded.failed > 0) return ExitCode::kFailed;
  return root_failed ? ExitCode::kAgentFailed : ExitCode::kDone;
}

Result<std::shared_ptr<const Script>> load_script(const std::string& path,
                                                  RecordingSource* source) {
  AGDB_TRY(const std::string text, read_input_file(path));
  AGDB_TRY(Script script, parse_script(text, path));
  if (source != nullptr) {
    source->name = std::filesystem::path(path).filename().string();
    source->format = "agdb-script";
    source->size = text.size();
    source->hash = xxh3_128(text).hex();
  }
  return std::make_shared<const Script>(std::move(script));
}

}  // namespace agdb
