#include "debug/context/token_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

LlmResponse answer(std::int64_t request, std::int64_t response) {
  return {"m", request, response};
}

TEST(TokenHistoryTest, EmptyAtFirst) {
  const TokenHistory history;
  EXPECT_EQ(history.tokens_used(), 0);
  const Growth growth = history.growth(Pid{1}, 1000, 10);
  EXPECT_TRUE(growth.history.empty());
  EXPECT_FALSE(growth.forecast);
}

TEST(TokenHistoryTest, EachAnswerIsAStep) {
  TokenHistory history;
  history.add(answer(100, 20), 1500ms);
  history.add(answer(150, 30), 4s);
  EXPECT_EQ(history.tokens_used(), 300);
  EXPECT_THAT(history.calls(), ElementsAre(CallTokens{120}, CallTokens{180}));
  EXPECT_THAT(history.snapshots(),
              ElementsAre(TokenSnapshot{1, 120, 1500}, TokenSnapshot{2, 300, 4000}));
}

TEST(TokenHistoryTest, CompactionMarksTheNextCall) {
  TokenHistory history;
  history.add(answer(100, 0), 1s);
  history.note_removed_messages(0);
  history.add(answer(110, 0), 2s);
  history.note_removed_messages(5);
  history.add(answer(60, 0), 3s);
  history.add(answer(70, 0), 4s);
  EXPECT_THAT(history.calls(),
              ElementsAre(CallTokens{100}, CallTokens{110}, CallTokens{60, true}, CallTokens{70}));
}

TEST(TokenHistoryTest, GivesBothPredictions) {
  TokenHistory history;
  for (const std::int64_t tokens : {100, 200, 300}) history.add(answer(tokens, 0), 1s);
  const Growth growth = history.growth(Pid{7}, 1800, 50);
  EXPECT_EQ(growth.pid, Pid{7});
  EXPECT_EQ(growth.current_step, 3);
  EXPECT_EQ(growth.est_remaining, 4) << "at the recent rate of 250";
  ASSERT_TRUE(growth.forecast);
  EXPECT_DOUBLE_EQ(growth.forecast->calls, 2.5);
}

TEST(TokenHistoryTest, GoesOnFromWhatWasSpentBefore) {
  TokenHistory history(1000, 10);
  EXPECT_EQ(history.tokens_used(), 1000);
  EXPECT_EQ(history.growth(Pid{7}, 2000, 50).current_step, 10);
  EXPECT_FALSE(history.growth(Pid{7}, 2000, 50).forecast) << "no call is known";
  for (const std::int64_t tokens : {100, 200, 300}) history.add(answer(tokens, 0), 1s);
  EXPECT_THAT(history.snapshots(),
              ElementsAre(TokenSnapshot{11, 1100, 1000}, TokenSnapshot{12, 1300, 1000},
                          TokenSnapshot{13, 1600, 1000}));
  const Growth growth = history.growth(Pid{7}, 2800, 50);
  EXPECT_EQ(growth.tokens_used, 1600);
  EXPECT_EQ(growth.current_step, 13);
  EXPECT_EQ(growth.remaining_budget, 1200);
  ASSERT_TRUE(growth.forecast);
  EXPECT_DOUBLE_EQ(growth.forecast->calls, 2.5) << "as without them, of what remains";
}

TEST(TokenHistoryTest, HostileFiguresFromBeforeAreBounded) {
  TokenHistory history(-5, std::numeric_limits<std::uint64_t>::max());
  history.add(answer(7, 0), 1s);
  EXPECT_EQ(history.tokens_used(), 7);
  EXPECT_EQ(history.steps(), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(history.growth(Pid{7}, 100, 50).forecast);
}

TEST(TokenHistoryTest, NoBudgetNoForecast) {
  TokenHistory history;
  history.add(answer(100, 0), 1s);
  EXPECT_FALSE(history.growth(Pid{1}, 0, 0).forecast);
}

TEST(TokenHistoryTest, HostileCountsSaturate) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  TokenHistory history;
  history.add(answer(-5, 7), 1s);
  EXPECT_EQ(history.tokens_used(), 7);
  history.add(answer(kMax, kMax), 2s);
  history.add(answer(kMax, 1), 3s);
  EXPECT_EQ(history.tokens_used(), kMax);
}

}  // namespace
}  // namespace agdb
