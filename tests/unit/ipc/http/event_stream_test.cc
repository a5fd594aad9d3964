#include "ipc/http/event_stream.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/unit/ipc/http/http_fixture.h"

namespace agdb {
namespace {

using namespace std::chrono_literals;

std::string taken(EventStream& stream) {
  std::string out;
  stream.take(out);
  return out;
}

TEST(EventStream, AnEventAsText) {
  EventStream stream;
  EXPECT_TRUE(stream.push({.name = "event", .data = "{\"n\":1}", .id = "7"}));
  EXPECT_EQ(taken(stream), "id: 7\nevent: event\ndata: {\"n\":1}\n\n");
  EXPECT_EQ(taken(stream), "");
}

TEST(EventStream, ALineOfDataForEachLine) {
  EventStream stream;
  stream.push({.data = "a\nb\r\nc\rd"});
  EXPECT_EQ(taken(stream), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  stream.push({.data = ""});
  EXPECT_EQ(taken(stream), "data: \n\n");
}

TEST(EventStream, HostileNamesCannotMakeEvents) {
  EventStream stream;
  stream.push({.name = "a\ndata: forged", .data = "x", .id = "1\r\n\r\ndata: forged"});
  EXPECT_EQ(taken(stream), "id: 1\nevent: a\ndata: x\n\n");
}

TEST(EventStream, WhatDoesNotFitIsLostWhereItIsMissing) {
  EventStream stream(30);
  stream.push({.data = "first"});
  stream.push({.data = std::string(100, 'x')});
  stream.push({.data = "y"});  // fits, but stands behind the gap
  EXPECT_EQ(stream.lost(), 2U);
  EXPECT_EQ(taken(stream), "data: first\n\nevent: lost\ndata: {\"lost\":2}\n\n");
  stream.push({.data = "later"});
  EXPECT_EQ(taken(stream), "data: later\n\n");
}

TEST(EventStream, WhatWasLostBeforeIsTold) {
  EventStream stream;
  stream.count_lost(3);
  EXPECT_EQ(taken(stream), "event: lost\ndata: {\"lost\":3}\n\n");
  EXPECT_EQ(stream.lost(), 3U);
}

TEST(EventStream, WakesOnceUntilItIsTakenFrom) {
  EventStream stream;
  int woken = 0;
  stream.attach([&woken] { ++woken; });
  stream.push({.data = "1"});
  stream.push({.data = "2"});
  EXPECT_EQ(woken, 1);
  taken(stream);
  stream.push({.data = "3"});
  EXPECT_EQ(woken, 2);
}

TEST(EventStream, WakesForWhatCameBeforeAnybodyListened) {
  EventStream stream;
  stream.push({.data = "early"});
  int woken = 0;
  stream.attach([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

TEST(EventStream, TheEndComesBehindWhatWaits) {
  EventStream stream;
  stream.push({.data = "last"});
  stream.end();
  std::string out;
  EXPECT_FALSE(stream.take(out));
  EXPECT_EQ(out, "data: last\n\n");
  EXPECT_FALSE(stream.push({.data = "too late"}));
}

TEST(EventStream, WhoeverPushesLearnsThatTheClientHasGone) {
  EventStream stream;
  int told = 0;
  stream.when_gone([&told] { ++told; });
  stream.leave();
  stream.leave();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(stream.gone());
  EXPECT_FALSE(stream.push({.data = "x"}));
  stream.when_gone([&told] { ++told; });
  EXPECT_EQ(told, 2);
}

// Over a connection.
class EventsOverHttp : public HttpServerCase {
 protected:
  Router routes() override {
    Router router = HttpServerCase::routes();
    router.add({.method = "GET", .pattern = "/events", .handler = [this](HttpRequest&) {
                  return HttpResponse{.headers = {{"Content-Type", "text/event-stream"}},
                                      .events = stream_};
                }});
    return router;
  }

  std::shared_ptr<EventStream> stream_ = std::make_shared<EventStream>();
};

TEST_F(EventsOverHttp, EventsComeAsTheyHappen) {
  serve();
  RawClient client(port());
  client.send(get("/events"));
  ASSERT_TRUE(client.receive_until("\r\n\r\n"));
  stream_->push({.data = "one"});
  ASSERT_TRUE(client.receive_until("data: one\n\n"));
  stream_->push({.data = "two"});
  ASSERT_TRUE(client.receive_until("data: two\n\n"));
  stream_->end();
  ASSERT_TRUE(client.receive_until("0\r\n\r\n"));
  client.in().clear();
  EXPECT_TRUE(client.ended());
}

TEST_F(EventsOverHttp, ASilentStreamShowsThatItIsAlive) {
  HttpServerOptions options;
  options.limits.event_pause = 10ms;
  serve(std::move(options));
  RawClient client(port());
  client.send(get("/events"));
  EXPECT_TRUE(client.receive_until(": still here\n\n"));
}

TEST_F(EventsOverHttp, AClientThatGoesIsNoticed) {
  serve();
  std::promise<void> gone;
  stream_->when_gone([&gone] { gone.set_value(); });
  {
    RawClient client(port());
    client.send(get("/events"));
    ASSERT_TRUE(client.receive_until("\r\n\r\n"));
  }
  EXPECT_EQ(gone.get_future().wait_for(60s), std::future_status::ready);
}

TEST_F(EventsOverHttp, ASlowClientLosesItsOwnEventsAndHoldsNobodyUp) {
  serve();
  RawClient slow(port(), 4096);
  slow.send(get("/events"));
  ASSERT_TRUE(slow.receive_until("\r\n\r\n"));
  const std::string large(100'000, 'x');
  // More than the sockets and the stream can hold.
  std::uint64_t pushed = 0;
  while (stream_->lost() == 0 && pushed < 1000) {
    stream_->push({.data = large});
    ++pushed;
  }
  EXPECT_GT(stream_->lost(), 0U);
  EXPECT_EQ(ask(get("/hello")).body, "hello");
  stream_->end();
  ASSERT_TRUE(slow.receive_until("0\r\n\r\n"));
  const std::uint64_t lost = stream_->lost();
  EXPECT_NE(slow.in().find("{\"lost\":" + std::to_string(lost) + "}"), std::string::npos);
}

TEST_F(EventsOverHttp, TheServerEndsWithAStreamOpen) {
  serve();
  RawClient client(port());
  client.send(get("/events"));
  ASSERT_TRUE(client.receive_until("\r\n\r\n"));
  server_.reset();
  EXPECT_TRUE(stream_->gone());
}

}  // namespace
}  // namespace agdb
