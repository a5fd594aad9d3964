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

// As long as poll takes.
constexpr std::chrono::milliseconds kLongest{std::numeric_limits<int>::max()};

int milliseconds_to(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kLongest).count());
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

Result<bool> BlockingConnection::wait(short event, std::optional<Clock::time_point> until) const {
  std::array<pollfd, 2> watched = {{{fd_, event, 0}, {interrupt_, POLLIN, 0}}};
  for (;;) {
    const int count = ::poll(watched.data(), watched.size(), until ? milliseconds_to(*until) : -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::kIo, std::string("poll: ") + std::strerror(errno));
    if (watched[1].revents != 0) return fail(Code::kCancelled, "interrupted");
    return count > 0;
  }
}

void BlockingConnection::read_some() {
  const std::span<char> space = buffer_.space();
  const ssize_t got = ::recv(fd_, space.data(), space.size(), MSG_DONTWAIT);
  if (got > 0) {
    buffer_.filled(static_cast<std::size_t>(got));
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
    ended_ = true;
  }
}

Status BlockingConnection::send(std::string_view line) {
  while (!line.empty()) {
    AGDB_CHECK_OK(wait(POLLOUT, std::nullopt));
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
  std::optional<Clock::time_point> until;
  if (limit) until = Clock::now() + std::min(*limit, kLongest);
  for (;;) {
    if (const std::optional<LineBuffer::Line> line = buffer_.next()) {
      if (line->too_long) return fail(Code::kCorrupt, "the daemon sent a line over 64 MiB");
      return line->text;
    }
    if (ended_) return gone();
    AGDB_TRY(const bool ready, wait(POLLIN, until));
    if (!ready) return std::nullopt;
    read_some();
  }
}

}  // namespace agdb
