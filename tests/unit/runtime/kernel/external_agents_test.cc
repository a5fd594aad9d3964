#include "runtime/kernel/external_agents.h"

#include <gmock/gmock.h>

#include "tests/unit/runtime/kernel/runtime_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExternalAgentsTest : public RuntimeTest {
 protected:
  Pid adopt(std::int64_t budget = 0, BudgetPolicy policy = BudgetPolicy::kKill,
            Pid parent = kRuntimePid) {
    AdoptRequest request;
    request.intent = "tidy the docs";
    request.model = "m-1";
    request.budget = budget;
    request.policy = policy;
    request.parent = parent;
    const Result<Pid> pid = agents.adopt(std::move(request));
    EXPECT_TRUE(pid.has_value()) << pid.error().message;
    return pid.value_or(Pid{0});
  }
  // Lets what the kernel has put off happen, and the dispatcher deliver.
  void settle() {
    scheduler->run();
    bus.flush();
  }
  void let_pass(Nanoseconds time) {
    scheduler->after(time, [] {});
    settle();
  }
  Status answers(Pid pid, std::int64_t tokens) {
    return agents.response(pid, LlmResponse{.model = "m-1", .request_tokens = tokens},
                           Nanoseconds(0), std::nullopt);
  }
  GateAnswer gate(Pid pid, bool wait = true) {
    GateAnswer got{false, "no answer yet"};
    EXPECT_TRUE(agents.gate(pid, wait, [&](const GateAnswer& answer) { got = answer; }));
    return got;
  }
  Status tell(Pid pid, std::optional<std::uint64_t> keep, std::vector<std::string> texts) {
    std::vector<Message> messages;
    for (std::string& text : texts)
      messages.push_back(Message{.role = "user", .content = std::move(text)});
    ContextReport report;
    report.messages = std::move(messages);
    report.keep = keep;
    return agents.context(pid, std::move(report));
  }

  ExternalAgents agents{kernel};
};

TEST_F(ExternalAgentsTest, IsAnEntryOfTheTable) {
  const Pid pid = adopt(5000, BudgetPolicy::kPause);
  settle();
  const ProcessInfo info = *kernel.info(pid);
  EXPECT_TRUE(info.external);
  EXPECT_EQ(info.state, ProcessState::kRunning);
  EXPECT_EQ(info.intent, "tidy the docs");
  EXPECT_EQ(info.budget, 5000);
  EXPECT_EQ(info.policy, BudgetPolicy::kPause);
  const auto start = payloads<ProcessStart>(pid).at(0);
  EXPECT_EQ(start.runtime, "external");
  EXPECT_EQ(start.script, nullptr);
}

TEST_F(ExternalAgentsTest, AWholeCallIsAnEvent) {
  const Pid pid = adopt();
  let_pass(std::chrono::seconds(9));
  ASSERT_TRUE(agents.call(pid,
                          Syscall{.name = "ReadDocs",
                                  .args = Json::object({{"path", "docs/"}}),
                                  .result = 3,
                                  .err = {},
                                  .duration = std::chrono::seconds(2)},
                          std::nullopt));
  settle();
  const Event& event = witness.by_pid[pid].back();
  EXPECT_EQ(event.timestamp, std::chrono::seconds(7));
  EXPECT_EQ(std::get<Syscall>(event.payload).name, "ReadDocs");
}

TEST_F(ExternalAgentsTest, TheAgentsClockCountsButNotIntoTheFuture) {
  const Pid pid = adopt();
  let_pass(std::chrono::seconds(9));
  const auto call_at = [&](std::chrono::seconds time) {
    ASSERT_TRUE(agents.call(pid, Syscall{.name = "A", .args = {}, .result = {}, .err = {}}, time));
    settle();
  };
  call_at(std::chrono::seconds(4));
  EXPECT_EQ(witness.by_pid[pid].back().timestamp, std::chrono::seconds(4));
  call_at(std::chrono::seconds(40));
  EXPECT_EQ(witness.by_pid[pid].back().timestamp, std::chrono::seconds(9));
  call_at(std::chrono::seconds(-4));
  EXPECT_EQ(witness.by_pid[pid].back().timestamp, std::chrono::seconds(0));
}

