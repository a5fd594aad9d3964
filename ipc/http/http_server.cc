#include "ipc/http/http_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "ipc/http/http_connection.h"

namespace agdb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// How long it is waited where the system has no file descriptor left.
constexpr std::chrono::milliseconds kNoDescriptor{100};
// Connections beyond the limit that are told so at a time; others are closed without a word.
constexpr std::size_t kMaxTurningAway = 64;

Result<asio::ip::address> address_of(const std::string& host) {
  if (host == "localhost") return asio::ip::address_v4::loopback();
  ErrorCode error;
  const asio::ip::address literal = asio::ip::make_address(host, error);
  if (!error) return literal;
  asio::io_context context;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, "0", tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(Code::kInvalid, fmt::format("cannot listen on \"{}\": no such host", host),
                "--http takes an address of this machine, as 127.0.0.1:7475");
  return found.begin()->endpoint().address();
}

Result<tcp::acceptor> listen_on(asio::io_context& loop, const tcp::endpoint& endpoint,
                                const HttpAddress& address) {
  const auto wrong = [&](const ErrorCode& error) {
    const bool in_use = error == boost::system::errc::address_in_use;
    return fail(in_use ? Code::kUnavailable : Code::kIo,
                fmt::format("cannot listen on {}: {}", address.text(), error.message()),
                in_use ? "another program has the port; choose another, or 0 for any" : "");
  };
  ErrorCode error;
  tcp::acceptor acceptor(loop);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return wrong(error);
  return acceptor;
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions o, std::shared_ptr<asio::io_context> context, tcp::acceptor listening)
      : options(std::move(o)),
        loop(std::move(context)),
        acceptor(std::in_place, std::move(listening)),
        retry(std::in_place, *loop) {}

  ~Impl() {
    loop->stop();
    if (thread.joinable()) thread.join();
    if (shared) shared->workers.close();
    acceptor.reset();
    retry.reset();
  }

  void start(Router router) {
    Guard guard({.host = options.address.host,
                 .port = options.address.port,
                 .any_address = any_address,
                 .token = options.token});
    shared = std::make_shared<HttpShared>(std::move(router), std::move(guard), options.limits,
                                          options.workers);
    accept();
    thread = std::thread([this] { loop->run(); });
  }

  void accept() {
    acceptor->async_accept([this](const ErrorCode& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return wait(error);
      trouble_told = false;
      ErrorCode ignored;
      welcome(socket.release(ignored));
      accept();
    });
  }

  void welcome(int fd) {
    if (shared->connections < options.limits.connections) return serve_connection(loop, fd, shared);
    if (shared->turning_away < kMaxTurningAway) return turn_away(loop, fd, shared);
    ++shared->turned_away;
    ::close(fd);
  }

  void wait(const ErrorCode& error) {
    if (!std::exchange(trouble_told, true) && options.trouble)
      options.trouble(fmt::format("{}: cannot accept connections: {}", options.address.text(),
                                  error.message()));
    retry->expires_after(kNoDescriptor);
    retry->async_wait([this](const ErrorCode& cancelled) {
      if (!cancelled) accept();
    });
  }

  HttpServerOptions options;
  std::shared_ptr<asio::io_context> loop;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> retry;
  std::shared_ptr<HttpShared> shared;
  std::thread thread;
  bool trouble_told = false;
  bool any_address = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerOptions options) {
  AGDB_TRY(const asio::ip::address address, address_of(options.address.host));
  if (!address.is_loopback() && options.token.empty())
    return fail(
        Code::kPermission,
        fmt::format("{} can be reached by others: a token is needed", options.address.text()),
        "--http-token-file FILE, or listen on 127.0.0.1");
  auto loop = std::make_shared<asio::io_context>(1);
  AGDB_TRY(tcp::acceptor acceptor,
           listen_on(*loop, {address, options.address.port}, options.address));
  ErrorCode error;
  options.address.port = acceptor.local_endpoint(error).port();
  auto impl = std::make_unique<Impl>(std::move(options), std::move(loop), std::move(acceptor));
  impl->any_address = address.is_unspecified();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

void HttpServer::start(Router router) {
  impl_->start(std::move(router));
}

const HttpAddress& HttpServer::address() const {
  return impl_->options.address;
}

HttpCounts HttpServer::counts() const {
  const HttpShared& shared = *impl_->shared;
  return {.connections = shared.connections,
          .turned_away = shared.turned_away,
          .requests = shared.requests,
          .refused = shared.refused,
          .failed = shared.failed,
          .cut = shared.cut};
}

}  // namespace agdb
