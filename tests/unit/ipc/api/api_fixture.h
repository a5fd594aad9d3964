#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "debug/runs/run_of_recordings.h"
#include "ipc/api/api_context.h"
#include "ipc/api/route_table.h"
#include "ipc/daemon/daemon.h"

namespace agdb {

struct Folder {
  Folder() {
    std::array<char, 32> name = {"/tmp/agdb-api-XXXXXX"};
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

// What handlers work on: a store, and a daemon that nobody runs.
class ApiCase : public testing::Test {
 protected:
  void SetUp() override {
    DaemonOptions options;
    options.socket = folder_.path + "/agdb.sock";
    options.records_dir = folder_.path + "/records";
    options.version = "1.2.3";
    options.log = [](DaemonOptions::Level, const std::string&) {};
    daemon_ = *Daemon::open(std::move(options));
    store_.emplace(*TraceStore::open(store_path(folder_.path + "/records"), clock_));
    context_.emplace(ApiContext{.records_dir = folder_.path + "/records",
                                .traces_dir = folder_.path + "/traces",
                                .version = "1.2.3",
                                .store = *store_,
                                .gate = daemon_->gate(),
                                .clock = clock_,
                                .http_counts = [] { return HttpCounts{}; }});
  }

  // The router is made of the table anew each time that it has been filled.
  void route() { router_ = table_.router(*context_); }

  HttpResponse ask(const std::string& method, const std::string& target, std::string body = {}) {
    HttpRequest request{.method = method, .target = *parse_target(target), .body = std::move(body)};
    Router::Match match = router_.find(method, request.target.path);
    if (match.route == nullptr) return {.status = 404};
    request.names = std::move(match.names);
    return match.route->handler(request);
  }

  Folder folder_;
  RealClock clock_;
  std::unique_ptr<Daemon> daemon_;
  std::optional<TraceStore> store_;
  std::optional<ApiContext> context_;
  RouteTable table_;
  Router router_;
};

}  // namespace agdb
