#include "runtime/events/bus.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace agdb {
namespace {

using ::testing::ElementsAre;

Event numbered(std::uint64_t n, Pid pid = Pid{1}) {
  return Event{pid, n, Nanoseconds(n), StateChange{"a", "b", {}}};
}

class Numbers final : public Subscriber {
 public:
  void on_event(const Event& event) override { seen[event.pid].push_back(event.n); }
  void on_idle() override { ++idle; }

  std::map<Pid, std::vector<std::uint64_t>> seen;
  std::uint64_t idle = 0;
};

std::vector<std::uint64_t> one_to(std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = 1; n <= last; ++n) all.push_back(n);
  return all;
}

TEST(EventBus, WithoutASubscriberNothingIsTaken) {
  EventBus bus;
  EventBus::Producer producer = bus.make_producer();
  EXPECT_FALSE(producer.enabled());
  EXPECT_FALSE(producer.emit(numbered(1)));
  EXPECT_EQ(producer.refused(), 0u);
}

TEST(EventBus, EverySubscriberSeesEveryEventInOrder) {
  EventBus bus;
  Numbers first;
  Numbers second;
  bus.add(first);
  bus.add(second);
  EventBus::Producer producer = bus.make_producer();
  for (std::uint64_t n = 1; n <= 1000; ++n) ASSERT_TRUE(producer.emit(numbered(n)));
  bus.flush();
  EXPECT_EQ(first.seen[Pid{1}], one_to(1000));
  EXPECT_EQ(second.seen[Pid{1}], one_to(1000));
  bus.remove(first);
  bus.remove(second);
}

TEST(EventBus, ProducersOnManyThreadsKeepTheirOrder) {
  EventBus bus;
  Numbers numbers;
  bus.add(numbers);
  std::vector<std::thread> threads;
  for (std::uint64_t id = 1; id <= 4; ++id)
    threads.emplace_back([&bus, id] {
      EventBus::Producer producer = bus.make_producer();
      for (std::uint64_t n = 1; n <= 5000;) n += producer.emit(numbered(n, Pid{id})) ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  bus.flush();
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(numbers.seen[Pid{id}], one_to(5000));
  bus.remove(numbers);
}

TEST(EventBus, FlushTellsSubscribersThatTheyAreIdle) {
  EventBus bus;
  Numbers numbers;
  bus.add(numbers);
  bus.flush();
  EXPECT_GT(numbers.idle, 0u);
  bus.remove(numbers);
}

TEST(EventBus, ARemovedSubscriberIsCalledNoMore) {
  EventBus bus;
  Numbers stays;
  bus.add(stays);
  EventBus::Producer producer = bus.make_producer();
  {
    Numbers goes;
    bus.add(goes);
    producer.emit(numbered(1));
    bus.flush();
    bus.remove(goes);
    EXPECT_THAT(goes.seen[Pid{1}], ElementsAre(1));
  }
  producer.emit(numbered(2));
  bus.flush();
  EXPECT_THAT(stays.seen[Pid{1}], ElementsAre(1, 2));
  bus.remove(stays);
}

// Holds the dispatcher inside an event until it is let go.
class Gate final : public Subscriber {
 public:
  void on_event(const Event&) override {
    std::unique_lock lock(mutex_);
    entered_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

TEST(EventBus, AFullRingRefusesAndCountsAndNeverBlocks) {
  EventBus bus(1);  // the smallest ring there is
  Gate gate;
  bus.add(gate);
  EventBus::Producer producer = bus.make_producer();
  ASSERT_TRUE(producer.emit(numbered(1)));
  gate.wait_until_entered();
  constexpr std::uint64_t kTooMany = 2000;
  std::uint64_t taken = 0;
  for (std::uint64_t n = 1; n <= kTooMany; ++n) taken += producer.emit(numbered(n)) ? 1 : 0;
  EXPECT_GT(taken, 50u);
  EXPECT_EQ(producer.refused(), kTooMany - taken);
  EXPECT_GT(producer.backlog(), std::size_t{48} << 10);
  gate.open();
  bus.flush();
  EXPECT_EQ(producer.backlog(), 0u);
  EXPECT_TRUE(producer.emit(numbered(1)));
  bus.remove(gate);
}

TEST(EventBus, WhatIsInTheRingsIsDispatchedBeforeTheBusGoes) {
  Numbers numbers;
  {
    EventBus bus;
    bus.add(numbers);
    EventBus::Producer producer = bus.make_producer();
    for (std::uint64_t n = 1; n <= 100; ++n) producer.emit(numbered(n));
  }
  EXPECT_EQ(numbers.seen[Pid{1}], one_to(100));
}

TEST(LiveQueue, ASlowReaderLosesItsOwnNewestEventsAndIsToldHowMany) {
  EventBus bus;
  LiveQueue slow(10);
  Numbers recorder;
  bus.add(slow);
  bus.add(recorder);
  EventBus::Producer producer = bus.make_producer();
  for (std::uint64_t n = 1; n <= 50; ++n) producer.emit(numbered(n));
  bus.flush();
  EXPECT_EQ(recorder.seen[Pid{1}], one_to(50));
  EXPECT_EQ(slow.lost(), 40u);
  for (std::uint64_t n = 1; n <= 10; ++n) EXPECT_EQ(slow.pop(std::chrono::milliseconds(0))->n, n);
  EXPECT_FALSE(slow.pop(std::chrono::milliseconds(0)));
  bus.remove(slow);
  bus.remove(recorder);
}

TEST(LiveQueue, ClosingLetsAWaitingReaderGo) {
  LiveQueue queue;
  std::thread reader([&] { EXPECT_FALSE(queue.pop(std::chrono::hours(1))); });
  queue.close();
  reader.join();
}

}  // namespace
}  // namespace agdb
