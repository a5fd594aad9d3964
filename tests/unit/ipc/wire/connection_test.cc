#include "ipc/wire/connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "ipc/wire/blocking_connection.h"
#include "ipc/wire/server.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One connection on a loop that is turned by hand, and the bare other end of its socket.
class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer = ends[1];
    connection = std::make_unique<Connection>(loop, ends[0]);
    connection->start({.line = [this](const LineBuffer::Line& line) { on_line(line); },
                       .drained = [this] { ++drained; },
                       .ended = [this] { ended = true; },
                       .closed = [this] { closed = true; }});
    turn();
  }
  ~ConnectionTest() override {
    connection.reset();
    turn();
    if (peer >= 0) ::close(peer);
  }

  virtual void on_line(const LineBuffer::Line& line) {
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

// A server on a loop of its own thread that says every line back.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-sock-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder / "agdb.sock";
    auto socket = ListeningSocket::open(path);
    EXPECT_TRUE(socket.has_value());
    server = std::make_unique<Server>(
        loop, std::move(*socket),
        Server::Handlers{.connected =
                             [this](std::unique_ptr<Connection> c, Peer) {
                               auto& kept = connections.emplace_back(std::move(c));
                               Connection* raw = kept.get();
                               raw->start({.line =
                                               [raw](const LineBuffer::Line& line) {
                                                 raw->send(std::string(line.text) + "\n");
                                               },
                                           .drained = nullptr,
                                           .ended = [raw] { raw->finish(); },
                                           .closed = [] {}});
                             },
                         .trouble = [](const std::string&) {}});
    thread = std::thread([this] { loop.run(); });
  }
  ~ServerTest() override {
    loop.stop();
    thread.join();
    connections.clear();
    server.reset();
    std::filesystem::remove_all(folder);
  }

  std::filesystem::path folder;
  std::string path;
  boost::asio::io_context loop;
  std::vector<std::unique_ptr<Connection>> connections;
  std::unique_ptr<Server> server;
  std::thread thread;
};

TEST_F(ServerTest, ManyClientsAtOnce) {
  std::vector<BlockingConnection> clients;
  for (int i = 0; i < 50; ++i) {
    auto client = BlockingConnection::open(path);
    ASSERT_TRUE(client.has_value()) << client.error().message;
    clients.push_back(std::move(*client));
  }
  for (std::size_t i = 0; i < clients.size(); ++i)
    ASSERT_TRUE(clients[i].send("hello " + std::to_string(i) + "\n"));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(clients[i].receive().value().value(), "hello " + std::to_string(i));
}

TEST_F(ServerTest, ALineOfMegabytesComesBackWhole) {
  auto client = BlockingConnection::open(path);
  const std::string line(std::size_t{5} << 20, 'x');
  ASSERT_TRUE(client->send(line + "\n"));
  EXPECT_EQ(client->receive().value().value().size(), line.size());
}

TEST_F(ServerTest, WaitingEndsInTimeAndWhenAskedTo) {
  std::array<int, 2> stop{};
  ASSERT_EQ(::pipe2(stop.data(), O_CLOEXEC), 0);
  auto client = BlockingConnection::open(path, stop[0]);
  EXPECT_EQ(client->receive(std::chrono::milliseconds(0)).value(), std::nullopt);
  ASSERT_EQ(::write(stop[1], "x", 1), 1);
  EXPECT_EQ(client->receive().error().code, Code::kCancelled);
  ::close(stop[0]);
  ::close(stop[1]);
}

TEST_F(ServerTest, AServerThatHasGoneIsSaid) {
  auto client = BlockingConnection::open(path);
  ASSERT_TRUE(client->send("hello\n"));
  ASSERT_TRUE(client->receive().has_value());
  boost::asio::post(loop, [this] { connections.clear(); });
  const auto gone = client->receive();
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace agdb
