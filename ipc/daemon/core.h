#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "debug/record/recording_manager.h"
#include "debug/runs/run_intake.h"
#include "debug/trace/span_id.h"
#include "debug/trace/span_recorder.h"
#include "ipc/daemon/forecast_watch.h"
#include "ipc/daemon/methods.h"
#include "ipc/daemon/run_keeper.h"
#include "ipc/daemon/view_hub.h"
#include "runtime/events/bus.h"
#include "runtime/kernel/external_agents.h"
#include "runtime/kernel/kernel.h"

namespace agdb {

struct DaemonOptions {
  std::string socket;
  std::string records_dir;
  bool record_all = false;
  // The spans of every process are kept there; empty: they are not.
  std::string traces_dir;
  std::string version;
  std::string host;
  std::uint64_t seed = 0;  // of run and trace ids
  // One line for a log, from any thread.
  enum class Level { kDebug, kInfo, kWarning, kError };
  std::function<void(Level level, const std::string& line)> log;
};

// What the sessions of a daemon share: the runtime, its recordings, its views. All of it lives on
// the loop's thread; recordings and views take events on the bus's own.
class Core {
 public:
  explicit Core(DaemonOptions options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  using Level = DaemonOptions::Level;
  void log(Level level, const std::string& line) const { options.log(level, line); }

  // The pid that a parameter names: a number, or the record id of a process that is being recorded.
  Result<Pid> pid_of(const Json& param) const;
  // The span of a process, for whoever continues its trace. REQUIRES: there is such a process.
  TraceParent traceparent(Pid pid) const;
  // The process as the protocol tells it. REQUIRES: there is one.
  Json process_json(Pid pid) const;
  Json process_json(const ProcessInfo& info) const;

  // Whether the recorder and the views are so far behind that who reports for an agent has to wait:
  // its socket and its own queue hold what comes meanwhile, and nothing is lost.
  bool is_behind() const { return kernel.events_waiting() > EventBus::kRingBytes / 2; }
  // Calls back when half of that has been taken.
  void when_caught_up(std::function<void()> tell);

  // Gives birth by `birth`, to a process that is recorded from then on where `record` asks for it;
  // its record id is known when this returns.
  Result<Pid> give_birth(bool record, const std::function<Result<Pid>()>& birth);

  // Calls back when the process has ended: at once, when it has.
  void when_ended(Pid pid, std::function<void()> tell);
  // Ends everything that lives, closes all recordings, stores their runs.
  void wind_up();

  const DaemonOptions options;

  // In the order in which each needs those before it.
  LoopScheduler loop;
  EventBus bus;
  FileSystem disk;
  RealClock clock;
  RunIntake intake;  // of the thread of `runs`
  RunKeeper runs;
  RecordingManager recordings;
  std::unique_ptr<SpanRecorder> spans;  // null: not kept
  ViewHub views;
  Kernel kernel;
  ExternalAgents agents;
  ForecastWatch forecasts;

  // Other ways in than the socket, by name, for daemon.status.
  std::map<std::string, std::string> listeners;
  // What else daemon.status tells, by name.
  std::map<std::string, std::function<Json()>> reports;

  // Counted for daemon.status.
  std::uint64_t connections = 0;
  std::uint64_t rejected_notifications = 0;
  const Nanoseconds started;
  std::function<void()> shut_down;  // asked for by daemon.shutdown

 private:
  KernelOptions kernel_options();
  void on_ended(Pid pid);
  void look_again();
  std::map<Pid, std::vector<std::function<void()>>> waiting_;  // for an end
  std::vector<std::function<void()>> behind_;                  // for the recorder
};

}  // namespace agdb