TEST_F(ExternalAgentsTest, BeginAndEndMakeOneCall) {
  const Pid pid = adopt();
  ASSERT_TRUE(agents.begin(pid, 7, "Lint", Json::object({{"path", "a.md"}}), std::nullopt));
  EXPECT_THAT(agents.begin(pid, 7, "Lint", {}, std::nullopt).error().message,
              HasSubstr("under way already"));
  let_pass(std::chrono::seconds(3));
  ASSERT_TRUE(agents.end(pid, 7, nullptr, "line 3: too long", std::nullopt));
  EXPECT_THAT(agents.end(pid, 7, nullptr, "", std::nullopt).error().message,
              HasSubstr("was not begun"));
  settle();
  const Syscall lint = syscalls(pid, "Lint").at(0);
  EXPECT_EQ(lint.err, "line 3: too long");
  EXPECT_EQ(lint.duration, std::chrono::seconds(3));
}

TEST_F(ExternalAgentsTest, CallsThatNeverEndAreBounded) {
  const Pid pid = adopt();
  for (std::uint64_t i = 0; i < ExternalAgents::kMaxOpenCalls; ++i)
    ASSERT_TRUE(agents.begin(pid, i, "A", {}, std::nullopt));
  EXPECT_EQ(agents.begin(pid, 1u << 20, "A", {}, std::nullopt).error().code, Code::kExhausted);
}

TEST_F(ExternalAgentsTest, AToolIsToldAsOneHere) {
  const Pid pid = adopt();
  ASSERT_TRUE(agents.tool(pid, {.name = "a/b", .args = {}, .result = "text", .error = {}}, {}));
  ASSERT_TRUE(agents.tool(pid, {.name = "ls", .args = {}, .result = {}, .error = "no dir"}, {}));
  settle();
  EXPECT_THAT(call_names(pid), ElementsAre("Spawn", "Open(/dev/tool/a_b)", "Write", "Read", "Close",
                                           "Open(/dev/tool/ls)", "Write", "Read", "Close"));
  EXPECT_EQ(syscalls(pid, "Read").at(0).result.text("data"), "text");
  EXPECT_EQ(syscalls(pid, "Read").at(1).err, "no dir");
}

TEST_F(ExternalAgentsTest, AContextToldWholeIsAChangeOfWhatIsNew) {
  const Pid pid = adopt();
  ASSERT_TRUE(tell(pid, std::nullopt, {"one", "two"}));
  ASSERT_TRUE(tell(pid, std::nullopt, {"one", "two", "three"}));
  ASSERT_TRUE(tell(pid, std::nullopt, {"one", "two", "three"}));
  ASSERT_TRUE(tell(pid, std::nullopt, {"one"}));
  ASSERT_TRUE(tell(pid, 1, {"four"}));
  settle();
  EXPECT_THAT(final_messages(pid), ElementsAre("user: one", "user: four"));
  const auto changes = payloads<ContextChange>(pid);
  ASSERT_EQ(changes.size(), 5U);  // the prompt (none), and one each but for what changed nothing
  EXPECT_EQ(changes.at(2).keep, 2U);
  EXPECT_EQ(changes.at(2).messages.size(), 1U);
  EXPECT_EQ(changes.at(3).keep, 1U);
}

TEST_F(ExternalAgentsTest, AContextCannotKeepWhatItDoesNotHave) {
  const Pid pid = adopt();
  EXPECT_EQ(tell(pid, 3, {"four"}).error().message, "keep is 3, but the context has 0 messages");
  EXPECT_EQ(kernel.contexts(pid)->size(), 0U);
}

TEST_F(ExternalAgentsTest, AnswersAreStepsAndCost) {
  const Pid pid = adopt(1000);
  ASSERT_TRUE(answers(pid, 850));
  EXPECT_TRUE(gate(pid).go);
  EXPECT_EQ(kernel.info(pid)->steps, 1);
  EXPECT_EQ(kernel.info(pid)->alert_level, "warning");
  ASSERT_TRUE(answers(pid, 850));
  settle();
  EXPECT_EQ(kernel.info(pid)->exit, (ExitStatus{2, "budget_exceeded"}));
  EXPECT_EQ(gate(pid).reason, "budget_exceeded");
  EXPECT_THAT(answers(pid, 1).error().message, HasSubstr("has ended: budget_exceeded"));
}

