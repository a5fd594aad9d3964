#include "ipc/wire/blocking_connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "ipc/wire/unix_socket.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// One connection, and the bare other end of its socket.
class BlockingConnectionTest : public ::testing::Test {
 protected:
  BlockingConnectionTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-sock-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    const std::string path = folder / "agdb.sock";
    const auto socket = ListeningSocket::open(path);
    EXPECT_EQ(::pipe2(stop.data(), O_CLOEXEC), 0);
    client.emplace(BlockingConnection::open(path, stop[0]).value());
    daemon = ::accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(daemon, 0);
  }
  ~BlockingConnectionTest() override {
    hang_up();
    ::close(stop[0]);
    ::close(stop[1]);
    std::filesystem::remove_all(folder);
  }
  void say(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(daemon, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void hang_up() {
    if (daemon >= 0) ::close(daemon);
    daemon = -1;
  }
  std::string receive() {
    const auto line = client->receive();
    if (!line) return "error: " + line.error().message;
    return *line ? std::string(**line) : "nothing";
  }

  std::filesystem::path folder;
  std::array<int, 2> stop{-1, -1};
  std::optional<BlockingConnection> client;
  int daemon = -1;
};

TEST(BlockingConnection, WithoutADaemonItSaysHowToStartOne) {
  const auto opened = BlockingConnection::open("/nonexistent/agdb.sock");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
  EXPECT_EQ(opened.error().message, "no daemon at /nonexistent/agdb.sock");
  EXPECT_EQ(opened.error().hint, "start one: agdb serve --detach");
}

TEST_F(BlockingConnectionTest, LinesComeOneByOneHoweverTheyArrive) {
  say("one\ntwo\r\nth");
  EXPECT_EQ(receive(), "one");
  EXPECT_EQ(receive(), "two");
  EXPECT_EQ(client->receive(milliseconds(0)).value(), std::nullopt);
  say("ree\n");
  EXPECT_EQ(receive(), "three");
}

TEST_F(BlockingConnectionTest, TheLastWordsAreHeardBeforeTheEnd) {
  say("last words\nhalf a l");
  hang_up();
  EXPECT_EQ(receive(), "last words");
  EXPECT_EQ(client->receive().error().code, Code::kUnavailable);
  EXPECT_EQ(client->receive().error().code, Code::kUnavailable);
}

TEST_F(BlockingConnectionTest, TheLastWordsAreHeardThoughOursWereNot) {
  ASSERT_TRUE(client->send("never read\n"));
  say("last words\n");
  hang_up();
  EXPECT_EQ(receive(), "last words");
  EXPECT_EQ(client->receive().error().code, Code::kUnavailable);
}

TEST_F(BlockingConnectionTest, SendingToNobodyIsAnErrorAndNoSignal) {
  hang_up();
  const Status sent = client->send("hello\n");
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Code::kUnavailable);
}

TEST_F(BlockingConnectionTest, MuchIsSentThoughTheOtherSideReadsInPieces) {
  const std::string line = std::string(std::size_t{8} << 20, 'x') + "\n";
  std::size_t heard = 0;
  std::thread reader([&] {
    std::array<char, 70'001> piece{};
    while (heard < line.size()) {
      const ssize_t got = ::recv(daemon, piece.data(), piece.size(), 0);
      if (got <= 0) return;
      heard += static_cast<std::size_t>(got);
    }
  });
  EXPECT_TRUE(client->send(line));
  reader.join();
  EXPECT_EQ(heard, line.size());
}

TEST_F(BlockingConnectionTest, SendingToWhoDoesNotReadCanBeInterrupted) {
  ASSERT_EQ(::write(stop[1], "x", 1), 1);
  const Status sent = client->send(std::string(std::size_t{8} << 20, 'x'));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Code::kCancelled);
}

TEST_F(BlockingConnectionTest, WhatIsHereAlreadyIsHeardWhenInterrupted) {
  say("one\ntwo\n");
  EXPECT_EQ(receive(), "one");
  ASSERT_EQ(::write(stop[1], "x", 1), 1);
  EXPECT_EQ(receive(), "two");
  EXPECT_EQ(client->receive().error().code, Code::kCancelled);
}

TEST_F(BlockingConnectionTest, SignalsNeitherEndNorProlongTheWait) {
  struct sigaction ignore_quietly{};
  ignore_quietly.sa_handler = [](int) {};
  struct sigaction before{};
  ASSERT_EQ(::sigaction(SIGALRM, &ignore_quietly, &before), 0);
  const itimerval often{{0, 1000}, {0, 1000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  EXPECT_EQ(client->receive(milliseconds(20)).value(), std::nullopt);
  const itimerval never{};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &never, nullptr), 0);
  ASSERT_EQ(::sigaction(SIGALRM, &before, nullptr), 0);
}

TEST_F(BlockingConnectionTest, TheLongestWaitIsNoOverflow) {
  say("one\n");
  EXPECT_EQ(client->receive(milliseconds::max()).value(), "one");
}

TEST_F(BlockingConnectionTest, ALineThatIsTooLongIsAnErrorAndTheNextOneComes) {
  std::thread daemon_thread([&] {
    say(std::string(LineBuffer::kMaxLine + 1, 'x'));
    say("\nnext\n");
  });
  const auto line = client->receive();
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code, Code::kCorrupt);
  EXPECT_THAT(line.error().message, HasSubstr("64 MiB"));
  EXPECT_EQ(receive(), "next");
  daemon_thread.join();
}

TEST_F(BlockingConnectionTest, ItMayBeMovedBetweenTwoLines) {
  say("one\ntwo\nth");
  EXPECT_EQ(receive(), "one");
  BlockingConnection moved(std::move(*client));
  client.reset();
  EXPECT_EQ(moved.receive().value(), "two");
  say("ree\n");
  EXPECT_EQ(moved.receive().value(), "three");
}

}  // namespace
}  // namespace agdb
