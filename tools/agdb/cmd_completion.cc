#include <fmt/format.h>

#include <memory>

#include "tools/agdb/command.h"

namespace agdb {
namespace {

std::string words_of(const CommandLine& line) {
  std::string words;
  for (const OptionFacts& option : line.options())
    if (!option.argument) words += fmt::format("{} ", fmt::join(option.names, " "));
  for (const auto& below : line.subcommands()) words += below->name() + " ";
  return words;
}

// One function serves both shells: zsh runs it through bashcompinit. Words that are no option
// complete to record ids where a command takes a recording, and to files.
std::string script(const CommandLine& program, bool zsh) {
  std::string cases;
  std::string names;
  for (const auto& sub : program.subcommands()) {
    names += sub->name() + " ";
    cases += fmt::format("    {}) words='{}' ;;\n", sub->name(), words_of(*sub));
  }
  return fmt::format(
      R"sh({}_agdb() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{} --version --help' -- "$current"))
    return
  fi
  case "$command" in
{}  esac
  case "$command" in
    show|diff|replay|fork|verify|record|ctx) words="$words @ $(agdb record list --all --ids 2>/dev/null)" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}}
complete -o filenames -F _agdb agdb
)sh",
      zsh ? "autoload -U +X bashcompinit && bashcompinit\n" : "", names, cases);
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
