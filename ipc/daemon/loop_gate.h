#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/daemon/methods.h"

namespace boost::asio {
class io_context;
}

namespace agdb {

// The way to a daemon's loop for other threads of its process: they ask what a peer at the socket
// would ask, and wait. Any thread but the loop's; the daemon closes it before the loop goes.
class LoopGate {
 public:
  // All outlive the gate, or its close().
  LoopGate(boost::asio::io_context& loop, Core& core, const MethodTable& methods);
  ~LoopGate();
  LoopGate(const LoopGate&) = delete;
  LoopGate& operator=(const LoopGate&) = delete;

  // How long an answer may take; one that comes later goes nowhere.
  static constexpr std::chrono::seconds kPatience{10};

  // Calls a method of ipc/README.md. Only those that need no connection make sense: not agent.*,
  // nor what subscribes. Error when the daemon is ending (kUnavailable) or does not answer in time
  // (kTimeout).
  MethodResult call(std::string_view method, Json params,
                    std::chrono::milliseconds patience = kPatience);
  // Runs `work` on the loop's thread, some time; false: never, as the daemon is ending. What `work`
  // keeps must not be let go of on the loop's thread if that takes long.
  bool post(std::function<void(Core& core)> work);
  // Everybody who waits is told that the daemon is ending. Loop's thread, or after its end.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace agdb
