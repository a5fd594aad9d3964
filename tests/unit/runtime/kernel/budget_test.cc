#include "runtime/kernel/budget.h"

#include <gmock/gmock.h>

#include "tests/unit/runtime/kernel/runtime_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;

class BudgetTest : public RuntimeTest {
 protected:
  // Turns of 110 tokens each.
  Pid start_with(BudgetPolicy policy, std::int64_t budget, std::size_t turns) {
    std::vector<ScriptTurn> made;
    for (std::size_t i = 0; i < turns; ++i) made.push_back(slow_turn());
    SpawnRequest request;
    request.script = script(std::move(made));
    request.budget = budget;
    request.policy = policy;
    return *kernel.spawn(std::move(request));
  }
  static ScriptTurn slow_turn() {
    ScriptTurn turn = says("on and on");
    turn.answer.latency = std::chrono::seconds(10);
    return turn;
  }
  void at(std::chrono::seconds time, const std::function<void()>& act) {
    scheduler->after(time, act);
  }
  std::vector<std::string> alert_levels(Pid pid) {
    std::vector<std::string> levels;
    for (const Alert& alert : payloads<Alert>(pid)) levels.push_back(alert.level);
    return levels;
  }
};

TEST_F(BudgetTest, PoliciesHaveNames) {
  for (const BudgetPolicy policy : {BudgetPolicy::kKill, BudgetPolicy::kPause, BudgetPolicy::kWarn})
    EXPECT_EQ(budget_policy_from(name_of(policy)), policy);
  EXPECT_EQ(budget_policy_from("Kill"), std::nullopt);
  EXPECT_EQ(budget_policy_from(""), std::nullopt);
}

TEST_F(BudgetTest, WarnOnlyAlerts) {
  const Pid pid = start_with(BudgetPolicy::kWarn, 200, 4);
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
  EXPECT_THAT(alert_levels(pid), ElementsAre("warning", "critical", "exceeded"));
  EXPECT_EQ(kernel.info(pid)->alert_level, "exceeded");
}

TEST_F(BudgetTest, PauseHoldsTheProcessUntilItGetsMore) {
  const Pid pid = start_with(BudgetPolicy::kPause, 200, 4);
  at(std::chrono::seconds(100), [&] {
    EXPECT_EQ(kernel.info(pid)->state, ProcessState::kSuspended);
    EXPECT_EQ(kernel.info(pid)->steps, 2);
    EXPECT_TRUE(kernel.set_budget(pid, 1000, std::nullopt));
  });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
  EXPECT_THAT(states(pid), ElementsAre("running", "suspended", "running", "zombie", "dead"));
  EXPECT_EQ(payloads<StateChange>(pid).at(1).reason, "budget_exceeded");
  EXPECT_EQ(scheduler->clock().now(), std::chrono::seconds(120));
}

TEST_F(BudgetTest, PauseHoldsOnWhileTheNewBudgetIsSpentToo) {
  const Pid pid = start_with(BudgetPolicy::kPause, 200, 4);
  at(std::chrono::seconds(100), [&] {
    EXPECT_TRUE(kernel.set_budget(pid, 210, std::nullopt));
    EXPECT_EQ(kernel.info(pid)->state, ProcessState::kSuspended);
    EXPECT_TRUE(kernel.set_budget(pid, 0, std::nullopt));
    EXPECT_EQ(kernel.info(pid)->state, ProcessState::kRunning);
  });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
}

TEST_F(BudgetTest, ResumeLetsItGoOnWithoutALimit) {
  const Pid pid = start_with(BudgetPolicy::kPause, 200, 4);
  at(std::chrono::seconds(100), [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kResume)); });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
  EXPECT_THAT(states(pid), ElementsAre("running", "suspended", "running", "zombie", "dead"));
}

TEST_F(BudgetTest, ANewLimitHoldsAgainAfterAResume) {
  const Pid pid = start_with(BudgetPolicy::kPause, 200, 5);
  at(std::chrono::seconds(100), [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kResume)); });
  at(std::chrono::seconds(101), [&] { EXPECT_TRUE(kernel.set_budget(pid, 400, std::nullopt)); });
  at(std::chrono::seconds(1000), [&] {
    EXPECT_EQ(kernel.info(pid)->state, ProcessState::kSuspended);
    EXPECT_TRUE(kernel.signal(pid, Signal::kResume));
  });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
}

