#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ipc/wire/connection.h"
#include "ipc/wire/unix_socket.h"

namespace agdb {

// Accepts connections of the same user on a listening socket. Others are turned away and counted.
// Where the system has no file descriptor left it waits and tries again. Destroying it gives up the
// socket and its lock at once; connections go on. Lives on the loop's thread; it may be destroyed
// within a callback.
class Server {
 public:
  struct Handlers {
    std::function<void(std::unique_ptr<Connection> connection, Peer peer)> connected;
    // One line for a log: somebody was turned away; accepting fails (said once, until it works
    // again).
    std::function<void(const std::string& line)> trouble;
  };

  // `loop` outlives it.
  Server(boost::asio::io_context& loop, ListeningSocket socket, Handlers handlers);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint64_t turned_away() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agdb
