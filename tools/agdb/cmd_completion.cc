#include <utility>  // before CLI.hpp, which needs std::exchange

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "tools/agdb/command.h"

namespace agdb {
namespace {

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
  }
  for (const CLI::App* sub : app.get_subcommands({})) words += sub->get_name() + " ";
  return words;
}

// One function serves both shells: zsh runs it through bashcompinit. Words that are no option
// complete to record ids where a command takes a recording, and to files.
std::string script(const CLI::App& root, bool zsh) {
  std::string cases;
  std::string names;
  for (const CLI::App* sub : root.get_subcommands({})) {
    names += sub->get_name() + " ";
    cases += fmt::format("    {}) words='{}' ;;\n", sub->get_name(), words_of(*sub));
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

Runner declare_completion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->option_text(" ")
      ->check(CLI::IsMember({"bash", "zsh"}));
  return [&app, shell](Environment& env) -> Result<ExitCode> {
    env.console->print(script(*app.get_parent(), *shell == "zsh"));
    return ExitCode::kDone;
  };
}

}  // namespace agdb
