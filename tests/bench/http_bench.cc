#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "debug/runs/run_of_recordings.h"
#include "ipc/api/api_server.h"
#include "ipc/daemon/daemon.h"
#include "tests/bench/bench.h"

namespace agdb::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr int kTurns = 7;
constexpr int kConnections = 32;
constexpr int kRequests = 30'000;  // a turn
constexpr int kIds = 1000;         // of four digits each, so that all answers are of one size
constexpr int kFirstId = 1000;

// The least that a server of these bytes is with Beast: whatever is asked, the same is answered.
class BareSession : public std::enable_shared_from_this<BareSession> {
 public:
  BareSession(tcp::socket socket, const std::string& body) : stream_(std::move(socket)) {
    response_.result(http::status::ok);
    response_.set(http::field::content_type, "application/json");
    response_.set(http::field::date, "Sun, 08 Mar 2026 10:00:00 GMT");
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.body() = body;
    response_.prepare_payload();
  }

  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](boost::beast::error_code error, std::size_t) {
                       if (!error) self->write();
                     });
  }

 private:
  void write() {
    http::async_write(stream_, response_,
                      [self = shared_from_this()](boost::beast::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::string_body> response_;
};

class BareServer {
 public:
  explicit BareServer(std::string body)
      : body_(std::move(body)), acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~BareServer() {
    loop_.stop();
    thread_.join();
  }
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error) return;
      socket.set_option(tcp::no_delay(true));
      std::make_shared<BareSession>(std::move(socket), body_)->read();
      accept();
    });
  }

  const std::string body_;
  asio::io_context loop_{1};
  tcp::acceptor acceptor_;
  std::thread thread_;
};

