#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"
#include "session_maker.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ScriptAgent main_of(const SessionRun& run, std::size_t process = 0) {
  const Script script = session_script(run, process);
  const Result<Script> again = parse_script(script_to_json(script), "script");
  EXPECT_TRUE(again.has_value()) << again.error().message;
  if (again) {
    EXPECT_EQ(*again, script);
  }
  return *script.agent(script.main);
}

const ScriptResult& result_of(const ScriptCall& call) {
  return std::get<ScriptResult>(call.action);
}

// At every model call of the run's events the context must stand at the next turn of the script,
// with all that came from outside before it.
void expect_places(const SessionRun& run, std::size_t process = 0) {
  const ScriptAgent agent = main_of(run, process);
  std::vector<MessagePtr> context;
  std::uint64_t turn = 0;
  bool failed = false;
  session_events(run, process, Pid{1}, "run", "trace", [&](Event&& event) {
    if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
      context.resize(change->keep);
      context.insert(context.end(), change->messages.begin(), change->messages.end());
    }
    if (const auto* response = std::get_if<LlmResponse>(&event.payload))
      failed = !response->error.empty();
    const auto* call = std::get_if<Syscall>(&event.payload);
    if (call == nullptr || call->name != "CtxRead") return;
    // After a call that failed for good the same turn is tried again.
    if (!std::exchange(failed, false)) ++turn;
    const ScriptPlace place = place_in(agent, context);
    EXPECT_EQ(place.next_turn, turn);
    if (turn > 0 && turn <= agent.turns.size() && call->err.empty()) {
      EXPECT_LE(place.edits_done, agent.turns[turn - 1].before.size());
    }
  });
  EXPECT_EQ(turn, agent.turns.size());
}

// As expect_places, for logs without failed calls: the edits too must all be done.
void expect_exact_places(const SessionRun& run, std::size_t process = 0) {
  const ScriptAgent agent = main_of(run, process);
  std::vector<MessagePtr> context;
  std::uint64_t turn = 0;
  session_events(run, process, Pid{1}, "run", "trace", [&](Event&& event) {
    if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
      context.resize(change->keep);
      context.insert(context.end(), change->messages.begin(), change->messages.end());
    }
    const auto* call = std::get_if<Syscall>(&event.payload);
    if (call == nullptr || call->name != "CtxRead") return;
    ++turn;
    const ScriptPlace place = place_in(agent, context);
    ASSERT_EQ(place.next_turn, turn) << run.name;
    ASSERT_EQ(place.edits_done, agent.turns.at(turn - 1).before.size()) << run.name;
  });
  EXPECT_EQ(turn, agent.turns.size());
}

TEST(SessionScript, AWholeRun) {
  SessionAnswer first = answers_between(at_ms(100), at_ms(400), "I look.", {calls("c", "weather")});
  first.has_usage = true;
  first.response.request_tokens = 50;
  first.response.response_tokens = 5;
  first.response.stop_reason = "tool_calls";
  first.thinking = {{"hm", "sig"}, {"so", ""}};
  const ScriptAgent agent = main_of(run_of(
      {says("user", "weather?", at_ms(0)), first,
       results_between(at_ms(500), at_ms(700), 1, 0, "sunny"),
       answers_between(at_ms(800), at_ms(1000), "Sunny."), says("user", "thanks", at_ms(2500)),
       answers_between(at_ms(2600), at_ms(2900), "Welcome.")}));
  EXPECT_EQ(agent.intent, "help");
  EXPECT_EQ(agent.provider, "scripted");
  EXPECT_EQ(agent.model, "m");
  EXPECT_EQ(agent.system_prompt, "Be brief.");
  EXPECT_THAT(agent.messages, ElementsAre(Message{.role = "user", .content = "weather?"}));
  ASSERT_THAT(agent.turns, SizeIs(3));

  const ScriptAnswer& answer = agent.turns[0].answer;
  EXPECT_EQ(answer.text, "I look.");
  EXPECT_EQ(answer.thinking, "hm\nso");
  EXPECT_EQ(answer.usage->request_tokens, 50);
  EXPECT_EQ(answer.stop_reason, "tool_calls");
  EXPECT_EQ(answer.latency, milliseconds(300));
  ASSERT_THAT(answer.calls, SizeIs(1));
  EXPECT_EQ(result_of(answer.calls[0]).text, "sunny");
  EXPECT_EQ(answer.calls[0].latency, milliseconds(300));

  EXPECT_THAT(agent.turns[1].before, IsEmpty());
  EXPECT_EQ(agent.turns[1].answer.usage, std::nullopt);
  ASSERT_THAT(agent.turns[2].before, SizeIs(1));
  EXPECT_EQ(agent.turns[2].before[0].messages.at(0).content, "thanks");
  EXPECT_EQ(agent.turns[2].before[0].delay, milliseconds(1500));
}

