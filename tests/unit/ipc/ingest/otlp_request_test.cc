#include "ipc/ingest/otlp_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/events/json.h"

namespace agdb {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kOne(32, '1');
const std::string kTwo = "0AF7651916CD43DD8448EB211C80319C";

std::string span(const std::string& trace, const std::string& id, const std::string& parent = "") {
  return R"({"traceId":")" + trace + R"(","spanId":")" + id + R"(","parentSpanId":")" + parent +
         R"(","name":"n"})";
}
std::string request(const std::string& spans) {
  return R"({"resourceSpans":[{"resource":{"a":1},"scopeSpans":[{"scope":{"name":"s"},"spans":[)" +
         spans + "]}]}]}";
}
OtlpRequest must(const std::string& text) {
  Result<OtlpRequest> read = read_otlp_request(text);
  EXPECT_TRUE(read) << read.error().message;
  return read ? *std::move(read) : OtlpRequest{};
}

TEST(OtlpRequestTest, WithoutSpans) {
  for (const char* text : {R"({"resourceSpans":[]})", R"({"resourceSpans":[{}]})",
                           R"({"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]})"}) {
    const OtlpRequest read = must(text);
    EXPECT_THAT(read.pieces, SizeIs(0));
    EXPECT_EQ(read.rejected, 0u);
  }
}

TEST(OtlpRequestTest, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "{", "[]", "7", "null", "{}", R"({"resourceSpans":{}})", "\xff\xfe"}) {
    const Result<OtlpRequest> read = read_otlp_request(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::kInvalid);
  }
}

TEST(OtlpRequestTest, SpansArePartedByTraceWithWhatIsAroundThem) {
  const std::string id(16, 'a');
  const OtlpRequest read = must(request(span(kOne, id) + "," + span(kTwo, id, "00000000000000bb") +
                                        "," + span(kOne, "00000000000000cc", id)));
  ASSERT_THAT(read.pieces, SizeIs(2));
  EXPECT_EQ(read.spans, 3u);
  const TracePiece& two = read.pieces[0];
  EXPECT_EQ(two.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_FALSE(two.has_root);
  const TracePiece& one = read.pieces[1];
  EXPECT_EQ(one.trace_id, kOne);
  EXPECT_TRUE(one.has_root);
  EXPECT_EQ(one.spans, 2u);
  const Result<Json> line = parse_json(one.text);
  ASSERT_TRUE(line);
  const Json& resource = (*line)["resourceSpans"].items().at(0);
  EXPECT_EQ(resource["resource"].integer("a"), 1);
  const Json& scope = resource["scopeSpans"].items().at(0);
  EXPECT_EQ(scope["scope"].text("name"), "s");
  EXPECT_THAT(scope["spans"].items(), SizeIs(2));
}

TEST(OtlpRequestTest, AParentOfZerosIsNone) {
  EXPECT_TRUE(
      must(request(span(kOne, std::string(16, 'a'), std::string(16, '0')))).pieces[0].has_root);
}

TEST(OtlpRequestTest, SpansWithoutTheirIdsAreRejectedAlone) {
  const std::string good = span(kOne, std::string(16, 'a'));
  const OtlpRequest read =
      must(request(good + ",7," + span("xyz", std::string(16, 'a')) + "," + span(kOne, "a") + "," +
                   span(std::string(32, '0'), std::string(16, 'a')) + "," +
                   span("../../../../../../etc/passwd0000", std::string(16, 'a')) + ",{}"));
  EXPECT_EQ(read.spans, 1u);
  EXPECT_EQ(read.rejected, 6u);
  EXPECT_THAT(read.rejected_why, HasSubstr("no object"));
}

TEST(OtlpRequestTest, DeepNestingEnds) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_FALSE(read_otlp_request(deep));
}

}  // namespace
}  // namespace agdb
