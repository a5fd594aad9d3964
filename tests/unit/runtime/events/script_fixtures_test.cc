#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/events/script.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ifstream file(fixture_path(path), std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Script script_in(const std::string& file) {
  Result<Script> script = parse_script(text_of("scripts/" + file), file);
  EXPECT_TRUE(script) << (script ? "" : script.error().message);
  return script ? *std::move(script) : Script{};
}

ScriptAgent main_of(const std::string& file) {
  const Script script = script_in(file);
  const ScriptAgent* agent = script.agent(script.main);
  EXPECT_NE(agent, nullptr) << file;
  return agent == nullptr ? ScriptAgent{} : *agent;
}

std::vector<std::string> script_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture_path("scripts")))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

template <typename Action>
std::size_t count_calls(const ScriptAgent& agent) {
  std::size_t count = 0;
  for (const ScriptTurn& turn : agent.turns)
    for (const ScriptCall& call : turn.answer.calls)
      count += std::holds_alternative<Action>(call.action);
  return count;
}

TEST(ScriptFixtures, AllAreReadAndComeBackEqual) {
  ASSERT_FALSE(script_files().empty());
  for (const std::string& file : script_files()) {
    const Script script = script_in(file);
    const Result<Script> again = parse_script(script_to_json(script), file);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, script) << file;
    EXPECT_EQ(reachable_from(script, script.main), script) << file;
  }
}

TEST(ScriptFixtures, ReadmeListsEachOne) {
  const std::string readme = text_of("README.md");
  for (const std::string& file : script_files())
    EXPECT_THAT(readme, HasSubstr("| `" + file + "` |"));
}

TEST(ScriptFixtures, ReadmesExampleIsAsItSays) {
  const std::string readme = text_of("README.md");
  const std::size_t begin = readme.find("```json\n") + 8;
  const Result<Script> script = parse_script(
      std::string_view(readme).substr(begin, readme.find("\n```", begin) - begin), "README.md");
  ASSERT_TRUE(script) << script.error().message;
  const ScriptAgent& agent = script->agents.at("main");
  ASSERT_EQ(agent.turns.size(), 2u);
  EXPECT_EQ(agent.turns[0].answer.latency, 700ms);
  ASSERT_EQ(agent.turns[0].answer.calls.size(), 1u);
  EXPECT_EQ(agent.turns[0].answer.calls[0].latency, 120ms);
  EXPECT_EQ(agent.turns[1].answer.text, "Reykjavik.");
  EXPECT_TRUE(agent.turns[1].answer.calls.empty());
}

// Every key that the reader knows stands in the README's tables.
TEST(ScriptFixtures, ReadmeDescribesEveryKey) {
  const std::string readme = text_of("README.md");
  const char* const probes[] = {
      R"({"agdb_script":1,"?":1})",
      R"({"agdb_script":1,"agents":{"main":{"?":1}}})",
      R"({"agdb_script":1,"agents":{"main":{"messages":[{"?":1}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"tools":{"t":[{"?":1}]}}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"?":1}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"usage":{"?":1}}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"failures":[{"?":1}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"calls":[{"?":1}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"calls":[{"send":{"?":1}}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"calls":[{"recv":{"?":1}}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"calls":[{"signal":{"?":1}}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"alternatives":[{"?":1}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"before":[{"?":1}]}]}}})",
      R"({"agdb_script":1,"agents":{"main":{"turns":[{"before":[{"compact":{"?":1}}]}]}}})",
  };
  for (const char* probe : probes) {
    const Result<Script> script = parse_script(probe, "s");
    ASSERT_FALSE(script);
    std::string_view known = script.error().message;
    ASSERT_NE(known.find("known: "), std::string_view::npos) << known;
    known.remove_prefix(known.find("known: ") + 7);
    std::istringstream keys{std::string(known)};
    for (std::string key; std::getline(keys >> std::ws, key, ',');)
      EXPECT_THAT(readme, HasSubstr("`" + key + "`")) << probe;
  }
}

TEST(ScriptFixtures, HelloIsAQuestionAToolAndAnAnswer) {
  const ScriptAgent agent = main_of("hello.json");
  ASSERT_EQ(agent.turns.size(), 2u);
  EXPECT_EQ(agent.turns[0].answer.calls.size(), 1u);
}

