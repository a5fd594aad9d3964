#include "ipc/wire/connection.h"

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <vector>

namespace agdb {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;
using boost::system::error_code;

// What one write carries at most; the system takes about 200 KiB of a Unix socket at once.
constexpr std::size_t kWriteBytes = std::size_t{256} << 10;
constexpr std::size_t kWriteLines = 512;

}  // namespace

struct Connection::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& l, int fd) : loop(l), socket(l, asio::local::stream_protocol(), fd) {}

  void read() {
    if (reading || ended || broken || released || queued >= kHighWater) return;
    reading = true;
    const std::span<char> space = buffer.space();
    socket.async_read_some(asio::buffer(space.data(), space.size()),
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             self->on_read(error, bytes);
                           });
  }

  void on_read(error_code error, std::size_t bytes) {
    reading = false;
    if (released) return;
    if (error == asio::error::eof) return on_end();
    if (error) return fail_later();
    buffer.filled(bytes);
    give_lines();
  }

  void give_lines() {
    for (int given = 0; given < kLinesPerTurn; ++given) {
      // Answers pile up: the lines that are here already wait too.
      if (queued >= kHighWater) return void(lines_wait = true);
      const std::optional<LineBuffer::Line> line = buffer.next();
      if (!line) return read();
      handlers.line(*line);
      if (released) return;
    }
    asio::post(loop, [self = shared_from_this()] {
      if (!self->released && !self->broken) self->give_lines();
    });
  }

  // The peer may have shut down only its side: what it asked for is still answered. Its going away
  // as a whole is seen by waiting for an error.
  void on_end() {
    ended = true;
    socket.async_wait(Socket::wait_error, [self = shared_from_this()](error_code) {
      if (!self->released) self->fail_later();
    });
    if (handlers.ended) handlers.ended();
  }

  void write() {
    if (writing || broken || queue.empty()) return;
    writing = true;
    std::vector<asio::const_buffer> buffers;
    std::size_t bytes = 0;
    under_way = 0;
    for (const std::string& line : queue) {
      if (bytes >= kWriteBytes || under_way >= kWriteLines) break;
      buffers.emplace_back(line.data(), line.size());
      bytes += line.size();
      ++under_way;
    }
    asio::async_write(socket, buffers,
                      [self = shared_from_this()](error_code error, std::size_t written) {
                        self->on_written(error, written);
                      });
  }

  void on_written(error_code error, std::size_t written) {
    writing = false;
    if (released) return;
    if (error) return fail_later();
    const bool was_high = queued >= kHighWater / 2;
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(under_way));
    queued -= written;
    write();
    if (queue.empty() && finishing) return fail_later();
    if (!was_high || queued >= kHighWater / 2) return;
    if (std::exchange(lines_wait, false)) {
      asio::post(loop, [self = shared_from_this()] {
        if (!self->released && !self->broken) self->give_lines();
      });
    } else {
      read();
    }
    if (handlers.drained) handlers.drained();
  }

  // Not from within a call of the owner's.
  void fail_later() {
    if (std::exchange(broken, true)) return;
    asio::post(loop, [self = shared_from_this()] {
      self->shut();
      if (!self->released && self->handlers.closed) self->handlers.closed();
    });
  }

  void shut() {
    error_code ignored;
    socket.close(ignored);
  }

  asio::io_context& loop;
  Socket socket;
  Handlers handlers;
  LineBuffer buffer;
  std::deque<std::string> queue;
  std::size_t queued = 0;     // bytes of it
  std::size_t under_way = 0;  // lines of it that are being written
  bool reading = false;
  bool writing = false;
  bool lines_wait = false;  // in the buffer, until answers have gone out
  bool ended = false;
  bool finishing = false;
  bool broken = false;
  bool released = false;  // by its owner
};

Connection::Connection(asio::io_context& loop, int fd) : impl_(std::make_shared<Impl>(loop, fd)) {}

// A callback that is under way keeps its own handlers alive through the Impl.
Connection::~Connection() {
  impl_->released = true;
  asio::post(impl_->loop, [impl = impl_] { impl->shut(); });
}

void Connection::start(Handlers handlers) {
  impl_->handlers = std::move(handlers);
  impl_->read();
}

void Connection::send(std::string line) {
  if (impl_->broken) return;
  impl_->queued += line.size();
  impl_->queue.push_back(std::move(line));
  impl_->write();
}

std::size_t Connection::queued_bytes() const {
  return impl_->queued;
}

void Connection::finish() {
  impl_->finishing = true;
  if (impl_->queue.empty()) impl_->fail_later();
}

}  // namespace agdb
