#include "ipc/daemon/daemon.h"

#include <gmock/gmock.h>

#include "debug/record/reader.h"
#include "tests/unit/ipc/daemon/daemon_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(DaemonTest, TellsAboutItself) {
  serve();
  DaemonClient client = connect();
  const Json status = must(client.call("daemon.status", {}));
  EXPECT_EQ(status.text("version"), "test");
  EXPECT_EQ(status.integer("protocol"), 1);
  EXPECT_EQ(status.integer("os_pid"), ::getpid());
  EXPECT_EQ(status["processes"].integer("alive"), 0);
  EXPECT_EQ(status.integer("connections"), 1);
}

TEST_F(DaemonTest, OneADaemonASocket) {
  serve();
  DaemonOptions second;
  second.socket = socket;
  const auto refused = Daemon::open(std::move(second));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("serves"));
}

TEST_F(DaemonTest, WhatIsNoMethodIsSaid) {
  serve();
  DaemonClient client = connect();
  EXPECT_THAT(client.call("daemon.statsu", {}).error().message, HasSubstr("no method"));
  EXPECT_THAT(client.call("daemon.status", with({{"verbose", true}})).error().message,
              HasSubstr("verbose: there is no such parameter"));
  EXPECT_THAT(client.call("process.info", with({{"pid", 9}})).error().message,
              HasSubstr("no process with pid 9"));
  EXPECT_THAT(client.call("process.info", with({{"pid", "9-1"}})).error().message,
              HasSubstr("recorded as 9-1"));
  EXPECT_THAT(client.call("process.info", {}).error().message, HasSubstr("pid"));
}

TEST_F(DaemonTest, SpawnsAndWaits) {
  serve();
  DaemonClient client = connect();
  const std::uint64_t pid =
      pid_in(must(client.call("process.spawn", with({{"script", script(3)}}))));
  EXPECT_EQ(pid, 1U);
  const Json ended = must(client.call("process.wait", with({{"pid", pid}})));
  EXPECT_EQ(ended.text("state"), "dead");
  EXPECT_EQ(ended.text("exit_reason"), "completed");
  EXPECT_EQ(ended.integer("steps"), 3);
  EXPECT_EQ(ended.integer("tokens_used"), 330);
  EXPECT_EQ(ended["recent"].size(), 3U);
  EXPECT_EQ(must(client.call("process.list", {}))["processes"].size(), 0U);
  EXPECT_EQ(must(client.call("process.list", with({{"ended", true}})))["processes"].size(), 1U);
}

TEST_F(DaemonTest, AScriptMayComeAsText) {
  serve();
  DaemonClient client = connect();
  EXPECT_EQ(pid_in(must(client.call("process.spawn", with({{"script", dump(script(1))}})))), 1U);
  EXPECT_THAT(
      client.call("process.spawn", with({{"script", "{\"agdb_script\":1}"}})).error().message,
      HasSubstr("agents"));
  EXPECT_THAT(client.call("process.spawn", {}).error().message, HasSubstr("script"));
}

TEST_F(DaemonTest, WaitingOfOneDelaysNoOther) {
  serve();
  DaemonClient waiting = connect();
  DaemonClient other = connect();
  const std::uint64_t pid = spawn_idle(other);
  std::thread waiter([&] {
    const Json ended = must(waiting.call("process.wait", with({{"pid", pid}})));
    EXPECT_EQ(ended.text("exit_reason"), "killed");
    EXPECT_EQ(ended.integer("exit_code"), 137);
  });
  EXPECT_EQ(must(other.call("process.info", with({{"pid", pid}}))).text("state"), "running");
  must(other.call("process.signal", with({{"pid", pid}, {"signal", "kill"}})));
  waiter.join();
  EXPECT_THAT(
      other.call("process.signal", with({{"pid", pid}, {"signal", "kill"}})).error().message,
      HasSubstr("has ended"));
}

TEST_F(DaemonTest, PausesAndResumes) {
  serve();
  DaemonClient client = connect();
  const std::uint64_t pid = spawn_idle(client);
  const auto signal = [&](const char* name) {
    return must(client.call("process.signal", with({{"pid", pid}, {"signal", name}})))
               .text("state") == "suspended";
  };
  EXPECT_TRUE(signal("pause"));
  EXPECT_FALSE(signal("resume"));
  EXPECT_THAT(
      client.call("process.signal", with({{"pid", pid}, {"signal", "hup"}})).error().message,
      HasSubstr("none of"));
}