TEST(SessionScript, AnEmptyProcess) {
  SessionRun run = run_of({});
  run.processes[0].system_prompt.reset();
  const ScriptAgent agent = main_of(run);
  EXPECT_EQ(agent.system_prompt, "");
  EXPECT_THAT(agent.turns, IsEmpty());
}

TEST(SessionScript, WithoutAMessageNobodySaysTheIntent) {
  EXPECT_EQ(main_of(run_of({answers("a")})).intent, "");
}

TEST(SessionScript, WhatHappenedBeforeTheFirstAnswerIsBirth) {
  const ScriptAgent agent =
      main_of(run_of({says("user", "old"), says("assistant", "older"),
                      compacts(1, {{.role = "user", .content = "summary"}}), answers("a")}));
  EXPECT_THAT(agent.messages, ElementsAre(Message{.role = "user", .content = "old"},
                                          Message{.role = "user", .content = "summary"}));
  EXPECT_THAT(agent.turns.at(0).before, IsEmpty());
}

TEST(SessionScript, Compactions) {
  const ScriptAgent agent =
      main_of(run_of({says("user", "u"), answers("a"), says("user", "v"),
                      compacts(0, {{.role = "user", .content = "summary"}}), answers("b")}));
  ASSERT_THAT(agent.turns.at(1).before, SizeIs(2));
  EXPECT_EQ(agent.turns[1].before[1].kind, ContextEdit::Kind::kCompact);
  EXPECT_EQ(agent.turns[1].before[1].keep, 0);
}

TEST(SessionScript, TheLogsLastWordsCloseTheScript) {
  const ScriptAgent agent =
      main_of(run_of({says("user", "u", at_ms(0)), answers_between(at_ms(0), at_ms(100), "a"),
                      says("user", "bye", at_ms(300))}));
  EXPECT_THAT(agent.turns, SizeIs(1));
  ASSERT_THAT(agent.closing, SizeIs(1));
  EXPECT_EQ(agent.closing[0].messages.at(0).content, "bye");
  EXPECT_EQ(agent.closing[0].delay, milliseconds(200));
}

TEST(SessionScript, AnAssistantsWordsBehindAFailedFirstCallAreBirth) {
  const ScriptAgent agent =
      main_of(run_of({says("user", "u"), fails("x"), says("user", "v"), says("assistant", "w"),
                      says("user", "y"), answers("a")}));
  EXPECT_THAT(agent.messages, SizeIs(3));
  EXPECT_THAT(agent.turns.at(0).before, SizeIs(1));
}

TEST(SessionScript, ToolsThatFail) {
  const ScriptAgent agent =
      main_of(run_of({answers("", {calls("c", "f"), calls("d", "g"), calls("e", "h")}),
                      failing(results(0, 0, "no such file")), failing(results(0, 1, ""))}));
  const auto& scripted = agent.turns.at(0).answer.calls;
  EXPECT_EQ(result_of(scripted.at(0)).error, "no such file");
  EXPECT_EQ(result_of(scripted.at(1)).text, "");
  EXPECT_TRUE(std::holds_alternative<ScriptInterrupted>(scripted.at(2).action));
}

TEST(SessionScript, ResultsComeInTheLogsOrder) {
  // The second call's result came first, both within the log's clock's precision.
  const ScriptAgent agent =
      main_of(run_of({answers_between(at_ms(0), at_ms(100), "",
                                      {calls("a", "f"), calls("b", "g"), calls("c", "h")}),
                      results_between(at_ms(100), at_ms(200), 0, 1, "2"),
                      results_between(at_ms(200), at_ms(200), 0, 0, "1"),
                      results_between(at_ms(200), at_ms(300), 0, 2, "3")}));
  const auto& scripted = agent.turns.at(0).answer.calls;
  EXPECT_EQ(scripted.at(1).latency, milliseconds(100));
  EXPECT_EQ(scripted.at(0).latency, milliseconds(100) + Nanoseconds(1));
  EXPECT_EQ(scripted.at(2).latency, milliseconds(200));
}

