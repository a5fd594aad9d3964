#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "debug/record/file.h"
#include "debug/record/records_dir.h"
#include "tools/agdb/command.h"

namespace agdb {
namespace {

constexpr std::string_view kRun = "Run and record";
constexpr std::string_view kLive = "Watch and steer living agents";
constexpr std::string_view kLook = "Look, compare, go back";
constexpr std::string_view kKeep = "Keep recordings";

std::string overview() {
  std::string text =
      "agdb: a debugger for AI agents. Records a run call by call, replays it\n"
      "backwards and forwards, compares any two points, and forks it from any event.\n\n"
      "usage: agdb COMMAND ...\n";
  std::string_view group;
  for (const Command& command : commands()) {
    if (command.group != group) text += fmt::format("\n{}\n", group = command.group);
    text += fmt::format("  {:<12}{}\n", command.name, command.summary);
  }
  text +=
      "\nRECORD is a record id, a folder, or @ for the newest recording.\n"
      "`agdb COMMAND --help` has the options and examples.\n\n"
      "A session log, executed again call by call:\n"
      "  agdb import SESSION.jsonl --run --strace\n";
  return text;
}

// Options that every command has, at each depth.
void declare_common(CommandLine& line, std::string& color, std::string& records) {
  line.option("--color", "WHEN", color, "auto (on a terminal), always or never")
      .one_of({"auto", "always", "never"});
  line.option("--records", "DIR", records,
              "folder of recordings (default: $AGDB_RECORDS, else the nearest .agdb/records)")
      .is(ValueKind::kFolder);
  for (const auto& below : line.subcommands()) declare_common(*below, color, records);
}

ExitCode run_parsed(const Runner& runner, Environment& env) {
  const Result<ExitCode> code = runner(env);
  const Status written = env.console->finish();
  if (!code) {
    env.console->error(code.error());
    return ExitCode::kFailed;
  }
  if (!written) {
    env.console->error(written.error());
    return ExitCode::kFailed;
  }
  return *code;
}

// `agdb help show` asks what `agdb show --help` does.
std::vector<std::string> without_help_word(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.emplace_back("--help");
  return words;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {
      {kRun, "run", "run agent scripts in a runtime inside this process",
       "agdb run fixtures/scripts/hello.json --record --strace\n"
       "agdb run fixtures/scripts/budget.json --budget 10000",
       declare_run},
      {kRun, "import", "turn session logs of other tools into recordings",
       "agdb import session.jsonl\n"
       "agdb import session.jsonl --run --strace",
       declare_import},
      {kLive, "serve", "the daemon: a runtime that others attach to",
       "agdb serve --detach\n"
       "agdb serve --record-all\n"
       "agdb serve --detach --http --otlp",
       declare_serve},
      {kLive, "status", "what the daemon does", "agdb status", declare_status},
      {kLive, "shutdown", "end the daemon, and all that runs in it", "agdb shutdown",
       declare_shutdown},
      {kLive, "spawn", "start an agent script in the daemon",
       "agdb spawn fixtures/scripts/research-team.json --record\n"
       "agdb spawn .agdb/records/ID/script.json      # of an imported session",
       declare_spawn},
      {kLive, "ps", "processes of the daemon", "agdb ps --forest", declare_ps},
      {kLive, "top", "processes of the daemon, as a live table", "agdb top", declare_top},
      {kLive, "strace", "watch living processes, call by call",
       "agdb strace 1\n"
       "agdb strace -f 1 -e trace=%llm,%tool --last 20\n"
       "agdb strace -c 1",
       declare_strace},
      {kLive, "wait", "wait until processes end", "agdb wait 1", declare_wait},
      {kLive, "kill", "send a signal to processes",
       "agdb kill 1\n"
       "agdb kill -s kill 1 2",
       declare_kill},
      {kLive, "pause", "hold processes at their next call", "agdb pause 1", declare_pause},
      {kLive, "resume", "let processes go on that are held", "agdb resume 1", declare_resume},
      {kLive, "budget", "what a process may spend",
       "agdb budget 1\n"
       "agdb budget 1 50000 --policy pause",
       declare_budget},
      {kLive, "alerts", "warnings about budgets",
       "agdb alerts --follow\n"
       "agdb alerts --follow --on-alert 'notify-send agdb'",
       declare_alerts},
      {kLook, "replay", "step through a recording, forwards and backwards",
       "agdb replay @\n"
       "agdb replay @ -c next -c list -c 'diff 8 20'",
       declare_replay},
      {kLook, "show", "events of a recording, or the context at one of them",
       "agdb show @\n"
       "agdb show @ -e trace=%tool -e status=failed\n"
       "agdb show @ 20",
       declare_show},
      {kLook, "diff", "what the model knew at one event against another", "agdb diff @ 8 20",
       declare_diff},
      {kLook, "fork", "restore the context at an event, edit it, and run on from there",
       "agdb fork @ --at 20 --append 'user:Use the other file.' --run\n"
       "agdb fork @ --at 20 --json",
       declare_fork},
      {kLook, "ctx", "what fills a context, and where it is heading",
       "agdb ctx profile @ --at 20\n"
       "agdb ctx growth @",
       declare_ctx},
      {kLook, "trace", "a run as a tree of timed spans, and what took the time",
       "agdb trace show @\n"
       "agdb trace blame @",
       declare_trace},
      {kLook, "export", "a run for other viewers: Perfetto, OpenTelemetry, flame graphs",
       "agdb export @ --format perfetto -o run.json\n"
       "agdb export @ --format perfetto | gzip > run.json.gz\n"
       "agdb export @ --format otlp --otlp http://localhost:4318\n"
       "agdb export @ --format folded --weight tokens | flamegraph.pl > run.svg",
       declare_export},
      {kKeep, "record", "start, stop, list, describe, compress and remove recordings",
       "agdb record list\n"
       "agdb record start 1 --children\n"
       "agdb record info @\n"
       "agdb record compress @",
       declare_record},
      {kKeep, "runs", "the store of all runs: lists, search, sums, exports",
       "agdb runs list -e status=failed -e since=24h\n"
       "agdb runs search 'no such file'\n"
       "agdb runs aggregate --window 24h",
       declare_runs},
      {kKeep, "verify", "check recordings: lines, numbers, hashes",
       "agdb verify @\n"
       "agdb verify $(agdb record list --all --ids)",
       declare_verify},
      {kKeep, "completion", "shell completion for bash or zsh", "source <(agdb completion bash)",
       declare_completion},
  };
  return kCommands;
}

Runner declare_commands(CommandLine& line, const std::vector<Command>& below) {
  struct Declared {
    const CommandLine* line;
    Runner runner;
  };
  std::vector<Declared> declared;
  for (const Command& command : below) {
    CommandLine& sub = line.subcommand(command.name, command.summary, command.examples);
    declared.push_back({&sub, command.declare(sub)});
  }
  return [declared](Environment& env) -> Result<ExitCode> {
    for (const Declared& each : declared)
      if (each.line->chosen()) return each.runner(env);
    return fail(Code::kInvalid, "no command given", "`agdb` alone lists the commands");
  };
}

std::string records_dir(const Environment& env) {
  RecordsDirChoice choice;
  if (!env.records_option.empty()) choice.option = env.records_option;
  if (!env.records_env.empty()) choice.environment = env.records_env;
  choice.working_dir = env.working_dir;
  return find_records_dir(choice);
}

std::string traces_dir(const Environment& env) {
  return beside_recordings(records_dir(env), kTracesName);
}

Status make_records_dir(const Environment& env) {
  FileSystem disk;
  const std::string dir = records_dir(env);
  constexpr std::string_view kHint = "--records DIR or $AGDB_RECORDS names another folder";
  if (Status made = make_dirs(disk, dir); !made)
    return fail(made.error().code, "cannot record: " + made.error().message, std::string(kHint));
  if (::access(dir.c_str(), W_OK | X_OK) != 0)
    return fail(Code::kIo, fmt::format("cannot record in {}: {}", dir, std::strerror(errno)),
                std::string(kHint));
  return {};
}

ExitCode run_command_line(const std::vector<std::string>& arguments, Environment& env) {
  CommandLine program("agdb");
  const Runner runner = declare_commands(program, commands());
  std::string color;
  declare_common(program, color, env.records_option);
  Console& console = *env.console;
  const Result<CommandLine::Asked> asked =
      arguments.empty() ? CommandLine::Asked::kHelp : program.parse(without_help_word(arguments));
  if (!asked) {
    console.error(asked.error());
    return ExitCode::kUsage;
  }
  if (color == "always") console.set_color(ColorMode::kAlways);
  if (color == "never") console.set_color(ColorMode::kNever);
  if (*asked == CommandLine::Asked::kRun) return run_parsed(runner, env);
  const CommandLine& about = program.deepest_chosen();
  const auto answer = [&](Environment&) -> Result<ExitCode> {
    if (*asked == CommandLine::Asked::kVersion) {
      console.print_line("agdb " AGDB_VERSION);
    } else {
      console.print(about.parent() == nullptr ? overview() : help_text(about));
    }
    return ExitCode::kDone;
  };
  return run_parsed(answer, env);
}

}  // namespace agdb
