#include "debug/context/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A message of so many estimated tokens (3.5 characters each).
Message of_tokens(std::string role, std::size_t tokens, std::string name = {}) {
  return {std::move(role), std::string(tokens * 7 / 2, 'x'), std::move(name)};
}

struct Context {
  std::string prompt;
  std::vector<Message> messages;
  std::int64_t budget = 0;

  ContextProfile profile() const {
    ProfileInput input;
    input.pid = Pid{1};
    input.ctx_id = CtxId{1};
    input.context_budget = budget;
    input.system_prompt = prompt;
    input.messages = borrow(std::span<const Message>(messages));
    return profile_context(input);
  }
};

const std::string kPromptAdvice = "System prompt uses >25% of context; consider trimming";
const std::string kToolAdvice = "Tool results dominate context; consider more concise tool outputs";
const std::string kBudgetAdvice = "Context is near budget limit; optimization recommended";

TEST(ProfileTest, NothingAtAll) {
  const ContextProfile profile = profile_context({});
  EXPECT_EQ(profile, ContextProfile{});
}

TEST(ProfileTest, PromptCountsAsOneActiveMessage) {
  const ContextProfile profile = Context{std::string(350, 'p'), {}}.profile();
  EXPECT_EQ(profile.total_tokens, 100);
  EXPECT_EQ(profile.active, (ContextShare{100, 1, 100}));
  EXPECT_THAT(profile.top_consumers, ElementsAre(ContextConsumer{"system_prompt", 100, 100, 1}));
  EXPECT_THAT(profile.suggestions, ElementsAre(kPromptAdvice));
}

TEST(ProfileTest, FiguresArePassedThrough) {
  const Message user = of_tokens("user", 20);
  const std::string prompt(35, 'p');
  const ContextProfile profile = profile_context({Pid{42}, CtxId{7}, 500, 8000, prompt, {&user}});
  EXPECT_EQ(profile.pid, Pid{42});
  EXPECT_EQ(profile.ctx_id, CtxId{7});
  EXPECT_EQ(profile.tokens_used, 500);
  EXPECT_EQ(profile.context_budget, 8000);
  EXPECT_EQ(profile.total_tokens, 30);
  EXPECT_THAT(profile.top_consumers, ElementsAre(ContextConsumer{"user", 20, 66.7, 1},
                                                 ContextConsumer{"system_prompt", 10, 33.3, 2}));
}

TEST(ProfileTest, RecentToolResultsAreNotLeaked) {
  const ContextProfile profile =
      Context{"", std::vector<Message>(4, of_tokens("tool", 500))}.profile();
  EXPECT_EQ(profile.active, (ContextShare{2000, 4, 100}));
  EXPECT_EQ(profile.leaked.messages, 0);
  EXPECT_THAT(profile.top_consumers, ElementsAre(ContextConsumer{"tool:unknown", 2000, 100, 1}));
  EXPECT_THAT(profile.suggestions, ElementsAre(kToolAdvice));
}

TEST(ProfileTest, WindowsFollowTheNumberOfMessages) {
  const auto parts = [](std::size_t n) {
    const ContextProfile profile =
        Context{"", std::vector<Message>(n, of_tokens("user", 10))}.profile();
    return std::vector{profile.active.messages, profile.warm.messages, profile.cold.messages};
  };
  EXPECT_THAT(parts(3), ElementsAre(3, 0, 0));
  EXPECT_THAT(parts(4), ElementsAre(4, 0, 0));
  EXPECT_THAT(parts(5), ElementsAre(4, 1, 0));
  EXPECT_THAT(parts(10), ElementsAre(4, 6, 0));
  EXPECT_THAT(parts(11), ElementsAre(4, 6, 1));
  EXPECT_THAT(parts(24), ElementsAre(4, 7, 13));
  EXPECT_THAT(parts(100), ElementsAre(20, 30, 50));
}

TEST(ProfileTest, OldLargeToolResultsAreLeaked) {
  std::vector<Message> messages = {{"tool", std::string(1001, 'x')},
                                   {"tool", std::string(1000, 'x')},
                                   {"user", std::string(5000, 'x')}};
  messages.resize(13, Message{"user", "hello"});
  const ContextProfile profile = Context{"", messages}.profile();
  EXPECT_EQ(profile.leaked.messages, 1) << "over 1,000 bytes, and of a tool";
  EXPECT_EQ(profile.cold.messages, 2);
  EXPECT_THAT(profile.suggestions,
              testing::Contains(
                  "Found 1 leaked tool result(s) using ~286 tokens; consider pruning unused tool "
                  "outputs"));
}

