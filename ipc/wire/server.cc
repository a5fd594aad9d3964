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
      : loop(l),
        socket(std::move(s)),
        ready(l, ::dup(socket.fd())),
        retry(l),
        handlers(std::move(h)) {}

  void wait() {
    ready.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](error_code error) {
                       if (!error && !self->stopped) self->accept();
                     });
  }

  void accept() {
    for (int i = 0; i < kPerTurn && !stopped; ++i) {
      const int fd = ::accept4(socket.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        failing = false;
        welcome(fd);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return later(errno);
    }
    if (!stopped) wait();
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

  // Said once, until it works again.
  void later(int error) {
    if (!std::exchange(failing, true))
      handlers.trouble(std::string("cannot accept connections: ") + std::strerror(error));
    retry.expires_after(kRetry);
    retry.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && !self->stopped) self->accept();
    });
  }

  void stop() {
    stopped = true;
    error_code ignored;
    ready.close(ignored);
    retry.cancel();
  }

  asio::io_context& loop;
  ListeningSocket socket;
  asio::posix::stream_descriptor ready;  // a duplicate, to wait on
  asio::steady_timer retry;
  Handlers handlers;
  std::uint64_t turned_away = 0;
  bool failing = false;
  bool stopped = false;
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
