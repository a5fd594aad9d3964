#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ipc/wire/line_buffer.h"

namespace boost::asio {
class io_context;
}

namespace agdb {

// One peer on an event loop: lines come in, lines go out.
//
// What goes out is queued without a limit of its own; who has much to tell asks writable() first
// and goes on when `drained` is called. While more than kHighWater waits, nothing is read: a peer
// that asks and never reads its answers stops itself and nobody else. At most kLinesPerTurn lines
// are handled before others get their turn.
//
// Lives on the loop's thread, from start to the end. Destroying it closes the socket; no callback
// follows. It may be destroyed within a callback.
class Connection {
 public:
  static constexpr std::size_t kHighWater = std::size_t{1} << 20;
  static constexpr int kLinesPerTurn = 256;

  struct Handlers {
    // A line, or the beginning of one that was too long. Valid during the call.
    std::function<void(const LineBuffer::Line& line)> line;
    // Less than half of kHighWater waits, after more than that did. May be null.
    std::function<void()> drained;
    // The peer will send nothing more; it may still read.
    std::function<void()> ended;
    // The connection is gone: closed by the peer, or broken. Comes once, perhaps without `ended`.
    std::function<void()> closed;
  };

  // Takes over a connected socket. `loop` outlives it.
  Connection(boost::asio::io_context& loop, int fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start(Handlers handlers);

  // `line` has its end. Sent in the order of the calls; lost when the peer goes before.
  void send(std::string line);
  std::size_t queued_bytes() const;
  bool writable() const { return queued_bytes() < kHighWater; }
  // Closes once everything that is queued has gone out; `closed` is called then.
  void finish();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agdb
