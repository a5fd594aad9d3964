#include "ipc/http/http_server.h"

#include "tests/unit/ipc/http/http_fixture.h"

namespace agdb {
namespace {

using namespace std::chrono_literals;

class HttpServerTest : public HttpServerCase {};

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(HttpServerTest, AnswersWithLengthDateAndSafety) {
  serve();
  const RawAnswer answer = ask(get("/hello"));
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.has("Content-Length: 5\r\n"));
  EXPECT_TRUE(answer.has("\r\nDate: "));
  EXPECT_TRUE(answer.has("Cache-Control: no-store\r\n"));
  EXPECT_TRUE(answer.has("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_FALSE(answer.has("Access-Control"));
}

TEST_F(HttpServerTest, KeepsTheConnection) {
  serve();
  RawClient client(port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  EXPECT_EQ(client.ask(head("GET /hello", "Connection: close\r\n")).status(), 200);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server_->counts().requests, 4U);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  serve();
  RawClient client(port());
  client.send(get("/names/1/a") + get("/pieces") + get("/nope") + get("/names/2/b"));
  EXPECT_EQ(client.answer().body, "1|a");
  EXPECT_TRUE(client.answer().whole);
  EXPECT_EQ(client.answer().status(), 404);
  EXPECT_EQ(client.answer().body, "2|b");
}

TEST_F(HttpServerTest, RequestsMayComeByteByByte) {
  serve();
  RawClient client(port());
  for (const char c : get("/names/x%20y/2")) client.send({&c, 1});
  EXPECT_EQ(client.answer().body, "x y|2");
}

TEST_F(HttpServerTest, Http10EndsWithTheAnswer) {
  serve();
  RawClient client(port());
  const RawAnswer answer = client.ask("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(client.ended());
  const RawAnswer pieces = ask("GET /pieces HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(pieces.has("chunked"));
  EXPECT_TRUE(pieces.body.ends_with("9998,9999,"));
}

TEST_F(HttpServerTest, HeadHasTheHeadOfGetAndNoBody) {
  serve();
  RawClient client(port());
  const RawAnswer answer = client.ask(head("HEAD /hello"));
  EXPECT_EQ(answer.status(), 200);
  EXPECT_TRUE(answer.has("Content-Length: 5\r\n"));
  EXPECT_TRUE(client.ask(head("HEAD /pieces")).has("Transfer-Encoding: chunked"));
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(HttpServerTest, OptionsSaysWhichMethodsThereAre) {
  serve();
  RawClient client(port());
  const RawAnswer one = client.ask(head("OPTIONS /echo"));
  EXPECT_EQ(one.status(), 204);
  EXPECT_TRUE(one.has("Allow: POST, OPTIONS\r\n"));
  EXPECT_EQ(client.ask(head("OPTIONS *")).status(), 204);
  EXPECT_EQ(client.ask(head("OPTIONS /nope")).status(), 404);
}

TEST_F(HttpServerTest, MethodsThatAPathHasNot) {
  serve();
  const RawAnswer wrong = ask(head("DELETE /hello"));
  EXPECT_EQ(wrong.status(), 405);
  EXPECT_TRUE(wrong.has("Allow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_EQ(ask(head("BREW /hello")).status(), 501);
  EXPECT_EQ(ask(head("CONNECT 127.0.0.1:80")).status(), 501);
}

TEST_F(HttpServerTest, FailuresAreProblemDocuments) {
  serve();
  const RawAnswer answer = ask(get("/nope"));
  EXPECT_EQ(answer.status(), 404);
  EXPECT_TRUE(answer.has("Content-Type: application/problem+json\r\n"));
  const Json problem = *parse_json(answer.body);
  EXPECT_EQ(problem.integer("status"), 404);
  EXPECT_EQ(problem.text("title"), "Not Found");
  EXPECT_EQ(problem.text("type"), "about:blank");
  EXPECT_FALSE(problem.text("detail").empty());
}

TEST_F(HttpServerTest, BodiesByLengthAndByChunks) {
  serve();
  RawClient client(port());
  const std::string type = "Content-Type: Text/Plain; charset=utf-8\r\n";
  EXPECT_EQ(client.ask(head("POST /echo", type + "Content-Length: 3\r\n") + "abc").body, "abc");
  EXPECT_EQ(client
                .ask(head("POST /echo", type + "Transfer-Encoding: chunked\r\n") +
                     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
                .body,
            "abcde");
  EXPECT_EQ(client.ask(head("POST /echo", type + "Content-Length: 0\r\n")).body, "");
}

TEST_F(HttpServerTest, ABodyOfTheLimitIsTakenAndOneByteMoreIsNot) {
  serve();
  const auto post = [&](std::size_t bytes) {
    return ask(head("POST /echo", "Content-Type: text/plain\r\nContent-Length: " +
                                      std::to_string(bytes) + "\r\n") +
               std::string(bytes, 'x'));
  };
  EXPECT_EQ(post(kMaxEcho).body.size(), kMaxEcho);
  EXPECT_EQ(post(kMaxEcho + 1).status(), 413);
}

TEST_F(HttpServerTest, ATooLargeLengthIsRefusedBeforeTheBodyComes) {
  serve();
  EXPECT_EQ(ask(head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 5000000000\r\n"))
                .status(),
            413);
}

TEST_F(HttpServerTest, TooMuchInChunksIsRefusedWhileItComes) {
  serve();
  RawClient client(port());
  client.send(head("POST /echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"));
  client.send("400\r\n" + std::string(0x400, 'x') + "\r\n");
  EXPECT_EQ(client.answer().status(), 413);
}

TEST_F(HttpServerTest, AChunkThatGoesBeyondTheLimitIsRefusedByItsHead) {
  serve();
  const std::string chunked =
      head("POST /echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n");
  // Nothing of the last chunk follows its head.
  for (const std::string& body :
       {std::string("3e9\r\n"), std::string("7fffffffffffffff\r\n"),
        std::string("ffffffffffffffff\r\n"), std::string("3e9;name=value\r\n"),
        "1f4\r\n" + std::string(500, 'x') + "\r\n1f5\r\n",
        "3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n"})
    EXPECT_EQ(ask(chunked + body).status(), 413) << body.substr(0, 20);
  EXPECT_EQ(ask(chunked + "1f4\r\n" + std::string(500, 'x') + "\r\n1f4\r\n" +
                std::string(500, 'y') + "\r\n0\r\n\r\n")
                .body,
            std::string(500, 'x') + std::string(500, 'y'));
}

TEST_F(HttpServerTest, AWrongMediaTypeIsRefused) {
  serve();
  EXPECT_EQ(ask(head("POST /echo", "Content-Length: 1\r\n") + "a").status(), 415);
  EXPECT_EQ(
      ask(head("POST /echo", "Content-Type: text/html\r\nContent-Length: 1\r\n") + "a").status(),
      415);
}

TEST_F(HttpServerTest, APathThatTakesNoBodyRefusesOne) {
  serve();
  EXPECT_EQ(ask(head("GET /hello", "Content-Length: 1\r\n") + "a").status(), 413);
}

TEST_F(HttpServerTest, ExpectIsAnsweredBeforeTheBodyComes) {
  serve();
  RawClient client(port());
  client.send(head("POST /echo",
                   "Content-Type: text/plain\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(client.answer().status(), 100);
  EXPECT_EQ(client.ask("abc").body, "abc");
}

TEST_F(HttpServerTest, WhatWouldBeRefusedIsNotAskedFor) {
  serve();
  EXPECT_EQ(ask(head("POST /nope", "Content-Length: 3\r\nExpect: 100-continue\r\n")).status(), 404);
  EXPECT_EQ(ask(head("POST /echo",
                     "Content-Type: text/plain\r\nContent-Length: 3000\r\n"
                     "Expect: 100-continue\r\n"))
                .status(),
            413);
}

TEST_F(HttpServerTest, AllBodiesTogetherAreBounded) {
  HttpServerOptions options;
  options.limits.body_bytes = 500;
  serve(std::move(options));
  const std::string begun =
      head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 900\r\n");
  EXPECT_EQ(ask(begun + std::string(600, 'x')).status(), 503);
  EXPECT_EQ(ask(head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 1\r\n") + "x").body,
            "x");
}

TEST_F(HttpServerTest, HostileLengthsToldTwice) {
  serve();
  const std::string type = "Content-Type: text/plain\r\n";
  for (const char* const fields :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Content-Length: -1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length: 99999999999999999999\r\n"})
    EXPECT_EQ(ask(head("POST /echo", type + fields) + "x").status(), 400) << fields;
}

TEST_F(HttpServerTest, HostileTransferCodings) {
  serve();
  const std::string type = "Content-Type: text/plain\r\n";
  for (const char* const coding : {"gzip", "gzip, chunked", "identity", "xchunked"}) {
    const int status =
        ask(head("POST /echo", type + "Transfer-Encoding: " + coding + "\r\n") + "0\r\n\r\n")
            .status();
    EXPECT_TRUE(status == 501 || status == 400) << coding << " " << status;
  }
}

TEST_F(HttpServerTest, HostileChunks) {
  serve();
  const std::string chunked =
      head("POST /echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n");
  for (const char* const body :
       {"x\r\n", "-1\r\n", "3\r\nabcd\r\n0\r\n\r\n", "ffffffffffffffffff\r\n"})
    EXPECT_EQ(ask(chunked + body).status(), 400) << body;
  EXPECT_EQ(ask(chunked + "1;" + std::string(40'000, 'e')).status(), 400);
}

TEST_F(HttpServerTest, HostileHeads) {
  serve();
  for (const char* const bytes :
       {"\x16\x03\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET /hello\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost\r\n\r\n", "GET /hello HTTP/1.1\r\n: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHo st: x\r\n\r\n", "GET /hello HTTP/x\r\n\r\n",
        "GET /hello  HTTP/1.1\r\n\r\n", "GET /hello HTTP/1.1\nHost: x\n\n\r\n\r\n"})
    EXPECT_EQ(ask(bytes).status(), 400) << bytes;
  for (const char* const bytes : {"GET /hello HTTP/2.0\r\n\r\n", "GET /hello HTTP/1.2\r\n\r\n"})
    EXPECT_EQ(ask(bytes).status(), 505) << bytes;
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\n\r\n").status(), 400);
}

TEST_F(HttpServerTest, HostileTargets) {
  serve();
  for (const char* const target : {"/%", "/%zz", "/%00", "/%ff", "/../etc", "/%2e%2e/x", "hello"})
    EXPECT_EQ(ask(get(target)).status(), 400) << target;
}

TEST_F(HttpServerTest, TargetsAreBounded) {
  serve();
  EXPECT_EQ(ask(get("/" + std::string((8 << 10) - 1, 'x'))).status(), 404);
  EXPECT_EQ(ask(get("/" + std::string(8 << 10, 'x'))).status(), 414);
  EXPECT_EQ(ask("GET /" + std::string(30'000, 'x')).status(), 414);
}

TEST_F(HttpServerTest, HeadersAreBounded) {
  serve();
  // Host is one of them.
  EXPECT_EQ(ask(head("GET /hello", repeated("A: b\r\n", 99))).status(), 200);
  EXPECT_EQ(ask(head("GET /hello", repeated("A: b\r\n", 100))).status(), 431);
  const std::size_t room = (16 << 10) - (head("GET /hello", "A: \r\n").size() -
                                         std::string_view("GET /hello HTTP/1.1\r\n\r\n").size());
  EXPECT_EQ(ask(head("GET /hello", "A: " + std::string(room, 'b') + "\r\n")).status(), 200);
  EXPECT_EQ(ask(head("GET /hello", "A: " + std::string(room + 1, 'b') + "\r\n")).status(), 431);
  const std::string path(4000, 'x');
  EXPECT_EQ(ask(head("GET /" + path, "A: " + std::string(room + 1, 'b') + "\r\n")).status(), 431);
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\nA: " + std::string(40'000, 'b')).status(), 431);
}

TEST_F(HttpServerTest, AHeadThatDoesNotComeToItsEnd) {
  HttpServerOptions options;
  options.limits.head_time = 20ms;
  serve(std::move(options));
  RawClient client(port());
  EXPECT_EQ(client.ask("GET /hello HTT").status(), 408);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, HostileSlowHeadsDoNotBuyTime) {
  HttpServerOptions options;
  options.limits.head_time = 50ms;
  serve(std::move(options));
  RawClient client(port());
  client.send("GET /hello HTTP/1.1\r\n");
  // A field after the other until the server has had enough.
  std::string answer;
  while (answer.empty()) {
    client.send("A: b\r\n");
    std::array<char, 1> byte{};
    pollfd ready{.fd = client.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 5) > 0 && ::recv(client.fd(), byte.data(), 1, MSG_PEEK) > 0)
      answer = client.answer().head;
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ") || answer.starts_with("HTTP/1.1 431 ")) << answer;
}

TEST_F(HttpServerTest, ARequestThatEndsTooEarly) {
  serve();
  for (const std::string& bytes :
       {std::string("GET /hel"),
        head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 3\r\n") + "a"}) {
    RawClient client(port());
    client.send(bytes);
    client.finish();
    EXPECT_EQ(client.answer().status(), 400) << bytes;
  }
}

TEST_F(HttpServerTest, ABodyThatStalls) {
  HttpServerOptions options;
  options.limits.body_stall = 20ms;
  serve(std::move(options));
  EXPECT_EQ(
      ask(head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 3\r\n") + "a").status(),
      408);
}

// Sends it again and again until the server has had enough, and returns what it said.
std::string answer_to_trickle(RawClient& client, std::string_view bytes) {
  for (;;) {
    client.send(bytes);
    std::array<char, 1> byte{};
    pollfd ready{.fd = client.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 5) > 0 && ::recv(client.fd(), byte.data(), 1, MSG_PEEK) > 0)
      return client.answer().head;
  }
}

TEST_F(HttpServerTest, HostileSlowBodiesDoNotBuyTime) {
  HttpServerOptions options;
  options.limits.body_grace = 20ms;
  // A thousand bytes pay for no millisecond.
  options.limits.body_rate = 1 << 20;
  serve(std::move(options));
  const std::string type = "Content-Type: text/plain\r\n";
  {
    RawClient client(port());
    client.send(head("POST /echo", type + "Content-Length: 1000\r\n"));
    EXPECT_TRUE(answer_to_trickle(client, "x").starts_with("HTTP/1.1 408 "));
    EXPECT_TRUE(client.ended());
  }
  {
    RawClient client(port());
    client.send(head("POST /echo", type + "Transfer-Encoding: chunked\r\n"));
    EXPECT_TRUE(answer_to_trickle(client, "1\r\nx\r\n").starts_with("HTTP/1.1 408 "));
  }
  {
    RawClient client(port());
    client.send(head("POST /echo", type + "Transfer-Encoding: chunked\r\n") + "1;");
    EXPECT_TRUE(answer_to_trickle(client, "e").starts_with("HTTP/1.1 408 "));
  }
}

TEST_F(HttpServerTest, ABodyThatComesFastEnoughOutlivesTheGrace) {
  HttpServerOptions options;
  options.limits.body_grace = 0ms;
  options.limits.body_rate = 1;
  serve(std::move(options));
  // Pays for 999 seconds.
  RawClient client(port());
  client.send(head("POST /echo", "Content-Type: text/plain\r\nContent-Length: 1000\r\n") +
              std::string(999, 'x'));
  EXPECT_EQ(ask(get("/hello")).body, "hello");
  EXPECT_EQ(client.ask("y").body, std::string(999, 'x') + "y");
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosedWithoutAWord) {
  HttpServerOptions options;
  options.limits.idle_time = 20ms;
  serve(std::move(options));
  RawClient client(port());
  EXPECT_EQ(client.ask(get("/hello")).status(), 200);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, APieceAfterTheOther) {
  serve();
  const RawAnswer answer = ask(get("/pieces"));
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(answer.body.starts_with("0,1,2,"));
  EXPECT_TRUE(answer.body.ends_with("9998,9999,"));
}

TEST_F(HttpServerTest, AnErrorBeforeTheFirstPieceIsAProblem) {
  serve();
  const RawAnswer answer = ask(get("/failed"));
  EXPECT_EQ(answer.status(), 500);
  EXPECT_NE(answer.body.find("the disk is gone"), std::string::npos);
}

TEST_F(HttpServerTest, AnErrorMidwayCutsTheBody) {
  serve();
  const RawAnswer answer = ask(get("/broken"));
  EXPECT_EQ(answer.status(), 200);
  EXPECT_FALSE(answer.whole);
  EXPECT_EQ(server_->counts().cut, 1U);
}

TEST_F(HttpServerTest, AReaderThatGoesEndsItsBody) {
  serve();
  {
    RawClient client(port());
    client.send(get("/endless"));
    ASSERT_TRUE(client.receive_until("xxx"));
  }
  EXPECT_EQ(released_.get_future().wait_for(60s), std::future_status::ready);
}

TEST_F(HttpServerTest, ReadersThatDoNotReadHoldNobodyUpAndAreCutInTheEnd) {
  HttpServerOptions options;
  options.limits.write_stall = 100ms;
  serve(std::move(options));
  RawClient stalled(port(), 4096);
  stalled.send(get("/endless"));
  ASSERT_TRUE(stalled.receive_until("xxx"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(get("/hello")).body, "hello");
  ASSERT_EQ(released_.get_future().wait_for(60s), std::future_status::ready);
  // As much as the sockets hold, and one piece more.
  EXPECT_LT(pieces_, 1000);
  EXPECT_EQ(server_->counts().cut, 1U);
  while (stalled.receive()) {
  }
  EXPECT_FALSE(stalled.in().ends_with("0\r\n\r\n"));
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitAreToldSo) {
  HttpServerOptions options;
  options.limits.connections = 2;
  serve(std::move(options));
  RawClient first(port());
  RawClient second(port());
  EXPECT_EQ(first.ask(get("/hello")).status(), 200);
  EXPECT_EQ(second.ask(get("/hello")).status(), 200);
  RawClient third(port());
  EXPECT_EQ(third.answer().status(), 503);
  EXPECT_TRUE(third.ended());
  EXPECT_EQ(server_->counts().turned_away, 1U);
  EXPECT_EQ(first.ask(get("/hello")).status(), 200);
}

TEST_F(HttpServerTest, EndsWhileConnectionsAreOpen) {
  serve();
  RawClient idle(port());
  RawClient half(port());
  half.send("GET /hel");
  EXPECT_EQ(idle.ask(get("/hello")).status(), 200);
  server_.reset();
  EXPECT_TRUE(idle.ended());
}

TEST_F(HttpServerTest, APortInUseIsAnError) {
  serve();
  const auto second = HttpServer::open({.address = {"127.0.0.1", port()}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_NE(second.error().message.find("cannot listen on 127.0.0.1:"), std::string::npos);
}

TEST_F(HttpServerTest, AnAddressOfOthersDemandsAToken) {
  const auto open = HttpServer::open({.address = {"0.0.0.0", 0}});
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Code::kPermission);
  EXPECT_TRUE(HttpServer::open({.address = {"0.0.0.0", 0}, .token = "0123456789abcdef"}));
}

TEST_F(HttpServerTest, ATokenIsAskedOfEachRequest) {
  serve({.token = "0123456789abcdef"});
  const RawAnswer without = ask(get("/hello"));
  EXPECT_EQ(without.status(), 401);
  EXPECT_TRUE(without.has("WWW-Authenticate: Bearer realm=\"agdb\"\r\n"));
  EXPECT_EQ(ask(head("GET /hello", "Authorization: Bearer 0123456789abcdee\r\n")).status(), 401);
  EXPECT_EQ(ask(head("GET /hello", "Authorization: bearer 0123456789abcdef\r\n")).body, "hello");
}

}  // namespace
}  // namespace agdb
