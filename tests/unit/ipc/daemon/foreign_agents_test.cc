// Agents of other programs, and views of them, over the socket.
#include <gmock/gmock.h>

#include "debug/record/metadata.h"
#include "debug/trace/span_id.h"
#include "tests/unit/ipc/daemon/daemon_fixture.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ForeignAgentsTest : public DaemonTest {
 protected:
  ForeignAgentsTest() { serve(); }

  std::uint64_t enroll(DaemonClient& client, Json params = {}) {
    params.set("intent", "tidy the docs");
    return pid_in(must(client.call("agent.register", params)));
  }
  Json answers(DaemonClient& client, std::uint64_t pid, std::int64_t tokens) {
    return must(client.call("agent.response", with({{"pid", pid}, {"request_tokens", tokens}})));
  }
  Json process(DaemonClient& client, std::uint64_t pid) {
    return must(client.call("process.info", with({{"pid", pid}})));
  }
  // Of the next notifications of a view, until `last` of them was an event's: what they are.
  struct Seen {
    std::uint64_t events = 0;
    std::uint64_t lost = 0;
    std::uint64_t next_seq = 1;
    bool in_order = true;
    bool over = false;
    std::vector<std::string> levels;  // of alerts
  };
  void take(const DaemonClient::Notification& told, Seen& seen) {
    seen.in_order = seen.in_order && told.params["seq"].to_uint() == seen.next_seq++;
    if (told.method == "strace.event") {
      ++seen.events;
      const Json& alert = told.params["event"]["alert"];
      if (alert.is_object())
        seen.levels.push_back(std::string(alert.text("kind")) + " " +
                              std::string(alert.text("level")));
    }
    if (told.method == "strace.lost") seen.lost += told.params["lost"].to_uint().value_or(0);
    seen.over = seen.over || told.params.boolean("last");
  }
  Seen see_all(DaemonClient& client) {
    Seen seen;
    while (!seen.over) {
      const auto told = client.next();
      if (!told || !*told) {
        ADD_FAILURE() << "the view ended early";
        return seen;
      }
      take(**told, seen);
    }
    return seen;
  }
};

TEST_F(ForeignAgentsTest, NobodySpeaksForAnother) {
  DaemonClient mine = connect();
  DaemonClient other = connect();
  const std::uint64_t pid = enroll(mine);
  const auto refused = other.call("agent.call", with({{"pid", pid}, {"name", "X"}}));
  EXPECT_THAT(refused.error().message, HasSubstr("no agent of this connection"));
  EXPECT_TRUE(mine.call("agent.call", with({{"pid", pid}, {"name", "X"}})).has_value());
}

TEST_F(ForeignAgentsTest, AConnectionThatEndsEndsItsAgents) {
  DaemonClient watching = connect();
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  {
    DaemonClient mine = connect();
    first = enroll(mine);
    second = enroll(mine, with({{"parent", first}}));
    EXPECT_EQ(process(watching, second).integer("ppid"), static_cast<std::int64_t>(first));
  }
  for (const std::uint64_t pid : {first, second})
    EXPECT_EQ(must(watching.call("process.wait", with({{"pid", pid}}))).text("exit_reason"),
              "disconnected");
}

TEST_F(ForeignAgentsTest, WhatWasRejectedIsToldWithTheNextAnswer) {
  auto raw = BlockingConnection::open(socket);
  ASSERT_TRUE(raw->send(request_line("1", "agent.register", "{}")));
  ASSERT_TRUE(raw->receive().has_value());
  ASSERT_TRUE(raw->send(notification_line("agent.call", R"({"pid":1,"name":""})") +
                        notification_line("agent.end", R"({"pid":1,"call":7})") +
                        request_line("2", "agent.gate", R"({"pid":1})") +
                        request_line("3", "agent.gate", R"({"pid":1})")));
  EXPECT_EQ(dump((*parse_json(raw->receive().value().value()))["result"]),
            R"({"go":true,"rejected":2})");
  EXPECT_EQ(dump((*parse_json(raw->receive().value().value()))["result"]), R"({"go":true})");
}

