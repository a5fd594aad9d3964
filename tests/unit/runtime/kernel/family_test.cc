#include <gmock/gmock.h>

#include "tests/unit/runtime/kernel/runtime_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Parents, children, messages and signals.
class FamilyTest : public RuntimeTest {
 protected:
  // A lead that makes the calls and then says "done", and a child that thinks for `child_time`.
  static std::shared_ptr<Script> family(std::vector<ScriptCall> list, Nanoseconds child_time) {
    auto made = std::make_shared<Script>(*script({calls(std::move(list)), says("done")}));
    ScriptTurn turn = says("child's report");
    turn.answer.latency = child_time;
    made->agents["child"] = agent({turn});
    made->agents["child"].intent = "help";
    return made;
  }
  static ScriptCall spawn(std::string id, bool background = false) {
    return call(std::move(id), "task", ScriptSpawn{"child", background, std::nullopt, {}});
  }
};

TEST_F(FamilyTest, AChildRunsBesideItsParentAndReportsToIt) {
  run(family({spawn("c1")}, std::chrono::seconds(2)));
  EXPECT_EQ(kernel.info(Pid{2})->parent, Pid{1});
  EXPECT_EQ(syscalls(Pid{1}, "Spawn").at(1).result, Json(2));
  EXPECT_EQ(syscalls(Pid{1}, "Spawn").at(1).args.text("intent"), "help");
  EXPECT_EQ(syscalls(Pid{2}, "Spawn").at(0).result, Json(2));
  EXPECT_EQ(syscalls(Pid{1}, "Wait").at(0).result,
            Json::object({{"code", 0}, {"reason", "completed"}}));
  EXPECT_THAT(
      final_messages(Pid{1}),
      ElementsAre("user: a task", "assistant: ", "tool: child's report", "assistant: done"));
  EXPECT_THAT(states(Pid{2}), ElementsAre("running", "zombie", "dead"));
}

TEST_F(FamilyTest, TwoChildrenAndAToolRunAtTheSameTime) {
  ScriptCall tool = call("c3", "ls", "a.txt");
  tool.latency = std::chrono::seconds(2);
  run(family({spawn("c1"), spawn("c2"), tool}, std::chrono::seconds(2)));
  EXPECT_EQ(scheduler->clock().now(), std::chrono::seconds(2));
}

TEST_F(FamilyTest, AnOrphanIsAdoptedAndReaped) {
  run(family({spawn("c1", true)}, std::chrono::hours(1)));
  const Syscall reparent = syscalls(Pid{2}, "Reparent").at(0);
  EXPECT_EQ(reparent.args, Json::object({{"child_pid", 2}, {"new_ppid", 0}, {"old_ppid", 1}}));
  EXPECT_EQ(kernel.info(Pid{2})->state, ProcessState::kDead);
  EXPECT_EQ(kernel.info(Pid{2})->exit.reason, "completed");
}

TEST_F(FamilyTest, ABackgroundChildIsWaitedForLater) {
  auto made = family({spawn("c1", true)}, std::chrono::seconds(1));
  made->agents["main"].turns.insert(made->agents["main"].turns.begin() + 1,
                                    calls({call("c2", "join", ScriptWait{"c1"})}));
  run(made);
  EXPECT_EQ(final_messages(Pid{1}).at(2), "tool: spawned pid 2");
  EXPECT_EQ(final_messages(Pid{1}).at(4), "tool: child's report");
}

TEST_F(FamilyTest, MessagesTravelBetweenProcesses) {
  auto made = family({spawn("c1", true), call("c2", "tell", ScriptSend{"c1", "hurry"}),
                      call("c3", "hear", ScriptRecv{std::nullopt})},
                     Nanoseconds(0));
  made->agents["child"].turns = {calls({call("r", "hear", ScriptRecv{std::nullopt})}),
                                 calls({call("s", "tell", ScriptSend{"parent", "coming"})}),
                                 says("bye")};
  EXPECT_EQ(run(made).code, 0);
  EXPECT_EQ(syscalls(Pid{2}, "Recv").at(0).result, Json("hurry"));
  EXPECT_EQ(syscalls(Pid{2}, "Recv").at(0).args,
            Json::object({{"from_pid", 1}, {"msg_seq", 1}, {"msg_size", 5}}));
  EXPECT_EQ(final_messages(Pid{1}).at(4), "tool: coming");
}

TEST_F(FamilyTest, ReceivingTimesOut) {
  run(script({calls({call("c1", "hear", ScriptRecv{std::chrono::seconds(5)})}), says("done")}));
  EXPECT_EQ(syscalls(Pid{1}, "Recv").at(0).err, "no message came in time");
  EXPECT_EQ(syscalls(Pid{1}, "Recv").at(0).duration, std::chrono::seconds(5));
}

