#include "runtime/kernel/kernel.h"

#include <gmock/gmock.h>

#include <thread>

#include "runtime/kernel/external_agents.h"
#include "tests/unit/runtime/kernel/runtime_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using KernelTest = RuntimeTest;

TEST_F(KernelTest, APlainRunMakesTheCallsOfTheCatalogueInOrder) {
  const Pid pid = start(script({calls({call("c1", "ls", "a.txt")}), says("done")}));
  finish();
  EXPECT_THAT(
      call_names(pid),
      ElementsAre("CtxAlloc", "CtxWrite(SetSystemPrompt)", "CtxWrite(AppendMessage)",
                  "ConfigResolve", "Open(/dev/llm/scripted)", "Spawn", "CtxRead(BuildPrompt)",
                  "Write", "Read", "CtxWrite(AppendMessage)", "Open(/dev/tool/ls)", "Write", "Read",
                  "Close", "CtxWrite(AppendToolResult)", "ReasonStep(tool_call)",
                  "CtxRead(BuildPrompt)", "Write", "Read", "CtxWrite(AppendMessage)",
                  "ReasonStep(complete)", "Close", "CtxReclaim"));
  EXPECT_THAT(states(pid), ElementsAre("running", "zombie", "dead"));
  EXPECT_THAT(final_messages(pid),
              ElementsAre("user: a task", "assistant: ", "tool: a.txt", "assistant: done"));
  EXPECT_EQ(kernel.info(pid)->exit, (ExitStatus{0, "completed"}));
}

TEST_F(KernelTest, EventsOfAProcessAreNumberedWithoutAHoleAndFollowEveryContextWrite) {
  const Pid pid = start(script({calls({call("c1", "ls", "a.txt")}), says("done")}));
  finish();
  std::uint64_t n = 0;
  bool snapshot_due = false;
  for (const Event& event : witness.by_pid[pid]) {
    if (event.n == 0) continue;
    EXPECT_EQ(event.n, ++n);
    EXPECT_TRUE(!snapshot_due || std::holds_alternative<ContextChange>(event.payload));
    const auto* syscall = std::get_if<Syscall>(&event.payload);
    snapshot_due = syscall != nullptr && syscall->name == "CtxWrite";
  }
  EXPECT_EQ(payloads<ProcessEnd>(pid).at(0).last_n, n);
}

TEST_F(KernelTest, ToolCallsCarryArgumentsResultsAndDurations) {
  ScriptCall slow = call("c1", "ls", "a.txt");
  slow.latency = std::chrono::milliseconds(250);
  const Pid pid = start(script({calls({slow}), says("done")}));
  finish();
  EXPECT_EQ(syscalls(pid, "Write").at(1).args,
            Json::object({{"data", "{\"x\":1}"}, {"fd", 4}, {"size", 7}}));
  const Syscall read = syscalls(pid, "Read").at(1);
  EXPECT_EQ(read.result, Json::object({{"bytes", 5}, {"data", "a.txt"}}));
  EXPECT_EQ(read.duration, std::chrono::milliseconds(250));
}

TEST_F(KernelTest, AnAnswerCarriesWhatTheScriptSaysOfIt) {
  ScriptTurn turn = says("hello");
  turn.answer.usage =
      ScriptUsage{.request_tokens = 70, .response_tokens = 7, .cache_read_tokens = 60};
  turn.answer.thinking = "hm";
  turn.answer.stop_reason = "end_turn";
  turn.answer.setup = std::chrono::milliseconds(10);
  turn.answer.first_token = std::chrono::milliseconds(40);
  turn.answer.latency = std::chrono::milliseconds(90);
  turn.answer.failures = {{"overloaded", std::chrono::milliseconds(500)}};
  const Pid pid = start(script({turn}));
  finish();
  const LlmResponse response = payloads<LlmResponse>(pid).at(0);
  EXPECT_EQ(response.content, "hello");
  EXPECT_EQ(response.request_tokens, 70);
  EXPECT_EQ(response.cache_read_tokens, 60);
  EXPECT_EQ(response.time_to_last_token, std::chrono::milliseconds(90));
  EXPECT_THAT(response.attempt_starts, ElementsAre(Nanoseconds(0), std::chrono::milliseconds(500)));
  EXPECT_EQ(syscalls(pid, "Read").at(0).duration, std::chrono::milliseconds(590));
  EXPECT_EQ(syscalls(pid, "DriverEvent").at(0).args.text("description"), "overloaded");
  EXPECT_EQ(syscalls(pid, "DriverThinking").at(0).args.text("content"), "hm");
}

