#include "tools/agdb/command_line.h"

#include <utility>  // before CLI.hpp, which needs std::exchange

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace agdb {
namespace {

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

// "did you mean list?", or what else helps.
std::string suggestion(std::string_view word, const std::vector<std::string>& known,
                       std::string otherwise) {
  // Comparing is quadratic, and nobody mistypes a page.
  if (word.size() > 40) return otherwise;
  const std::string* closest = nullptr;
  std::size_t distance = 3;
  for (const std::string& each : known)
    if (const std::size_t d = edit_distance(word, each); d < std::min(distance, each.size())) {
      distance = d;
      closest = &each;
    }
  return closest == nullptr ? otherwise : fmt::format("did you mean {}?", *closest);
}

std::string see_help(const CommandLine& line) {
  return line.parent() == nullptr ? fmt::format("`{}` alone lists the commands", line.path())
                                  : fmt::format("see `{} --help`", line.path());
}

// From CLI11's words for a value that is none, "Could not convert: --seed = x".
std::string no_number(std::string_view told) {
  told.remove_prefix(std::min(told.size(), told.find(": ") + 2));
  const std::size_t equals = std::min(told.size(), told.find(" = "));
  const std::string_view value = told.substr(std::min(told.size(), equals + 3));
  return fmt::format("{}: expected a number, got {}", told.substr(0, equals), value);
}

std::vector<std::string> names_below(const CommandLine& line) {
  std::vector<std::string> names;
  for (const auto& each : line.subcommands()) names.push_back(each->name());
  return names;
}

// The error for a word that has no place on the line.
Error misplaced(const CommandLine& line, const std::string& word) {
  if (word.starts_with('-') && word.size() > 1) {
    std::vector<std::string> known;
    for (const OptionFacts& option : line.options())
      if (!option.argument) known.insert(known.end(), option.names.begin(), option.names.end());
    const std::string name = word.substr(0, word.find('='));
    return {Code::kInvalid, fmt::format("unknown option {}", name),
            suggestion(name, known, see_help(line))};
  }
  if (line.subcommands().empty())
    return {Code::kInvalid, fmt::format("one word too many: \"{}\"", word), see_help(line)};
  std::string path = line.path() + " " + word;
  path.erase(0, path.find(' ') + 1);
  return {Code::kInvalid, fmt::format("unknown command \"{}\"", path),
          suggestion(word, names_below(line), see_help(line))};
}

}  // namespace

struct CommandLine::Rep {
  const CommandLine* parent = nullptr;
  std::unique_ptr<CLI::App> program;  // null: the parent's owns app
  CLI::App* app = nullptr;
  std::string name;
  std::string summary;
  std::string examples;
  std::deque<OptionFacts> options;  // handles point into it
  std::vector<std::unique_ptr<CommandLine>> subcommands;

  Option declared(CLI::Option* option, std::string_view names, std::string_view value,
                  std::string_view help) {
    OptionFacts& facts = options.emplace_back();
    for (std::size_t at = 0; at < names.size();) {
      const std::size_t end = std::min(names.find(',', at), names.size());
      facts.names.emplace_back(names.substr(at, end - at));
      at = end + 1;
    }
    facts.value = value;
    facts.help = help;
    facts.argument = !names.starts_with('-');
    return {*option, facts};
  }
};

Option Option::required() {
  parsed_->required();
  facts_->required = true;
  return *this;
}

Option Option::check(const WordCheck& wrong) {
  parsed_->check(wrong);
  return *this;
}

Option Option::one_of(std::vector<std::string> words) {
  facts_->words = words;
  return check([words = std::move(words)](const std::string& word) -> std::string {
    if (std::ranges::find(words, word) != words.end()) return {};
    return fmt::format("{} is none of {}", word, fmt::join(words, ", "));
  });
}

Option Option::between(double lowest, double highest) {
  parsed_->check(CLI::Validator(
      [lowest, highest](const std::string& word) -> std::string {
        double number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        const bool whole = error == std::errc() && end == word.data() + word.size();
        if (whole && number >= lowest && number <= highest) return "";
        return fmt::format("expected a number from {} to {:.15g}, got {}", lowest, highest, word);
      },
      ""));
  return *this;
}

Option Option::is(ValueKind kind) {
  facts_->kind = kind;
  return *this;
}

Option Option::or_alone(const std::string& word) {
  parsed_->expected(0, 1)->default_str(word);
  return *this;
}

Option Option::needs(Option other) {
  parsed_->needs(other.parsed_);
  return *this;
}

Option Option::excludes(Option other) {
  parsed_->excludes(other.parsed_);
  return *this;
}

CommandLine::CommandLine(std::string_view program) : rep_(std::make_unique<Rep>()) {
  rep_->program = std::make_unique<CLI::App>("", std::string(program));
  rep_->app = rep_->program.get();
  rep_->name = program;
  rep_->app->set_help_flag("-h,--help");
  rep_->app->set_version_flag("--version", std::string(AGDB_VERSION));
}

CommandLine::CommandLine(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
CommandLine::~CommandLine() = default;

Option CommandLine::flag(const char* names, bool& into, const char* help) {
  return rep_->declared(rep_->app->add_flag(names, into), names, "", help);
}

Option CommandLine::flag(const char* names, std::int64_t& into, const char* help) {
  const auto count = [&into](std::int64_t times) { into = times; };
  return rep_->declared(rep_->app->add_flag_function(names, count), names, "", help);
}

Option CommandLine::option(const char* names, const char* value, std::string& into,
                           const char* help) {
  return rep_->declared(rep_->app->add_option(names, into), names, value, help);
}

Option CommandLine::option(const char* names, const char* value, std::int64_t& into,
                           const char* help) {
  return rep_->declared(rep_->app->add_option(names, into), names, value, help);
}

Option CommandLine::option(const char* names, const char* value, std::uint64_t& into,
                           const char* help) {
  return rep_->declared(rep_->app->add_option(names, into), names, value, help);
}

Option CommandLine::option(const char* names, const char* value, double& into, const char* help) {
  return rep_->declared(rep_->app->add_option(names, into), names, value, help);
}

Option CommandLine::option(const char* names, const char* value, std::vector<std::string>& into,
                           const char* help) {
  CLI::Option* option = rep_->app->add_option(names, into)->allow_extra_args(false);
  const Option handle = rep_->declared(option, names, value, help);
  rep_->options.back().repeated = true;
  return handle;
}

Option CommandLine::ordered_option(const char* name, const char* value, const char* help) {
  const CLI::callback_t taken_later = [](const CLI::results_t&) { return true; };
  CLI::Option* option = rep_->app->add_option(name, taken_later)
                            ->expected(1)
                            ->allow_extra_args(false)
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  const Option handle = rep_->declared(option, name, value, help);
  rep_->options.back().repeated = true;
  rep_->options.back().ordered = true;
  return handle;
}

Option CommandLine::argument(const char* name, std::string& into, const char* help) {
  return rep_->declared(rep_->app->add_option(name, into), name, name, help);
}

Option CommandLine::argument(const char* name, std::vector<std::string>& into, const char* help) {
  const Option handle = rep_->declared(rep_->app->add_option(name, into), name, name, help);
  rep_->options.back().repeated = true;
  return handle;
}

CommandLine& CommandLine::subcommand(std::string_view name, std::string_view summary,
                                     std::string_view examples) {
  auto rep = std::make_unique<Rep>();
  rep->parent = this;
  rep->app = rep_->app->add_subcommand(std::string(name), "");
  rep->app->set_help_flag("-h,--help");
  rep->name = name;
  rep->summary = summary;
  rep->examples = examples;
  rep_->app->require_subcommand(1);
  rep_->subcommands.push_back(std::unique_ptr<CommandLine>(new CommandLine(std::move(rep))));
  return *rep_->subcommands.back();
}

Result<CommandLine::Asked> CommandLine::parse(const std::vector<std::string>& words) {
  try {
    rep_->app->parse(std::vector<std::string>(words.rbegin(), words.rend()));
    return Asked::kRun;
  } catch (const CLI::CallForHelp&) {
    const CommandLine& about = deepest_chosen();
    const auto left = about.rep_->app->remaining();
    if (!about.subcommands().empty() && !left.empty() && !left.front().starts_with('-'))
      return std::unexpected(misplaced(about, left.front()));
    return Asked::kHelp;
  } catch (const CLI::CallForVersion&) {
    return Asked::kVersion;
  } catch (const CLI::ValidationError& error) {
    return fail(Code::kInvalid, error.what(), see_help(deepest_chosen()));
  } catch (const CLI::ConversionError& error) {
    return fail(Code::kInvalid, no_number(error.what()), see_help(deepest_chosen()));
  } catch (const CLI::ParseError& error) {
    // A misspelt word is why others are missing.
    const CommandLine& deepest = deepest_chosen();
    for (const CommandLine* line = &deepest; line != nullptr; line = line->parent())
      if (const auto left = line->rep_->app->remaining(); !left.empty())
        return std::unexpected(misplaced(*line, left.front()));
    if (!deepest.subcommands().empty())
      return fail(Code::kInvalid, fmt::format("`{}` needs a command", deepest.path()),
                  fmt::format("one of {}", fmt::join(names_below(deepest), ", ")));
    return fail(Code::kInvalid, error.what(), see_help(deepest));
  }
}

bool CommandLine::chosen() const {
  return rep_->app->parsed();
}

const CommandLine& CommandLine::deepest_chosen() const {
  const CommandLine* line = this;
  for (bool deeper = true; std::exchange(deeper, false);)
    for (const auto& below : line->subcommands())
      if (below->chosen()) {
        line = below.get();
        deeper = true;
        break;
      }
  return *line;
}

// parse_order has an option once an occurrence, so the order of different options is kept.
std::vector<CommandLine::Given> CommandLine::in_order() const {
  std::vector<Given> given;
  std::map<const CLI::Option*, std::size_t> used;
  for (const CLI::Option* option : rep_->app->parse_order()) {
    const std::string name = option->get_name();
    const bool ordered = std::ranges::any_of(rep_->options, [&](const OptionFacts& facts) {
      return facts.ordered && facts.names.front() == name;
    });
    if (ordered && used[option] < option->results().size())
      given.push_back({name, option->results()[used[option]++]});
  }
  return given;
}

std::string CommandLine::path() const {
  return parent() == nullptr ? name() : parent()->path() + " " + name();
}

const CommandLine* CommandLine::parent() const {
  return rep_->parent;
}
const std::string& CommandLine::name() const {
  return rep_->name;
}
const std::string& CommandLine::summary() const {
  return rep_->summary;
}
const std::string& CommandLine::examples() const {
  return rep_->examples;
}
const std::deque<OptionFacts>& CommandLine::options() const {
  return rep_->options;
}
const std::vector<std::unique_ptr<CommandLine>>& CommandLine::subcommands() const {
  return rep_->subcommands;
}

}  // namespace agdb
