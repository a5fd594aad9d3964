#include "runtime/kernel/scheduler.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

namespace agdb {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

TEST(SimScheduler, TasksRunInTheOrderOfTimeThenOfSubmission) {
  const auto scheduler = make_sim_scheduler();
  std::vector<int> order;
  scheduler->after(hours(2), [&] { order.push_back(4); });
  scheduler->after(hours(1), [&] { order.push_back(2); });
  scheduler->after(hours(1), [&] { order.push_back(3); });
  scheduler->post([&] { order.push_back(1); });
  scheduler->run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(scheduler->clock().now(), hours(2));
}

TEST(SimScheduler, RunWaitsForWhatIsHeldOutside) {
  const auto scheduler = make_sim_scheduler();
  bool done = false;
  scheduler->hold();
  std::thread outside([&] {
    scheduler->post([&] { done = true; });
    scheduler->release();
  });
  scheduler->run();
  EXPECT_TRUE(done);
  outside.join();
}

TEST(SimScheduler, StopLeavesTheRestForTheNextRun) {
  const auto scheduler = make_sim_scheduler();
  std::vector<int> order;
  scheduler->post([&] {
    order.push_back(1);
    scheduler->stop();
  });
  scheduler->post([&] { order.push_back(2); });
  scheduler->run();
  EXPECT_THAT(order, ElementsAre(1));
  scheduler->run();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(RealScheduler, TimersRunInOrderAndTheClockMovesByTheirSpans) {
  const auto scheduler = make_real_scheduler(1000);  // a second takes a millisecond
  std::vector<int> order;
  scheduler->after(milliseconds(2000), [&] { order.push_back(2); });
  scheduler->after(milliseconds(1000), [&] { order.push_back(1); });
  scheduler->post([&] { order.push_back(0); });
  scheduler->run();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  EXPECT_GE(scheduler->clock().now(), milliseconds(2000));
}

TEST(RealScheduler, RunWaitsForWhatIsHeldOutside) {
  const auto scheduler = make_real_scheduler();
  bool done = false;
  scheduler->hold();
  std::thread outside([&] {
    scheduler->post([&] { done = true; });
    scheduler->release();
  });
  scheduler->run();
  EXPECT_TRUE(done);
  outside.join();
}

TEST(RealScheduler, StopEndsTheRun) {
  const auto scheduler = make_real_scheduler();
  scheduler->after(hours(1), [] {});
  scheduler->post([&] { scheduler->stop(); });
  scheduler->run();
  EXPECT_LT(scheduler->clock().now(), hours(1));
}

}  // namespace
}  // namespace agdb
