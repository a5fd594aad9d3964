#include "ipc/wire/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

namespace agdb {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kRetry{100};
// Accepted in one turn, so that a crowd at the door does not keep those inside waiting.
constexpr int kPerTurn = 64;

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& l, ListeningSocket s, Handlers h)
      : loop(l), socket(std::move(s)), ready(l), retry(l), handlers(std::move(h)) {}

  void wait() {
    error_code error;
    if (!ready.is_open()) ready.assign(socket->fd(), error);
    if (error) return later(error.message());
    ready.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](error_code cancelled) {
                       if (!cancelled && self->socket) self->accept();
                     });
  }

  void accept() {
    for (int i = 0; i < kPerTurn; ++i) {
      const int fd = ::accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        failing = false;
        welcome(fd);
        if (!socket) return;
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return later(std::strerror(errno));
    }
    wait();
  }

  void welcome(int fd) {
    const Result<Peer> peer = peer_of(fd);
    if (peer && peer->user == ::geteuid())
      return handlers.connected(std::make_unique<Connection>(loop, fd), *peer);
    ::close(fd);
    ++turned_away;
    handlers.trouble(peer ? "turned away a connection of user " + std::to_string(peer->user) +
                                " (pid " + std::to_string(peer->pid) + ")"
                          : peer.error().message);
  }

  void later(const std::string& why) {
    retry.expires_after(kRetry);
    retry.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && self->socket) self->accept();
    });
    if (!std::exchange(failing, true)) handlers.trouble("cannot accept connections: " + why);
  }

  void stop() {
    if (ready.is_open()) ready.release();  // the file descriptor is the socket's
    retry.cancel();
    socket.reset();
  }

  asio::io_context& loop;
  std::optional<ListeningSocket> socket;  // until it is stopped
  asio::posix::stream_descriptor ready;   // of the same file descriptor, to wait on
  asio::steady_timer retry;
  Handlers handlers;
  std::uint64_t turned_away = 0;
  bool failing = false;
};

Server::Server(asio::io_context& loop, ListeningSocket socket, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, std::move(socket), std::move(handlers))) {
  impl_->wait();
}

Server::~Server() {
  impl_->stop();
}

std::uint64_t Server::turned_away() const {
  return impl_->turned_away;
}

}  // namespace agdb
