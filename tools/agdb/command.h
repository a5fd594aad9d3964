#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/result.h"
#include "tools/agdb/command_line.h"
#include "tools/agdb/console.h"
#include "tools/agdb/exit_code.h"

namespace agdb {

// What commands work with. Made by main, or by a test.
struct Environment {
  Console* console;
  std::string working_dir;  // absolute
  std::string records_env;  // $AGDB_RECORDS; empty = unset
  std::string editor;       // $VISUAL or $EDITOR; empty = unset
  std::string socket_env;   // $AGDB_SOCKET; empty = unset
  std::string runtime_dir;  // $XDG_RUNTIME_DIR; empty = unset

  // Filled from options that every command has.
  std::string records_option;  // --records DIR; empty = not given
};

// The folder that recordings are in (created when the first one is written).
std::string records_dir(const Environment& env);
// The folder that the spans of traces are kept in: "traces" beside the recordings'.
std::string traces_dir(const Environment& env);
// Makes the recordings' folder where it is missing. An error when nothing can be written there:
// said once, and before work that would be lost.
Status make_records_dir(const Environment& env);

using Runner = std::function<Result<ExitCode>(Environment&)>;

// One command of the program: data, and a function that declares its options on `line` and returns
// what runs once they are parsed. One file a command, help beside the parser.
struct Command {
  std::string_view group;  // heading in the list of commands
  std::string_view name;
  std::string_view summary;  // one line, no full stop
  // Runnable examples, a line each, shown below the options.
  std::string_view examples;
  Runner (*declare)(CommandLine& line);
};

// All commands, in the order of the help.
const std::vector<Command>& commands();

// Declares commands below a line; what it returns runs the one that was named. A command that only
// holds others (`agdb record`) is declared with a table of its own; there the group stays empty.
Runner declare_commands(CommandLine& line, const std::vector<Command>& below);

Runner declare_run(CommandLine& line);
Runner declare_import(CommandLine& line);
Runner declare_show(CommandLine& line);
Runner declare_diff(CommandLine& line);
Runner declare_replay(CommandLine& line);
Runner declare_fork(CommandLine& line);
Runner declare_verify(CommandLine& line);
Runner declare_record(CommandLine& line);
Runner declare_ctx(CommandLine& line);
Runner declare_export(CommandLine& line);
Runner declare_trace(CommandLine& line);
Runner declare_serve(CommandLine& line);
Runner declare_status(CommandLine& line);
Runner declare_shutdown(CommandLine& line);
Runner declare_spawn(CommandLine& line);
Runner declare_ps(CommandLine& line);
Runner declare_top(CommandLine& line);
Runner declare_wait(CommandLine& line);
Runner declare_kill(CommandLine& line);
Runner declare_pause(CommandLine& line);
Runner declare_resume(CommandLine& line);
Runner declare_strace(CommandLine& line);
Runner declare_budget(CommandLine& line);
Runner declare_alerts(CommandLine& line);
Runner declare_runs(CommandLine& line);
Runner declare_runs_stats(CommandLine& line);
Runner declare_runs_aggregate(CommandLine& line);
Runner declare_runs_annotate(CommandLine& line);
Runner declare_runs_correlate(CommandLine& line);
Runner declare_runs_delete(CommandLine& line);
Runner declare_runs_export(CommandLine& line);
Runner declare_runs_rebuild(CommandLine& line);
Runner declare_completion(CommandLine& line);

// Parses and runs a whole command line, without the program's name; prints the error, if there is
// one.
ExitCode run_command_line(const std::vector<std::string>& arguments, Environment& env);

}  // namespace agdb
