#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/result.h"

namespace CLI {
class Option;
}

namespace agdb {

// What is wrong with a word; empty when nothing is. A wrong word is wrong usage.
using WordCheck = std::function<std::string(const std::string& word)>;

// What a value is, for those who complete it.
enum class ValueKind { kText, kRecord, kFile, kFolder };

// What help and completion know of an option or an argument.
struct OptionFacts {
  std::vector<std::string> names;  // "-v", "--verbose"; of an argument its one name: "RECORD"
  std::string value;               // what help calls the value: "DIR"; empty: it is a flag
  std::string help;
  ValueKind kind = ValueKind::kText;
  std::vector<std::string> words;  // the only values that it takes; empty: many
  bool argument = false;           // has no name on the command line, but a place
  bool required = false;
  bool repeated = false;  // takes several values
  bool ordered = false;   // its values are told by CommandLine::in_order
};

// A flag, an option or an argument that was declared; each call adds a rule. A handle, valid as
// long as its CommandLine.
class Option {
 public:
  Option(CLI::Option& parsed, OptionFacts& facts) : parsed_(&parsed), facts_(&facts) {}

  Option required();
  Option check(const WordCheck& wrong);
  Option one_of(std::vector<std::string> words);
  Option between(double lowest, double highest);
  Option is(ValueKind kind);
  Option or_alone(const std::string& word);  // given without a value it counts as this word
  Option needs(Option other);                // wrong usage without it
  Option excludes(Option other);             // wrong usage with it

 private:
  CLI::Option* parsed_;
  OptionFacts* facts_;
};

// What the words of the program, or of one of its commands, may be; after parsing, what they were.
// Declare first, then parse once. Values are written to the variables that options are declared
// with, which live until then; what is not on the line leaves its variable as it was. Names of an
// option stand as on the line, with a comma between: "-v,--verbose".
//
//     CommandLine& show = program.subcommand("show", "events of a recording", "agdb show @");
//     show.argument("RECORD", record, "a record id").required();
//     Option seq = show.argument("SEQ", seq_text, "only this event").check(event_number);
//     show.flag("--follow", follow, "wait for more").excludes(seq);
//     program.parse(words);
//
// Hides the parser that does the work (CLI11), whose header costs seconds a file that includes it.
class CommandLine {
 public:
  explicit CommandLine(std::string_view program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Option flag(const char* names, bool& into, const char* help);
  // How often it was given: 2 for -tt.
  Option flag(const char* names, std::int64_t& into, const char* help);
  // `value` is what help calls the value: "DIR". A number that is none is wrong usage. An option
  // that fills a list may be given several times, with one value each.
  Option option(const char* names, const char* value, std::string& into, const char* help);
  Option option(const char* names, const char* value, std::int64_t& into, const char* help);
  Option option(const char* names, const char* value, std::uint64_t& into, const char* help);
  Option option(const char* names, const char* value, double& into, const char* help);
  Option option(const char* names, const char* value, std::vector<std::string>& into,
                const char* help);
  // May be given several times, and its place among its like matters: in_order() has the values.
  Option ordered_option(const char* name, const char* value, const char* help);
  // A word that has no name but a place; the line may do without, unless it is required(). One that
  // fills a list takes all words that are left.
  Option argument(const char* name, std::string& into, const char* help);
  Option argument(const char* name, std::vector<std::string>& into, const char* help);

  // A command below this one; one of those must then be named on the line. Valid as long as this.
  CommandLine& subcommand(std::string_view name, std::string_view summary,
                          std::string_view examples);

  // Of the program's line only: takes the words behind the program's name. The error says what is
  // wrong and, where there is one, a likelier word.
  enum class Asked { kRun, kHelp, kVersion };
  Result<Asked> parse(const std::vector<std::string>& words);

  // After parsing: whether this command was named.
  bool chosen() const;
  // The command that was named, at whatever depth; itself when none was.
  const CommandLine& deepest_chosen() const;
  // The ordered options of this command, as they stood on the line.
  struct Given {
    std::string name;
    std::string value;
  };
  std::vector<Given> in_order() const;

  std::string path() const;           // "agdb record list"
  const CommandLine* parent() const;  // null: it is the program's
  const std::string& name() const;
  const std::string& summary() const;
  const std::string& examples() const;  // a line each
  const std::deque<OptionFacts>& options() const;
  const std::vector<std::unique_ptr<CommandLine>>& subcommands() const;

 private:
  struct Rep;
  explicit CommandLine(std::unique_ptr<Rep> rep);

  std::unique_ptr<Rep> rep_;
};

// What `--help` prints: lines of at most 80 columns.
std::string help_text(const CommandLine& line);

}  // namespace agdb
