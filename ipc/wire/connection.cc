#include "ipc/wire/connection.h"

#include <unistd.h>

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <deque>

namespace agdb {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

// Short lines go out together, up to so many bytes a write.
constexpr std::size_t kChunk = std::size_t{64} << 10;

}  // namespace

struct Connection::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& l, int fd) : loop(l), socket(l) {
    error_code error;
    socket.assign(Protocol(), fd, error);
    if (error) {
      ::close(fd);
    } else {
      socket.non_blocking(true, error);
    }
    if (error) trouble = error.message();
  }

  bool is_over() const { return broken || released; }

  void read() {
    const std::span<char> space = buffer.space();
    socket.async_read_some(asio::buffer(space.data(), space.size()),
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             if (!self->is_over()) self->on_read(error, bytes);
                           });
  }

  void on_read(error_code error, std::size_t bytes) {
    if (error == asio::error::eof) return on_end();
    if (error) return fail(error);
    buffer.filled(bytes);
    give_lines();
  }

  void give_lines() {
    in_turn = true;
    const Next next = take_lines();
    in_turn = false;
    if (is_over()) return;
    held = next == Next::kHeld;
    // All answers of the turn at once, and without the way through the loop if the system takes
    // them.
    if (!writing && !queue.empty()) write_now();
    if (is_over()) return;
    if (next == Next::kRead) read();
    if (next == Next::kLater) give_lines_later();
  }

  enum class Next { kRead, kLater, kHeld, kNever };
  Next take_lines() {
    for (int given = 0; given < kLinesPerTurn; ++given) {
      if (finishing) return Next::kNever;
      // The lines that are here already wait too.
      if (paused || queued >= kHighWater) return Next::kHeld;
      const std::optional<LineBuffer::Line> line = buffer.next();
      if (!line) return Next::kRead;
      handlers.line(*line);
      if (is_over()) return Next::kNever;
    }
    return Next::kLater;
  }

  void give_lines_later() {
    asio::post(loop, [self = shared_from_this()] {
      if (!self->is_over()) self->give_lines();
    });
  }

  // The peer may have shut down only its side: what it asked for is still answered. That it goes
  // away as a whole shows by waiting for an error.
  void on_end() {
    if (const std::optional<LineBuffer::Line> line = finishing ? std::nullopt : buffer.rest())
      handlers.line(*line);
    if (is_over()) return;
    socket.async_wait(Protocol::socket::wait_error, [self = shared_from_this()](error_code) {
      if (!self->is_over()) self->close_later();
    });
    if (handlers.ended) handlers.ended();
  }

  void send(std::string line) {
    if (is_over() || line.empty()) return;
    if (queued + line.size() > kMaxQueued) {
      trouble = "over " + std::to_string(kMaxQueued >> 20) + " MiB were not read";
      return close_later();
    }
    queued += line.size();
    is_full = is_full || queued >= kHighWater;
    const bool may_append = queue.size() > (writing ? 1 : 0);
    if (may_append && queue.back().size() + line.size() <= kChunk) {
      queue.back() += line;
    } else {
      queue.push_back(std::move(line));
    }
    if (!writing && !in_turn) write();
  }

  void write_now() {
    error_code error;
    const std::string& front = queue.front();
    const std::size_t bytes = socket.write_some(asio::buffer(front), error);
    if (error == asio::error::would_block) return write();
    on_written(error, bytes);
  }

  void write() {
    writing = true;
    const std::string& front = queue.front();
    socket.async_write_some(asio::buffer(front.data() + written, front.size() - written),
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                              if (!self->is_over()) self->on_written(error, bytes);
                            });
  }

  void on_written(error_code error, std::size_t bytes) {
    writing = false;
    if (error) return fail(error);
    written += bytes;
    queued -= bytes;
    if (written == queue.front().size()) {
      queue.pop_front();
      written = 0;
    }
    if (!queue.empty()) {
      write();
    } else if (finishing) {
      return close_later();
    }
    if (is_full && queued < kHighWater / 2) on_drained();
  }

  void on_drained() {
    is_full = false;
    go_on();
    if (handlers.drained) handlers.drained();
  }

  void go_on() {
    if (!paused && !is_full && std::exchange(held, false)) give_lines_later();
  }

  void fail(error_code error) {
    const bool went = error == asio::error::broken_pipe || error == asio::error::connection_reset;
    if (!went) trouble = error.message();
    close_later();
  }

  // Not from within a call of the owner's.
  void close_later() {
    if (std::exchange(broken, true)) return;
    asio::post(loop, [self = shared_from_this()] {
      self->shut();
      if (!self->released && self->handlers.closed) self->handlers.closed();
    });
  }

  void shut() {
    error_code ignored;
    socket.close(ignored);
    queue.clear();
    queued = 0;
  }

  asio::io_context& loop;
  Protocol::socket socket;
  Handlers handlers;
  LineBuffer buffer;
  std::deque<std::string> queue;  // while `writing`, the first one is left as it is
  std::size_t written = 0;        // bytes of the first one that have gone out
  std::size_t queued = 0;         // bytes that have not
  std::string trouble;
  bool in_turn = false;  // lines are being given
  bool writing = false;
  bool is_full = false;  // kHighWater was reached, and half of it is not free yet
  bool paused = false;   // by its owner
  bool held = false;     // no line is taken in until is_full or paused ends
  bool finishing = false;
  bool broken = false;
  bool released = false;  // by its owner
};

Connection::Connection(asio::io_context& loop, int fd) : impl_(std::make_shared<Impl>(loop, fd)) {}

// A callback that is under way keeps the Impl, and so itself, alive.
Connection::~Connection() {
  impl_->released = true;
  impl_->shut();
}

void Connection::start(Handlers handlers) {
  impl_->handlers = std::move(handlers);
  if (!impl_->trouble.empty()) return impl_->close_later();
  impl_->read();
}

void Connection::send(std::string line) {
  impl_->send(std::move(line));
}

std::size_t Connection::queued_bytes() const {
  return impl_->queued;
}

void Connection::pause() {
  impl_->paused = true;
}

void Connection::resume() {
  impl_->paused = false;
  impl_->go_on();
}

void Connection::finish() {
  if (impl_->is_over()) return;
  impl_->finishing = true;
  if (impl_->queue.empty()) impl_->close_later();
}

const std::string& Connection::trouble() const {
  return impl_->trouble;
}

}  // namespace agdb