TEST_F(ForeignAgentsTest, AnotherProtocolIsRefusedInWords) {
  DaemonClient client = connect();
  const auto refused =
      client.call("agent.register", with({{"protocol", 2}, {"what_comes_with_it", 1}}));
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("protocol 1, not 2"));
}

TEST_F(ForeignAgentsTest, ATraceFromOutsideIsContinuedAndHandedOn) {
  DaemonClient client = connect();
  const std::string outer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const Json made = must(client.call(
      "agent.register", with({{"intent", "a part"}, {"record", true}, {"traceparent", outer}})));
  const auto own = parse_traceparent(made.text("traceparent"));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(own->span_id, "b7ad6b7169203331");
  const auto metadata = read_metadata(folder / "records" / std::string(made.text("record_id")));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->trace_id, own->trace_id);
  EXPECT_EQ(metadata->outer_span_id, "b7ad6b7169203331");

  const Json child = must(client.call("agent.register", with({{"parent", pid_in(made)}})));
  EXPECT_EQ(parse_traceparent(child.text("traceparent"))->trace_id, own->trace_id);
  EXPECT_EQ(process(client, pid_in(child)).text("trace_id"), own->trace_id);
}

TEST_F(ForeignAgentsTest, AWrongTraceparentIsRefusedInWords) {
  DaemonClient client = connect();
  const auto refused = client.call("agent.register", with({{"traceparent", "00-abc"}}));
  EXPECT_THAT(refused.error().message, HasSubstr("traceparent"));
}

TEST_F(ForeignAgentsTest, WrongParametersAreNamed) {
  DaemonClient client = connect();
  const std::uint64_t pid = enroll(client);
  const auto why = [&](const char* method, std::initializer_list<Json::Member> params) {
    Json json = Json::object(params);
    json.set("pid", pid);
    const auto result = client.call(method, json);
    return result ? "taken" : result.error().message;
  };
  EXPECT_THAT(why("agent.call", {{"name", "X"}, {"args", 5}}), HasSubstr("args"));
  EXPECT_THAT(why("agent.call", {{"name", "X"}, {"duration_ns", -5}}), HasSubstr("duration_ns"));
  EXPECT_THAT(why("agent.context", {{"messages", 5}}), HasSubstr("messages"));
  EXPECT_THAT(why("agent.context", {{"messages", Json::Array{Json(5)}}}), HasSubstr("messages[0]"));
  EXPECT_THAT(why("agent.context", {{"keep", 1}}), HasSubstr("keep"));
  EXPECT_THAT(why("agent.response", {{"cost_usd", "a lot"}}), HasSubstr("cost_usd"));
  EXPECT_THAT(why("agent.response", {{"tool_calls", Json::Array{Json(5)}}}),
              HasSubstr("tool_calls[0]"));
  EXPECT_THAT(why("agent.close", {{"exit_code", 1000}}), HasSubstr("exit_code"));
  EXPECT_THAT(why("agent.gate", {{"wiat", false}}), HasSubstr("wiat"));
}

