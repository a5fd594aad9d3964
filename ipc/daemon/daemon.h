#pragma once

#include <memory>

#include "ipc/daemon/core.h"

namespace agdb {

// The daemon: a runtime that others attach to, behind a socket.
//
//   AGDB_TRY(const std::unique_ptr<Daemon> daemon, Daemon::open(options));
//   daemon->run();    // until stop() or daemon.shutdown
//
// run is called by one thread, which is the runtime's then; stop comes from any. When run returns,
// every process has ended, every recording is closed, and the socket is gone.
class Daemon {
 public:
  // Errors as ListeningSocket::open's.
  static Result<std::unique_ptr<Daemon>> open(DaemonOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void run();
  void stop();

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