TEST_F(BudgetTest, PausingByHandIsNotEndedByABudget) {
  const Pid pid = start_with(BudgetPolicy::kPause, 1000, 2);
  at(std::chrono::seconds(5), [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kPause)); });
  at(std::chrono::seconds(50), [&] {
    EXPECT_TRUE(kernel.set_budget(pid, 5000, std::nullopt));
    EXPECT_EQ(kernel.info(pid)->state, ProcessState::kSuspended);
    EXPECT_TRUE(kernel.signal(pid, Signal::kResume));
  });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
}

TEST_F(BudgetTest, ALimitBelowWhatIsSpentEndsALivingProcess) {
  const Pid pid = start_with(BudgetPolicy::kWarn, 0, 4);
  at(std::chrono::seconds(25), [&] {
    EXPECT_EQ(kernel.info(pid)->tokens_used, 220);
    EXPECT_TRUE(kernel.set_budget(pid, 100, BudgetPolicy::kKill));
  });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit, (ExitStatus{2, "budget_exceeded"}));
  EXPECT_THAT(alert_levels(pid), ElementsAre("warning", "critical", "exceeded"));
}

TEST_F(BudgetTest, ThresholdsOfANewLimitAlertAnew) {
  const Pid pid = start_with(BudgetPolicy::kWarn, 120, 4);
  at(std::chrono::seconds(15), [&] {
    EXPECT_EQ(kernel.info(pid)->alert_level, "critical");
    EXPECT_TRUE(kernel.set_budget(pid, 500, std::nullopt));
    EXPECT_EQ(kernel.info(pid)->alert_level, "");
  });
  finish();
  // 110 of 120: both; then 440 of 500.
  EXPECT_THAT(alert_levels(pid), ElementsAre("warning", "critical", "warning"));
}

TEST_F(BudgetTest, AChangeIsAnEventOfTheProcess) {
  const Pid pid = start_with(BudgetPolicy::kKill, 0, 1);
  EXPECT_TRUE(kernel.set_budget(pid, 5000, BudgetPolicy::kPause));
  finish();
  const Syscall call = syscalls(pid, "SetBudget").at(0);
  EXPECT_EQ(dump(call.args), R"({"budget":5000,"policy":"pause"})");
}

TEST_F(BudgetTest, NobodyHasABudgetAfterItsEnd) {
  EXPECT_EQ(kernel.set_budget(Pid{9}, 1, std::nullopt).error().code, Code::kNotFound);
  const Pid pid = start_with(BudgetPolicy::kKill, 0, 1);
  finish();
  EXPECT_EQ(kernel.set_budget(pid, 1, std::nullopt).error().code, Code::kInvalid);
  EXPECT_EQ(kernel.raise_alert(pid, "forecast", "warning", 3).error().code, Code::kInvalid);
}

TEST_F(BudgetTest, APredictionIsAnAlertToo) {
  const Pid pid = start_with(BudgetPolicy::kKill, 1000, 2);
  EXPECT_TRUE(kernel.raise_alert(pid, "forecast", "warning", 7));
  finish();
  const Alert alert = payloads<Alert>(pid).at(0);
  EXPECT_EQ(alert.kind, "forecast");
  EXPECT_EQ(alert.est_remaining_steps, 7);
  EXPECT_EQ(alert.context_budget, 1000);
}

TEST_F(BudgetTest, AllCallsOfAPausedAnswerGoOnWhenItIsResumed) {
  std::vector<ScriptCall> together;
  for (const char* id : {"c1", "c2", "c3"}) {
    ScriptCall made = call(id, "slow", "done");
    made.latency = std::chrono::seconds(30);
    together.push_back(std::move(made));
  }
  const Pid pid = start(script({calls(std::move(together)), says("all three")}));
  at(std::chrono::seconds(10), [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kPause)); });
  at(std::chrono::seconds(90), [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kResume)); });
  finish();
  EXPECT_EQ(kernel.info(pid)->exit.reason, "completed");
  EXPECT_EQ(final_messages(pid).size(), 6U);  // the question, the calls, three results, the answer
}

}  // namespace
}  // namespace agdb
