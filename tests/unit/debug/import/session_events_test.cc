#include "debug/import/session_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session_maker.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Event> events_of(const SessionRun& run, std::size_t process = 0,
                             Pid first_pid = Pid{1}) {
  std::vector<Event> events;
  session_events(run, process, first_pid, "run-1", "trace-1",
                 [&](Event&& event) { events.push_back(std::move(event)); });
  return events;
}

struct Shower {
  std::string operator()(const Syscall& call) const {
    std::string text = call.name + " " + dump(call.args);
    if (!call.err.empty()) return text + " failed: " + call.err;
    if (call.result.is_null()) return text;
    return text + " = " + (call.result.is_string() ? call.result.string() : dump(call.result));
  }
  std::string operator()(const ContextChange& change) const {
    std::string text = "context keep " + std::to_string(change.keep);
    if (change.system_prompt) text += " prompt \"" + *change.system_prompt + "\"";
    for (const MessagePtr& message : change.messages)
      text +=
          " +" + message->role + (message->turn == 0 ? "" : "@" + std::to_string(message->turn));
    return text;
  }
  std::string operator()(const LlmResponse& response) const {
    return "llm_response " + (response.error.empty() ? response.content : "! " + response.error);
  }
  std::string operator()(const StateChange& state) const {
    return state.from_state + ">" + state.to_state +
           (state.reason.empty() ? "" : " " + state.reason);
  }
  std::string operator()(const ProcessStart& start) const { return "start " + start.intent; }
  std::string operator()(const ProcessEnd& end) const { return "end " + end.exit_reason; }
  std::string operator()(const Alert&) const { return "alert"; }
  std::string operator()(const Gap&) const { return "gap"; }
};

std::vector<std::string> shown(const std::vector<Event>& events) {
  std::vector<std::string> lines;
  for (const Event& event : events) lines.push_back(std::visit(Shower{}, event.payload));
  return lines;
}

// The lines that begin so.
std::vector<std::string> only(const std::vector<std::string>& lines,
                              std::initializer_list<std::string_view> beginnings) {
  std::vector<std::string> kept;
  for (const std::string& line : lines)
    for (const std::string_view beginning : beginnings)
      if (line.starts_with(beginning)) kept.push_back(line);
  return kept;
}

template <typename T>
std::vector<T> payloads(const std::vector<Event>& events) {
  std::vector<T> found;
  for (const Event& event : events)
    if (const auto* payload = std::get_if<T>(&event.payload)) found.push_back(*payload);
  return found;
}

// "<began>+<duration>" in milliseconds of the calls of that name.
std::vector<std::string> times_of(const std::vector<Event>& events, std::string_view name) {
  std::vector<std::string> times;
  for (const Event& event : events) {
    const auto* call = std::get_if<Syscall>(&event.payload);
    if (call == nullptr || call->name != name) continue;
    times.push_back(std::to_string(event.timestamp.count() / 1'000'000) + "+" +
                    std::to_string(call->duration.count() / 1'000'000));
  }
  return times;
}

TEST(SessionEvents, AWholeRun) {
  const SessionRun run =
      run_of({says("user", "weather?"),
              answers("I look.", {calls("c", "weather", Json::object({{"city", "Oslo"}}))}),
              results(1, 0, "sunny"), answers("Sunny.")});
  EXPECT_THAT(
      shown(events_of(run)),
      ElementsAreArray({
          "start help",
          "created>running",
          R"(CtxAlloc {"size":0} = 1)",
          R"(CtxWrite {"cid":1,"op":"SetSystemPrompt"})",
          R"(context keep 0 prompt "Be brief.")",
          R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"user"})",
          "context keep 0 +user",
          R"(ConfigResolve {"model":"m","model_source":"log","provider":"imported","provider_source":"log"})",
          R"(Open {"flags":2,"path":"/dev/llm/imported"} = FD(3))",
          R"(Spawn {"intent":"help"} = 1)",
          R"(CtxRead {"cid":1,"op":"BuildPrompt"} = 1)",
          R"(Write {"fd":3,"model":"m","size":45} = 45)",
          R"(Read {"fd":3,"length":65536} = {"bytes":7})",
          "llm_response I look.",
          R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"assistant"})",
          "context keep 1 +assistant@1",
          R"(Open {"flags":2,"path":"/dev/tool/weather"} = FD(4))",
          R"(Write {"data":"{\"city\":\"Oslo\"}","fd":4,"size":15} = 15)",
          R"(Read {"fd":4,"length":65536} = {"bytes":5,"data":"sunny"})",
          R"(Close {"fd":4})",
          R"(CtxWrite {"cid":1,"op":"AppendToolResult","tool":"weather"})",
          "context keep 2 +tool",
          R"(ReasonStep {"action":"tool_call","step":1,"tool":"weather"} = I look.)",
          R"(CtxRead {"cid":1,"op":"BuildPrompt"} = 3)",
          R"(Write {"fd":3,"model":"m","size":234} = 234)",
          R"(Read {"fd":3,"length":65536} = {"bytes":6})",
          "llm_response Sunny.",
          R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"assistant"})",
          "context keep 3 +assistant@2",
          R"(ReasonStep {"action":"complete","step":2} = Sunny.)",
          R"(Close {"fd":3})",
          "running>zombie completed",
          R"(CtxReclaim {"cid":1})",
          "zombie>dead completed",
          "end completed",
      }));
}

