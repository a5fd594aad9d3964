#include "ipc/daemon/event_history.h"

#include <gmock/gmock.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventHistoryTest : public ::testing::Test {
 protected:
  static void add(EventHistory& history, EventHistory::Share& share, std::string content) {
    history.add(share, Pid{1}, std::make_shared<const std::string>(std::move(content)), nullptr);
  }
  static std::vector<std::string> texts(const std::vector<EventHistory::Entry>& entries) {
    std::vector<std::string> all;
    for (const EventHistory::Entry& entry : entries) all.push_back(*entry.text);
    return all;
  }
  static std::vector<std::string> newest(const EventHistory& history,
                                         const EventHistory::Share& share, std::size_t count) {
    std::vector<EventHistory::Entry> found;
    history.newest(share, count, found);
    return texts(found);
  }
  static std::vector<std::string> newest(const EventHistory& history, std::size_t count) {
    std::vector<EventHistory::Entry> found;
    history.newest(count, found);
    return texts(found);
  }
  EventHistory::Share one;
  EventHistory::Share other;
};

TEST_F(EventHistoryTest, EmptyAtFirst) {
  const EventHistory history(256, 1 << 20);
  EXPECT_THAT(newest(history, one, 10), IsEmpty());
  EXPECT_THAT(newest(history, 10), IsEmpty());
  EXPECT_EQ(history.bytes(), 0u);
}

TEST_F(EventHistoryTest, TheNewestOfAProcessAndOfAll) {
  EventHistory history(256, 1 << 20);
  add(history, one, "a");
  add(history, other, "b");
  add(history, one, "c");
  EXPECT_THAT(newest(history, one, 10), ElementsAre("c", "a"));
  EXPECT_THAT(newest(history, one, 1), ElementsAre("c"));
  EXPECT_THAT(newest(history, 10), ElementsAre("c", "b", "a"));
  EXPECT_THAT(newest(history, 2), ElementsAre("c", "b"));
}

TEST_F(EventHistoryTest, EveryProcessKeepsItsNewest) {
  EventHistory history(2, 1 << 20);
  for (const char* text : {"a", "b", "c"}) add(history, one, text);
  add(history, other, "d");
  EXPECT_THAT(newest(history, one, 10), ElementsAre("c", "b"));
  EXPECT_THAT(newest(history, 10), ElementsAre("d", "c", "b"));
  EXPECT_EQ(history.dropped(), 0u);
}

TEST_F(EventHistoryTest, ForWantOfRoomTheOldestOfAllGoes) {
  EventHistory history(256, 3000);
  add(history, one, std::string(800, 'a'));
  add(history, other, std::string(800, 'b'));
  add(history, one, std::string(800, 'c'));
  EXPECT_EQ(history.dropped(), 0u);
  add(history, other, std::string(800, 'd'));
  EXPECT_EQ(history.dropped(), 1u);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_EQ(other.size(), 2u);
  EXPECT_LE(history.bytes(), 3000u);
}

TEST_F(EventHistoryTest, WhatIsLargerThanAllRoomIsNotKept) {
  EventHistory history(256, 1000);
  add(history, one, "a");
  add(history, one, std::string(2000, 'b'));
  add(history, one, "c");
  EXPECT_THAT(newest(history, one, 10), ElementsAre("c", "a"));
  EXPECT_EQ(history.dropped(), 1u);
}

TEST_F(EventHistoryTest, AForgottenProcessLeavesTheOthers) {
  EventHistory history(256, 1 << 20);
  add(history, one, "a");
  add(history, other, "b");
  add(history, one, "c");
  history.forget(one);
  EXPECT_THAT(newest(history, one, 10), IsEmpty());
  EXPECT_THAT(newest(history, 10), ElementsAre("b"));
  EXPECT_EQ(history.dropped(), 0u);
}

TEST_F(EventHistoryTest, ArrivalsAreNumberedOverAll) {
  EventHistory history(256, 1 << 20);
  add(history, one, "a");
  add(history, other, "b");
  std::vector<EventHistory::Entry> found;
  history.newest(10, found);
  EXPECT_EQ(found[0].arrival, 2u);
  EXPECT_EQ(found[1].arrival, 1u);
}

}  // namespace
}  // namespace agdb
