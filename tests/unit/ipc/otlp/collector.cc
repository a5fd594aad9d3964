#include "tests/unit/ipc/otlp/collector.h"

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <string_view>
#include <thread>
#include <utility>

namespace agdb {
namespace {

using Acceptor = boost::asio::ip::tcp::acceptor;
using Socket = boost::asio::ip::tcp::socket;
using ErrorCode = boost::system::error_code;

std::size_t length_of(const std::string& head) {
  constexpr std::string_view kField = "Content-Length: ";
  const std::size_t at = head.find(kField);
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + kField.size()));
}

}  // namespace

struct Collector::Impl {
  explicit Impl(std::vector<Reply> given)
      : replies(std::move(given)),
        acceptor(context, {boost::asio::ip::address_v4::loopback(), 0}),
        thread([this] { serve(); }) {}

  // A connection to itself wakes the one that waits for the next.
  void stop() {
    if (!thread.joinable()) return;
    stopping = true;
    ErrorCode ignored;
    Socket wake(context);
    wake.connect(acceptor.local_endpoint(), ignored);
    thread.join();
  }

  void serve() {
    std::size_t next = 0;
    for (std::size_t connection = 0; !stopping; ++connection) {
      ErrorCode error;
      Socket socket(context);
      acceptor.accept(socket, error);
      if (error || stopping) return;
      while (next < replies.size() && answer(socket, replies[next], connection)) ++next;
      // The reply of which the connection died was given.
      if (next < replies.size()) ++next;
    }
  }

  bool answer(Socket& socket, const Reply& reply, std::size_t connection) {
    ErrorCode error;
    Request request;
    request.connection = connection;
    std::string buffer;
    const std::size_t size =
        boost::asio::read_until(socket, boost::asio::dynamic_buffer(buffer), "\r\n\r\n", error);
    if (error) return false;
    request.head = buffer.substr(0, size);
    buffer.erase(0, size);
    const std::size_t length = length_of(request.head);
    if (buffer.size() < length)
      boost::asio::read(socket, boost::asio::dynamic_buffer(buffer),
                        boost::asio::transfer_exactly(length - buffer.size()), error);
    request.body = buffer.substr(0, length);
    requests.push_back(std::move(request));
    if (reply.stays_silent) {
      char byte = 0;
      socket.read_some(boost::asio::buffer(&byte, 1), error);
      return false;
    }
    if (reply.text.empty()) return false;
    boost::asio::write(socket, boost::asio::buffer(reply.text), error);
    return !error && !reply.close_after;
  }

  std::vector<Reply> replies;
  std::vector<Request> requests;
  std::atomic<bool> stopping{false};
  boost::asio::io_context context;
  Acceptor acceptor;
  std::thread thread;
};

Collector::Collector(std::vector<Reply> replies)
    : impl_(std::make_unique<Impl>(std::move(replies))) {}

Collector::~Collector() {
  impl_->stop();
}

OtlpUrl Collector::url() const {
  return {"127.0.0.1", impl_->acceptor.local_endpoint().port(), "/v1/traces"};
}

const std::vector<Collector::Request>& Collector::requests() {
  impl_->stop();
  return impl_->requests;
}

Collector::Reply Collector::ok(std::string body, std::string headers) {
  return status("200 OK", std::move(body), std::move(headers));
}

Collector::Reply Collector::status(const std::string& line, std::string body, std::string headers) {
  return {"HTTP/1.1 " + line + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
          headers + "\r\n" + body};
}

}  // namespace agdb