TEST_F(KernelTest, AFailedModelEndsTheProcess) {
  ScriptTurn turn;
  turn.answer.error = "invalid api key";
  EXPECT_EQ(run(script({turn})), (ExitStatus{5, "llm read failed"}));
  EXPECT_EQ(payloads<LlmResponse>(Pid{1}).at(0).error, "invalid api key");
  EXPECT_EQ(syscalls(Pid{1}, "Read").at(0).err, "invalid api key");
}

TEST_F(KernelTest, AFailedToolIsToldToTheModelAndRemembered) {
  EXPECT_EQ(
      run(script({calls({call("c1", "ls", ScriptResult{{}, "no such folder"})}), says("oh")})),
      (ExitStatus{1, "completed_with_tool_errors"}));
  EXPECT_THAT(final_messages(Pid{1}),
              ElementsAre("user: a task", "assistant: ", "tool: no such folder", "assistant: oh"));
}

TEST_F(KernelTest, AToolWithoutAResultIsAnError) {
  run(script({calls({call("c1", "ls", ScriptResult{})}), says("oh")}));
  EXPECT_THAT(syscalls(Pid{1}, "Read").at(1).err, HasSubstr("no result for the tool ls"));
}

TEST_F(KernelTest, TheToolTableAnswersByPattern) {
  auto made =
      std::make_shared<Script>(*script({calls({call("c1", "ls", ScriptResult{})}), says("ok")}));
  made->agents["main"].tools["ls"] = {{"\"y\"", {"wrong", {}}, {}}, {"", {"right", {}}, {}}};
  EXPECT_EQ(run(made).code, 0);
  EXPECT_EQ(final_messages(Pid{1}).at(2), "tool: right");
}

TEST_F(KernelTest, AnExhaustedScriptSaysSo) {
  EXPECT_EQ(run(script({calls({call("c1", "ls", "a.txt")})})), (ExitStatus{4, "script_exhausted"}));
}

TEST_F(KernelTest, AScriptThatLoopsForEverEndsAtItsMaximumOfSteps) {
  ScriptTurn turn = calls({call("c1", "ls", "a.txt")});
  turn.next = 1;
  EXPECT_EQ(run(script({turn}), 0, 25), (ExitStatus{3, "max steps exceeded"}));
  EXPECT_EQ(kernel.info(Pid{1})->steps, 25);
}

TEST_F(KernelTest, AlertsComeOnceEachAndTheBudgetEndsTheProcess) {
  ScriptTurn turn = calls({call("c1", "ls", "a.txt")});  // 110 tokens a step
  turn.next = 1;
  EXPECT_EQ(run(script({turn}), 1000), (ExitStatus{2, "budget_exceeded"}));
  std::vector<std::string> levels;
  for (const Alert& alert : payloads<Alert>(Pid{1})) levels.push_back(alert.level);
  EXPECT_THAT(levels, ElementsAre("warning", "critical", "exceeded"));
  const std::vector<Alert> alerts = payloads<Alert>(Pid{1});
  EXPECT_EQ(alerts.at(0).tokens_used, 880);
  EXPECT_EQ(alerts.at(0).step, 8);
  EXPECT_EQ(alerts.at(0).est_remaining_steps, 1);
  EXPECT_EQ(alerts.at(2).tokens_used, 1100);
  EXPECT_EQ(alerts.at(2).remaining_pct, 0);
}

TEST_F(KernelTest, RemainingShareOfExactlyTwentyPercentGivesNoAlert) {
  ScriptTurn turn = says("half");
  turn.answer.usage = ScriptUsage{.request_tokens = 700, .response_tokens = 100};
  EXPECT_EQ(run(script({turn}), 1000).reason, "completed");
  EXPECT_TRUE(payloads<Alert>(Pid{1}).empty());
}

TEST_F(KernelTest, WhatTheUserSaysComesBetweenTheTurns) {
  ScriptTurn second = says("and done");
  ContextEdit edit;
  edit.messages = {{.role = "user", .content = "go on"}};
  edit.delay = std::chrono::seconds(3);
  second.before = {edit};
  EXPECT_EQ(run(script({says("first"), second})).code, 0);
  EXPECT_THAT(final_messages(Pid{1}), ElementsAre("user: a task", "assistant: first", "user: go on",
                                                  "assistant: and done"));
}

