#pragma once

#include <memory>
#include <string>

#include "ipc/daemon/daemon.h"
#include "ipc/http/http_server.h"

namespace agdb {

struct ApiServerOptions {
  HttpServerOptions http;
  std::string records_dir;
  std::string traces_dir;
  std::string version;
};

// A daemon's abilities and the store of runs over HTTP.
//
// Opened before the daemon runs, destroyed when run has returned and before the daemon goes.
class ApiServer {
 public:
  // Errors as HttpServer::open's and TraceStore::open's. `daemon` outlives it.
  static Result<std::unique_ptr<ApiServer>> open(ApiServerOptions options, Daemon& daemon);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  const HttpAddress& address() const;

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb
