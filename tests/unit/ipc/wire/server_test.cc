#include "ipc/wire/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ipc/wire/blocking_connection.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A server on a loop of its own thread that says every line back.
class EchoTest : public ::testing::Test {
 protected:
  EchoTest() {
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
  ~EchoTest() override {
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

TEST_F(EchoTest, ManyClientsAtOnce) {
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

TEST_F(EchoTest, ALineOfMegabytesComesBackWhole) {
  auto client = BlockingConnection::open(path);
  const std::string line(std::size_t{5} << 20, 'x');
  ASSERT_TRUE(client->send(line + "\n"));
  EXPECT_EQ(client->receive().value().value().size(), line.size());
}

TEST_F(EchoTest, WaitingEndsInTimeAndWhenAskedTo) {
  std::array<int, 2> stop{};
  ASSERT_EQ(::pipe2(stop.data(), O_CLOEXEC), 0);
  auto client = BlockingConnection::open(path, stop[0]);
  EXPECT_EQ(client->receive(std::chrono::milliseconds(0)).value(), std::nullopt);
  ASSERT_EQ(::write(stop[1], "x", 1), 1);
  EXPECT_EQ(client->receive().error().code, Code::kCancelled);
  ::close(stop[0]);
  ::close(stop[1]);
}

TEST_F(EchoTest, AServerThatHasGoneIsSaid) {
  auto client = BlockingConnection::open(path);
  ASSERT_TRUE(client->send("hello\n"));
  ASSERT_TRUE(client->receive().has_value());
  boost::asio::post(loop, [this] { connections.clear(); });
  const auto gone = client->receive();
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Code::kUnavailable);
}

TEST_F(EchoTest, ALineThatIsTooLongIsSkippedAndTheNextOneIsTaken) {
  auto client = BlockingConnection::open(path);
  ASSERT_TRUE(client->send(std::string(LineBuffer::kMaxLine + 1, 'x')));
  ASSERT_TRUE(client->send("\nnext\n"));
  EXPECT_EQ(client->receive().value().value(), std::string(LineBuffer::kShown, 'x'));
  EXPECT_EQ(client->receive().value().value(), "next");
}

TEST_F(EchoTest, ConnectionsThatComeAndGoAtRandomLeaveTheOthersAlone) {
  auto steady = BlockingConnection::open(path);
  std::mt19937 random(3);  // the same every time
  for (int i = 0; i < 2000; ++i) {
    auto client = BlockingConnection::open(path);
    ASSERT_TRUE(client.has_value()) << client.error().message;
    if (random() % 2 == 0) ASSERT_TRUE(client->send("half a li"));
    if (random() % 3 == 0) ASSERT_TRUE(client->send("ne, and one\n"));
    if (random() % 50 != 0) continue;
    ASSERT_TRUE(steady->send("still here " + std::to_string(i) + "\n"));
    ASSERT_EQ(steady->receive().value().value(), "still here " + std::to_string(i));
  }
}

// A server on a loop that is turned by hand.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-sock-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder / "agdb.sock";
    server = std::make_unique<Server>(
        loop, ListeningSocket::open(path).value(),
        Server::Handlers{.connected =
                             [this](std::unique_ptr<Connection> connection, Peer peer) {
                               connections.push_back(std::move(connection));
                               peers.push_back(peer);
                               if (on_connected) on_connected();
                             },
                         .trouble = [this](const std::string& line) { trouble.push_back(line); }});
  }
  ~ServerTest() override {
    connections.clear();
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void turn() {
    loop.restart();
    loop.poll();
  }

  std::filesystem::path folder;
  std::string path;
  boost::asio::io_context loop;
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<Peer> peers;
  std::vector<std::string> trouble;
  std::function<void()> on_connected;
};

TEST_F(ServerTest, WhoConnectsIsNamed) {
  const auto client = BlockingConnection::open(path);
  ASSERT_TRUE(client.has_value());
  turn();
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].pid, ::getpid());
  EXPECT_EQ(peers[0].user, ::geteuid());
}

TEST_F(ServerTest, ACrowdIsTakenInWhole) {
  std::vector<int> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(connect_socket(path).value());
  turn();
  EXPECT_EQ(connections.size(), crowd.size());
  for (const int fd : crowd) ::close(fd);
}

// Only root can become somebody else. Everybody else is let in, as the same user.
TEST_F(ServerTest, AnotherUserIsTurnedAway) {
  const bool is_root = ::geteuid() == 0;
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms(0666));
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    if (is_root && ::setuid(65534) != 0) ::_exit(1);
    // connect_socket itself would refuse a daemon of another user that is not root.
    const Result<int> connected = connect_socket(path);
    ::_exit(connected ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(stranger, &status, 0), stranger);
  ASSERT_EQ(status, 0);
  turn();
  EXPECT_EQ(server->turned_away(), is_root ? 1U : 0U);
  EXPECT_EQ(connections.size(), is_root ? 0U : 1U);
  if (is_root) EXPECT_THAT(trouble, ElementsAre(HasSubstr("user 65534")));
}

TEST_F(ServerTest, WithoutFileDescriptorsItWaitsAndSaysSoOnce) {
  const int first = connect_socket(path).value();
  const int second = connect_socket(path).value();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::dup(first);
  ::close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // Two tries, each on its own timer.
  loop.restart();
  while (trouble.empty()) loop.run_one();
  loop.run_one();
  // Nothing is checked in between: the sanitizers' own checks need file descriptors.
  const std::size_t let_in_without = connections.size();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(let_in_without, 0U);
  while (connections.size() < 2) loop.run_one();
  EXPECT_THAT(trouble, ElementsAre(HasSubstr("Too many open files")));
  ::close(first);
  ::close(second);
}

TEST_F(ServerTest, ItMayBeDestroyedWhenSomebodyConnects) {
  on_connected = [this] { server.reset(); };
  const int first = connect_socket(path).value();
  const int second = connect_socket(path).value();
  turn();
  EXPECT_EQ(connections.size(), 1U);
  ::close(first);
  ::close(second);
}

TEST_F(ServerTest, DestroyingItFreesThePlaceAtOnceAndLeavesConnectionsAlone) {
  const int client = connect_socket(path).value();
  turn();
  ASSERT_EQ(connections.size(), 1U);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(connect_socket(path).error().code, Code::kUnavailable);
  EXPECT_TRUE(ListeningSocket::open(path).has_value());
  connections[0]->start({.line = [](const LineBuffer::Line&) {},
                         .drained = nullptr,
                         .ended = nullptr,
                         .closed = nullptr});
  connections[0]->send("x");
  turn();
  char byte = 0;
  EXPECT_EQ(::recv(client, &byte, 1, MSG_DONTWAIT), 1);
  ::close(client);
}

}  // namespace
}  // namespace agdb
