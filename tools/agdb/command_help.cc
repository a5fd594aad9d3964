#include <fmt/format.h>

#include <algorithm>

#include "tools/agdb/command_line.h"

namespace agdb {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kColumn = 24;  // where the explanations begin

// The text in lines that fit between the column and the right margin. Its own line ends are kept.
std::string wrapped(std::string_view text) {
  std::string out;
  std::size_t room = kWidth - kColumn;
  const std::string indent(kColumn, ' ');
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end > room && room < kWidth - kColumn) {
      while (out.ends_with(' ')) out.pop_back();
      out += "\n" + indent;
      room = kWidth - kColumn;
    }
    out += text.substr(0, end);
    room -= std::min(room, end + 1);
    if (end < text.size()) out += text[end] == '\n' ? "\n" + indent : " ";
    if (end < text.size() && text[end] == '\n') room = kWidth - kColumn;
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out + "\n";
}

std::string row(const std::string& left, std::string_view right) {
  const std::string start = "  " + left;
  if (start.size() + 2 > kColumn) return start + "\n" + std::string(kColumn, ' ') + wrapped(right);
  return fmt::format("{:<{}}{}", start, kColumn, wrapped(right));
}

std::string option_row(const OptionFacts& option) {
  std::string left = fmt::format("{}", fmt::join(option.names, ", "));
  if (!option.argument && !option.value.empty()) left += " " + option.value;
  return row(left, option.help);
}

// "agdb fork [OPTIONS] --at SEQ RECORD"
std::string usage(const CommandLine& line) {
  std::string text = line.path() + " [OPTIONS]";
  for (const OptionFacts& option : line.options())
    if (!option.argument && option.required)
      text += fmt::format(" {} {}", option.names.back(), option.value);
  for (const OptionFacts& option : line.options()) {
    if (!option.argument) continue;
    const std::string word = option.value + (option.repeated ? "..." : "");
    text += option.required ? " " + word : " [" + word + "]";
  }
  return line.subcommands().empty() ? text : text + " COMMAND";
}

}  // namespace

std::string help_text(const CommandLine& line) {
  std::string arguments;
  std::string options;
  for (const OptionFacts& option : line.options())
    (option.argument ? arguments : options) += option_row(option);
  options += row("-h, --help", "this text");
  std::string text = fmt::format("Usage: {}\n\n{}\n", usage(line), line.summary());
  if (!arguments.empty()) text += "\nArguments:\n" + arguments;
  text += "\nOptions:\n" + options;
  if (!line.subcommands().empty()) text += "\nCommands:\n";
  for (const auto& below : line.subcommands()) text += row(below->name(), below->summary());
  text += "\nExamples:\n";
  std::string_view rest = line.examples();
  while (!rest.empty()) {
    const std::string_view example = rest.substr(0, rest.find('\n'));
    text += fmt::format("  {}\n", example);
    rest.remove_prefix(std::min(rest.size(), example.size() + 1));
  }
  return text;
}

}  // namespace agdb
