#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "debug/strace/value_text.h"
#include "tools/agdb/command.h"
#include "tools/agdb/input_file.h"
#include "tools/agdb/line_editor.h"
#include "tools/agdb/recording_argument.h"
#include "tools/agdb/replay_shell.h"

namespace agdb {
namespace {

struct ReplayArguments {
  std::string record;
  std::vector<std::string> files;
  std::vector<std::string> commands;
  bool verbose = false;
  bool json = false;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string banner(const Recording& recording) {
  const RecordingMetadata& m = recording.metadata();
  std::string text = fmt::format("[replay] Loading record {}...\n", m.record_id);
  text += fmt::format("[replay] PID: {} | Intent: {} | Events: {} | Status: {}\n", raw(m.pid),
                      quoted_text(m.intent), recording.size(), m.status);
  if (m.start_time && m.end_time)
    text += fmt::format("[replay] Duration: {:.0f}s\n",
                        std::chrono::duration<double>(*m.end_time - *m.start_time).count());
  return text + "[replay] Type 'help' for commands, 'quit' to exit\n\n";
}

// Lines typed by a person, with editing and history, or piped in.
void converse(ReplayShell& shell, Console& console) {
  const bool typed = ::isatty(STDIN_FILENO) == 1 && console.out_is_terminal();
  LineEditor editor(typed);
  while (!shell.done()) {
    if (const Status status = console.finish(); !status) return;
    const std::optional<std::string> line = editor.read(shell.prompt());
    if (!line) {
      shell.end_of_input();
      return;
    }
    shell.execute(*line);
  }
}

Result<ExitCode> replay(const ReplayArguments& arguments, Environment& env) {
  std::vector<std::string> commands;
  for (const std::string& file : arguments.files) {
    AGDB_TRY(const std::string text, read_input_file(file));
    for (std::string& line : lines_of(text)) commands.push_back(std::move(line));
  }
  commands.insert(commands.end(), arguments.commands.begin(), arguments.commands.end());
  AGDB_TRY(const Recording recording, open_recording(arguments.record, env));
  ReplayShell shell(recording, {.verbose = arguments.verbose, .json = arguments.json}, env);
  const bool scripted = !arguments.files.empty() || !arguments.commands.empty();
  if (!scripted) {
    if (!arguments.json) env.console->print(banner(recording));
    converse(shell, *env.console);
  } else {
    for (const std::string& command : commands) {
      if (shell.done()) break;
      shell.execute(command);
    }
  }
  return scripted && shell.failures() > 0 ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

Runner declare_replay(CommandLine& line) {
  auto arguments = std::make_shared<ReplayArguments>();
  add_recording_argument(line, arguments->record);
  line.option("-c", "CMD", arguments->commands,
              "run a command instead of asking (may be repeated)");
  line.option("-x", "FILE", arguments->files,
              "run the commands of a file, a line each, before those of -c")
      .is(ValueKind::kFile);
  line.flag("-v,--verbose", arguments->verbose, "events with all their arguments");
  line.flag("--json", arguments->json, "answers as JSON, one a line");
  return [arguments](Environment& env) { return replay(*arguments, env); };
}

}  // namespace agdb
