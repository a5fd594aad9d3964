#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/wire/line_buffer.h"
#include "runtime/events/result.h"

namespace agdb {

// The other end: one thread that sends lines and waits for lines. Move-only.
class BlockingConnection {
 public:
  // Errors as connect_socket's. `interrupt`: a file descriptor that becomes readable when the
  // person wants to stop (-1: none); borrowed.
  static Result<BlockingConnection> open(const std::string& path, int interrupt = -1);
  BlockingConnection(BlockingConnection&& other) noexcept;
  BlockingConnection& operator=(BlockingConnection&&) = delete;
  ~BlockingConnection();

  // Sends all of it. Errors: kUnavailable when the other side is gone, kCancelled. (The daemon
  // reads on while less than 1 MiB waits for this side; who asks for more before reading waits for
  // ever.)
  Status send(std::string_view line);
  // The next line; nothing when none came within `limit` (no limit: waits on). What is here already
  // comes first, interrupted or not. The view is valid until the next call. Errors: kUnavailable
  // when the other side has gone, kCancelled, kCorrupt for a line that is too long (those behind it
  // can be received).
  Result<std::optional<std::string_view>> receive(
      std::optional<std::chrono::milliseconds> limit = std::nullopt);

 private:
  using Clock = std::chrono::steady_clock;
  BlockingConnection(int fd, int interrupt) : fd_(fd), interrupt_(interrupt) {}
  // Waits until `event` is possible. False: the time is over.
  Result<bool> wait(short event, std::optional<Clock::time_point> until) const;
  void read_some();

  int fd_;
  int interrupt_;
  bool ended_ = false;
  LineBuffer buffer_;
};

}  // namespace agdb
