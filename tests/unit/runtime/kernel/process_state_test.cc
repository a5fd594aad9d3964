#include "runtime/kernel/process_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace agdb {
namespace {

using enum ProcessState;

TEST(ProcessState, ExactlyTheLegalTransitionsAreAllowed) {
  const std::vector<std::pair<ProcessState, ProcessState>> legal = {
      {kCreated, kRunning}, {kRunning, kZombie},    {kRunning, kSuspended},
      {kZombie, kDead},     {kSuspended, kRunning}, {kSuspended, kDead}};
  for (const ProcessState from : {kCreated, kRunning, kZombie, kDead, kSuspended})
    for (const ProcessState to : {kCreated, kRunning, kZombie, kDead, kSuspended})
      EXPECT_EQ(may_change(from, to), std::ranges::find(legal, std::pair(from, to)) != legal.end())
          << name_of(from) << " to " << name_of(to);
}

TEST(ProcessState, AnIllegalTransitionNamesBothStatesAndChangesNothing) {
  StateMachine machine;
  const auto refused = machine.change(kZombie);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "a process cannot go from created to zombie");
  EXPECT_EQ(machine.state(), kCreated);
}

TEST(ProcessState, NamesReadBack) {
  for (const ProcessState state : {kCreated, kRunning, kZombie, kDead, kSuspended})
    EXPECT_EQ(process_state_from(name_of(state)), state);
  EXPECT_EQ(process_state_from("sleeping"), std::nullopt);
}

TEST(ProcessState, OfManyThreadsExactlyOneWinsATransition) {
  StateMachine machine;
  ASSERT_TRUE(machine.change(kRunning));
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { winners += machine.change(kZombie).has_value() ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
}

}  // namespace
}  // namespace agdb