TEST(ScriptFixtures, ResearchTeamHasTwoChildrenAtOnce) {
  const ScriptAgent lead = main_of("research-team.json");
  ASSERT_EQ(lead.turns[0].answer.calls.size(), 2u);
  EXPECT_TRUE(std::get<ScriptSpawn>(lead.turns[0].answer.calls[0].action).background);
  EXPECT_FALSE(std::get<ScriptSpawn>(lead.turns[0].answer.calls[1].action).background);
  EXPECT_EQ(count_calls<ScriptWait>(lead), 1u);
  EXPECT_EQ(count_calls<ScriptSend>(lead), 1u);
  EXPECT_EQ(count_calls<ScriptRecv>(lead), 1u);
}

TEST(ScriptFixtures, RetryFailsInThreeWays) {
  const ScriptAgent agent = main_of("retry.json");
  EXPECT_EQ(agent.turns[0].answer.failures.size(), 2u);
  EXPECT_FALSE(std::get<ScriptResult>(agent.turns[0].answer.calls[0].action).error.empty());
  EXPECT_FALSE(agent.turns.back().answer.error.empty());
}

TEST(ScriptFixtures, BudgetMeltsBelowEachThreshold) {
  const ScriptAgent agent = main_of("budget.json");
  ASSERT_EQ(agent.budget, 10'000);
  std::vector<std::int64_t> used = {0};
  std::int64_t last_request = 0;
  for (const ScriptTurn& turn : agent.turns) {
    ASSERT_TRUE(turn.answer.usage);
    EXPECT_GT(turn.answer.usage->request_tokens, last_request);
    last_request = turn.answer.usage->request_tokens;
    used.push_back(used.back() + last_request + turn.answer.usage->response_tokens);
  }
  const auto turn_that_passes = [&used](std::int64_t tokens) {
    return std::upper_bound(used.begin(), used.end(), tokens) - used.begin();
  };
  EXPECT_EQ(turn_that_passes(8'000), 10);
  EXPECT_EQ(turn_that_passes(9'000), 11);
  EXPECT_EQ(turn_that_passes(10'000), 12);
  EXPECT_GT(agent.turns.size(), 12u);
}

TEST(ScriptFixtures, BudgetsToolAnswersEachPage) {
  const ScriptAgent agent = main_of("budget.json");
  const std::vector<ScriptToolRule>& rules = agent.tools.at("read_page");
  for (const ScriptTurn& turn : agent.turns) {
    for (const ScriptCall& call : turn.answer.calls) {
      const std::string arguments = dump(call.call.arguments);
      const auto rule = std::find_if(rules.begin(), rules.end(), [&](const ScriptToolRule& each) {
        return re2::RE2::PartialMatch(arguments, each.when);
      });
      ASSERT_NE(rule, rules.end());
      const std::int64_t page = call.call.arguments.integer("page");
      EXPECT_THAT(rule->result.text.value_or(""), HasSubstr("Page " + std::to_string(page) + ","));
    }
  }
}

TEST(ScriptFixtures, AlternativesAnswerToWhatTheGuestWants) {
  const ScriptAgent agent = main_of("alternatives.json");
  ASSERT_EQ(agent.turns[2].before.size(), 1u);
  const auto alternative_for = [&agent](const std::string& said) {
    const auto& all = agent.turns[2].alternatives;
    const auto chosen = std::find_if(all.begin(), all.end(), [&](const ScriptAlternative& each) {
      return re2::RE2::PartialMatch(said, each.when);
    });
    return chosen - all.begin();
  };
  EXPECT_EQ(alternative_for(agent.turns[2].before[0].messages[0].content), 2);  // none
  EXPECT_EQ(alternative_for("I would like the voucher."), 0);
  EXPECT_EQ(alternative_for("Sorry, I changed my mind."), 1);
}

TEST(ScriptFixtures, CompactionHasEveryKindOfEdit) {
  std::vector<ContextEdit::Kind> kinds;
  for (const ScriptTurn& turn : main_of("compaction.json").turns)
    for (const ContextEdit& edit : turn.before) kinds.push_back(edit.kind);
  using Kind = ContextEdit::Kind;
  EXPECT_THAT(kinds, ElementsAre(Kind::kAppend, Kind::kCompact, Kind::kAppend, Kind::kSetPrompt));
}

TEST(ScriptFixtures, FilesAreWrittenAndRead) {
  const ScriptAgent agent = main_of("files.json");
  EXPECT_TRUE(std::get<ScriptDevice>(agent.turns[0].answer.calls[0].action).data);
  EXPECT_FALSE(std::get<ScriptDevice>(agent.turns[1].answer.calls[0].action).data);
}

TEST(ScriptFixtures, LoopFollowsItself) {
  const ScriptAgent agent = main_of("loop.json");
  ASSERT_EQ(agent.turns.size(), 1u);
  EXPECT_EQ(agent.turns[0].next, 1u);
}

}  // namespace
}  // namespace agdb