TEST(ProfileTest, LeakedIsMeasuredInBytes) {
  std::string accents;
  for (int i = 0; i < 501; ++i) accents += "é";
  std::vector<Message> messages = {{"tool", accents}};
  messages.resize(11, Message{"user", "hello"});
  EXPECT_EQ((Context{"", messages}.profile().leaked.messages), 1);
}

TEST(ProfileTest, EqualConsumersStandInAFixedOrder) {
  const ContextProfile profile = Context{
      std::string(35, 'p'),
      {of_tokens("tool", 10, "zeta"), of_tokens("tool", 10, "alpha"), of_tokens("assistant", 10),
       of_tokens("user", 10)}}.profile();
  EXPECT_THAT(
      profile.top_consumers,
      ElementsAre(ContextConsumer{"system_prompt", 10, 20, 1}, ContextConsumer{"user", 10, 20, 2},
                  ContextConsumer{"assistant", 10, 20, 3}, ContextConsumer{"tool:alpha", 10, 20, 4},
                  ContextConsumer{"tool:zeta", 10, 20, 5}));
}

TEST(ProfileTest, OnlyFiveConsumersAreNamed) {
  std::vector<Message> messages;
  for (std::size_t i = 1; i <= 7; ++i)
    messages.push_back(of_tokens("tool", 10 * i, "t" + std::to_string(i)));
  const ContextProfile profile = Context{"", messages}.profile();
  ASSERT_EQ(profile.top_consumers.size(), 5u);
  EXPECT_EQ(profile.top_consumers[0].kind, "tool:t7");
  EXPECT_EQ(profile.top_consumers[4].kind, "tool:t3");
}

TEST(ProfileTest, ToolsAreNamedByTheirCalls) {
  Message asking{"assistant", ""};
  asking.tool_calls = {{"c1", "Grep", Json::object({{"pattern", "needle"}})}};
  const Message result{"tool", "already read", "", "c1"};
  const ContextProfile profile = Context{"", {asking, result}}.profile();
  EXPECT_THAT(profile.top_consumers,
              testing::Contains(testing::Field(&ContextConsumer::kind, "tool:Grep")));
  EXPECT_GT(profile.top_consumers.size(), 1u) << "the arguments are the assistant's tokens";
}

TEST(ProfileTest, OtherRolesCountInTheTotalOnly) {
  const ContextProfile profile =
      Context{"", {of_tokens("developer", 100), of_tokens("system", 100)}}.profile();
  EXPECT_EQ(profile.total_tokens, 200);
  EXPECT_EQ(profile.active.messages, 2);
  EXPECT_THAT(profile.top_consumers, IsEmpty());
}

TEST(ProfileTest, BudgetAdvice) {
  const ContextProfile profile =
      Context{std::string(210, 'p'), {of_tokens("user", 40)}, 100}.profile();
  EXPECT_THAT(profile.suggestions, ElementsAre(kPromptAdvice, kBudgetAdvice));
}

TEST(ProfileTest, HostileRolesAndTextsDoNoHarm) {
  const ContextProfile profile =
      Context{
          "\xff\xfe",
          {{"tool:x", "a"}, {"system_prompt", "b"}, {"", ""}, {"tool", "\x1b[2J", "\x1b[31m\n"}}}
          .profile();
  EXPECT_EQ(profile.top_consumers.size(), 2u);
  EXPECT_EQ(profile_text(profile).find('\x1b'), std::string::npos);
}

ContextProfile advised(std::vector<std::pair<std::string, double>> consumers,
                       std::int64_t total = 100, std::int64_t budget = 0) {
  ContextProfile profile;
  profile.total_tokens = total;
  profile.context_budget = budget;
  for (auto& [kind, pct] : consumers) profile.top_consumers.push_back({std::move(kind), 0, pct, 0});
  return profile;
}

TEST(SuggestTest, NoneForAnEmptyContext) {
  ContextProfile profile = advised({{"system_prompt", 100}}, 0, 1);
  profile.leaked.messages = 3;
  EXPECT_THAT(suggest(profile), IsEmpty());
}

