#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/http/http_server.h"
#include "ipc/http/problem.h"

namespace agdb {

// What came back, as bytes.
struct RawAnswer {
  std::string head;
  std::string body;  // without chunks' frames
  bool whole = false;

  int status() const {
    int number = 0;
    if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, number);
    return number;
  }
  bool has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

// A client that sends what it is told to, and nothing else.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Nothing more will be sent.
  void finish() { ::shutdown(fd_, SHUT_WR); }

  // false: the server does not take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // false: the other side has ended.
  bool receive() {
    std::array<char, 65536> piece{};
    const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
    if (got <= 0) return false;
    in_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }

  // Reads until `text` has come.
  bool receive_until(std::string_view text) {
    while (in_.find(text) == std::string::npos)
      if (!receive()) return false;
    return true;
  }

  // The next answer. `head_only`: it is one to a HEAD.
  RawAnswer answer(bool head_only = false) {
    RawAnswer answer;
    if (!receive_until("\r\n\r\n")) {
      answer.head = std::exchange(in_, {});
      return answer;
    }
    const std::size_t end = in_.find("\r\n\r\n") + 4;
    answer.head = in_.substr(0, end);
    in_.erase(0, end);
    const bool bare = head_only || answer.status() == 204 || answer.status() == 100;
    if (bare) {
      answer.whole = true;
    } else if (answer.has("Transfer-Encoding: chunked")) {
      take_chunks(answer);
    } else if (const auto length = length_of(answer.head)) {
      while (in_.size() < *length && receive()) {
      }
      answer.whole = in_.size() >= *length;
      answer.body = in_.substr(0, *length);
      in_.erase(0, *length);
    } else {
      while (receive()) {
      }
      answer.whole = true;
      answer.body = std::exchange(in_, {});
    }
    return answer;
  }

  RawAnswer ask(std::string_view bytes) {
    send(bytes);
    return answer(bytes.starts_with("HEAD "));
  }

  bool ended() { return in_.empty() && !receive(); }
  std::string& in() { return in_; }
  int fd() const { return fd_; }

 private:
  static std::optional<std::size_t> length_of(const std::string& head) {
    static constexpr std::string_view kField = "Content-Length: ";
    const std::size_t at = head.find(kField);
    if (at == std::string::npos) return std::nullopt;
    std::size_t length = 0;
    std::from_chars(head.data() + at + kField.size(), head.data() + head.size(), length);
    return length;
  }

  void take_chunks(RawAnswer& answer) {
    for (;;) {
      if (!receive_until("\r\n")) return;
      std::size_t size = 0;
      std::from_chars(in_.data(), in_.data() + in_.size(), size, 16);
      in_.erase(0, in_.find("\r\n") + 2);
      while (in_.size() < size + 2)
        if (!receive()) return;
      answer.body += in_.substr(0, size);
      in_.erase(0, size + 2);
      if (size == 0) {
        answer.whole = true;
        return;
      }
    }
  }

  int fd_ = -1;
  std::string in_;
};

// A server on a port of its own with a few paths:
//   GET /hello      "hello"                POST /echo    the body, of up to 1,000 bytes, as text
//   GET /names/{a}/{b}                     GET /pieces   "0,1,2,…9999," piece by piece
//   GET /endless    100 KiB a piece, until nobody reads; tells when it is let go of
//   GET /broken     two pieces, an error   GET /failed   an error at once
class HttpServerCase : public testing::Test {
 protected:
  static constexpr std::size_t kMaxEcho = 1000;

  void serve(HttpServerOptions options = {}) {
    options.address.host = options.address.host.empty() ? "127.0.0.1" : options.address.host;
    Result<std::unique_ptr<HttpServer>> opened = HttpServer::open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = *std::move(opened);
    server_->start(routes());
  }

  virtual Router routes() {
    Router router;
    router.add({.method = "GET", .pattern = "/hello", .handler = [](HttpRequest&) {
                  return text_response("hello", "text/plain");
                }});
    router.add({.method = "GET", .pattern = "/names/{a}/{b}", .handler = [](HttpRequest& request) {
                  return text_response(request.names["a"] + "|" + request.names["b"], "text/plain");
                }});
    router.add({.method = "POST",
                .pattern = "/echo",
                .handler =
                    [](HttpRequest& request) {
                      return text_response(std::move(request.body), "text/plain");
                    },
                .max_body = kMaxEcho,
                .body_types = {"text/plain"}});
    router.add({.method = "GET", .pattern = "/pieces", .handler = [](HttpRequest&) {
                  return HttpResponse{.source = [n = 0](std::string& out) mutable -> Result<bool> {
                    out += std::to_string(n) + ",";
                    return ++n < 10'000;
                  }};
                }});
    router.add({.method = "GET", .pattern = "/endless", .handler = [this](HttpRequest&) {
                  return HttpResponse{.source = [this, end = std::make_shared<AtEnd>(&released_)](
                                                    std::string& out) -> Result<bool> {
                    out.assign(100 << 10, 'x');
                    ++pieces_;
                    return true;
                  }};
                }});
    router.add({.method = "GET", .pattern = "/broken", .handler = [](HttpRequest&) {
                  return HttpResponse{.source = [n = 0](std::string& out) mutable -> Result<bool> {
                    if (n++ == 2) return fail(Code::kIo, "the disk is gone");
                    out.append(100 << 10, 'x');
                    return true;
                  }};
                }});
    router.add({.method = "GET", .pattern = "/failed", .handler = [](HttpRequest&) {
                  return HttpResponse{.source = [](std::string&) -> Result<bool> {
                    return fail(Code::kIo, "the disk is gone");
                  }};
                }});
    return router;
  }

  std::uint16_t port() const { return server_->address().port; }

  // A request's head, with the Host that it needs.
  std::string head(std::string_view line, std::string_view fields = {}) const {
    return std::string(line) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port()) + "\r\n" +
           std::string(fields) + "\r\n";
  }
  std::string get(std::string_view target) const { return head("GET " + std::string(target)); }

  // What a connection of its own answers to these bytes.
  RawAnswer ask(std::string_view bytes) {
    RawClient client(port());
    return client.ask(bytes);
  }

  // Tells when the last copy of a source has gone.
  struct AtEnd {
    explicit AtEnd(std::promise<void>* t) : told(t) {}
    ~AtEnd() { told->set_value(); }
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    std::promise<void>* told;
  };

  std::promise<void> released_;  // the source of /endless
  std::atomic<int> pieces_ = 0;  // that it gave
  std::unique_ptr<HttpServer> server_;
};

}  // namespace agdb
