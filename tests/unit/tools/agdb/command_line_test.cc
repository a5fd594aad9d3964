#include "tools/agdb/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;
using Asked = CommandLine::Asked;

// A program with one command that has a bit of everything, and a group.
class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    show.argument("RECORD", record, "which").required();
    const Option seq = show.argument("SEQ", event, "one event");
    show.option("--from", "A", from, "first").excludes(seq);
    show.option("-e", "EXPR", filters, "only these");
    const Option follow = show.flag("-f,--follow", following, "wait for more");
    show.option("--speed", "X", speed, "how fast").between(0.5, 2).needs(follow);
    show.option("--color", "WHEN", color, "when").one_of({"always", "never"});
    show.flag("-t", times, "more time");
    show.ordered_option("--append", "TEXT", "add");
    show.ordered_option("--remove", "N", "take away");
    list.flag("--all", all, "all of them");
    rm.argument("RECORD", records, "those that go").required();
  }

  Asked asked(const Words& words) {
    const Result<Asked> result = program.parse(words);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result.value_or(Asked::kVersion);
  }

  // "message; hint"
  std::string wrong(const Words& words) {
    const Result<Asked> result = program.parse(words);
    return result ? "" : result.error().message + "; " + result.error().hint;
  }

  CommandLine program{"prog"};
  CommandLine& show = program.subcommand("show", "events", "prog show @\nprog show @ 3");
  CommandLine& group = program.subcommand("record", "recordings", "prog record list");
  CommandLine& list = group.subcommand("list", "the recordings", "prog record list --all");
  CommandLine& rm = group.subcommand("rm", "delete", "prog record rm @");

  std::string record, event, color;
  std::uint64_t from = 7;
  std::vector<std::string> filters, records;
  bool following = false;
  bool all = false;
  double speed = 1;
  std::int64_t times = 0;
};

TEST_F(CommandLineTest, WhatIsNotOnTheLineIsLeftAsItWas) {
  EXPECT_EQ(asked({"show", "@"}), Asked::kRun);
  EXPECT_EQ(record, "@");
  EXPECT_EQ(event, "");
  EXPECT_EQ(from, 7u);
  EXPECT_TRUE(show.chosen());
  EXPECT_FALSE(group.chosen());
  EXPECT_THAT(show.in_order(), ElementsAre());
}

TEST_F(CommandLineTest, ValuesAreWritten) {
  asked({"show", "@", "--from=3", "-f", "--speed", "2", "-tt", "--color", "never"});
  EXPECT_EQ(from, 3u);
  EXPECT_TRUE(following);
  EXPECT_EQ(speed, 2);
  EXPECT_EQ(times, 2);
  EXPECT_EQ(color, "never");
}

TEST_F(CommandLineTest, AListOptionTakesOneValueEachTime) {
  asked({"show", "-e", "a", "@", "-e", "b", "4"});
  EXPECT_THAT(filters, ElementsAre("a", "b"));
  EXPECT_EQ(event, "4");
}

TEST_F(CommandLineTest, AListArgumentTakesAllWords) {
  asked({"record", "rm", "1-1", "2-1"});
  EXPECT_THAT(records, ElementsAre("1-1", "2-1"));
  EXPECT_EQ(program.deepest_chosen().path(), "prog record rm");
}

TEST_F(CommandLineTest, OrderedOptionsAreToldInTheirOrder) {
  asked({"show", "@", "--append", "one", "--remove", "1", "--append", "two"});
  std::string told;
  for (const CommandLine::Given& given : show.in_order()) told += given.name + given.value + " ";
  EXPECT_EQ(told, "--appendone --remove1 --appendtwo ");
}

TEST_F(CommandLineTest, RulesAreRules) {
  EXPECT_EQ(wrong({"show"}), "RECORD is required; see `prog show --help`");
}
TEST_F(CommandLineTest, ExcludesIsARule) {
  EXPECT_THAT(wrong({"show", "@", "3", "--from", "1"}), HasSubstr("excludes"));
}
TEST_F(CommandLineTest, NeedsIsARule) {
  EXPECT_THAT(wrong({"show", "@", "--speed", "1"}), HasSubstr("--follow"));
}
TEST_F(CommandLineTest, ARangeIsARule) {
  EXPECT_THAT(wrong({"show", "@", "-f", "--speed", "3"}), HasSubstr("--speed"));
}
TEST_F(CommandLineTest, AListOfWordsIsARule) {
  EXPECT_EQ(wrong({"show", "@", "--color", "red"}),
            "--color: red is none of always, never; see `prog show --help`");
}
TEST_F(CommandLineTest, ANumberIsANumber) {
  EXPECT_EQ(wrong({"show", "@", "--from", "x = 1"}),
            "--from: expected a number, got x = 1; see `prog show --help`");
}

