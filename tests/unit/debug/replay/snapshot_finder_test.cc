#include "debug/replay/snapshot_finder.h"

#include <gtest/gtest.h>

#include "tests/unit/debug/replay/test_recording.h"

namespace agdb {
namespace {

std::string nearest(const Recording& recording, std::uint64_t seq,
                    std::optional<CtxId> ctx = std::nullopt) {
  const Result<SeqNum> found = nearest_snapshot(recording, SeqNum{seq}, ctx);
  return found ? std::to_string(raw(*found)) : found.error().message;
}

class Snapshots : public testing::Test {
 protected:
  Snapshots() : recording_(make()) {}

  static Recording make() {
    TestRecording written;
    written.call("A");                            // 1
    written.context("p", {user("a")}, CtxId{1});  // 2
    written.call("B");                            // 3
    written.context("q", {user("b")}, CtxId{2});  // 4
    written.context("p", {user("c")}, CtxId{1});  // 5
    return written.open();
  }

  Recording recording_;
};

TEST_F(Snapshots, AreFoundAtOrBeforeANumber) {
  EXPECT_EQ(nearest(recording_, 2), "2");
  EXPECT_EQ(nearest(recording_, 3), "2");
  EXPECT_EQ(nearest(recording_, 4), "4");
  EXPECT_EQ(nearest(recording_, 100), "5");
  EXPECT_EQ(nearest(recording_, UINT64_MAX), "5");
}

TEST_F(Snapshots, BeforeTheFirstAreNone) {
  EXPECT_EQ(nearest(recording_, 1), "no context snapshot found before SeqNum 1");
  EXPECT_EQ(nearest(recording_, 0), "no context snapshot found before SeqNum 0");
  EXPECT_EQ(nearest_snapshot(recording_, SeqNum{1}).error().hint, "the first one is at SeqNum 2");
}

TEST_F(Snapshots, OfOneContextAreFoundAlone) {
  EXPECT_EQ(nearest(recording_, 4, CtxId{1}), "2");
  EXPECT_EQ(nearest(recording_, 3, CtxId{2}), "no context snapshot found before SeqNum 3");
  EXPECT_EQ(nearest(recording_, 9, CtxId{3}), "no context snapshot found before SeqNum 9");
}

TEST_F(Snapshots, AreFoundBehindANumber) {
  EXPECT_EQ(next_snapshot(recording_, SeqNum{0}), SeqNum{2});
  EXPECT_EQ(next_snapshot(recording_, SeqNum{2}), SeqNum{4});
  EXPECT_EQ(next_snapshot(recording_, SeqNum{2}, CtxId{1}), SeqNum{5});
  EXPECT_EQ(next_snapshot(recording_, SeqNum{5}), std::nullopt);
  EXPECT_EQ(next_snapshot(recording_, SeqNum{UINT64_MAX}), std::nullopt);
}

TEST(SnapshotsOfNothing, AreNone) {
  const Recording recording = TestRecording().open();
  EXPECT_EQ(nearest(recording, 5), "no context snapshot found before SeqNum 5");
  EXPECT_EQ(nearest_snapshot(recording, SeqNum{5}).error().hint, "");
  EXPECT_EQ(next_snapshot(recording, SeqNum{0}), std::nullopt);
}

}  // namespace
}  // namespace agdb
