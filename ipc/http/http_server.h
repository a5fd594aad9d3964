#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ipc/http/address.h"
#include "ipc/http/request_parser.h"
#include "ipc/http/router.h"
#include "runtime/events/result.h"

namespace agdb {

// What a stranger may cost. Each has its own clear answer (README.md).
struct HttpLimits {
  HttpSizes sizes;
  std::size_t connections = 1024;                // in all; more are answered 503
  std::size_t body_bytes = 256 << 20;            // of all requests that are being read; more: 503
  std::chrono::milliseconds head_time{10'000};   // from its first byte to its last
  std::chrono::milliseconds body_stall{30'000};  // without a byte of it
  // Beyond this time so many bytes must have come of a body for each second. So a body holds its
  // connection for at most body_grace + its route's limit / body_rate.
  std::chrono::milliseconds body_grace{30'000};
  std::size_t body_rate = 4 << 10;
  std::chrono::milliseconds idle_time{60'000};  // between requests
  std::chrono::milliseconds write_stall{60'000};
  std::chrono::milliseconds event_pause{15'000};  // after which an event stream shows it is alive
};

struct HttpServerOptions {
  HttpAddress address;
  std::string token;  // that each request must bring; empty: none
  std::size_t workers = 2;
  HttpLimits limits;
  // One line for a log, from the server's thread.
  std::function<void(const std::string& line)> trouble;
};

// Since the server began, but for `connections`: those there are.
struct HttpCounts {
  std::uint64_t connections = 0;
  std::uint64_t turned_away = 0;  // connections beyond the limit
  std::uint64_t requests = 0;     // that were answered
  std::uint64_t refused = 0;      // of those, with a status of 4xx
  std::uint64_t failed = 0;       // of those, with a status of 5xx
  std::uint64_t cut = 0;  // answers that ended early: an error midway, or a peer that stalls
};

// An HTTP/1.1 server with a thread of its own for all connections, and a few workers on which the
// handlers run: a handler may take its time, and call the store or wait for another thread.
//
//   AGDB_TRY(const auto server, HttpServer::open({.address = {"127.0.0.1", 7475}},
//   std::move(router)));
//
// Destroying it ends all connections at once. It waits for the handlers that run: what they wait
// for must have ended before. Any thread.
class HttpServer {
 public:
  // Errors: an address of other machines without a token (kPermission), one that is not to be had
  // (kUnavailable: in use; kInvalid: unknown).
  // Who connects from now on waits for start.
  static Result<std::unique_ptr<HttpServer>> open(HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Once.
  void start(Router router);

  // With the port that it listens on.
  const HttpAddress& address() const;
  // REQUIRES: started.
  HttpCounts counts() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