TEST_F(CommandLineTest, AMisspeltCommandGetsASuggestion) {
  EXPECT_EQ(wrong({"shwo", "@"}), "unknown command \"shwo\"; did you mean show?");
}
TEST_F(CommandLineTest, AMisspeltCommandBelowAnotherToo) {
  EXPECT_EQ(wrong({"record", "lst"}), "unknown command \"record lst\"; did you mean list?");
}
TEST_F(CommandLineTest, AMisspeltOptionToo) {
  EXPECT_EQ(wrong({"show", "--folow"}), "unknown option --folow; did you mean --follow?");
}
TEST_F(CommandLineTest, NothingIsSuggestedForWhatIsFarFromAll) {
  EXPECT_EQ(wrong({"nonsense"}), "unknown command \"nonsense\"; `prog` alone lists the commands");
}
TEST_F(CommandLineTest, AnOverlongWordIsNotCompared) {
  EXPECT_THAT(wrong({std::string(100'000, 'x')}), HasSubstr("`prog` alone lists"));
}
TEST_F(CommandLineTest, AWordTooManyIsNamed) {
  EXPECT_EQ(wrong({"show", "@", "1", "2"}), "one word too many: \"2\"; see `prog show --help`");
}
TEST_F(CommandLineTest, AGroupAloneNamesWhatIsBelow) {
  EXPECT_EQ(wrong({"record"}), "`prog record` needs a command; one of list, rm");
}
TEST_F(CommandLineTest, NoWordsAtAllAreWrong) {
  EXPECT_THAT(wrong({}), HasSubstr("needs a command"));
}

TEST_F(CommandLineTest, HelpIsAboutTheDeepestCommandNamed) {
  EXPECT_EQ(asked({"record", "list", "--help"}), Asked::kHelp);
  EXPECT_EQ(program.deepest_chosen().path(), "prog record list");
}
TEST_F(CommandLineTest, HelpDoesNotMindWhatIsMissing) {
  EXPECT_EQ(asked({"show", "-h"}), Asked::kHelp);
}
TEST_F(CommandLineTest, HelpAboutAnUnknownCommandIsRefused) {
  EXPECT_EQ(wrong({"record", "lst", "--help"}),
            "unknown command \"record lst\"; did you mean list?");
}
TEST_F(CommandLineTest, TheVersionIsAskedFor) {
  EXPECT_EQ(asked({"--version"}), Asked::kVersion);
}

TEST_F(CommandLineTest, HelpTellsAll) {
  EXPECT_EQ(help_text(list),
            "Usage: prog record list [OPTIONS]\n\nthe recordings\n\nOptions:\n"
            "  --all                 all of them\n"
            "  -h, --help            this text\n\nExamples:\n  prog record list --all\n");
}
TEST_F(CommandLineTest, HelpOfAGroupListsItsCommands) {
  const std::string text = help_text(group);
  EXPECT_THAT(text, HasSubstr("Usage: prog record [OPTIONS] COMMAND\n"));
  EXPECT_THAT(text, HasSubstr("Commands:\n  list                  the recordings\n"));
}
TEST_F(CommandLineTest, HelpShowsWhatIsRequiredAndWhatIsNot) {
  EXPECT_THAT(help_text(show), HasSubstr("Usage: prog show [OPTIONS] RECORD [SEQ]\n"));
  EXPECT_THAT(help_text(rm), HasSubstr("Usage: prog record rm [OPTIONS] RECORD...\n"));
}
TEST_F(CommandLineTest, LongHelpIsWrapped) {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word ";
  bool flag = false;
  list.flag("--an-option-with-a-long-name", flag, words.c_str());
  const std::string text = help_text(list);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 80u);
    at = end + 1;
  }
}

}  // namespace
}  // namespace agdb
