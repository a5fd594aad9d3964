#include <utility>  // before CLI.hpp, which needs std::exchange

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "debug/record/records_dir.h"
#include "tools/agdb/command.h"

namespace agdb {
namespace {

constexpr std::string_view kRun = "Run and record";
constexpr std::string_view kLook = "Look, compare, go back";
constexpr std::string_view kKeep = "Keep recordings";

// How many single-character edits lead from one word to the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({change, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

std::string overview() {
  std::string text =
      "agdb: a debugger for AI agents. Records a run call by call, replays it backwards and\n"
      "forwards, compares any two points, and forks it from any event.\n\n"
      "usage: agdb COMMAND ...\n";
  std::string_view group;
  for (const Command& command : commands()) {
    if (command.group != group) text += fmt::format("\n{}\n", group = command.group);
    text += fmt::format("  {:<12}{}\n", command.name, command.summary);
  }
  text +=
      "\nRECORD is a record id, a folder, or @ for the newest recording.\n"
      "`agdb COMMAND --help` has the options and examples. Try:\n"
      "  agdb import SESSION.jsonl --run --strace    a session log, executed again call by call\n";
  return text;
}

std::string unknown_command(const std::string& word) {
  const Command* closest = nullptr;
  std::size_t distance = 3;
  for (const Command& command : commands()) {
    const std::size_t d = edit_distance(word, command.name);
    if (d < distance) {
      distance = d;
      closest = &command;
    }
  }
  std::string hint = "`agdb` alone lists the commands";
  if (closest != nullptr) hint = fmt::format("did you mean {}?", closest->name);
  return fmt::format("unknown command \"{}\"; {}", word, hint);
}

struct Declared {
  CLI::App* app;
  Runner runner;
};

ExitCode usage_error(Environment& env, const std::string& message, std::string_view command) {
  std::string hint = command.empty() ? "`agdb --help` lists the commands"
                                     : fmt::format("see `agdb {} --help`", command);
  env.console->error({Code::kInvalid, message, hint});
  return ExitCode::kUsage;
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
      {kKeep, "record", "list, describe, compress and remove recordings",
       "agdb record list\n"
       "agdb record info @\n"
       "agdb record compress @",
       declare_record},
      {kKeep, "verify", "check a recording: lines, numbers, hashes", "agdb verify @",
       declare_verify},
      {kKeep, "completion", "shell completion for bash or zsh", "source <(agdb completion bash)",
       declare_completion},
  };
  return kCommands;
}

std::string records_dir(const Environment& env) {
  RecordsDirChoice choice;
  if (!env.records_option.empty()) choice.option = env.records_option;
  if (!env.records_env.empty()) choice.environment = env.records_env;
  choice.working_dir = env.working_dir;
  return find_records_dir(choice);
}

ExitCode run_command_line(const std::vector<std::string>& arguments, Environment& env) {
  CLI::App app("", "agdb");
  app.set_help_flag();
  app.set_version_flag("--version", std::string("agdb ") + AGDB_VERSION);
  bool help = false;
  app.add_flag("-h,--help", help);
  app.add_option("--records", env.records_option);
  std::string color;
  std::vector<Declared> declared;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->set_help_flag("-h,--help", "this text");
    sub->add_option("--color", color, "auto (on a terminal), always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->option_text("WHEN");
    sub->add_option("--records", env.records_option,
                    "folder of recordings (default: $AGDB_RECORDS, else the nearest .agdb/records)")
        ->option_text("DIR");
    std::string examples = "Examples:";
    for (std::string_view rest = command.examples; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      examples += fmt::format("\n  {}", line);
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    sub->footer(examples);
    declared.push_back({sub, command.declare(*sub)});
  }
  if (arguments.empty() || arguments == std::vector<std::string>{"help"}) {
    env.console->print(overview());
    return ExitCode::kDone;
  }
  if (!arguments.front().starts_with('-') &&
      std::ranges::none_of(commands(),
                           [&](const Command& c) { return c.name == arguments.front(); })) {
    env.console->note(unknown_command(arguments.front()));
    return ExitCode::kUsage;
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    CLI::App* asked = &app;
    while (!asked->get_subcommands().empty()) asked = asked->get_subcommands().front();
    env.console->print(asked->help());
    return ExitCode::kDone;
  } catch (const CLI::CallForVersion& version) {
    env.console->print_line(version.what());
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    return usage_error(env, error.what(), chosen.empty() ? "" : chosen.front()->get_name());
  }
  if (help) {
    env.console->print(overview());
    return ExitCode::kDone;
  }
  if (color == "always") env.console->set_color(ColorMode::kAlways);
  if (color == "never") env.console->set_color(ColorMode::kNever);
  for (const Declared& command : declared)
    if (command.app->parsed()) return run_parsed(command.runner, env);
  return usage_error(env, "no command given", "");
}

}  // namespace agdb
