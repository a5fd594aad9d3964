#include "ipc/wire/blocking_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "ipc/wire/unix_socket.h"

namespace agdb {
namespace {

std::unexpected<Error> gone() {
  return fail(Code::kUnavailable, "the daemon has gone", "its log says why");
}

}  // namespace

Result<BlockingConnection> BlockingConnection::open(const std::string& path, int interrupt) {
  AGDB_TRY(const int fd, connect_socket(path));
  return BlockingConnection(fd, interrupt);
}

BlockingConnection::BlockingConnection(BlockingConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      interrupt_(other.interrupt_),
      ended_(other.ended_),
      buffer_(std::move(other.buffer_)) {}

BlockingConnection::~BlockingConnection() {
  if (fd_ >= 0) ::close(fd_);
}

Result<bool> BlockingConnection::wait(short events, int limit_ms, short& happened) const {
  std::array<pollfd, 2> watched = {{{fd_, events, 0}, {interrupt_, POLLIN, 0}}};
  for (;;) {
    const int count = ::poll(watched.data(), watched.size(), limit_ms);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::kIo, std::string("poll: ") + std::strerror(errno));
    if (watched[1].revents != 0) return fail(Code::kCancelled, "interrupted");
    happened = watched[0].revents;
    return count > 0;
  }
}

Status BlockingConnection::read_some() {
  const std::span<char> space = buffer_.space();
  const ssize_t got = ::recv(fd_, space.data(), space.size(), MSG_DONTWAIT);
  if (got > 0) {
    buffer_.filled(static_cast<std::size_t>(got));
    return {};
  }
  if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  ended_ = true;
  return {};
}

Status BlockingConnection::send(std::string_view line) {
  while (!line.empty()) {
    short happened = 0;
    AGDB_TRY(const bool ready, wait(POLLOUT, -1, happened));
    if (!ready) continue;
    const ssize_t sent = ::send(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      line.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return gone();
    }
  }
  return {};
}

Result<std::optional<std::string_view>> BlockingConnection::receive(
    std::optional<std::chrono::milliseconds> limit) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + limit.value_or(std::chrono::milliseconds(0));
  for (;;) {
    if (const std::optional<LineBuffer::Line> line = buffer_.next()) {
      if (line->too_long) return fail(Code::kCorrupt, "the daemon sent a line over 64 MiB");
      return line->text;
    }
    if (ended_) return gone();
    int limit_ms = -1;
    if (limit) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      limit_ms =
          static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    short happened = 0;
    AGDB_TRY(const bool ready, wait(POLLIN, limit_ms, happened));
    if (!ready) return std::nullopt;
    AGDB_CHECK_OK(read_some());
  }
}

}  // namespace agdb
