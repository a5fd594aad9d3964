#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "ipc/http/guard.h"
#include "ipc/http/http_server.h"
#include "ipc/http/worker_pool.h"

namespace boost::asio {
class io_context;
}

namespace agdb {

// What the connections of a server share.
struct HttpShared {
  HttpShared(Router r, Guard g, const HttpLimits& l, std::size_t threads)
      : router(std::move(r)), guard(std::move(g)), limits(l), workers(threads) {}

  // For the head of an answer; made once a second. Loop's thread.
  const std::string& date();

  const Router router;
  const Guard guard;
  const HttpLimits limits;
  WorkerPool workers;
  // Loop's thread.
  std::size_t body_bytes = 0;  // of the requests that are being read
  std::size_t turning_away = 0;
  std::chrono::sys_seconds date_time{};
  std::string date_text;
  // For HttpCounts.
  std::atomic<std::uint64_t> connections = 0;
  std::atomic<std::uint64_t> turned_away = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> failed = 0;
  std::atomic<std::uint64_t> cut = 0;
};

// Serves a connected TCP socket until it ends, on the loop's thread; `fd` is the connection's from
// then on. `loop` outlives the connection but for pushed events, which look whether it is there.
void serve_connection(const std::shared_ptr<boost::asio::io_context>& loop, int fd,
                      const std::shared_ptr<HttpShared>& shared);
// Answers 503 to whatever comes, and closes.
void turn_away(const std::shared_ptr<boost::asio::io_context>& loop, int fd,
               const std::shared_ptr<HttpShared>& shared);

}  // namespace agdb
