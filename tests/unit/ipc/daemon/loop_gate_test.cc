#include "ipc/daemon/loop_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/unit/ipc/daemon/daemon_fixture.h"

namespace agdb {
namespace {

using namespace std::chrono_literals;

class LoopGateTest : public DaemonTest {};

TEST_F(LoopGateTest, AsksAsAPeerAtTheSocketWould) {
  serve();
  DaemonClient client = connect();
  const std::uint64_t pid = spawn_idle(client);
  const MethodResult info = daemon->gate().call("process.info", Json::object({{"pid", pid}}));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->text("intent"), "a task");
  EXPECT_EQ(pid_in(*info), pid);
}

TEST_F(LoopGateTest, ItIsNoConnection) {
  serve();
  EXPECT_EQ(daemon->gate().call("daemon.status", {})->integer("connections", -1), 0);
}

TEST_F(LoopGateTest, ErrorsAreThoseOfTheMethod) {
  serve();
  const MethodResult unknown = daemon->gate().call("process.info", Json::object({{"pid", 99}}));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, RpcCode::kNotFound);
  EXPECT_EQ(daemon->gate().call("no.such", {}).error().code, RpcCode::kMethodNotFound);
  EXPECT_EQ(daemon->gate().call("process.list", Json::object({{"x", 1}})).error().code,
            RpcCode::kInvalidParams);
}

TEST_F(LoopGateTest, PatienceEnds) {
  serve();
  DaemonClient client = connect();
  const Json params = Json::object({{"pid", spawn_idle(client)}});
  const MethodResult waited = daemon->gate().call("process.wait", params, 10ms);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, RpcCode::kTimeout);
}

TEST_F(LoopGateTest, WorkRunsOnTheLoop) {
  serve();
  std::promise<std::string> version;
  ASSERT_TRUE(
      daemon->gate().post([&version](Core& core) { version.set_value(core.options.version); }));
  EXPECT_EQ(version.get_future().get(), "test");
}

TEST_F(LoopGateTest, ManyThreadsMayAsk) {
  serve();
  std::vector<std::jthread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k)
        if (daemon->gate().call("process.list", Json::object())) ++answered;
    });
  threads.clear();
  EXPECT_EQ(answered, 400);
}

TEST_F(LoopGateTest, WhoeverAsksADaemonThatHasEndedIsToldSo) {
  serve();
  daemon->stop();
  thread.join();
  EXPECT_EQ(daemon->gate().call("daemon.status", {}).error().code, RpcCode::kUnavailable);
  EXPECT_FALSE(daemon->gate().post([](Core&) {}));
  daemon.reset();
}

TEST_F(LoopGateTest, WhoeverWaitsIsToldThatItIsClosed) {
  serve();
  DaemonClient client = connect();
  const Json params = Json::object({{"pid", spawn_idle(client)}});
  auto waiting = std::async(std::launch::async,
                            [&] { return daemon->gate().call("process.wait", params, 600s); });
  // Behind the call, or before it: either way it does not wait for its 600 s.
  std::promise<void> closed;
  daemon->gate().post([this, &closed](Core&) {
    daemon->gate().close();
    closed.set_value();
  });
  closed.get_future().wait();
  EXPECT_EQ(waiting.get().error().code, RpcCode::kUnavailable);
}

}  // namespace
}  // namespace agdb
