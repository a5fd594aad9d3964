#include "ipc/wire/connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <random>
#include <string>
#include <vector>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One connection on a loop that is turned by hand, and the bare other end of its socket.
class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer = ends[1];
    connection = std::make_unique<Connection>(loop, ends[0]);
    connection->start({.line = [this](const LineBuffer::Line& line) { on_line(line); },
                       .drained =
                           [this] {
                             ++drained;
                             if (on_drained) on_drained();
                           },
                       .ended =
                           [this] {
                             ended = true;
                             if (on_ended) on_ended();
                           },
                       .closed =
                           [this] {
                             closed = true;
                             if (on_closed) on_closed();
                           }});
    turn();
  }
  ~ConnectionTest() override {
    connection.reset();
    turn();
    if (peer >= 0) ::close(peer);
  }

  void on_line(const LineBuffer::Line& line) {
    lines.push_back((line.too_long ? "TOO LONG " : "") + std::string(line.text));
    if (answer) answer();
  }
  void turn() {
    loop.restart();
    loop.poll();
  }
  void say(std::string_view bytes) const {
    ASSERT_EQ(::send(peer, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  // Everything that the other end can read by now, turning the loop for more.
  std::string hear() {
    std::string all;
    std::array<char, 65536> piece{};
    for (int quiet = 0; quiet < 3;) {
      turn();
      const ssize_t got = ::recv(peer, piece.data(), piece.size(), 0);
      if (got > 0) {
        all.append(piece.data(), static_cast<std::size_t>(got));
        quiet = 0;
      } else {
        ++quiet;
      }
    }
    return all;
  }
  void hang_up() {
    ::close(peer);
    peer = -1;
  }

  boost::asio::io_context loop;
  std::unique_ptr<Connection> connection;
  int peer = -1;
  std::vector<std::string> lines;
  std::function<void()> answer;
  std::function<void()> on_drained;
  std::function<void()> on_ended;
  std::function<void()> on_closed;
  int drained = 0;
  bool ended = false;
  bool closed = false;
};

TEST_F(ConnectionTest, LinesComeInAndGoOut) {
  say("one\ntwo\nthr");
  turn();
  EXPECT_THAT(lines, ElementsAre("one", "two"));
  connection->send("a\n");
  connection->send("b\n");
  EXPECT_EQ(hear(), "a\nb\n");
  EXPECT_EQ(connection->queued_bytes(), 0U);
}

TEST_F(ConnectionTest, WhoHasSaidAllIsStillAnswered) {
  say("question\n");
  ::shutdown(peer, SHUT_WR);
  turn();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(closed);
  connection->send("answer\n");
  connection->finish();
  EXPECT_EQ(hear(), "answer\n");
  EXPECT_TRUE(closed);
}

TEST_F(ConnectionTest, WhoGoesAfterSayingAllIsNoticed) {
  ::shutdown(peer, SHUT_WR);
  turn();
  EXPECT_TRUE(ended);
  hang_up();
  turn();
  turn();
  EXPECT_TRUE(closed);
}

TEST_F(ConnectionTest, WhoHangsUpIsGone) {
  hang_up();
  turn();
  turn();
  EXPECT_TRUE(closed);
  connection->send("to nobody\n");
  turn();
}

TEST_F(ConnectionTest, ManyLinesGoOutInOrderThoughThePeerIsSlow) {
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = "line " + std::to_string(i) + std::string(100, '.') + "\n";
    expected += line;
    connection->send(line);
  }
  EXPECT_FALSE(connection->writable());
  EXPECT_EQ(hear(), expected);
  EXPECT_TRUE(connection->writable());
  EXPECT_EQ(drained, 1);
}

TEST_F(ConnectionTest, WhoAsksAndNeverReadsStopsOnlyItself) {
  answer = [this] { connection->send(std::string(10'000, 'x') + "\n"); };
  std::string questions;
  for (int i = 0; i < 5000; ++i) questions += "q\n";
  say(questions);
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_LT(lines.size(), 1000U);
  EXPECT_LT(connection->queued_bytes(), Connection::kHighWater + 20'000);
  // Once it reads, it gets everything.
  EXPECT_EQ(hear().size(), 5000U * 10'001U);
  EXPECT_EQ(lines.size(), 5000U);
}

TEST_F(ConnectionTest, AFloodIsHandledInTurns) {
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += "x\n";
  say(flood);
  loop.restart();
  loop.run_one();
  EXPECT_LE(lines.size(), static_cast<std::size_t>(Connection::kLinesPerTurn));
  turn();
  EXPECT_EQ(lines.size(), 2000U);
}

TEST_F(ConnectionTest, ItMayBeDestroyedByWhatItCalls) {
  answer = [this] { connection.reset(); };
  say("one\ntwo\n");
  turn();
  EXPECT_THAT(lines, ElementsAre("one"));
  EXPECT_FALSE(closed);
}

TEST_F(ConnectionTest, DestroyingItHangsUpAtOnce) {
  connection.reset();
  std::array<char, 1> piece{};
  EXPECT_EQ(::recv(peer, piece.data(), piece.size(), 0), 0);
}

TEST_F(ConnectionTest, ItMayBeDestroyedWhenItDrains) {
  on_drained = [this] { connection.reset(); };
  connection->send(std::string(Connection::kHighWater, 'x'));
  hear();
  EXPECT_EQ(connection, nullptr);
  EXPECT_FALSE(closed);
}

TEST_F(ConnectionTest, ItMayBeDestroyedWhenThePeerHasSaidAll) {
  on_ended = [this] { connection.reset(); };
  hang_up();
  turn();
  turn();
  EXPECT_EQ(connection, nullptr);
  EXPECT_FALSE(closed);
}

TEST_F(ConnectionTest, ItMayBeDestroyedWhenItHasClosed) {
  on_closed = [this] { connection.reset(); };
  hang_up();
  turn();
  turn();
  EXPECT_EQ(connection, nullptr);
}

TEST_F(ConnectionTest, TheLastLineMayLackItsEnd) {
  say("one\ntwo");
  ::shutdown(peer, SHUT_WR);
  turn();
  EXPECT_THAT(lines, ElementsAre("one", "two"));
  EXPECT_TRUE(ended);
}

TEST_F(ConnectionTest, AByteAtATimeIsALineInTheEnd) {
  for (const char byte : std::string("slow\nloris\n")) {
    say({&byte, 1});
    turn();
  }
  EXPECT_THAT(lines, ElementsAre("slow", "loris"));
}

TEST_F(ConnectionTest, FinishingTakesInNoMoreLines) {
  answer = [this] {
    connection->send("bye\n");
    connection->finish();
  };
  say("one\ntwo\n");
  EXPECT_EQ(hear(), "bye\n");
  EXPECT_THAT(lines, ElementsAre("one"));
  EXPECT_TRUE(closed);
  EXPECT_THAT(connection->trouble(), IsEmpty());
}

TEST_F(ConnectionTest, FinishingWaitsForASlowPeer) {
  const std::string much(std::size_t{3} << 20, 'x');
  connection->send(much + "\n");
  connection->finish();
  for (int i = 0; i < 10; ++i) turn();
  EXPECT_FALSE(closed);
  EXPECT_EQ(hear(), much + "\n");
  EXPECT_TRUE(closed);
}

TEST_F(ConnectionTest, WhoHangsUpWhileMuchWaitsIsGone) {
  connection->send(std::string(std::size_t{3} << 20, 'x'));
  turn();
  EXPECT_FALSE(connection->writable());
  hang_up();
  turn();
  turn();
  EXPECT_TRUE(closed);
  EXPECT_THAT(connection->trouble(), IsEmpty());
  EXPECT_EQ(connection->queued_bytes(), 0U);
}

TEST_F(ConnectionTest, WhoLeavesTooMuchUnreadIsClosed) {
  constexpr std::size_t kPiece = std::size_t{60} << 20;
  for (std::size_t sent = 0; sent + kPiece <= Connection::kMaxQueued; sent += kPiece)
    connection->send(std::string(kPiece, 'x'));
  turn();
  EXPECT_FALSE(closed);
  connection->send(std::string(kPiece, 'x'));
  EXPECT_FALSE(closed) << "within a call of the owner's";
  turn();
  EXPECT_TRUE(closed);
  EXPECT_THAT(connection->trouble(), HasSubstr("256 MiB were not read"));
  EXPECT_EQ(connection->queued_bytes(), 0U);
}

TEST_F(ConnectionTest, WhileItIsPausedLinesWaitWithThePeer) {
  answer = [this] { connection->pause(); };
  say("one\ntwo\n");
  turn();
  EXPECT_THAT(lines, ElementsAre("one"));
  say("three\n");
  turn();
  EXPECT_THAT(lines, ElementsAre("one"));
  answer = nullptr;
  connection->resume();
  EXPECT_THAT(lines, ElementsAre("one")) << "within a call of the owner's";
  turn();
  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
}

TEST_F(ConnectionTest, WhatDrainsWhileItIsPausedDoesNotResumeIt) {
  connection->pause();
  connection->send(std::string(2 * Connection::kHighWater, 'x'));
  say("one\n");
  hear();
  EXPECT_EQ(drained, 1);
  EXPECT_THAT(lines, IsEmpty());
  connection->send(std::string(2 * Connection::kHighWater, 'x'));
  connection->resume();
  turn();
  EXPECT_THAT(lines, IsEmpty());
  hear();
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST_F(ConnectionTest, TheAnswersOfATurnGoOutInOrderWithWhatWasQueued) {
  connection->send("before\n");
  answer = [this] { connection->send("to " + lines.back() + "\n"); };
  say("one\ntwo\n");
  EXPECT_EQ(hear(), "before\nto one\nto two\n");
}

TEST_F(ConnectionTest, DrainedIsToldOnlyAfterTheHighWater) {
  connection->send(std::string(Connection::kHighWater - 1, 'x'));
  hear();
  EXPECT_EQ(drained, 0);
  connection->send(std::string(Connection::kHighWater, 'x'));
  hear();
  EXPECT_EQ(drained, 1);
}

TEST_F(ConnectionTest, WhoFeedsWhenItDrainsTellsEverything) {
  constexpr std::size_t kAll = std::size_t{20} << 20;
  std::size_t fed = 0;
  std::size_t most = 0;
  const auto feed = [&] {
    while (connection->writable() && fed < kAll) {
      connection->send(std::string(999, 'e') + "\n");
      fed += 1000;
      most = std::max(most, connection->queued_bytes());
    }
  };
  on_drained = feed;
  feed();
  EXPECT_GE(hear().size(), kAll);
  EXPECT_LE(most, Connection::kHighWater + 1000);
}

TEST_F(ConnectionTest, AFloodDoesNotKeepOthersWaiting) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  Connection other(loop, ends[0]);
  std::size_t flooded_before = 0;
  bool heard = false;
  other.start({.line =
                   [&](const LineBuffer::Line&) {
                     flooded_before = lines.size();
                     heard = true;
                   },
               .drained = nullptr,
               .ended = nullptr,
               .closed = nullptr});
  turn();
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "x\n";
  say(flood);
  ASSERT_EQ(::send(ends[1], "me too\n", 7, 0), 7);
  turn();
  EXPECT_TRUE(heard);
  EXPECT_EQ(lines.size(), 20'000U);
  EXPECT_LE(flooded_before, static_cast<std::size_t>(2 * Connection::kLinesPerTurn));
  ::close(ends[1]);
}

TEST_F(ConnectionTest, WhateverThePacesEveryLineIsAnswered) {
  std::mt19937 random(11);  // the same every time
  answer = [&] { connection->send(lines.back() + "\n"); };
  std::string said;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string line(1 + random() % 5000, static_cast<char>('a' + i % 26));
    said += line + (random() % 3 == 0 ? "\r\n" : "\n");
    expected += line + "\n";
  }
  std::string heard;
  std::string_view unsaid = said;
  std::vector<char> piece(200'000);
  while (heard.size() < expected.size()) {
    const std::size_t some = std::min<std::size_t>(1 + random() % 100'000, unsaid.size());
    const ssize_t sent = some == 0 ? 0 : ::send(peer, unsaid.data(), some, 0);
    if (sent > 0) unsaid.remove_prefix(static_cast<std::size_t>(sent));
    turn();
    if (random() % 2 == 0) continue;
    const ssize_t got = ::recv(peer, piece.data(), 1 + random() % piece.size(), 0);
    ASSERT_NE(got, 0);
    if (got > 0) heard.append(piece.data(), static_cast<std::size_t>(got));
  }
  EXPECT_TRUE(heard == expected);
}

TEST(Connection, AFileDescriptorThatIsNoSocketIsClosed) {
  boost::asio::io_context loop;
  const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  Connection connection(loop, file);
  bool closed = false;
  connection.start({.line = [](const LineBuffer::Line&) {},
                    .drained = nullptr,
                    .ended = nullptr,
                    .closed = [&] { closed = true; }});
  loop.run();
  EXPECT_TRUE(closed);
  EXPECT_NE(connection.trouble(), "");
  connection.send("to nobody\n");
  connection.finish();
}

}  // namespace
}  // namespace agdb