TEST(SessionEvents, AnEmptyProcessIsBornAndDies) {
  SessionRun run = run_of({});
  run.processes[0].system_prompt.reset();
  EXPECT_THAT(only(shown(events_of(run)), {"CtxWrite", "context", "Open", "running>zombie", "end"}),
              ElementsAre(R"(context keep 0 prompt "")",
                          R"(Open {"flags":2,"path":"/dev/llm/imported"} = FD(3))",
                          "running>zombie completed", "end completed"));
}

TEST(SessionEvents, WhatTheProcessIs) {
  SessionRun run = run_of({says("user", "hi", at_ms(0))});
  run.time_source = "log";
  const auto start = payloads<ProcessStart>(events_of(run, 0, Pid{7})).at(0);
  EXPECT_EQ(start.intent, "help");
  EXPECT_EQ(start.parent, kRuntimePid);
  EXPECT_EQ(start.run_id, "run-1");
  EXPECT_EQ(start.trace_id, "trace-1");
  EXPECT_EQ(start.runtime, "imported");
  EXPECT_EQ(start.time_source, "log");
  EXPECT_EQ(start.model, "m");
  EXPECT_EQ(start.wall_start, at_ms(0));
  EXPECT_EQ(*start.script, script_to_json(session_script(run)));
}

TEST(SessionEvents, AreNumberedWithoutAHole) {
  const std::vector<Event> events = events_of(run_of({says("user", "u"), answers("a")}), 0, Pid{4});
  std::uint64_t last = 0;
  for (const Event& event : events) {
    EXPECT_EQ(event.pid, Pid{4});
    const bool is_edge = event.payload.index() >= 6;  // ProcessStart, ProcessEnd
    EXPECT_EQ(event.n, is_edge ? 0 : ++last);
  }
  EXPECT_EQ(payloads<ProcessEnd>(events).at(0).last_n, last);
}

TEST(SessionEvents, TheContextIsEstimatedAsARuntimeDoes) {
  const auto changes =
      payloads<ContextChange>(events_of(run_of({says("user", "hello"), answers("hi")})));
  ASSERT_THAT(changes, SizeIs(3));
  EXPECT_EQ(changes[0].tokens, 3);
  EXPECT_EQ(changes[1].tokens, 5);
  EXPECT_EQ(changes[2].tokens, 6);
  EXPECT_EQ(changes[2].ctx_id, CtxId{1});
}

TEST(SessionEvents, WhatComesFromOutsideCarriesTheTurnBefore) {
  const SessionRun run =
      run_of({says("assistant", "Hi!"), says("user", "u"), answers("a", {calls("c", "f")}),
              results(2, 0, "r"), says("user", "v"),
              compacts(1, {{.role = "user", .content = "s"}}), answers("b"), says("user", "bye")});
  EXPECT_THAT(
      only(shown(events_of(run)), {"context"}),
      ElementsAre(R"(context keep 0 prompt "Be brief.")", "context keep 0 +assistant",
                  "context keep 1 +user", "context keep 2 +assistant@1", "context keep 3 +tool",
                  "context keep 4 +user@1", "context keep 1 +user@1", "context keep 2 +assistant@2",
                  "context keep 3 +user@2"));
}