TEST_F(FamilyTest, WaitingForWhatNobodyCanSendIsADeadlock) {
  EXPECT_EQ(run(script({calls({call("c1", "hear", ScriptRecv{std::nullopt})})})),
            (ExitStatus{7, "deadlock"}));
  EXPECT_EQ(syscalls(Pid{1}, "Recv").at(0).err, "interrupted: deadlock");
}

TEST_F(FamilyTest, SpawningForEverEndsAtTheDepthLimit) {
  auto made = std::make_shared<Script>(
      *script({calls({call("c1", "again", ScriptSpawn{"main", false, {}, {}})}), says("done")}));
  EXPECT_EQ(run(made).code, 0);
  EXPECT_EQ(kernel.list().size(), 65u);
  EXPECT_EQ(syscalls(Pid{65}, "Spawn").back().err, "children nest too deep: 64");
}

TEST_F(FamilyTest, AKillInterruptsTheCallUnderWay) {
  const Pid pid = start(family({spawn("c1")}, std::chrono::hours(1)));
  scheduler->after(std::chrono::seconds(1),
                   [&] { EXPECT_TRUE(kernel.signal(Pid{2}, Signal::kKill)); });
  finish();
  EXPECT_EQ(kernel.info(Pid{2})->exit, (ExitStatus{137, "killed"}));
  EXPECT_EQ(syscalls(Pid{2}, "Read").at(0).err, "interrupted: killed");
  EXPECT_EQ(syscalls(Pid{2}, "Signal").at(0).args.text("action"), "terminated");
  EXPECT_EQ(final_messages(pid).at(2), "tool: pid 2 ended: killed");
  EXPECT_EQ(scheduler->clock().now(), std::chrono::seconds(1));
}

TEST_F(FamilyTest, TerminateLetsTheCallUnderWayReturn) {
  start(family({spawn("c1")}, std::chrono::seconds(10)));
  scheduler->after(std::chrono::seconds(1), [&] {
    EXPECT_TRUE(kernel.signal(Pid{2}, Signal::kTerminate));
    EXPECT_TRUE(kernel.signal(Pid{2}, Signal::kTerminate));
  });
  finish();
  EXPECT_EQ(kernel.info(Pid{2})->exit, (ExitStatus{143, "terminated"}));
  EXPECT_EQ(syscalls(Pid{2}, "Read").at(0).err, "");
  EXPECT_EQ(syscalls(Pid{2}, "Signal").at(1).args.text("action"), "shutdown_already_started");
}

TEST_F(FamilyTest, APausedProcessGoesOnWhenItIsResumed) {
  const Pid pid = start(script({calls({call("c1", "ls", "a.txt")}), says("done")}));
  EXPECT_TRUE(kernel.signal(pid, Signal::kPause));
  scheduler->after(std::chrono::seconds(60),
                   [&] { EXPECT_TRUE(kernel.signal(pid, Signal::kResume)); });
  finish();
  EXPECT_THAT(states(pid), ElementsAre("running", "suspended", "running", "zombie", "dead"));
  EXPECT_EQ(kernel.info(pid)->exit.code, 0);
  EXPECT_EQ(scheduler->clock().now(), std::chrono::seconds(60));
}

TEST_F(FamilyTest, ASuspendedProcessThatIsKilledIsDeadAtOnce) {
  const Pid pid = start(script({says("done")}));
  EXPECT_TRUE(kernel.signal(pid, Signal::kPause));
  EXPECT_TRUE(kernel.signal(pid, Signal::kKill));
  finish();
  EXPECT_THAT(states(pid), ElementsAre("running", "suspended", "dead"));
}

TEST_F(FamilyTest, SignalsToNobodyAreErrors) {
  EXPECT_EQ(kernel.signal(Pid{7}, Signal::kKill).error().message, "no process with pid 7");
  run(script({says("done")}));
  EXPECT_EQ(kernel.signal(Pid{1}, Signal::kKill).error().message, "process 1 has ended: completed");
}

TEST_F(FamilyTest, APendingCallOfOneProcessDelaysNoOther) {
  ScriptTurn slow = says("slow");
  slow.answer.latency = std::chrono::hours(1);
  start(script({slow}));
  start(script({says("quick")}));
  finish();
  Nanoseconds ended{0};
  for (const Event& event : witness.by_pid[Pid{2}]) ended = event.timestamp;
  EXPECT_EQ(ended, Nanoseconds(0));
}

TEST_F(FamilyTest, AScriptSignalsItsChild) {
  auto made = family({spawn("c1", true), call("c2", "stop", ScriptSignal{"c1", "kill"})},
                     std::chrono::hours(1));
  EXPECT_EQ(run(made).code, 0);
  EXPECT_EQ(kernel.info(Pid{2})->exit.reason, "killed");
  EXPECT_EQ(syscalls(Pid{1}, "Kill").at(0).args, Json::object({{"pid", 2}, {"signal", "kill"}}));
}

}  // namespace
}  // namespace agdb