TEST(SessionScript, WithoutTimesTheOrderOfCallsIsEnough) {
  const ScriptAgent agent = main_of(run_of(
      {answers("", {calls("a", "f"), calls("b", "g")}), results(0, 0, "1"), results(0, 1, "2")}));
  EXPECT_EQ(agent.turns.at(0).answer.calls.at(1).latency, Nanoseconds(0));
}

TEST(SessionScript, ALateResultIsNotWaitedFor) {
  const ScriptAgent agent =
      main_of(run_of({answers_between(at_ms(0), at_ms(100), "", {calls("a", "f"), calls("b", "g")}),
                      results_between(at_ms(100), at_ms(150), 0, 1, "2"),
                      answers_between(at_ms(200), at_ms(300), "meanwhile"),
                      results_between(at_ms(100), at_ms(9000), 0, 0, "1")}));
  EXPECT_EQ(agent.turns.at(0).answer.calls.at(0).latency, milliseconds(50) + Nanoseconds(1));
}

TEST(SessionScript, AttemptsThatFailedAndWereRepeated) {
  SessionAnswer answer = answers_between(at_ms(100), at_ms(900), "a");
  answer.failures = {{"overloaded", at_ms(300)}};
  const ScriptAgent agent = main_of(run_of({says("user", "u", at_ms(0)), answer}));
  EXPECT_THAT(agent.turns.at(0).answer.failures,
              ElementsAre(ScriptFailure{"overloaded", milliseconds(200)}));
  EXPECT_EQ(agent.turns[0].answer.latency, milliseconds(600));
}

TEST(SessionScript, ACallThatFailedInTheMiddleIsAFailedAttemptOfTheNext) {
  const ScriptAgent agent = main_of(
      run_of({says("user", "u"), fails("overloaded"), says("user", "again"), answers("a")}));
  ASSERT_THAT(agent.turns, SizeIs(1));
  EXPECT_THAT(agent.turns[0].before, SizeIs(1));
  EXPECT_THAT(agent.turns[0].answer.failures, ElementsAre(ScriptFailure{"overloaded", {}}));
  EXPECT_EQ(agent.turns[0].answer.error, "");
}

TEST(SessionScript, ACallThatFailedAtTheEndEndsTheAgent) {
  const ScriptAgent agent =
      main_of(run_of({says("user", "u"), answers("a"), fails("overloaded"), fails("gone")}));
  ASSERT_THAT(agent.turns, SizeIs(2));
  EXPECT_EQ(agent.turns[1].answer.error, "gone");
  EXPECT_THAT(agent.turns[1].answer.failures, ElementsAre(ScriptFailure{"overloaded", {}}));
}

TEST(SessionScript, AnswersOfAnotherModel) {
  SessionAnswer other = answers("b");
  other.response.model = "large";
  const ScriptAgent agent = main_of(run_of({answers("a"), other}));
  EXPECT_EQ(agent.turns.at(1).answer.model, "large");
}

TEST(SessionScript, CallsWithoutIdOrName) {
  const ScriptAgent agent =
      main_of(run_of({answers("a"), answers("", {calls("", "f"), calls("", "")}),
                      results(1, 0, "r"), results(1, 1, "r")}));
  EXPECT_EQ(agent.turns.at(1).answer.calls.at(0).call.id, "call_2_1");
  EXPECT_EQ(agent.turns.at(1).answer.calls.at(1).call.name, "unnamed");
}

TEST(SessionScript, HostileTokenCounts) {
  SessionAnswer answer = answers("a");
  answer.has_usage = true;
  answer.response.request_tokens = std::numeric_limits<std::int64_t>::max();
  answer.response.response_tokens = -1;
  const ScriptAgent agent = main_of(run_of({answer}));
  EXPECT_EQ(agent.turns.at(0).answer.usage->request_tokens, 1'000'000'000'000);
  EXPECT_EQ(agent.turns.at(0).answer.usage->response_tokens, 0);
}