TEST(SessionEvents, ACompactionKeepsNoMoreThanThereIs) {
  const SessionRun run =
      run_of({says("user", "u"), answers("a"), compacts(99, {{.role = "user", .content = "s"}})});
  EXPECT_THAT(only(shown(events_of(run)), {"CtxWrite {\"cid\":1,\"keep\"", "context keep 2"}),
              ElementsAre(R"(CtxWrite {"cid":1,"keep":99,"messages":1,"op":"Compact"})",
                          "context keep 2 +user@1"));
}

TEST(SessionEvents, TheStepEndsWithItsLastResult) {
  const SessionRun run = run_of(
      {says("user", "u"), answers("a", {calls("c", "f"), calls("d", "g")}), results(1, 1, "2"),
       says("user", "hurry"), results(1, 0, "1"), says("user", "now"), answers("b")});
  EXPECT_THAT(
      only(shown(events_of(run)), {"CtxWrite {\"cid\":1,\"op\":\"AppendT", "ReasonStep",
                                   "CtxWrite {\"cid\":1,\"op\":\"AppendMessage\",\"role\":\"user"}),
      ElementsAre(R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"user"})",
                  R"(CtxWrite {"cid":1,"op":"AppendToolResult","tool":"g"})",
                  R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"user"})",
                  R"(CtxWrite {"cid":1,"op":"AppendToolResult","tool":"f"})",
                  R"(ReasonStep {"action":"tool_call","step":1,"tool":"f,g"} = a)",
                  R"(CtxWrite {"cid":1,"op":"AppendMessage","role":"user"})",
                  R"(ReasonStep {"action":"complete","step":2} = b)"));
}

TEST(SessionEvents, AToolThatFailed) {
  const SessionRun run = run_of({says("user", "u"), answers("", {calls("c", "f")}),
                                 failing(results(1, 0, "no such file")), answers("a")});
  EXPECT_THAT(
      only(shown(events_of(run)), {"Read {\"fd\":4", "context keep 2"}),
      ElementsAre(R"(Read {"fd":4,"length":65536} failed: no such file)", "context keep 2 +tool"));
}

TEST(SessionEvents, AToolThatFailedWithoutAWord) {
  const SessionRun run = run_of({answers("", {calls("c", "f")}), failing(results(0, 0, ""))});
  EXPECT_THAT(only(shown(events_of(run)), {"Read {\"fd\":4"}),
              ElementsAre(R"(Read {"fd":4,"length":65536} failed: failed without a message)"));
}

TEST(SessionEvents, ACallWithoutAResultStaysOpen) {
  const SessionRun run =
      run_of({answers("", {calls("c", "lost"), calls("d", "g")}), results(0, 1, "r")});
  EXPECT_THAT(only(shown(events_of(run)), {"Open", "Close"}),
              ElementsAre(R"(Open {"flags":2,"path":"/dev/llm/imported"} = FD(3))",
                          R"(Open {"flags":2,"path":"/dev/tool/lost"} = FD(4))",
                          R"(Open {"flags":2,"path":"/dev/tool/g"} = FD(5))", R"(Close {"fd":5})",
                          R"(Close {"fd":3})", R"(Close {"fd":4})"));
}

TEST(SessionEvents, ToolNamesBecomeOnePartOfAPath) {
  const SessionRun run = run_of({answers("", {calls("c", "mcp/../x\n"), calls("d", "")}),
                                 results(0, 0, "r"), results(0, 1, "r")});
  EXPECT_THAT(only(shown(events_of(run)), {"Open {\"flags\":2,\"path\":\"/dev/tool"}),
              ElementsAre(R"(Open {"flags":2,"path":"/dev/tool/mcp_.._x_"} = FD(4))",
                          R"(Open {"flags":2,"path":"/dev/tool/_"} = FD(4))"));
}

TEST(SessionEvents, CallsWithoutAnIdGetTheOneThatAScriptGivesThem) {
  const SessionRun run =
      run_of({answers("", {calls("", "f"), calls("", "g")}), results(0, 1, "r")});
  const auto changes = payloads<ContextChange>(events_of(run));
  EXPECT_EQ(changes.at(1).messages.at(0)->tool_calls.at(1).id, "call_1_2");
  EXPECT_EQ(changes.at(2).messages.at(0)->tool_call_id, "call_1_2");
}

