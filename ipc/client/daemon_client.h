#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/wire/blocking_connection.h"
#include "ipc/wire/rpc_message.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// A conversation with the daemon: calls, one at a time, and what comes for subscriptions. One
// thread. Move-only.
class DaemonClient {
 public:
  // Errors as BlockingConnection's; those are what all members give, too. `interrupt`: see there.
  static Result<DaemonClient> connect(const std::string& path, int interrupt = -1);

  // The result, or the daemon's error. Notifications that come before the answer are kept for
  // next().
  Result<Json> call(std::string_view method, const Json& params);

  struct Notification {
    std::string method;
    Json params;
  };
  // The next one; nothing when none came within `limit` (no limit: waits on).
  Result<std::optional<Notification>> next(
      std::optional<std::chrono::milliseconds> limit = std::nullopt);

 private:
  explicit DaemonClient(BlockingConnection connection) : connection_(std::move(connection)) {}
  BlockingConnection connection_;
  std::deque<Notification> kept_;
  std::uint64_t next_id_ = 1;
};

}  // namespace agdb