TEST(SuggestTest, LimitsAreStrict) {
  EXPECT_THAT(suggest(advised({{"system_prompt", 25}})), IsEmpty());
  EXPECT_THAT(suggest(advised({{"system_prompt", 25.1}})), ElementsAre(kPromptAdvice));
  EXPECT_THAT(suggest(advised({{"tool:a", 20}, {"tool:b", 30}})), IsEmpty());
  EXPECT_THAT(suggest(advised({{"tool:a", 20.1}, {"tool:b", 30}})), ElementsAre(kToolAdvice));
  EXPECT_THAT(suggest(advised({{"user", 50}}, 80, 100)), IsEmpty());
  EXPECT_THAT(suggest(advised({{"user", 50}}, 81, 100)), ElementsAre(kBudgetAdvice));
  ContextProfile cold = advised({{"user", 50}});
  cold.cold.pct = 40;
  EXPECT_THAT(suggest(cold), IsEmpty());
  cold.cold.pct = 45;
  EXPECT_THAT(suggest(cold), ElementsAre("45% of context is cold; consider context compaction"));
}

TEST(SuggestTest, TenthsAddUpExactly) {
  EXPECT_THAT(suggest(advised({{"tool:a", 16.7}, {"tool:b", 16.7}, {"tool:c", 16.6}})), IsEmpty());
}

TEST(SuggestTest, Leaked) {
  ContextProfile profile = advised({{"user", 50}});
  profile.leaked = {50, 2, 50};
  EXPECT_THAT(
      suggest(profile),
      ElementsAre(
          "Found 2 leaked tool result(s) using ~50 tokens; consider pruning unused tool outputs"));
}

TEST(SuggestTest, PeopleMayUseAllOfIt) {
  EXPECT_THAT(suggest(advised({{"user", 40}, {"assistant", 60}})), IsEmpty());
}

TEST(ProfileJsonTest, ListsAreNeverNull) {
  EXPECT_EQ(
      dump(profile_json({}), {.sorted = false}),
      R"({"pid":0,"ctx_id":0,"tokens_used":0,"context_budget":0,"total_tokens":0,"classification":{)"
      R"("active":{"tokens":0,"messages":0,"pct":0},"warm":{"tokens":0,"messages":0,"pct":0},)"
      R"("cold":{"tokens":0,"messages":0,"pct":0},"leaked":{"tokens":0,"messages":0,"pct":0}},)"
      R"("top_consumers":[],"suggestions":[]})");
}

TEST(ProfileJsonTest, Consumers) {
  const Json json = profile_json(Context{std::string(350, 'p'), {}}.profile());
  EXPECT_EQ(json["top_consumers"],
            Json(Json::Array{Json::object(
                {{"kind", "system_prompt"}, {"tokens", 100}, {"pct", 100.0}, {"rank", 1}})}));
  EXPECT_EQ(json["suggestions"], Json(Json::Array{kPromptAdvice}));
}

TEST(ProfileTextTest, Empty) {
  EXPECT_EQ(profile_text(Context{}.profile()),
            "Ctx Profile: PID 1  |  CtxID 1  |  ~0 tok / no limit\n"
            "\n"
            "── Classification ─────────────────────────────────────\n"
            "Active                 0 tok    0.0%   0 msgs   ← referenced by current reasoning\n"
            "Warm                   0 tok    0.0%   0 msgs   ← recently used\n"
            "Cold                   0 tok    0.0%   0 msgs   ← not referenced\n"
            "Leaked                 0 tok    0.0%   0 msgs   ← stale, not released\n");
}

TEST(ProfileTextTest, ConsumersAndSuggestions) {
  EXPECT_THAT(profile_text(Context{std::string(210, 'p'), {of_tokens("user", 40)}, 100}.profile()),
              HasSubstr("Ctx Profile: PID 1  |  CtxID 1  |  ~100 tok / 100 budget\n"));
  EXPECT_THAT(profile_text(Context{std::string(210, 'p'), {of_tokens("user", 40)}, 100}.profile()),
              testing::EndsWith("\n"
                                "── Top Consumers ──────────────────────────────────────\n"
                                "#1  system_prompt           60 tok   60.0%\n"
                                "#2  user                    40 tok   40.0%\n"
                                "\n"
                                "── Suggestions ────────────────────────────────────────\n"
                                "• System prompt uses >25% of context; consider trimming\n"
                                "• Context is near budget limit; optimization recommended\n"));
}

}  // namespace
}  // namespace agdb
