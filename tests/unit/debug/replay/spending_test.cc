#include "debug/replay/spending.h"

#include <gtest/gtest.h>

#include "tests/unit/debug/replay/test_recording.h"

namespace agdb {
namespace {

LlmResponse answer(std::int64_t request, std::int64_t response) {
  LlmResponse result;
  result.request_tokens = request;
  result.response_tokens = response;
  return result;
}

TEST(Spending, OfAnEmptyRecordingIsNothing) {
  const Spending spending = spending_of(TestRecording().open());
  EXPECT_EQ(spending.history.tokens_used(), 0);
  EXPECT_TRUE(spending.history.calls().empty());
  EXPECT_EQ(spending.unreadable, 0u);
}

TEST(Spending, CountsAnswersUpToAndIncludingAnEvent) {
  TestRecording written;
  written.call("Open");               // 1
  written.response(answer(100, 10));  // 2
  written.context("p", {user("a")});  // 3
  written.response(answer(200, 20));  // 4
  const Recording recording = written.open();
  EXPECT_EQ(spending_of(recording).history.tokens_used(), 330);
  EXPECT_EQ(spending_of(recording, SeqNum{4}).history.tokens_used(), 330);
  EXPECT_EQ(spending_of(recording, SeqNum{3}).history.tokens_used(), 110);
  EXPECT_EQ(spending_of(recording, SeqNum{1}).history.tokens_used(), 0);
}

TEST(Spending, KnowsWhichCallFollowsACompaction) {
  TestRecording written;
  written.response(answer(100, 10));
  written.call("CtxWrite", Json::object({{"op", "AppendMessage"}}));
  written.response(answer(200, 10));
  written.call("CtxWrite", Json::object({{"op", "Compact"}}));
  written.response(answer(50, 10));
  const Spending spending = spending_of(written.open());
  ASSERT_EQ(spending.history.calls().size(), 3u);
  EXPECT_FALSE(spending.history.calls()[1].after_compaction);
  EXPECT_TRUE(spending.history.calls()[2].after_compaction);
}

TEST(Spending, TheBudgetIsTheOneThatWasSetLast) {
  TestRecording written;
  written.call("SetBudget", Json::object({{"budget", 500}}));   // 1
  written.call("SetBudget", Json::object({{"budget", 1000}}));  // 2
  const Recording recording = written.open();
  EXPECT_EQ(spending_of(recording, SeqNum{1}).budget, 500);
  EXPECT_EQ(spending_of(recording).budget, 1000);
}

TEST(Spending, OfALateRecordingGoesOnFromWhatWasBefore) {
  TestRecording written;
  written.metadata().began_late =
      BeganLate{.n = 40, .tokens_used = 5000, .steps = 6, .lost_events = 3};
  written.context("p", {user("a")});
  written.response(answer(1000, 10));
  const Spending spending = spending_of(written.open());
  EXPECT_EQ(spending.history.tokens_used(), 6010);
  EXPECT_EQ(spending.history.steps(), 7);
  EXPECT_EQ(spending.history.calls().size(), 1u);
  EXPECT_EQ(spending.lost_before, 3u);
  EXPECT_EQ(spending_of(written.open(), SeqNum{1}).history.tokens_used(), 5000);
}

TEST(Spending, SaysWhatItCouldNotRead) {
  TestRecording written;
  written.response(answer(100, 10));
  written.line(R"({"seq_num":2,"timestamp":0,"pid":1,"type":"llm_response","llm":{"model":5}})");
  written.jump_to(3);
  written.response(answer(200, 10));
  const Recording recording = written.open();
  const Spending spending = spending_of(recording);
  EXPECT_EQ(spending.history.tokens_used(), 320);
  EXPECT_EQ(spending.unreadable + recording.damage().size(), 1u);
}

}  // namespace
}  // namespace agdb
