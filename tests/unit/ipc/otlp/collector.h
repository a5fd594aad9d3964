#pragma once

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>
#include <vector>

#include "ipc/otlp/otlp_url.h"

namespace agdb {

// A collector on the loopback that gives the answers that a test wrote down, one for each request,
// and keeps what it was sent. Bytes are its language: it knows no HTTP library.
class Collector {
 public:
  struct Reply {
    std::string text;           // the whole answer; empty: the connection is closed instead
    bool close_after = false;   // although the answer did not say so
    bool stays_silent = false;  // until the other side goes
  };
  struct Request {
    std::string head;
    std::string body;
    std::size_t connection = 0;
  };

  explicit Collector(std::vector<Reply> replies)
      : replies_(std::move(replies)),
        acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        thread_([this] { serve(); }) {}
  ~Collector() { stop(); }

  OtlpUrl url() const { return {"127.0.0.1", acceptor_.local_endpoint().port(), "/v1/traces"}; }
  // What was sent. All replies have been given, or the other side has gone.
  const std::vector<Request>& requests() {
    stop();
    return requests_;
  }

  static Reply ok(std::string body = "{}", std::string headers = "") {
    return status("200 OK", std::move(body), std::move(headers));
  }
  static Reply status(const std::string& line, std::string body = "", std::string headers = "") {
    return {"HTTP/1.1 " + line + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
            headers + "\r\n" + body};
  }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;

  // A connection to itself wakes the one that waits for the next.
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    ErrorCode ignored;
    Socket wake(context_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  void serve() {
    std::size_t next = 0;
    for (std::size_t connection = 0; !stopping_; ++connection) {
      ErrorCode error;
      Socket socket(context_);
      acceptor_.accept(socket, error);
      if (error || stopping_) return;
      while (next < replies_.size() && answer(socket, replies_[next], connection)) ++next;
      // The reply of which the connection died was given.
      if (next < replies_.size()) ++next;
    }
  }

  bool answer(Socket& socket, const Reply& reply, std::size_t connection) {
    ErrorCode error;
    Request request;
    request.connection = connection;
    const std::size_t size =
        boost::asio::read_until(socket, boost::asio::dynamic_buffer(buffer_), "\r\n\r\n", error);
    if (error) {
      buffer_.clear();
      return false;
    }
    request.head = buffer_.substr(0, size);
    buffer_.erase(0, size);
    const std::size_t length = length_of(request.head);
    if (buffer_.size() < length)
      boost::asio::read(socket, boost::asio::dynamic_buffer(buffer_),
                        boost::asio::transfer_exactly(length - buffer_.size()), error);
    request.body = buffer_.substr(0, length);
    buffer_.clear();
    requests_.push_back(std::move(request));
    if (reply.stays_silent) {
      char byte = 0;
      socket.read_some(boost::asio::buffer(&byte, 1), error);
      return false;
    }
    if (reply.text.empty()) return false;
    boost::asio::write(socket, boost::asio::buffer(reply.text), error);
    return !error && !reply.close_after;
  }

  static std::size_t length_of(const std::string& head) {
    constexpr std::string_view kField = "Content-Length: ";
    const std::size_t at = head.find(kField);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + kField.size()));
  }

  std::vector<Reply> replies_;
  std::vector<Request> requests_;
  std::string buffer_;
  std::atomic<bool> stopping_{false};
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace agdb