TEST_F(KernelTest, WhatComesBehindTheLastTurnIsTakenInAndNotAnswered) {
  auto made = std::make_shared<Script>(*script({says("bye")}));
  ContextEdit edit;
  edit.messages = {{.role = "user", .content = "thanks"}};
  made->agents["main"].closing = {edit};
  EXPECT_EQ(run(made).reason, "completed");
  EXPECT_THAT(final_messages(Pid{1}),
              ElementsAre("user: a task", "assistant: bye", "user: thanks"));
}

TEST_F(KernelTest, AnInterruptedCallLeavesNoResult) {
  EXPECT_EQ(run(script({calls({call("c1", "ls", ScriptInterrupted{})}), says("on")})).code, 0);
  EXPECT_EQ(syscalls(Pid{1}, "Read").at(1).err, "interrupted");
  EXPECT_THAT(final_messages(Pid{1}), ElementsAre("user: a task", "assistant: ", "assistant: on"));
}

TEST_F(KernelTest, ACompactionReplacesWhatWasBefore) {
  ScriptTurn second = says("still here");
  ContextEdit edit;
  edit.kind = ContextEdit::Kind::kCompact;
  edit.keep = 0;
  edit.messages = {{.role = "user", .content = "summary"}};
  second.before = {edit};
  EXPECT_EQ(run(script({says("first"), second, says("third")})).code, 0);
  EXPECT_THAT(final_messages(Pid{1}),
              ElementsAre("user: summary", "assistant: still here", "assistant: third"));
}

TEST_F(KernelTest, ToolCallsOfOneAnswerRunBesideEachOther) {
  ScriptCall slow = call("c1", "slow", "slow result");
  slow.latency = std::chrono::seconds(5);
  ScriptCall quick = call("c2", "quick", "quick result");
  quick.latency = std::chrono::seconds(1);
  run(script({calls({slow, quick}), says("done")}));
  EXPECT_THAT(final_messages(Pid{1}),
              ElementsAre("user: a task", "assistant: ", "tool: quick result", "tool: slow result",
                          "assistant: done"));
  EXPECT_EQ(scheduler->clock().now(), std::chrono::seconds(5));
}

TEST_F(KernelTest, ToolNamesCannotLeaveTheToolFolder) {
  run(script({calls({call("c1", "../llm/scripted", "x")}), says("done")}));
  EXPECT_EQ(syscalls(Pid{1}, "Open").at(1).args.text("path"), "/dev/tool/.._llm_scripted");
}

TEST_F(KernelTest, ADriverFromOutsideIsMountedWithoutChangingTheRuntime) {
  class Echo final : public ToolDriver {
    void call(const ToolRequest& request, Reply<std::string> reply) override {
      reply(request.name + " got " + request.arguments);
    }
  };
  ASSERT_TRUE(
      kernel.vfs().mount("/dev/tool/echo", make_tool_device(std::make_shared<Echo>(), "echo")));
  run(script({calls({call("c1", "echo", "not this")}), says("done")}));
  EXPECT_EQ(final_messages(Pid{1}).at(2), "tool: echo got {\"x\":1}");
}

TEST_F(KernelTest, AModelFromOutsideMayAnswerFromAnotherThread) {
  class Threaded final : public ModelDriver {
   public:
    ~Threaded() override {
      if (thread_.joinable()) thread_.join();
    }
    void call(const ModelRequest&, Reply<ModelAnswer> reply) override {
      thread_ = std::thread([reply = std::move(reply)] {
        ModelAnswer answer;
        answer.response.content = "from afar";
        reply(std::move(answer));
      });
    }

   private:
    std::thread thread_;
  };
  ASSERT_TRUE(kernel.vfs().mount("/dev/llm/mine", make_model_device(std::make_shared<Threaded>())));
  auto made = std::make_shared<Script>(*script({}));
  made->agents["main"].provider = "mine";
  EXPECT_EQ(run(made).code, 0);
  EXPECT_EQ(final_messages(Pid{1}).back(), "assistant: from afar");
}

TEST_F(KernelTest, ADriverThatForgetsToAnswerCannotHangAProcess) {
  class Forgetful final : public ModelDriver {
    void call(const ModelRequest&, Reply<ModelAnswer>) override {}
  };
  ASSERT_TRUE(
      kernel.vfs().mount("/dev/llm/mine", make_model_device(std::make_shared<Forgetful>())));
  auto made = std::make_shared<Script>(*script({}));
  made->agents["main"].provider = "mine";
  EXPECT_EQ(run(made).reason, "llm read failed");
  EXPECT_EQ(syscalls(Pid{1}, "Read").at(0).err, "the driver gave no answer");
}

