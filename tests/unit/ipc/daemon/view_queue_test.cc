#include "ipc/daemon/view_queue.h"

#include <gmock/gmock.h>

#include <limits>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

EventJson text(std::string content) {
  return std::make_shared<const std::string>(std::move(content));
}

// "a" for an event, "-3" for three that are lost, "x7" for the exit of process 7.
std::vector<std::string> told(const std::vector<ViewItem>& items) {
  std::vector<std::string> all;
  for (const ViewItem& item : items) {
    if (item.kind == ViewItem::Kind::kEvent) {
      all.push_back(*item.event);
    } else if (item.kind == ViewItem::Kind::kLost) {
      all.push_back("-" + std::to_string(item.lost));
    } else {
      all.push_back("x" + std::to_string(raw(item.pid)) + (item.last ? " last" : ""));
    }
  }
  return all;
}

std::vector<std::string> take_all(ViewQueue& queue) {
  return told(queue.take(kAll, kAll));
}

TEST(ViewQueue, EmptyAtFirst) {
  ViewQueue queue(100, 1000);
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(take_all(queue), IsEmpty());
}

TEST(ViewQueue, GivesWhatCameInOrder) {
  ViewQueue queue(100, 1000);
  queue.push_event(Pid{1}, text("a"));
  queue.push_exit(Pid{7}, "completed", false);
  queue.push_event(Pid{2}, text("b"));
  EXPECT_THAT(take_all(queue), ElementsAre("a", "x7", "b"));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.delivered(), 2u);
  EXPECT_EQ(queue.lost(), 0u);
}

TEST(ViewQueue, WhatFindsNoRoomIsCountedWhereItIsMissing) {
  ViewQueue queue(2, 100);
  for (const char* one : {"a", "b", "c", "d"}) queue.push_event(Pid{1}, text(one));
  EXPECT_THAT(told(queue.take(1, kAll)), ElementsAre("a"));
  queue.push_event(Pid{1}, text("e"));
  queue.push_event(Pid{1}, text("f"));
  EXPECT_THAT(take_all(queue), ElementsAre("b", "-2", "e", "-1"));
  queue.push_event(Pid{1}, text("g"));
  EXPECT_THAT(take_all(queue), ElementsAre("g"));
  EXPECT_EQ(queue.delivered(), 4u);
  EXPECT_EQ(queue.lost(), 3u);
}

TEST(ViewQueue, BytesAreBoundedToo) {
  ViewQueue queue(100, 10);
  queue.push_event(Pid{1}, text("12345"));
  queue.push_event(Pid{1}, text("67890"));
  queue.push_event(Pid{1}, text("x"));
  EXPECT_THAT(take_all(queue), ElementsAre("12345", "67890", "-1"));
}

TEST(ViewQueue, AnEventAboveTheBoundIsTakenAlone) {
  ViewQueue queue(100, 3);
  queue.push_event(Pid{1}, text("a long text"));
  queue.push_event(Pid{1}, text("b"));
  EXPECT_THAT(take_all(queue), ElementsAre("a long text", "-1"));
}

TEST(ViewQueue, AnExitFindsRoomInAFullQueue) {
  ViewQueue queue(1, 100);
  queue.push_event(Pid{1}, text("a"));
  queue.push_event(Pid{1}, text("b"));
  queue.push_exit(Pid{7}, "completed", true);
  EXPECT_THAT(take_all(queue), ElementsAre("a", "-1", "x7 last"));
}

TEST(ViewQueue, ExitsAreBoundedButForTheLast) {
  ViewQueue queue(2, 100);
  for (std::uint64_t pid = 1; pid <= 4; ++pid) queue.push_exit(Pid{pid}, "completed", false);
  queue.push_exit(Pid{5}, "completed", true);
  EXPECT_THAT(take_all(queue), ElementsAre("x1", "x2", "-2", "x5 last"));
  queue.push_exit(Pid{6}, "completed", false);
  EXPECT_THAT(take_all(queue), ElementsAre("x6"));
}

TEST(ViewQueue, WhatWasBeforeComesFirstAndCounts) {
  ViewQueue queue(3, 100);
  queue.push_event(Pid{1}, text("c"));
  queue.put_before({{.event = text("a")}, {.event = text("b")}});
  queue.push_event(Pid{1}, text("d"));
  EXPECT_THAT(take_all(queue), ElementsAre("a", "b", "c", "-1"));
}

TEST(ViewQueue, ItemsSayWhoseTheyAre) {
  ViewQueue queue(100, 1000);
  queue.push_event(Pid{3}, text("a"));
  queue.push_exit(Pid{4}, "killed", true);
  const std::vector<ViewItem> items = queue.take(kAll, kAll);
  EXPECT_EQ(items.at(0).pid, Pid{3});
  EXPECT_EQ(items.at(1).pid, Pid{4});
  EXPECT_EQ(items.at(1).reason, "killed");
}

TEST(ViewQueue, TakesNoMoreThanAskedFor) {
  ViewQueue queue(100, 1000);
  for (const char* one : {"aaaa", "bbbb", "cccc", "dddd"}) queue.push_event(Pid{1}, text(one));
  EXPECT_THAT(told(queue.take(0, kAll)), IsEmpty());
  EXPECT_THAT(told(queue.take(kAll, 8)), ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(told(queue.take(kAll, 3)), ElementsAre("cccc"));
  EXPECT_THAT(told(queue.take(5, kAll)), ElementsAre("dddd"));
}

}  // namespace
}  // namespace agdb