TEST(SessionScript, ALongLogMeetsNoLimitOfSteps) {
  std::vector<SessionItem> items(12'000, answers("a"));
  EXPECT_GT(session_script(run_of(std::move(items))).agents.at("main").max_steps, 12'000);
}

TEST(SessionScript, AChildIsSpawnedWithTheLogsResult) {
  SessionRun run =
      run_of({answers("", {calls("t", "Task"), calls("u", "Task")}),
              of_child(1, results(0, 0, "found")), failing(of_child(2, results(0, 1, "lost")))});
  run.processes.push_back(child_of(0, "x", {says("user", "look"), answers("found")}));
  run.processes.push_back(child_of(0, "x", {says("user", "look"), answers("lost")}));
  const Script script = session_script(run);
  EXPECT_EQ(script.main, "main");
  EXPECT_THAT(script.agents, SizeIs(3));
  const auto& scripted = script.agents.at("main").turns.at(0).answer.calls;
  EXPECT_EQ(scripted.at(0).action,
            (ScriptAction{ScriptSpawn{.agent = "agent-x", .text = "found", .error = {}}}));
  EXPECT_EQ(scripted.at(1).action,
            (ScriptAction{ScriptSpawn{.agent = "agent-x-2", .text = "lost", .error = {}}}));
  main_of(run);
}

TEST(SessionScript, AScriptBeginsAtAnyProcess) {
  SessionRun run = run_of({answers("", {calls("t", "Task")}), of_child(1, results(0, 0, "found"))});
  run.processes.push_back(child_of(0, "x", {says("user", "look"), answers("found")}));
  const Script script = session_script(run, 1);
  EXPECT_EQ(script.main, "agent-x");
  EXPECT_THAT(script.agents, SizeIs(1));
}

TEST(SessionScript, AChildWhoseCallIsUnknownIsInItsOwnScriptOnly) {
  SessionRun run = run_of({answers("a")});
  run.processes.push_back(child_of(0, "x", {answers("found")}));
  EXPECT_THAT(session_script(run).agents, SizeIs(1));
  EXPECT_THAT(session_script(run, 1).agents, SizeIs(1));
}

TEST(SessionScriptPlaces, AnyMixOfWhatCanHappen) {
  expect_exact_places(run_of({}));
  expect_exact_places(run_of({answers("a")}));
  expect_exact_places(
      run_of({says("assistant", "Hi!"), says("user", "u"), answers("a"), answers("b"),
              says("user", "v"), says("user", "w"), answers("c", {calls("c", "f")}),
              results(6, 0, "r"), compacts(0, {{.role = "user", .content = "s"}}),
              says("user", "on"), answers("d"), says("user", "bye")}));
}

TEST(SessionScriptPlaces, CallsThatFailed) {
  expect_places(run_of({says("user", "u"), fails("x"), answers("a"), fails("y"), says("user", "v"),
                        answers("b"), fails("z")}));
}

TEST(SessionScriptPlaces, RandomRuns) {
  std::mt19937 random(20250802);
  for (int round = 0; round < 100; ++round) {
    std::vector<SessionItem> items = {says("user", "u")};
    for (int i = 0; i < 30; ++i) {
      const std::string text = std::to_string(random() % 3);
      switch (random() % 5) {
        case 0:
          items.emplace_back(says("user", text));
          break;
        case 1:
          items.emplace_back(
              compacts(random() % 3, {{.role = "user", .content = "so far " + text}}));
          break;
        case 2: {
          items.emplace_back(answers(text, {calls("x", "f"), calls("x", "f")}));
          const std::size_t answer = items.size() - 1;
          items.emplace_back(results(answer, random() % 2, "r"));
          break;
        }
        default:
          items.emplace_back(answers(text));
      }
    }
    SCOPED_TRACE(round);
    expect_exact_places(run_of(std::move(items)));
    if (::testing::Test::HasFailure()) break;
  }
}

TEST(SessionScriptPlaces, RealSessions) {
  for (const char* name :
       {"litellm-claude-sonnet-4-call-1.json", "tau-bench-gpt-4o-airline-task-0-trial-0.json"}) {
    std::ifstream file(fixture_path(std::string("sessions/openai-chat/") + name));
    std::stringstream text;
    text << file.rdbuf();
    const Result<SessionLog> log = import_openai_chat(text.str(), name);
    ASSERT_TRUE(log.has_value()) << name;
    for (const SessionRun& run : log->runs) expect_exact_places(run);
  }
}

}  // namespace
}  // namespace agdb