TEST_F(KernelTest, AMissingModelDeviceRefusesTheSpawn) {
  auto made = std::make_shared<Script>(*script({says("x")}));
  made->agents["main"].provider = "nowhere";
  SpawnRequest request;
  request.script = made;
  const auto pid = kernel.spawn(request);
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().message, "no such device: /dev/llm/nowhere");
  finish();
  EXPECT_EQ(kernel.info(Pid{1})->exit.reason, "set-up failed");
}

TEST_F(KernelTest, ARestoredContextGoesOnAtTheRightTurn) {
  const auto what = script({calls({call("c1", "ls", "a.txt")}), says("second"), says("third")});
  SpawnRequest request;
  request.script = what;
  request.restored =
      RestoredState{"be brief",
                    {std::make_shared<const Message>(Message{.role = "user", .content = "edited"}),
                     std::make_shared<const Message>(
                         Message{.role = "assistant",
                                 .content = "",
                                 .tool_calls = {{"c1", "ls", Json::object({{"x", 1}})}},
                                 .turn = 1})},
                    ForkOrigin{"1-1", SeqNum{9}}};
  ASSERT_TRUE(kernel.spawn(request));
  finish();
  EXPECT_THAT(final_messages(Pid{1}), ElementsAre("user: edited", "assistant: ", "tool: a.txt",
                                                  "assistant: second", "assistant: third"));
  EXPECT_EQ(payloads<ProcessStart>(Pid{1}).at(0).forked_from, (ForkOrigin{"1-1", SeqNum{9}}));
}