TEST(SessionEvents, ThinkingAndFiguresOfAnAnswer) {
  SessionAnswer answer = answers_between(at_ms(100), at_ms(350), "a");
  answer.thinking = {{"hm", "sig"}, {"so", ""}};
  answer.response.request_tokens = 100;
  answer.response.cost_usd = 0.5;
  const auto events = events_of(run_of({says("user", "u", at_ms(0)), answer}));
  EXPECT_THAT(only(shown(events), {"DriverThinking"}),
              ElementsAre(R"(DriverThinking {"content":"hm","signature":"sig"})",
                          R"(DriverThinking {"content":"so"})"));
  const auto response = payloads<LlmResponse>(events).at(0);
  EXPECT_EQ(response.model, "m");
  EXPECT_EQ(response.request_tokens, 100);
  EXPECT_EQ(response.cost_usd, 0.5);
  EXPECT_EQ(response.time_to_last_token, std::chrono::milliseconds(250));
  EXPECT_THAT(response.attempt_starts, IsEmpty());
}

TEST(SessionEvents, AttemptsThatFailedAndWereRepeated) {
  SessionAnswer answer = answers_between(at_ms(100), at_ms(900), "a");
  answer.failures = {{"overloaded", at_ms(300)}, {"refused", std::nullopt}};
  const auto events = events_of(run_of({says("user", "u", at_ms(0)), answer}));
  EXPECT_THAT(only(shown(events), {"DriverEvent", "Read"}),
              ElementsAre(R"(Read {"fd":3,"length":65536} = {"bytes":1})",
                          R"(DriverEvent {"description":"overloaded","subtype":"retry"})",
                          R"(DriverEvent {"description":"refused","subtype":"retry"})"));
  using std::chrono::milliseconds;
  const auto response = payloads<LlmResponse>(events).at(0);
  EXPECT_THAT(response.attempt_starts,
              ElementsAre(milliseconds(100), milliseconds(300), milliseconds(300)));
  EXPECT_EQ(response.time_to_last_token, milliseconds(600));
}

TEST(SessionEvents, ACallThatFailedForGoodLeavesNoMessage) {
  const SessionRun run =
      run_of({says("user", "u"), fails("overloaded"), says("user", "again"), answers("a")});
  EXPECT_THAT(
      only(shown(events_of(run)), {"Read", "llm", "context", "ReasonStep"}),
      ElementsAre(R"(context keep 0 prompt "Be brief.")", "context keep 0 +user",
                  R"(Read {"fd":3,"length":65536} failed: overloaded)", "llm_response ! overloaded",
                  R"(ReasonStep {"action":"error","step":1} failed: overloaded)",
                  "context keep 1 +user", R"(Read {"fd":3,"length":65536} = {"bytes":1})",
                  "llm_response a", "context keep 2 +assistant@1",
                  R"(ReasonStep {"action":"complete","step":2} = a)"));
}

TEST(SessionEvents, CallsBeginAndLastAsTheLogSays) {
  const auto events =
      events_of(run_of({says("user", "u", at_ms(1000)),
                        answers_between(at_ms(1100), at_ms(1500), "", {calls("c", "f")}),
                        results_between(at_ms(1600), at_ms(1900), 1, 0, "r"),
                        answers_between(at_ms(2000), at_ms(2500), "a")}));
  EXPECT_THAT(times_of(events, "Read"), ElementsAre("100+400", "600+300", "1000+500"));
  EXPECT_THAT(times_of(events, "CtxWrite"), ElementsAre("0+0", "0+0", "500+0", "900+0", "1500+0"));
  EXPECT_THAT(times_of(events, "ReasonStep"), ElementsAre("100+800", "1000+500"));
  EXPECT_EQ(events.back().timestamp, std::chrono::milliseconds(1500));
}

TEST(SessionEvents, AMissingTimeIsTheLastOneKnown) {
  const auto events = events_of(run_of(
      {says("user", "u", at_ms(0)), answers_between(at_ms(100), at_ms(200), "", {calls("c", "f")}),
       results(1, 0, "r"), answers("a")}));
  EXPECT_THAT(times_of(events, "Read"), ElementsAre("100+100", "200+0", "200+0"));
}

