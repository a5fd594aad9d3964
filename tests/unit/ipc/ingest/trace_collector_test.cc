#include "ipc/ingest/trace_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr bool kRoot = true;

// Pieces that come at certain seconds, with the limits of 3 s and 60 s.
class TraceCollectorTest : public ::testing::Test {
 protected:
  static Nanoseconds at(double second) {
    return Nanoseconds(static_cast<std::int64_t>(second * 1e9));
  }
  void comes(double second, const std::string& id, const std::string& text, bool root = false) {
    collector().add({.trace_id = id, .text = text, .spans = 1, .has_root = root}, at(second));
  }
  std::vector<std::string> complete(double second) {
    return told(collector().take_complete(at(second)));
  }
  std::vector<std::string> all() { return told(collector().take_all()); }
  static std::vector<std::string> told(const std::vector<TracePiece>& traces) {
    std::vector<std::string> texts;
    for (const TracePiece& trace : traces) texts.push_back(trace.trace_id + ":" + trace.text);
    return texts;
  }
  TraceCollector& collector() {
    if (!collector_) collector_.emplace(limits);
    return *collector_;
  }

  CollectorLimits limits;

 private:
  std::optional<TraceCollector> collector_;
};

TEST_F(TraceCollectorTest, NothingCame) {
  EXPECT_THAT(complete(1000), IsEmpty());
  EXPECT_THAT(all(), IsEmpty());
  EXPECT_EQ(collector().next_due(), std::nullopt);
  EXPECT_TRUE(collector().empty());
}

TEST_F(TraceCollectorTest, ATraceIsCompleteWhenItsRootIsThereAndItIsQuiet) {
  comes(0, "t", "a", kRoot);
  EXPECT_EQ(collector().next_due(), at(3));
  EXPECT_THAT(complete(2.9), IsEmpty());
  EXPECT_THAT(complete(3), ElementsAre("t:a"));
  EXPECT_TRUE(collector().empty());
  EXPECT_EQ(collector().bytes(), 0u);
}

TEST_F(TraceCollectorTest, PiecesInAnyOrderAreOneTrace) {
  comes(0, "t", "child,");
  comes(1, "t", "root,", kRoot);
  comes(2, "t", "late");
  EXPECT_THAT(complete(4.9), IsEmpty());
  EXPECT_THAT(complete(5), ElementsAre("t:child,root,late"));
}

TEST_F(TraceCollectorTest, WithoutARootItIsWaitedForLonger) {
  comes(0, "t", "a");
  EXPECT_THAT(complete(59.9), IsEmpty());
  EXPECT_THAT(complete(60), ElementsAre("t:a"));
}

TEST_F(TraceCollectorTest, TracesDoNotWaitForEachOther) {
  comes(0, "a", "1", kRoot);
  comes(1, "b", "2", kRoot);
  EXPECT_EQ(collector().traces(), 2u);
  EXPECT_THAT(complete(3), ElementsAre("a:1"));
  EXPECT_EQ(collector().next_due(), at(4));
  EXPECT_THAT(complete(4), ElementsAre("b:2"));
}

TEST_F(TraceCollectorTest, WhatComesLaterIsAnotherTrace) {
  comes(0, "t", "a", kRoot);
  EXPECT_THAT(complete(3), ElementsAre("t:a"));
  comes(4, "t", "b");
  EXPECT_THAT(complete(10), IsEmpty());
  EXPECT_THAT(all(), ElementsAre("t:b"));
}

TEST_F(TraceCollectorTest, AtTheEndAllAreTaken) {
  comes(0, "a", "1");
  comes(0, "b", "2", kRoot);
  EXPECT_THAT(all(), UnorderedElementsAre("a:1", "b:2"));
  EXPECT_TRUE(collector().empty());
}

TEST_F(TraceCollectorTest, ATraceThatIsTooLargeIsCompleteAsItIs) {
  limits.trace_bytes = 10;
  comes(0, "t", "12345");
  EXPECT_THAT(complete(0), IsEmpty());
  comes(0, "t", "67890");
  EXPECT_FALSE(collector().empty());
  EXPECT_THAT(complete(0), ElementsAre("t:1234567890"));
}

TEST_F(TraceCollectorTest, WithTooManyBytesTheLongestQuietGoesFirst) {
  limits.bytes = 10;
  comes(0, "a", "1234");
  comes(1, "b", "5678");
  comes(2, "a", "x");
  comes(3, "c", "90");
  EXPECT_THAT(complete(3), ElementsAre("b:5678"));
  EXPECT_EQ(collector().bytes(), 7u);
}

TEST_F(TraceCollectorTest, WithTooManyTracesTheLongestQuietGoesFirst) {
  limits.traces = 2;
  comes(0, "a", "1");
  comes(0, "b", "2");
  comes(0, "c", "3");
  EXPECT_THAT(complete(0), ElementsAre("a:1"));
  EXPECT_EQ(collector().traces(), 2u);
}

}  // namespace
}  // namespace agdb
