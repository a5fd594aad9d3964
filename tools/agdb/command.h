#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/result.h"
#include "tools/agdb/console.h"
#include "tools/agdb/exit_code.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace agdb {

// What commands work with. Made by main, or by a test.
struct Environment {
  Console* console;
  std::string working_dir;  // absolute
  std::string records_env;  // $AGDB_RECORDS; empty = unset
  std::string editor;       // $VISUAL or $EDITOR; empty = unset

  // Filled from options that every command has.
  std::string records_option;  // --records DIR; empty = not given
};

// The folder that recordings are in (created when the first one is written).
std::string records_dir(const Environment& env);

using Runner = std::function<Result<ExitCode>(Environment&)>;

// One command of the program: data, and a function that declares its options on `app` and returns
// what runs once they are parsed. One file a command, help beside the parser.
struct Command {
  std::string_view group;  // heading in the list of commands
  std::string_view name;
  std::string_view summary;  // one line, no full stop
  // Runnable examples, a line each, shown below the options.
  std::string_view examples;
  Runner (*declare)(CLI::App& app);
};

// All commands, in the order of the help.
const std::vector<Command>& commands();

Runner declare_run(CLI::App& app);
Runner declare_import(CLI::App& app);
Runner declare_show(CLI::App& app);
Runner declare_diff(CLI::App& app);
Runner declare_replay(CLI::App& app);
Runner declare_fork(CLI::App& app);
Runner declare_verify(CLI::App& app);
Runner declare_record(CLI::App& app);
Runner declare_ctx(CLI::App& app);
Runner declare_completion(CLI::App& app);

// Parses and runs a whole command line, without the program's name; prints the error, if there is
// one.
ExitCode run_command_line(const std::vector<std::string>& arguments, Environment& env);

}  // namespace agdb