TEST_F(KernelTest, TheSameScriptGivesTheSameEvents) {
  std::vector<std::string> runs;
  for (int i = 0; i < 2; ++i) {
    EventBus other_bus;
    Witness other;
    other_bus.add(other);
    const auto sim = make_sim_scheduler();
    Kernel again(*sim, other_bus);
    SpawnRequest request;
    ScriptCall slow = call("c1", "ls", "a.txt");
    slow.latency = std::chrono::milliseconds(7);
    request.script = script({calls({slow, call("c2", "cat", "b")}), says("done")});
    ASSERT_TRUE(again.spawn(request));
    again.run();
    other_bus.flush();
    other_bus.remove(other);
    std::string text;
    for (const Event& event : other.all) {
      text += std::to_string(event.n) + " " + std::to_string(event.timestamp.count()) + " " +
              std::string(type_name(event.payload));
      if (const auto* syscall = std::get_if<Syscall>(&event.payload))
        text += syscall->name + dump(syscall->args) + dump(syscall->result);
      text += "\n";
    }
    runs.push_back(text);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(KernelPace, WaitingForTheRecorderLosesNothing) {
  EventBus bus(64);
  Witness witness;
  bus.add(witness);
  const auto scheduler = make_sim_scheduler();
  KernelOptions options;
  options.pace = [&](std::size_t waiting) {
    if (waiting > 32) bus.flush();
  };
  Kernel kernel(*scheduler, bus, options);
  auto script = std::make_shared<Script>();
  ScriptTurn turn;
  turn.answer.text = "again";
  turn.next = 1;
  script->agents["main"].turns = {turn};
  script->agents["main"].messages.assign(500, {.role = "user", .content = "hello"});
  ASSERT_TRUE(kernel.spawn({.script = script, .max_steps = 500}));
  kernel.run();
  bus.flush();
  bus.remove(witness);
  EXPECT_EQ(kernel.events_refused(), 0u);
  EXPECT_GT(witness.all.size(), 3000u);
}

TEST_F(KernelTest, TokenCountsBeyondAllReasonDoNotOverflow) {
  ScriptTurn turn = says("much");
  turn.answer.usage = ScriptUsage{.request_tokens = INT64_MAX, .response_tokens = INT64_MAX};
  EXPECT_EQ(run(script({turn, turn}), 1000).reason, "budget_exceeded");
  EXPECT_EQ(kernel.info(Pid{1})->tokens_used, INT64_MAX);
}

TEST_F(KernelTest, TenThousandProcessesRunInOneRuntime) {
  const auto what = script({calls({call("c1", "ls", "a.txt")}), says("done")});
  for (int i = 0; i < 10'000; ++i) {
    start(what);
    if (i % 500 == 0) bus.flush();
  }
  kernel.run();
  std::size_t completed = 0;
  for (const ProcessInfo& info : kernel.list()) completed += info.exit.code == 0 && info.steps == 2;
  EXPECT_EQ(completed, 10'000u);
  EXPECT_EQ(kernel.list().back().pid, Pid{10'000});
}

// A runtime that remembers two of its dead.
class ForgetfulKernelTest : public RuntimeTest {
 protected:
  Pid live_and_die() {
    SpawnRequest request;
    request.script = script({says("done")});
    const Result<Pid> pid = forgetful.spawn(std::move(request));
    EXPECT_TRUE(pid.has_value()) << pid.error().message;
    forgetful.run();
    // What was put off when the last one died.
    scheduler->run();
    return pid.value_or(Pid{0});
  }
  std::vector<Pid> known() const {
    std::vector<Pid> pids;
    for (const ProcessInfo& info : forgetful.list()) pids.push_back(info.pid);
    return pids;
  }

  Kernel forgetful{*scheduler, bus, {.dead_kept = 2}};
};

TEST_F(ForgetfulKernelTest, TheNewestOfTheDeadAreKnown) {
  live_and_die();
  live_and_die();
  EXPECT_THAT(known(), ElementsAre(Pid{1}, Pid{2}));
  EXPECT_EQ(forgetful.forgotten(), 0U);
  live_and_die();
  live_and_die();
  EXPECT_THAT(known(), ElementsAre(Pid{3}, Pid{4}));
  EXPECT_EQ(forgetful.forgotten(), 2U);
}

TEST_F(ForgetfulKernelTest, AForgottenProcessIsNoUnknownOne) {
  for (int i = 0; i < 3; ++i) live_and_die();
  EXPECT_EQ(forgetful.unknown(Pid{1}).message, "process 1 ended long ago and is forgotten");
  EXPECT_EQ(forgetful.unknown(Pid{9}).message, "no process with pid 9");
  EXPECT_EQ(forgetful.unknown(Pid{0}).message, "no process with pid 0");
  const Status signalled = forgetful.signal(Pid{1}, Signal::kKill);
  ASSERT_FALSE(signalled);
  EXPECT_EQ(signalled.error().message, "process 1 ended long ago and is forgotten");
}

TEST_F(ForgetfulKernelTest, WhoLivesIsNotForgotten) {
  SpawnRequest request;
  request.script = script({says("later")});
  auto slow = std::make_shared<Script>(*request.script);
  slow->agents["main"].turns.front().answer.latency = std::chrono::hours(1);
  request.script = slow;
  ASSERT_TRUE(forgetful.spawn(request));
  AdoptRequest foreign;
  ExternalAgents agents(forgetful);
  for (int i = 0; i < 5; ++i) {
    const Result<Pid> pid = agents.adopt(foreign);
    ASSERT_TRUE(pid);
    ASSERT_TRUE(agents.close(*pid, {}));
  }
  forgetful.run();
  scheduler->run();
  EXPECT_EQ(forgetful.info(Pid{1})->exit.reason, exit_reason::kCompleted);
  EXPECT_EQ(forgetful.forgotten(), 4U);
}

// The lead waits for the one that is killed while it is held; more die meanwhile than are kept.
TEST_F(ForgetfulKernelTest, AParentStillLearnsHowItsChildEnded) {
  auto family = std::make_shared<Script>();
  family->agents["main"] =
      agent({calls({call("c1", "child", ScriptSpawn{.agent = "held"})}), says("done")});
  ScriptTurn waits = says("done");
  waits.answer.latency = std::chrono::hours(1);
  family->agents["held"] = agent({waits});
  SpawnRequest request;
  request.script = family;
  ASSERT_TRUE(forgetful.spawn(request));
  ExternalAgents agents(forgetful);
  scheduler->after(std::chrono::minutes(1), [&] {
    ASSERT_TRUE(forgetful.signal(Pid{2}, Signal::kPause));
    ASSERT_TRUE(forgetful.signal(Pid{2}, Signal::kKill));
    for (int i = 0; i < 5; ++i) {
      const Result<Pid> pid = agents.adopt({});
      ASSERT_TRUE(pid);
      scheduler->post([&agents, p = *pid] { ASSERT_TRUE(agents.close(p, {})); });
    }
  });
  forgetful.run();
  scheduler->run();
  bus.flush();
  const std::vector<Syscall> waited = syscalls(Pid{1}, "Wait");
  ASSERT_EQ(waited.size(), 1U);
  EXPECT_EQ(waited.front().result["reason"].string(), exit_reason::kKilled);
}

}  // namespace
}  // namespace agdb