TEST_F(ExternalAgentsTest, TheGateWaitsWhileItIsPaused) {
  const Pid pid = adopt();
  ASSERT_TRUE(kernel.signal(pid, Signal::kPause));
  EXPECT_EQ(gate(pid, false).reason, "suspended");
  GateAnswer got{false, "no answer yet"};
  ASSERT_TRUE(agents.gate(pid, true, [&](const GateAnswer& answer) { got = answer; }));
  EXPECT_EQ(got.reason, "no answer yet");
  ASSERT_TRUE(kernel.signal(pid, Signal::kResume));
  EXPECT_TRUE(got.go);
}

TEST_F(ExternalAgentsTest, ABudgetHoldsAtTheGateToo) {
  const Pid pid = adopt(1000, BudgetPolicy::kPause);
  ASSERT_TRUE(answers(pid, 2000));
  GateAnswer got{false, "no answer yet"};
  ASSERT_TRUE(agents.gate(pid, true, [&](const GateAnswer& answer) { got = answer; }));
  EXPECT_EQ(got.reason, "no answer yet");
  ASSERT_TRUE(kernel.set_budget(pid, 5000, std::nullopt));
  EXPECT_TRUE(got.go);
}

TEST_F(ExternalAgentsTest, WhoWaitsAtTheGateIsToldOfTheEnd) {
  const Pid pid = adopt();
  ASSERT_TRUE(kernel.signal(pid, Signal::kPause));
  GateAnswer got;
  ASSERT_TRUE(agents.gate(pid, true, [&](const GateAnswer& answer) { got = answer; }));
  ASSERT_TRUE(kernel.signal(pid, Signal::kKill));
  settle();
  EXPECT_FALSE(got.go);
  EXPECT_EQ(got.reason, "killed");
}

TEST_F(ExternalAgentsTest, TerminateIsSaidAtTheGateAndTheAgentEnds) {
  const Pid pid = adopt();
  ASSERT_TRUE(kernel.signal(pid, Signal::kTerminate));
  EXPECT_EQ(gate(pid).reason, "terminated");
  ASSERT_TRUE(agents.close(pid, {0, "completed"}));
  EXPECT_EQ(kernel.info(pid)->exit, (ExitStatus{143, "terminated"}));
  EXPECT_EQ(agents.close(pid, {0, "completed"}).error().code, Code::kInvalid);
}

TEST_F(ExternalAgentsTest, ParentsAndChildren) {
  const Pid parent = adopt();
  const Pid child = adopt(0, BudgetPolicy::kKill, parent);
  ASSERT_TRUE(agents.close(parent, {0, "completed"}));
  settle();
  EXPECT_EQ(syscalls(parent, "Spawn").size(), 2U);
  EXPECT_EQ(kernel.info(child)->parent, kRuntimePid);
  EXPECT_EQ(payloads<ProcessStart>(child).at(0).run_id,
            payloads<ProcessStart>(parent).at(0).run_id);
  AdoptRequest request;
  request.parent = parent;
  EXPECT_EQ(agents.adopt(request).error().message, "no living parent with pid 1");
}

TEST_F(ExternalAgentsTest, OnlyThoseThatLiveElsewhereReport) {
  const Pid pid = start(script({says("done")}));
  EXPECT_THAT(answers(pid, 1).error().message, HasSubstr("lives here"));
  EXPECT_EQ(answers(Pid{99}, 1).error().code, Code::kNotFound);
  EXPECT_EQ(agents.gate(Pid{99}, true, [](const GateAnswer&) {}).error().code, Code::kNotFound);
  finish();
}

TEST_F(ExternalAgentsTest, AForgottenAgentIsToldToEnd) {
  Kernel forgetful(*scheduler, bus, {.dead_kept = 1});
  ExternalAgents its(forgetful);
  for (int i = 0; i < 2; ++i) {
    const Result<Pid> pid = its.adopt({});
    ASSERT_TRUE(pid);
    ASSERT_TRUE(its.close(*pid, {}));
  }
  settle();
  GateAnswer got;
  ASSERT_TRUE(its.gate(Pid{1}, true, [&](const GateAnswer& answer) { got = answer; }));
  EXPECT_FALSE(got.go);
  EXPECT_EQ(got.reason, "ended");
  EXPECT_EQ(its.gate(Pid{9}, true, [](const GateAnswer&) {}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace agdb
