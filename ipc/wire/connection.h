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
// Who has much to tell asks writable() first and goes on when `drained` is called. While more than
// kHighWater waits to go out, no line is taken in: a peer that asks and never reads its answers
// stops itself and nobody else. What was asked before that is still answered, and adds up: over
// kMaxQueued the connection is closed. At most kLinesPerTurn lines are handled before others get
// their turn.
//
// Lives on the loop's thread, from start to the end. Destroying it closes the socket; no callback
// follows. It may be destroyed within a callback.
class Connection {
 public:
  static constexpr std::size_t kHighWater = std::size_t{1} << 20;
  static constexpr std::size_t kMaxQueued = std::size_t{256} << 20;
  static constexpr int kLinesPerTurn = 256;

  struct Handlers {
    // A line, or the beginning of one that was too long. Valid during the call. The last one before
    // the end may have come without '\n'.
    std::function<void(const LineBuffer::Line& line)> line;
    // Less than half of kHighWater waits, after more than all of it did. May be null.
    std::function<void()> drained;
    // The peer will send nothing more; it may still read. May be null.
    std::function<void()> ended;
    // The connection is gone: closed by the peer or by finish, or broken. Comes once, perhaps
    // without `ended`, never within a call of the owner's. May be null.
    std::function<void()> closed;
  };

  // Takes over a connected socket. `loop` outlives it.
  Connection(boost::asio::io_context& loop, int fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Once.
  void start(Handlers handlers);

  // `line` has its end. Sent in the order of the calls; lost when the peer goes before. Never waits
  // and never calls back.
  void send(std::string line);
  std::size_t queued_bytes() const;
  bool writable() const { return queued_bytes() < kHighWater; }
  // Takes in no more lines until resume(): what the peer sends meanwhile waits with it.
  void pause();
  void resume();
  // Takes in no more lines, and closes once everything that is queued has gone out.
  void finish();

  // Why it broke, for a log; empty when it did not, or when the peer simply went.
  const std::string& trouble() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agdb