// 32 connections that each ask again once they have their answer.
class Client {
 public:
  explicit Client(std::uint16_t port) {
    for (int i = 0; i < kIds; ++i)
      requests_.push_back(fmt::format("GET /v1/traces/{} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
                                      kFirstId + i, port));
    for (int i = 0; i < kConnections; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      AGDB_ASSERT(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
                  "cannot connect");
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      waiting_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    }
    got_.resize(kConnections);
    ask(0);
    // All answers are as long as the first.
    std::string first;
    std::size_t body = 0;
    while (body == 0 || first.size() < body) {
      first += receive(0);
      const std::size_t head = first.find("\r\n\r\n");
      const std::size_t field = first.find("Content-Length: ");
      if (head != std::string::npos && field != std::string::npos)
        body = head + 4 + std::stoul(first.substr(field + 16));
    }
    answer_ = first;
  }
  ~Client() {
    for (const pollfd& each : waiting_) ::close(each.fd);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& answer() const { return answer_; }

  // Requests a second.
  double run(int requests) {
    const std::int64_t begin = now();
    int asked = 0;
    int answered = 0;
    for (int i = 0; i < kConnections; ++i, ++asked) ask(i);
    while (answered < requests) {
      ::poll(waiting_.data(), waiting_.size(), -1);
      for (int i = 0; i < kConnections; ++i) {
        if (waiting_[static_cast<std::size_t>(i)].revents == 0) continue;
        std::size_t& got = got_[static_cast<std::size_t>(i)];
        got += receive(i).size();
        AGDB_ASSERT(got <= answer_.size(), "an answer is longer than the first");
        if (got < answer_.size()) continue;
        got = 0;
        ++answered;
        if (asked < requests) {
          ask(i);
          ++asked;
        }
      }
    }
    return requests * 1e9 / static_cast<double>(now() - begin);
  }

 private:
  void ask(int connection) {
    const std::string& request = requests_[next_++ % requests_.size()];
    const ssize_t sent = ::send(waiting_[static_cast<std::size_t>(connection)].fd, request.data(),
                                request.size(), MSG_NOSIGNAL);
    AGDB_ASSERT(sent == static_cast<ssize_t>(request.size()), "cannot send");
  }

  std::string_view receive(int connection) {
    const ssize_t size =
        ::recv(waiting_[static_cast<std::size_t>(connection)].fd, bytes_.data(), bytes_.size(), 0);
    AGDB_ASSERT(size > 0, "the server has gone");
    return {bytes_.data(), static_cast<std::size_t>(size)};
  }

  std::vector<std::string> requests_;
  std::size_t next_ = 0;
  std::vector<pollfd> waiting_;
  std::vector<std::size_t> got_;
  std::array<char, 65536> bytes_;
  std::string answer_;
};

template <typename T>
T value(Result<T> result) {
  AGDB_ASSERT(result.has_value(), result ? "" : result.error().message);
  return *std::move(result);
}

// About 2 KB as JSON.
RunTrace trace_of_two_kilobytes() {
  RunTrace trace;
  trace.timestamp = 1'772'964'000;
  trace.flow_name = "mend the flaky test of the parser";
  trace.steps_executed = 12;
  trace.latency_ms = 48'211;
  trace.tokens_input = 18'230;
  trace.tokens_output = 2'113;
  trace.backend = "scripted/m-1";
  trace.source_file = "flaky.json";
  for (int i = 0; i < 11; ++i)
    trace.events.push_back({.event_type = "tool_error",
                            .offset_ms = 1000 + i,
                            .step_name = "read_file",
                            .detail = "notes.md: no such file or directory"});
  return trace;
}

void fill(const std::string& records_dir) {
  static const RealClock clock;
  TraceStore store = value(TraceStore::open(store_path(records_dir), clock));
  const std::vector<RunTrace> traces(kFirstId + kIds, trace_of_two_kilobytes());
  value(store.record_all(traces));
}

double ratio_of(std::vector<double> ours, std::vector<double> bare) {
  return median(std::move(ours)) / median(std::move(bare));
}

void compare(std::uint16_t port) {
  Client ours(port);
  const std::string body = ours.answer().substr(ours.answer().find("\r\n\r\n") + 4);
  BareServer server(body);
  Client bare(server.port());
  AGDB_ASSERT(bare.answer().ends_with(body), "the servers answer other bytes");
  pin_apart();
  std::vector<double> ours_rates;
  std::vector<double> bare_rates;
  for (int turn = 0; turn < kTurns; ++turn) {
    if (turn % 2 == 0) bare_rates.push_back(bare.run(kRequests));
    ours_rates.push_back(ours.run(kRequests));
    if (turn % 2 != 0) bare_rates.push_back(bare.run(kRequests));
  }
  const double ratio = ratio_of(ours_rates, bare_rates);
  print({"size of an answer's body", static_cast<double>(body.size()), "bytes"});
  print({"bare Beast, the same bytes, 32 connections", median(bare_rates) / 1000, "k/s"});
  print({"GET /v1/traces/{id}, 32 connections", median(ours_rates) / 1000, "k/s"});
  print({"GET /v1/traces/{id} against bare Beast", ratio, "x", ">= 0.7", ratio >= 0.7});
}

}  // namespace

void bench_http() {
  print_title("http: a trace by its number");
  std::array<char, 32> pattern = {"/tmp/agdb-bench-XXXXXX"};
  AGDB_ASSERT(::mkdtemp(pattern.data()) != nullptr, "no folder");
  const std::string folder = pattern.data();
  const std::string records = folder + "/records";
  fill(records);
  DaemonOptions options;
  options.socket = folder + "/agdb.sock";
  options.records_dir = records;
  options.log = [](DaemonOptions::Level, const std::string&) {};
  {
    const std::unique_ptr<Daemon> daemon = value(Daemon::open(std::move(options)));
    std::unique_ptr<ApiServer> api = value(
        ApiServer::open({.http = {.address = {"127.0.0.1", 0}}, .records_dir = records}, *daemon));
    std::thread loop([&daemon] { daemon->run(); });
    compare(api->address().port);
    daemon->stop();
    loop.join();
    api.reset();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace agdb::bench
