#include "debug/trace/span_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";

TEST(SpanIdTest, IsSixteenHexDigitsAndTheSameEachTime) {
  const std::string id = process_span_id(kTrace, "run", Pid{7});
  EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(id, process_span_id(kTrace, "run", Pid{7}));
}

TEST(SpanIdTest, TellsProcessesRunsAndPartsApart) {
  const std::string process = process_span_id(kTrace, "run", Pid{7});
  EXPECT_NE(process, process_span_id(kTrace, "run", Pid{8}));
  EXPECT_NE(process, process_span_id(kTrace, "run2", Pid{7}));
  const std::string call = span_id_in(process, SpanKind::kLlmCall, 3);
  EXPECT_NE(call, span_id_in(process, SpanKind::kStep, 3));
  EXPECT_NE(call, span_id_in(process, SpanKind::kLlmCall, 4));
  EXPECT_NE(call, span_id_in(process, SpanKind::kLlmCall, 3, 1));
}

TEST(TraceParentTest, ReadsWhatItWrites) {
  const std::string text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::optional<TraceParent> parent = parse_traceparent(text);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace_id, kTrace);
  EXPECT_EQ(parent->span_id, "b7ad6b7169203331");
  EXPECT_TRUE(parent->sampled);
  EXPECT_EQ(format_traceparent(*parent), text);
}

TEST(TraceParentTest, FlagsTellWhetherItIsSampled) {
  EXPECT_FALSE(
      parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02")->sampled);
  EXPECT_TRUE(
      parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff")->sampled);
}

TEST(TraceParentTest, ALaterVersionMayHaveMoreBehind) {
  EXPECT_TRUE(parse_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
  EXPECT_FALSE(parse_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more"));
}

class NoTraceParent : public testing::TestWithParam<const char*> {};
TEST_P(NoTraceParent, IsRefused) {
  EXPECT_FALSE(parse_traceparent(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(
    All, NoTraceParent,
    testing::Values("", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                    "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g"));

TEST(SpanKindTest, NamesAreReadBack) {
  for (int i = 0; i <= static_cast<int>(SpanKind::kWait); ++i) {
    const auto kind = static_cast<SpanKind>(i);
    EXPECT_EQ(span_kind_of(span_kind_name(kind)), kind);
  }
  EXPECT_EQ(span_kind_of("none"), std::nullopt);
  EXPECT_EQ(span_kind_name(SpanKind::kUserTiming), "user_timing");
}

TEST(SpanStatusTest, WhatIsUnknownIsOk) {
  EXPECT_EQ(span_status_of("error"), SpanStatus::kError);
  EXPECT_EQ(span_status_of(span_status_name(SpanStatus::kTimeout)), SpanStatus::kTimeout);
  EXPECT_EQ(span_status_of("whatever"), SpanStatus::kOk);
}

}  // namespace
}  // namespace agdb
