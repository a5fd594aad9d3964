#include "debug/import/session_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SessionRun run_of(const std::vector<std::string>& names) {
  SessionRun run;
  for (const std::string& name : names) {
    run.processes.emplace_back().name = name;
    if (run.processes.size() > 1) run.processes.back().parent = 0;
  }
  return run;
}

std::vector<std::string> names(const std::vector<std::string>& given) {
  return RunAgents(run_of(given)).names;
}

TEST(RunAgentsTest, NamesAreUnique) {
  EXPECT_THAT(names({}), IsEmpty());
  EXPECT_THAT(names({"lead"}), ElementsAre("main"));
  EXPECT_THAT(names({"A", "A", "", "A", "", "A"}),
              ElementsAre("main", "agent-A", "agent", "agent-A-2", "agent-2", "agent-A-3"));
}

TEST(RunAgentsTest, ACopyNeverTakesANameThatStandsThere) {
  EXPECT_THAT(names({"", "A", "A-2", "A", "A-2", "A"}),
              ElementsAre("main", "agent-A", "agent-A-2", "agent-A-3", "agent-A-2-2", "agent-A-4"));
}

// Comparing each name with all copies before it would not come to an end here.
TEST(RunAgentsTest, TensOfThousandsOfOneName) {
  const std::vector<std::string> named = names(std::vector<std::string>(50'000, "A"));
  EXPECT_EQ(named.back(), "agent-A-49999");
}

TEST(RunAgentsTest, OnlyCallsThatAreKnownSpawn) {
  SessionRun run = run_of({"", "A", "B", "C"});
  run.processes[1].spawn = SessionProcess::SpawnPoint{};
  run.processes[3].parent = 1;
  run.processes[3].spawn = SessionProcess::SpawnPoint{};
  const RunAgents agents(run);
  EXPECT_THAT(agents.spawned, ElementsAre(ElementsAre(1), ElementsAre(3), IsEmpty(), IsEmpty()));
}

}  // namespace
}  // namespace agdb