TEST_F(ForeignAgentsTest, TheEndOfABudgetIsPredicted) {
  DaemonClient agent = connect();
  DaemonClient view = connect();
  const std::uint64_t pid = enroll(agent, with({{"budget", 100'000}}));
  must(view.call("strace.attach", with({{"pids", Json::Array{Json(pid)}}})));
  for (int step = 0; step < 40; ++step)
    if (!agent.call("agent.response", with({{"pid", pid}, {"request_tokens", 1000 + 200 * step}})))
      break;
  const Seen seen = see_all(view);
  EXPECT_EQ(seen.lost, 0U);
  EXPECT_THAT(seen.levels, ElementsAre("forecast warning", "budget warning", "forecast critical",
                                       "budget critical", "budget exceeded"));
}

TEST_F(ForeignAgentsTest, ASlowViewLosesOnlyItsOwnAndIsToldHowMany) {
  DaemonClient slow = connect();
  DaemonClient fast = connect();
  auto agent = BlockingConnection::open(socket);
  ASSERT_TRUE(agent->send(request_line("1", "agent.register", "{}")));
  ASSERT_TRUE(agent->receive().has_value());
  const Json pids = with({{"pids", Json::Array{Json(1)}}});
  must(slow.call("strace.attach", pids));
  must(fast.call("strace.attach", pids));
  constexpr int kCalls = 40'000;
  const std::string call = notification_line(
      "agent.call", R"({"pid":1,"name":"X","args":{"text":")" + std::string(300, 'x') + "\"}}");
  Seen seen_fast;
  for (int i = 0; i < kCalls / 100; ++i) {
    std::string lines;
    for (int j = 0; j < 100; ++j) lines += call;
    ASSERT_TRUE(agent->send(lines));
    while (seen_fast.events < 100 * static_cast<std::uint64_t>(i)) {
      const auto told = fast.next();
      ASSERT_TRUE(told.has_value());
      take(**told, seen_fast);
    }
  }
  ASSERT_TRUE(agent->send(request_line("2", "agent.close", R"({"pid":1})")));
  while (!seen_fast.over) {
    const auto told = fast.next();
    ASSERT_TRUE(told.has_value());
    take(**told, seen_fast);
  }
  const Seen seen_slow = see_all(slow);
  EXPECT_TRUE(seen_fast.in_order);
  EXPECT_TRUE(seen_slow.in_order);
  EXPECT_EQ(seen_fast.lost, 0U);
  EXPECT_GT(seen_slow.lost, 0U);
  EXPECT_EQ(seen_slow.events + seen_slow.lost, seen_fast.events);
}

TEST_F(ForeignAgentsTest, ViewsEndWithTheirSubscription) {
  DaemonClient client = connect();
  const std::uint64_t pid = enroll(client);
  const Json attached =
      must(client.call("strace.attach", with({{"pids", Json::Array{Json(pid)}}})));
  const Json& subscription = attached["subscription"];
  EXPECT_EQ(must(client.call("daemon.status", {})).integer("views"), 1);
  const Json told = must(client.call("strace.detach", with({{"subscription", subscription}})));
  EXPECT_EQ(told.integer("lost"), 0);
  EXPECT_EQ(must(client.call("daemon.status", {})).integer("views"), 0);
  EXPECT_THAT(client.call("strace.detach", with({{"subscription", subscription}})).error().message,
              HasSubstr("no subscription"));
  EXPECT_THAT(client.call("strace.attach", {}).error().message, HasSubstr("name processes"));
  EXPECT_THAT(client
                  .call("strace.attach", with({{"pids", Json::Array{Json(pid)}},
                                               {"filters", Json::Array{Json("status=odd")}}}))
                  .error()
                  .message,
              HasSubstr("status"));
}

TEST_F(ForeignAgentsTest, TheNewestThousandThatEndedAreKnown) {
  DaemonClient client = connect();
  for (int i = 0; i < 1002; ++i) must(client.call("agent.close", with({{"pid", enroll(client)}})));
  const auto first = client.call("process.info", with({{"pid", 1}}));
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().message, "process 1 ended long ago and is forgotten");
  EXPECT_EQ(process(client, 3).text("exit_reason"), "completed");
  const Json listed = must(client.call("process.list", with({{"ended", true}})));
  EXPECT_EQ(listed["processes"].size(), 1000U);
  EXPECT_EQ(listed.integer("forgotten"), 2);
  EXPECT_EQ(must(client.call("daemon.status", {}))["processes"].integer("ended"), 1002);
}

TEST_F(ForeignAgentsTest, AViewIsToldWhichPathACallIsAbout) {
  DaemonClient client = connect();
  const std::uint64_t pid = enroll(client);
  must(client.call("agent.tool", with({{"pid", pid}, {"name", "ls"}, {"error", "no"}})));
  Json pids = Json::array();
  pids.push_back(pid);
  Json filters = Json::array();
  filters.push_back("trace=Read");
  const Json view = with({{"pids", pids}, {"filters", filters}, {"last", 10}});
  must(client.call("strace.attach", view));
  const auto told = client.next();
  ASSERT_TRUE(told && *told);
  EXPECT_EQ((*told)->params.text("path"), "/dev/tool/ls");
}

}  // namespace
}  // namespace agdb
