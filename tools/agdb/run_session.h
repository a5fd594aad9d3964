#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "debug/record/recording_manager.h"
#include "debug/strace/filter.h"
#include "runtime/events/script.h"
#include "runtime/kernel/kernel.h"
#include "tools/agdb/command.h"

namespace agdb {

// A runtime inside this very process, watched and recorded: what `run`, `fork --run` and `import
// --run` have in common.

struct RunOptions {
  bool record = false;
  bool trace = false;  // write the spans of every process
  bool strace = false;
  std::vector<std::string> filters;  // for strace
  std::int64_t budget = 0;           // 0: the script's
  std::int64_t max_steps = 0;        // 0: the script's, else the kernel's
  std::string clock = "sim";         // or "real"
  double speed = 1.0;                // of the real clock
  std::uint64_t seed = 0;            // of run ids; 0: made from the time
  std::string fs_folder;             // mounted at /dev/fs; empty: nothing is
};

// An agent to start: the main of a script, or from a restored context.
struct RunRoot {
  std::shared_ptr<const Script> script;
  std::string intent;
  std::optional<RestoredState> restored;
  std::optional<RecordingSource> source;
};

struct RunOutcome {
  struct Agent {
    ProcessInfo info;
    std::string record_id;  // empty: not recorded
  };
  std::vector<Agent> agents;  // by pid; the roots come first where they were started first
  std::size_t roots = 0;
  RecordingManager::Totals recorded;
  std::uint64_t events_refused = 0;  // the recorder was behind
  Nanoseconds elapsed{0};            // by the runtime's clock
  bool interrupted = false;          // Ctrl-C
  bool traced = false;               // the spans are kept
};

// Runs the roots until all processes have ended, or until Ctrl-C ends them. strace lines and alerts
// go to stderr as they happen. All roots share one source for their recordings' metadata: the
// first's.
Result<RunOutcome> run_agents(std::vector<RunRoot> roots, const RunOptions& options,
                              Environment& env);

// Declares the options above that commands share (--record, --strace, …). With `run` they need that
// flag: a command that runs nothing must not take them without a word.
void add_run_options(CommandLine& line, RunOptions& options,
                     const std::optional<Option>& run = std::nullopt);

// What a person is told at the end: a line an agent on stderr, record ids on stdout; or one JSON
// document on stdout. kAgentFailed when a root did not do its work.
ExitCode report(const RunOutcome& outcome, bool json, Environment& env);

// Reads and checks a script file. An error names the file, the line and the column.
Result<std::shared_ptr<const Script>> load_script(const std::string& path, RecordingSource* source);

}  // namespace agdb
