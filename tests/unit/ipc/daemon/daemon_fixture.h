#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ipc/client/daemon_client.h"
#include "ipc/daemon/daemon.h"

namespace agdb {

// A daemon in a folder of its own, on a thread of its own, and clients of it.
class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-daemon-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    socket = folder / "agdb.sock";
  }
  ~DaemonTest() override {
    stop();
    std::filesystem::remove_all(folder);
  }

  void serve(bool record_all = false) {
    DaemonOptions options;
    options.socket = socket;
    options.records_dir = folder / "records";
    options.record_all = record_all;
    options.version = "test";
    options.seed = 7;
    options.log = [](DaemonOptions::Level, const std::string&) {};
    auto opened = Daemon::open(std::move(options));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    daemon = std::move(*opened);
    thread = std::thread([this] { daemon->run(); });
  }
  void stop() {
    if (!daemon) return;
    daemon->stop();
    thread.join();
    daemon.reset();
  }

  DaemonClient connect() const {
    auto client = DaemonClient::connect(socket);
    EXPECT_TRUE(client.has_value()) << client.error().message;
    return std::move(client).value();
  }
  static Json must(Result<Json> result) {
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result ? std::move(*result) : Json();
  }
  // {"pid": 1, …} for short.
  static Json with(std::initializer_list<Json::Member> members) { return Json::object(members); }
  static std::uint64_t pid_in(const Json& json) { return json["pid"].to_uint().value_or(0); }

  // An agent of so many turns of 110 tokens, each `latency` long ("10s": it is there until it is
  // ended, as far as a test goes).
  static Json script(int turns, const std::string& latency = "0s", std::int64_t budget = 0) {
    Json list = Json::array();
    for (int i = 0; i < turns; ++i)
      list.push_back(Json::object({{"text", "turn " + std::to_string(i + 1)},
                                   {"usage", Json::object({{"request", 100}, {"response", 10}})},
                                   {"latency", latency}}));
    Json agent = Json::object({{"intent", "a task"}, {"turns", std::move(list)}});
    if (budget > 0) agent.set("budget", budget);
    return Json::object(
        {{"agdb_script", 1}, {"agents", Json::object({{"main", std::move(agent)}})}});
  }
  // A process that lives until it is ended, since its first answer takes an hour.
  std::uint64_t spawn_idle(DaemonClient& client) {
    return pid_in(must(client.call("process.spawn", with({{"script", script(1, "1h")}}))));
  }

  std::filesystem::path folder;
  std::string socket;
  std::unique_ptr<Daemon> daemon;
  std::thread thread;
};

}  // namespace agdb