TEST_F(DaemonTest, BudgetsOfLivingProcesses) {
  serve();
  DaemonClient client = connect();
  const std::uint64_t pid = spawn_idle(client);
  Json told = must(
      client.call("process.budget", with({{"pid", pid}, {"budget", 500}, {"policy", "pause"}})));
  EXPECT_EQ(told.integer("budget"), 500);
  EXPECT_EQ(told.text("policy"), "pause");
  told = must(client.call("process.budget", with({{"pid", pid}})));
  EXPECT_EQ(told.integer("budget"), 500);
  EXPECT_FALSE(client.call("process.budget", with({{"pid", pid}, {"budget", -1}})).has_value());
  EXPECT_FALSE(client.call("process.budget", with({{"pid", pid}, {"policy", "x"}})).has_value());
}

TEST_F(DaemonTest, RecordsFromBirthAndLater) {
  serve();
  DaemonClient client = connect();
  const Json born =
      must(client.call("process.spawn", with({{"script", script(2)}, {"record", true}})));
  EXPECT_NE(born.text("record_id"), "");
  must(client.call("process.wait", with({{"pid", pid_in(born)}})));

  const std::uint64_t pid = spawn_idle(client);
  const Json begun = must(client.call("record.start", with({{"pid", pid}})));
  const std::string id(begun["recordings"].items().at(0).text("record_id"));
  EXPECT_EQ(must(client.call("process.info", with({{"pid", id}}))).integer("pid"),
            static_cast<std::int64_t>(pid));
  EXPECT_EQ(must(client.call("record.list", {}))["recordings"].size(), 1U);
  EXPECT_THAT(client.call("record.start", with({{"pid", pid}})).error().message,
              HasSubstr("already"));
  const Json ended = must(client.call("record.stop", with({{"pid", pid}})));
  EXPECT_EQ(ended.text("record_id"), id);
  EXPECT_THAT(client.call("record.stop", with({{"pid", pid}})).error().message,
              HasSubstr("not being recorded"));
  for (const std::string& name : {id, std::string(born.text("record_id"))}) {
    const auto recording = Recording::open((folder / "records" / name).string());
    ASSERT_TRUE(recording.has_value()) << recording.error().message;
    EXPECT_GT(recording->size(), 0U);
  }
}

TEST_F(DaemonTest, ShuttingDownClosesEverything) {
  serve(true);
  DaemonClient client = connect();
  const std::string id(
      must(client.call("process.spawn", with({{"script", script(1, "1h")}}))).text("record_id"));
  ASSERT_NE(id, "");
  must(client.call("daemon.shutdown", {}));
  thread.join();
  daemon.reset();
  EXPECT_FALSE(std::filesystem::exists(socket));
  const auto recording = Recording::open((folder / "records" / id).string());
  ASSERT_TRUE(recording.has_value());
  EXPECT_EQ(recording->metadata().status, "completed");
  EXPECT_EQ(recording->metadata().exit_reason, "interrupted");
}

TEST_F(DaemonTest, GarbageIsAnsweredAndTheRestGoesOn) {
  serve();
  auto raw = BlockingConnection::open(socket);
  ASSERT_TRUE(raw->send(
      "garbage\n\n[1,{}]\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.status\"}\n"));
  EXPECT_THAT(std::string(raw->receive().value().value()), HasSubstr("-32700"));
  EXPECT_THAT(std::string(raw->receive().value().value()), HasSubstr("-32600"));
  EXPECT_THAT(std::string(raw->receive().value().value()), HasSubstr("\"result\""));
}

TEST_F(DaemonTest, ABatchIsAnsweredByOneLine) {
  serve();
  auto raw = BlockingConnection::open(socket);
  ASSERT_TRUE(raw->send(
      R"([{"jsonrpc":"2.0","id":"a","method":"daemon.status"},{"jsonrpc":"2.0","method":"no.such"},)"
      R"({"jsonrpc":"2.0","id":"b","method":"no.such"}])"
      "\n"));
  const Json answers = *parse_json(raw->receive().value().value());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers.items()[0].text("id"), "a");
  EXPECT_EQ(answers.items()[1]["error"].integer("code"), -32601);
}

TEST_F(DaemonTest, NotificationsThatFailAreCounted) {
  serve();
  auto raw = BlockingConnection::open(socket);
  ASSERT_TRUE(raw->send("{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}\n"));
  DaemonClient client = connect();
  // The line above is first on its connection; this asks on the same one.
  ASSERT_TRUE(raw->send(request_line("1", "daemon.status", "{}")));
  const Json status = *parse_json(raw->receive().value().value());
  EXPECT_EQ(status["result"].integer("rejected_notifications"), 1);
}

}  // namespace
}  // namespace agdb
