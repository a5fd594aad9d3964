#include "debug/trace/manual_tracer.h"

#include <set>
#include <thread>

#include "trace_fixture.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names(const ManualTracer::Flushed& flushed) {
  std::vector<std::string> found;
  for (const ManualTracer::Record& record : flushed.records)
    found.push_back(record.name + (record.evicted ? " evicted" : ""));
  return found;
}

TEST(ManualTracerTest, AnEndedSpanTellsWhatItWas) {
  TestClock clock;
  ManualTracer tracer(clock);
  clock.pass(milliseconds(3));
  const auto id = tracer.start("fetch", Json::object({{"url", "x"}}));
  EXPECT_EQ(id, 1u);
  clock.pass(std::chrono::microseconds(1500));
  const Result<ManualTracer::Record> record = tracer.end(id, 7);
  ASSERT_TRUE(record);
  EXPECT_EQ(dump(record->to_json(), {.sorted = false}),
            R"({"id":1,"name":"fetch","started_at":1772964000003,"duration_ms":1.5,)"
            R"("attributes":{"url":"x"},"result":7})");
}

TEST(ManualTracerTest, WhatIsNotOpenIsNotFound) {
  const TestClock clock;
  ManualTracer tracer(clock);
  EXPECT_EQ(tracer.end(1).error().message, "span not found: 1");
  const auto id = tracer.start("a");
  EXPECT_TRUE(tracer.end(id));
  EXPECT_EQ(tracer.end(id).error().message, "span not found: 1");
  EXPECT_FALSE(tracer.end(0));
}

TEST(ManualTracerTest, AnInstantIsNeverOpen) {
  const TestClock clock;
  ManualTracer tracer(clock);
  const ManualTracer::Record record = tracer.instant("mark");
  EXPECT_EQ(record.duration, Nanoseconds(0));
  EXPECT_FALSE(tracer.end(record.id));
  EXPECT_THAT(names(tracer.flush()), ElementsAre("mark"));
}

TEST(ManualTracerTest, FlushGivesWhatFinishedSince) {
  const TestClock clock;
  ManualTracer tracer(clock);
  const auto a = tracer.start("a");
  const auto b = tracer.start("b");
  EXPECT_TRUE(tracer.end(b));
  EXPECT_THAT(names(tracer.flush()), ElementsAre("b"));
  EXPECT_TRUE(tracer.end(a));
  EXPECT_THAT(names(tracer.flush()), ElementsAre("a"));
  EXPECT_THAT(tracer.flush().records, IsEmpty());
}

TEST(ManualTracerTest, OfTooManyFinishedTheOldestGoAndAreCounted) {
  const TestClock clock;
  ManualTracer tracer(clock, {.finished = 2});
  for (const char* name : {"a", "b", "c", "d"}) tracer.instant(name);
  const ManualTracer::Flushed flushed = tracer.flush();
  EXPECT_THAT(names(flushed), ElementsAre("c", "d"));
  EXPECT_EQ(flushed.dropped, 2u);
  EXPECT_EQ(tracer.flush().dropped, 0u);
}

TEST(ManualTracerTest, OfTooManyOpenTheOldestIsEvicted) {
  const TestClock clock;
  ManualTracer tracer(clock, {.open = 2});
  const auto a = tracer.start("a");
  const auto b = tracer.start("b");
  tracer.start("c");
  EXPECT_FALSE(tracer.end(a));
  EXPECT_TRUE(tracer.end(b));
  EXPECT_THAT(names(tracer.flush()), ElementsAre("a evicted", "b"));
}

TEST(ManualTracerTest, WhatIsOpenTooLongIsEvicted) {
  TestClock clock;
  ManualTracer tracer(clock, {.open_time = milliseconds(10)});
  const auto a = tracer.start("a");
  clock.pass(milliseconds(5));
  const auto b = tracer.start("b");
  clock.pass(milliseconds(6));
  const ManualTracer::Flushed flushed = tracer.flush();
  EXPECT_THAT(names(flushed), ElementsAre("a evicted"));
  EXPECT_EQ(flushed.records[0].duration, milliseconds(11));
  EXPECT_TRUE(flushed.records[0].to_json().boolean("evicted"));
  EXPECT_FALSE(tracer.end(a));
  EXPECT_TRUE(tracer.end(b));
}

TEST(ManualTracerTest, ManyThreadsUseOne) {
  const RealClock clock;
  ManualTracer tracer(clock);
  constexpr int kThreads = 8;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(tracer.end(tracer.start("x")));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const ManualTracer::Flushed flushed = tracer.flush();
  std::set<ManualTracer::Id> ids;
  for (const ManualTracer::Record& record : flushed.records) ids.insert(record.id);
  EXPECT_EQ(ids.size(), std::size_t{kThreads * kEach});
}

}  // namespace
}  // namespace agdb
