#include "ipc/otlp/otlp_push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "ipc/otlp/gzip.h"
#include "tests/unit/ipc/otlp/collector.h"

namespace agdb {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string gunzip(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

// Does not wait, but writes down how long it would have.
class OtlpPushTest : public testing::Test {
 protected:
  OtlpPushOptions options() {
    OtlpPushOptions options;
    options.wait = [this](Nanoseconds wait) {
      waits_.push_back(wait);
      return true;
    };
    options.random = [] { return 0.0; };
    options.note = [this](const std::string& line) { notes_.push_back(line); };
    return options;
  }

  std::vector<Nanoseconds> waits_;
  std::vector<std::string> notes_;
};

TEST_F(OtlpPushTest, ARequestIsAPostOfJsonAsGzip) {
  Collector collector({Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send(R"({"resourceSpans":[]})"));
  EXPECT_EQ(push.sent(), 1u);
  const Collector::Request& request = collector.requests().at(0);
  EXPECT_TRUE(request.head.starts_with("POST /v1/traces HTTP/1.1\r\n")) << request.head;
  EXPECT_THAT(request.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(request.head, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(request.head, HasSubstr("Host: 127.0.0.1:"));
  EXPECT_EQ(gunzip(request.body), R"({"resourceSpans":[]})");
  EXPECT_TRUE(waits_.empty());
}

TEST_F(OtlpPushTest, WithoutGzipTheBodyIsTheText) {
  Collector collector({Collector::ok()});
  OtlpPushOptions plain = options();
  plain.gzip = false;
  OtlpPush push(collector.url(), plain);
  ASSERT_TRUE(push.send("{}"));
  EXPECT_EQ(collector.requests().at(0).body, "{}");
  EXPECT_EQ(collector.requests()[0].head.find("Content-Encoding"), std::string::npos);
}

TEST_F(OtlpPushTest, AConnectionIsUsedAgain) {
  Collector collector({Collector::ok(), Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  ASSERT_TRUE(push.send("{}"));
  EXPECT_EQ(collector.requests().at(1).connection, 0u);
}

TEST_F(OtlpPushTest, AConnectionThatTheCollectorClosedIsMadeAnew) {
  Collector::Reply closing = Collector::ok();
  closing.close_after = true;
  Collector collector({closing, Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  // The answer before did not tell that the connection would end.
  ASSERT_TRUE(push.send("{}"));
  EXPECT_LE(push.retries(), 1u);
}

TEST_F(OtlpPushTest, APartialSuccessIsSaidAndNotSentAgain) {
  Collector collector(
      {Collector::ok(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})")});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  EXPECT_EQ(push.rejected_spans(), 3u);
  EXPECT_EQ(push.rejected_why(), "too old");
  EXPECT_EQ(push.retries(), 0u);
}

class TriedAgain : public OtlpPushTest, public testing::WithParamInterface<const char*> {};
TEST_P(TriedAgain, UntilItIsTaken) {
  Collector collector(
      {Collector::status(GetParam()), Collector::status(GetParam()), Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  EXPECT_EQ(push.retries(), 2u);
  EXPECT_THAT(waits_, ElementsAre(seconds(1), seconds(2)));
  EXPECT_EQ(notes_.size(), 2u);
}
INSTANTIATE_TEST_SUITE_P(All, TriedAgain,
                         testing::Values("429 Too Many Requests", "502 Bad Gateway",
                                         "503 Service Unavailable", "504 Gateway Timeout"));

class AnErrorAtOnce : public OtlpPushTest, public testing::WithParamInterface<const char*> {};
TEST_P(AnErrorAtOnce, WithWhatTheCollectorSays) {
  Collector collector({Collector::status(GetParam(), R"({"code":3,"message":"no such field"})")});
  OtlpPush push(collector.url(), options());
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kInvalid);
  EXPECT_THAT(status.error().message, HasSubstr("no such field"));
  EXPECT_THAT(status.error().message, HasSubstr(std::string(GetParam()).substr(0, 3)));
  EXPECT_TRUE(waits_.empty());
}
INSTANTIATE_TEST_SUITE_P(All, AnErrorAtOnce,
                         testing::Values("400 Bad Request", "401 Unauthorized", "404 Not Found",
                                         "413 Payload Too Large", "500 Internal Server Error",
                                         "501 Not Implemented", "301 Moved Permanently"));

TEST_F(OtlpPushTest, RetryAfterIsHonoured) {
  Collector collector({Collector::status("503 Busy", "", "Retry-After: 7\r\n"), Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  EXPECT_THAT(waits_, ElementsAre(seconds(7)));
}

TEST_F(OtlpPushTest, WhoWantsToBeLeftAloneTooLongIsNotWaitedFor) {
  Collector collector({Collector::status("503 Busy", "", "Retry-After: 86400\r\n")});
  OtlpPush push(collector.url(), options());
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(OtlpPushTest, AttemptsHaveAnEnd) {
  Collector collector(std::vector<Collector::Reply>(6, Collector::status("503 Busy")));
  OtlpPush push(collector.url(), options());
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_THAT(status.error().message, HasSubstr("6 attempts"));
  EXPECT_THAT(waits_, ElementsAre(seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)));
  EXPECT_EQ(collector.requests().size(), 6u);
}

TEST_F(OtlpPushTest, GivingUpTheWaitIsCancelled) {
  Collector collector({Collector::status("503 Busy")});
  OtlpPushOptions impatient = options();
  impatient.wait = [](Nanoseconds) { return false; };
  OtlpPush push(collector.url(), impatient);
  EXPECT_EQ(push.send("{}").error().code, Code::kCancelled);
}

TEST_F(OtlpPushTest, ABrokenConnectionIsTriedAgain) {
  Collector collector({Collector::Reply{}, Collector::ok()});
  OtlpPush push(collector.url(), options());
  ASSERT_TRUE(push.send("{}"));
  EXPECT_EQ(push.retries(), 1u);
}

TEST_F(OtlpPushTest, NobodyThereIsTriedAgainAndThenAnError) {
  OtlpUrl url;
  {
    Collector gone({});
    url = gone.url();
  }
  OtlpPush push(url, options());
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_EQ(waits_.size(), 5u);
}

TEST_F(OtlpPushTest, AnAnswerThatDoesNotComeIsTriedAgain) {
  Collector collector({Collector::Reply{.stays_silent = true}, Collector::ok()});
  OtlpPushOptions hurried = options();
  hurried.timeout = std::chrono::milliseconds(50);
  hurried.retry.attempts = 1;
  OtlpPush push(collector.url(), hurried);
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("no answer within 50ms"));
}

TEST_F(OtlpPushTest, ALargeAnswerIsAnError) {
  Collector collector({Collector::ok(std::string(5000, 'x'))});
  OtlpPushOptions small = options();
  small.max_response_bytes = 1000;
  OtlpPush push(collector.url(), small);
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kCorrupt);
}

TEST_F(OtlpPushTest, ALargeAnswerInPiecesIsAnErrorToo) {
  Collector collector(
      {Collector::Reply{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                        std::string(2000, 'x') + "\r\n0\r\n\r\n"}});
  OtlpPushOptions small = options();
  small.max_response_bytes = 1000;
  OtlpPush push(collector.url(), small);
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kCorrupt);
}

TEST_F(OtlpPushTest, WhatIsNoHttpIsAnError) {
  Collector collector({Collector::Reply{"SSH-2.0-x\r\n\r\n"}});
  OtlpPush push(collector.url(), options());
  const Status status = push.send("{}");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kCorrupt);
}

TEST_F(OtlpPushTest, ControlCharactersOfACollectorStayOutOfMessages) {
  Collector collector({Collector::status("400 Bad", "\x1b[31mred\n\xff")});
  OtlpPush push(collector.url(), options());
  const std::string message = push.send("{}").error().message;
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(OtlpUrlTest, PortAndPathHaveDefaults) {
  EXPECT_EQ(*parse_otlp_url("http://localhost"), (OtlpUrl{"localhost", 4318, "/v1/traces"}));
  EXPECT_EQ(*parse_otlp_url("http://localhost:80/"), (OtlpUrl{"localhost", 80, "/v1/traces"}));
  EXPECT_EQ(*parse_otlp_url("http://h:1/x/y?z=1"), (OtlpUrl{"h", 1, "/x/y?z=1"}));
  EXPECT_EQ(*parse_otlp_url("http://[::1]:4318"), (OtlpUrl{"::1", 4318, "/v1/traces"}));
}

TEST(OtlpUrlTest, TlsIsNotSupportedAndSaysSo) {
  EXPECT_EQ(parse_otlp_url("https://x").error().code, Code::kUnsupported);
}

class NoUrl : public testing::TestWithParam<const char*> {};
TEST_P(NoUrl, IsRefused) {
  const Result<OtlpUrl> url = parse_otlp_url(GetParam());
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Code::kInvalid);
}
INSTANTIATE_TEST_SUITE_P(All, NoUrl,
                         testing::Values("", "localhost:4318", "ftp://x", "http://", "http://:1",
                                         "http://h:0", "http://h:65536", "http://h:1x", "http://h:",
                                         "http://u:p@h", "http://h/a b", "http://h/\r\nX: y",
                                         "http://[::1", "http://[]", "http://h/#f"));

TEST(RetryTest, WaitsDoubleUpToALimitLessARandomPart) {
  const RetryRules rules;
  EXPECT_EQ(wait_before(2, rules, 0), seconds(1));
  EXPECT_EQ(wait_before(3, rules, 0), seconds(2));
  EXPECT_EQ(wait_before(60, rules, 0), seconds(30));
  EXPECT_EQ(wait_before(3, rules, 0.5), std::chrono::milliseconds(1500));
}

TEST(RetryTest, RetryAfterIsSecondsOrADate) {
  const WallTime now = *parse_wall_time("2026-03-08T10:00:00.5Z");
  EXPECT_EQ(read_retry_after("120", now), seconds(120));
  EXPECT_EQ(read_retry_after("0", now), seconds(0));
  EXPECT_EQ(read_retry_after("-5", now), seconds(0));
  EXPECT_EQ(read_retry_after("Sun, 08 Mar 2026 10:01:00 GMT", now), seconds(60));
  EXPECT_EQ(read_retry_after("Sun, 08 Mar 2026 09:00:00 GMT", now), seconds(0));
  EXPECT_EQ(read_retry_after("soon", now), std::nullopt);
  EXPECT_EQ(read_retry_after("", now), std::nullopt);
}

TEST(GzipTest, IsReadByOthers) {
  EXPECT_EQ(gunzip(*gzip("")), "");
  EXPECT_EQ(gunzip(*gzip(std::string(100'000, 'a'))), std::string(100'000, 'a'));
}

}  // namespace
}  // namespace agdb