TEST(SessionEvents, WithoutTimesAllIsAtTheBeginning) {
  for (const Event& event :
       events_of(run_of({says("user", "u"), answers("", {calls("c", "f")}), results(1, 0, "r")}))) {
    EXPECT_EQ(event.timestamp, Nanoseconds{0});
    if (const auto* call = std::get_if<Syscall>(&event.payload)) {
      EXPECT_EQ(call->duration, Nanoseconds{0});
    }
  }
}

TEST(SessionEvents, ATimeBeforeTheFirstIsTheFirst) {
  const auto events = events_of(
      run_of({says("user", "u", at_ms(500)), answers_between(at_ms(100), at_ms(700), "a")}));
  EXPECT_THAT(times_of(events, "Read"), ElementsAre("0+200"));
}

TEST(SessionEvents, HostileTimesCenturiesApart) {
  const WallTime first{Nanoseconds{std::numeric_limits<std::int64_t>::min()}};
  const WallTime last{Nanoseconds{std::numeric_limits<std::int64_t>::max()}};
  for (const Event& event :
       events_of(run_of({says("user", "u", first), answers_between(last, first, "a"),
                         answers_between(first, last, "b")})))
    EXPECT_GE(event.timestamp, Nanoseconds{0});
}

SessionRun run_with_child() {
  SessionRun run = run_of({says("user", "u"), answers("", {calls("t", "Task"), calls("c", "f")}),
                           results(1, 1, "r"), of_child(1, results(1, 0, "found")), answers("a")});
  run.processes.push_back(child_of(0, "a1", {says("user", "look"), answers("found")}));
  run.processes[1].spawn = {1, 0};
  return run;
}

TEST(SessionEvents, AChildIsSpawnedWhereItIsAskedForAndWaitedFor) {
  EXPECT_THAT(only(shown(events_of(run_with_child(), 0, Pid{5})),
                   {"Spawn", "Wait", "CtxWrite {\"cid\":5,\"op\":\"AppendT", "Open"}),
              ElementsAre(R"(Open {"flags":2,"path":"/dev/llm/imported"} = FD(3))",
                          R"(Spawn {"intent":"help"} = 5)",
                          R"(Spawn {"agent":"agent-a1","intent":"look"} = 6)",
                          R"(Open {"flags":2,"path":"/dev/tool/f"} = FD(4))",
                          R"(CtxWrite {"cid":5,"op":"AppendToolResult","tool":"f"})",
                          R"(Wait {"pid":6} = {"code":0,"reason":"completed"})",
                          R"(CtxWrite {"cid":5,"op":"AppendToolResult","tool":"Task"})"));
}

TEST(SessionEvents, AChildHasItsOwnStream) {
  const auto events = events_of(run_with_child(), 1, Pid{5});
  EXPECT_EQ(payloads<ProcessStart>(events).at(0).parent, Pid{5});
  EXPECT_THAT(
      only(shown(events), {"CtxAlloc", "Spawn", "end"}),
      ElementsAre(R"(CtxAlloc {"size":0} = 6)", R"(Spawn {"intent":"look"} = 6)", "end completed"));
}

TEST(SessionEvents, AChildWhoseCallIsUnknownIsSpawnedInItsOwnStreamOnly) {
  SessionRun run = run_of({says("user", "u"), answers("a")});
  run.processes.push_back(child_of(0, "a1", {answers("found")}));
  EXPECT_THAT(only(shown(events_of(run, 0)), {"Spawn"}),
              ElementsAre(R"(Spawn {"intent":"help"} = 1)"));
  EXPECT_THAT(only(shown(events_of(run, 1)), {"Spawn"}),
              ElementsAre(R"(Spawn {"intent":"look"} = 2)"));
}

TEST(SessionEvents, AChildThatWasNotWaitedFor) {
  SessionRun run = run_of({answers("", {calls("t", "Task")})});
  run.processes.push_back(child_of(0, "", {answers("found")}));
  run.processes[1].spawn = {0, 0};
  EXPECT_THAT(only(shown(events_of(run)), {"Spawn", "Wait"}),
              ElementsAre(R"(Spawn {"intent":"help"} = 1)",
                          R"(Spawn {"agent":"agent","intent":"look"} = 2)"));
}

}  // namespace
}  // namespace agdb
