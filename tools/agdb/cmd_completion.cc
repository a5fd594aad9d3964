#include <fmt/format.h>

#include <memory>
#include <string>

#include "tools/agdb/command.h"

namespace agdb {
namespace {

// What the shell function does to offer a value: assignments that it acts on.
std::string offer(const OptionFacts& option) {
  if (!option.words.empty()) return fmt::format("words='{}'", fmt::join(option.words, " "));
  switch (option.kind) {
    case ValueKind::kRecord:
      return "kind=record";
    case ValueKind::kFile:
      return "kind=file";
    case ValueKind::kFolder:
      return "kind=folder";
    case ValueKind::kText:
      break;
  }
  return "kind=text";
}

// The tables of the shell function. Commands are keyed as typed, with a blank before each word:
// " record list".
struct Tables {
  std::string commands;   // patterns that are commands
  std::string options;    // by command: its options
  std::string values;     // by command and option: what follows it
  std::string arguments;  // by command: what stands where no option does
};

void add(const CommandLine& line, const std::string& key, Tables& tables) {
  std::string names = "--help -h";
  for (const OptionFacts& option : line.options()) {
    if (option.argument) continue;
    names += fmt::format(" {}", fmt::join(option.names, " "));
    if (option.value.empty()) continue;
    for (const std::string& name : option.names)
      tables.values += fmt::format("    '{} {}') {} ;;\n", key, name, offer(option));
  }
  tables.options += fmt::format("    '{}') options='{}' ;;\n", key, names);
  std::string below;
  for (const auto& each : line.subcommands()) below += " " + each->name();
  if (!below.empty()) tables.arguments += fmt::format("    '{}') words='{}' ;;\n", key, below);
  for (const OptionFacts& option : line.options()) {
    if (!option.argument) continue;
    // The first argument speaks for all: what follows a recording are numbers and recordings.
    tables.arguments += fmt::format("    '{}') {} ;;\n", key, offer(option));
    break;
  }
  for (const auto& each : line.subcommands()) {
    const std::string path = key + " " + each->name();
    tables.commands += fmt::format("{}'{}'", tables.commands.empty() ? "" : "|", path);
    add(*each, path, tables);
  }
}

// One function serves both shells: zsh runs it through bashcompinit. bash makes "=" a word of its
// own.
std::string script(const CommandLine& program, bool zsh) {
  Tables tables;
  add(program, "", tables);
  return fmt::format(
      R"sh({}_agdb() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' options='' words='' kind='' i
  if [ "$current" = '=' ]; then
    current=''
  elif [ "$before" = '=' ]; then
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${{COMP_WORDS[i]}}" in
      {}) command="$command ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$command $before" in
{}  esac
  if [ -z "$words$kind" ]; then
    case "$command" in
{}    esac
    case "$command" in
{}    esac
    case "$current" in
      -*) words="$options" kind='' ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$kind" in
    record) COMPREPLY+=($(compgen -W "@ $(agdb record list --all --ids 2>/dev/null)" -- "$current")) ;;
  esac
  case "$kind$current" in
    file*|folder*|record*/*)
      compopt -o filenames 2>/dev/null
      local IFS=$'\n'
      case "$kind" in
        file) COMPREPLY+=($(compgen -f -- "$current")) ;;
        *) COMPREPLY+=($(compgen -d -- "$current")) ;;
      esac ;;
  esac
}}
complete -F _agdb agdb
)sh",
      zsh ? "autoload -U +X bashcompinit && bashcompinit\n" : "", tables.commands, tables.values,
      tables.arguments, tables.options);
}

}  // namespace

Runner declare_completion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  line.argument("SHELL", *shell, "bash or zsh").required().one_of({"bash", "zsh"});
  return [&line, shell](Environment& env) -> Result<ExitCode> {
    env.console->print(script(*line.parent(), *shell == "zsh"));
    return ExitCode::kDone;
  };
}

}  // namespace agdb
