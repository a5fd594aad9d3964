#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ipc/daemon/core.h"
#include "ipc/daemon/loop_gate.h"

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

  // For other threads of this process. Valid as long as the daemon; closed when run returns.
  LoopGate& gate();
  // Another way in, which daemon.status tells: "http" and "127.0.0.1:7475". Before run.
  void add_listener(const std::string& name, const std::string& address);
  // More for daemon.status, under that name: asked on the loop's thread, each time. Before run.
  void add_report(const std::string& name, std::function<Json()> report);
  // Called on the loop's thread when the daemon ends, before its processes do and before whoever
  // asked for it is told: may take its time. Before run.
  void at_end(std::function<void()> work);

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
