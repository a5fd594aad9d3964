#include "ipc/http/problem.h"

#include <gtest/gtest.h>

#include "ipc/http/response_head.h"

namespace agdb {
namespace {

TEST(Problem, AnErrorOfOurs) {
  const HttpResponse response = problem({Code::kNotFound, "trace 7 not found", "look at the list"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers,
            (std::vector<HttpField>{{"Content-Type", "application/problem+json"}}));
  EXPECT_EQ(*parse_json(response.body), Json::object({{"type", "about:blank"},
                                                      {"title", "Not Found"},
                                                      {"status", 404},
                                                      {"detail", "trace 7 not found"},
                                                      {"code", "not_found"},
                                                      {"hint", "look at the list"}}));
}

TEST(Problem, WhatThereIsNotIsLeftOut) {
  const Json json = *parse_json(problem(431, "too much").body);
  EXPECT_EQ(json.find("code"), nullptr);
  EXPECT_EQ(json.find("hint"), nullptr);
  EXPECT_EQ(json.text("title"), "Request Header Fields Too Large");
}

TEST(Problem, EveryCodeHasAStatusWithAReason) {
  for (const Code code :
       {Code::kNotFound, Code::kInvalid, Code::kCorrupt, Code::kIo, Code::kPermission,
        Code::kUnsupported, Code::kTimeout, Code::kExhausted, Code::kUnavailable, Code::kCancelled})
    EXPECT_NE(reason_of(status_of(code)), "Unknown") << name_of(code);
}

constexpr std::string_view kMoment = "Sun, 08 Mar 2026 10:00:00 GMT";

TEST(ResponseHead, DatesAreThoseOfHttp) {
  EXPECT_EQ(http_date(std::chrono::sys_seconds(std::chrono::seconds(784'111'777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(std::chrono::sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(ResponseHead, HostileValuesCannotMakeHeaders) {
  const HttpResponse response{.headers = {{"X", "a\r\nSet-Cookie: b"}}};
  const std::string head = response_head(response, {}, kMoment);
  EXPECT_EQ(head.find("\nSet-Cookie"), std::string::npos);
  EXPECT_NE(head.find("X: a  Set-Cookie: b\r\n"), std::string::npos);
}

TEST(ResponseHead, TheEndOfTheBodyIsToldInOneWay) {
  const auto told = [](BodyEnd end, int status) {
    return response_head({.status = status}, {.end = end, .length = 3}, kMoment);
  };
  EXPECT_NE(told(BodyEnd::kLength, 200).find("Content-Length: 3\r\n"), std::string::npos);
  EXPECT_EQ(told(BodyEnd::kChunked, 200).find("Content-Length"), std::string::npos);
  EXPECT_NE(told(BodyEnd::kChunked, 200).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(told(BodyEnd::kClose, 200).find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(told(BodyEnd::kLength, 204).find("Content-Length"), std::string::npos);
}

TEST(ResponseHead, WhetherTheConnectionStaysIsToldWhereItIsNotUsual) {
  const auto told = [](bool keep, int minor) {
    return response_head({}, {.keep_alive = keep, .minor_version = minor}, kMoment);
  };
  EXPECT_EQ(told(true, 1).find("Connection:"), std::string::npos);
  EXPECT_NE(told(false, 1).find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(told(true, 0).find("Connection: keep-alive\r\n"), std::string::npos);
}

}  // namespace
}  // namespace agdb
