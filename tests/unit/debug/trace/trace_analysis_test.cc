#include "debug/trace/trace_analysis.h"

#include "trace_fixture.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

SpanTree build(std::vector<Span> spans) {
  return *SpanTree::build(std::move(spans));
}

Span of_kind(Span span, SpanKind kind, std::string name = {}) {
  span.kind = kind;
  if (!name.empty()) span.name = std::move(name);
  return span;
}

Span failed(Span span, std::string error = {}) {
  span.status = SpanStatus::kError;
  span.error = std::move(error);
  return span;
}

TEST(SelfTimesTest, WhatChildrenCoverCountsOnce) {
  const SpanTree tree = build({make_span("root", "", 0, 10), make_span("a", "root", 1, 3),
                               make_span("b", "root", 2, 4), make_span("inside", "root", 3, 1),
                               make_span("c", "root", 8, 9)});
  // [1 6] and [8 10] are covered.
  EXPECT_EQ(self_times(tree)[0], seconds(3));
  EXPECT_EQ(self_times(tree)[1], seconds(3));
}

TEST(SelfTimesTest, ChildrenThatBeginBeforeTheirParentCoverItsPartOnly) {
  const SpanTree tree = build({make_span("root", "", 5, 10), make_span("a", "root", 0, 8)});
  EXPECT_EQ(self_times(tree)[0], seconds(7));
}

TEST(TimeUseTest, LeavesSideBySide) {
  const TimeUse use = time_use(build({make_span("root", "", 0, 10), make_span("a", "root", 0, 6),
                                      make_span("b", "root", 2, 4), make_span("c", "root", 6, 2)}));
  EXPECT_EQ(use.busy, seconds(12));
  EXPECT_EQ(use.active, seconds(8));
  EXPECT_EQ(use.most, 2u);
  EXPECT_DOUBLE_EQ(use.parallelism, 1.2);
  EXPECT_EQ(use.waits, 0u);
}

TEST(TimeUseTest, WaitsAreNoWorkAndCountOnce) {
  const TimeUse use = time_use(
      build({make_span("root", "", 0, 10), of_kind(make_span("w", "root", 0, 6), SpanKind::kWait),
             of_kind(make_span("inner", "w", 1, 2), SpanKind::kWait),
             of_kind(make_span("s", "root", 7, 2), SpanKind::kSuspension),
             of_kind(make_span("r", "root", 9, 1), SpanKind::kChannelMatch)}));
  EXPECT_EQ(use.waiting, seconds(9));
  EXPECT_EQ(use.waits, 3u);
  EXPECT_EQ(use.busy, seconds(0));
}

TEST(TimeUseTest, AMomentBelowASpanIsNoPartOfItsTime) {
  const TimeUse use = time_use(build({make_span("root", "", 0, 4), make_span("m", "root", 1, 0)}));
  EXPECT_EQ(use.busy, seconds(4));
}

TEST(FailuresTest, TheOriginIsWhatFailedFirst) {
  const SpanTree tree =
      build({failed(make_span("root", "", 0, 10)), failed(make_span("mid", "root", 1, 8)),
             failed(make_span("late", "mid", 5, 3)), failed(make_span("early", "mid", 2, 1))});
  const std::vector<Failure> failures = find_failures(tree);
  ASSERT_EQ(failures.size(), 1u);
  const auto name = [&](std::uint32_t node) { return tree.nodes()[node].span->name; };
  EXPECT_EQ(name(failures[0].origin), "early");
  ASSERT_EQ(failures[0].victims.size(), 2u);
  EXPECT_EQ(name(failures[0].victims[0]), "mid");
  EXPECT_EQ(name(failures[0].victims[1]), "root");
  ASSERT_EQ(failures[0].others.size(), 1u);
  EXPECT_EQ(name(failures[0].others[0]), "late");
}

TEST(FailuresTest, WhatWasOvercomeIsNotTheOrigin) {
  const SpanTree tree = build(
      {failed(make_span("root", "", 0, 10)), make_span("call", "root", 1, 3),
       failed(make_span("attempt", "call", 1, 1)), failed(make_span("last call", "root", 5, 1))});
  const std::vector<Failure> failures = find_failures(tree);
  ASSERT_EQ(failures.size(), 1u);
  const auto name = [&](std::uint32_t node) { return tree.nodes()[node].span->name; };
  EXPECT_EQ(name(failures[0].origin), "last call");
  ASSERT_EQ(failures[0].others.size(), 1u);
  EXPECT_EQ(name(failures[0].others[0]), "attempt");
}

// Each failure is below all the spans before it; who goes up to the root for each does not end.
TEST(FailuresTest, ManyFarBelowOneAreTold) {
  constexpr int kDepth = 300'000;
  std::vector<Span> spans = {failed(make_span("0", "", 0, 1))};
  for (int i = 1; i <= kDepth; ++i) {
    const std::string parent = std::to_string(i - 1);
    spans.push_back(make_span(std::to_string(i), parent, 0, 1));
    spans.push_back(failed(make_span("f" + std::to_string(i), parent, 0, 1)));
  }
  const std::vector<Failure> failures = find_failures(build(std::move(spans)));
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].others.size(), kDepth - 1u);
  EXPECT_THAT(failures[0].victims, ElementsAre(0));
}

TEST(FailuresTest, ApartStandWhatHasNoFailedSpanInCommon) {
  const SpanTree tree = build({make_span("root", "", 0, 10), failed(make_span("b", "root", 5, 1)),
                               failed(make_span("a", "root", 1, 1))});
  const std::vector<Failure> failures = find_failures(tree);
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(tree.nodes()[failures[0].origin].span->name, "a");
  EXPECT_THAT(failures[0].victims, IsEmpty());
}

TEST(FailuresTest, AVictimAboveASpanThatWentWellIsOne) {
  const SpanTree tree = build({failed(make_span("root", "", 0, 10)), make_span("ok", "root", 1, 8),
                               failed(make_span("leaf", "ok", 2, 1))});
  const std::vector<Failure> failures = find_failures(tree);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].origin, 2u);
  EXPECT_THAT(failures[0].victims, ElementsAre(0));
  EXPECT_THAT(failures[0].others, IsEmpty());
}

TEST(FailuresTest, AWaitForAProcessThatFailedIsAVictim) {
  Span wait = failed(of_kind(make_span("wait", "root", 1, 2), SpanKind::kWait));
  wait.links.push_back({"t1", "child", {}});
  const SpanTree tree =
      build({failed(make_span("root", "", 0, 10)), wait, failed(make_span("child", "root", 1, 3))});
  const std::vector<Failure> failures = find_failures(tree);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(tree.nodes()[failures[0].origin].span->name, "child");
  EXPECT_EQ(failures[0].victims.size(), 2u);
  EXPECT_THAT(failures[0].others, IsEmpty());
}

TEST(StatsByNameTest, PercentilesAreByNearestRank) {
  std::vector<Span> spans = {make_span("root", "", 0, 10)};
  for (int i = 1; i <= 100; ++i) {
    Span span = of_kind(make_span(std::to_string(i), "root"), SpanKind::kToolCall, "bash");
    span.duration = milliseconds(i);
    if (i % 50 == 0) span.status = SpanStatus::kTimeout;
    spans.push_back(span);
  }
  spans.push_back(of_kind(make_span("x", "root", 0, 60), SpanKind::kToolCall, "read"));
  const std::vector<NameStats> stats = stats_by_name(build(spans), SpanKind::kToolCall);
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats[0].name, "read");
  EXPECT_EQ(stats[1].count, 100u);
  EXPECT_EQ(stats[1].errors, 2u);
  EXPECT_EQ(stats[1].p50, milliseconds(50));
  EXPECT_EQ(stats[1].p95, milliseconds(95));
  EXPECT_EQ(stats[1].p99, milliseconds(99));
  EXPECT_EQ(stats[0].p50, seconds(60));
}

TEST(AnalysisTextTest, HasASectionForWhatThereIs) {
  std::vector<Span> spans = {
      make_span("root", "", 0, 10),
      of_kind(make_span("c", "root", 1, 6), SpanKind::kLlmCall, "opus"),
      failed(of_kind(make_span("t", "root", 7, 2), SpanKind::kToolCall, "ba\x1bsh"), "exit 1")};
  spans[1].tokens_used = 70;
  spans[1].attributes = Json::object({{"cost_usd", 0.25}});
  const SpanTree tree = build(std::move(spans));
  const std::string text = analysis_text(tree, analyse(tree));
  EXPECT_THAT(text, HasSubstr("\n── Time Line: what the end waited for (100.0% of total) "));
  EXPECT_THAT(text, HasSubstr("llm_call opus                         6.00s   60.0%  1×\n"));
  EXPECT_THAT(text, HasSubstr("Working:      8.00s of 10.00s (80.0%)\n"));
  EXPECT_THAT(text, HasSubstr("#1  opus (PID 1)                          6.00s  llm_call\n"));
  EXPECT_THAT(text,
              HasSubstr("✗ origin  ba\\x1bsh (PID 1)                  error  at 9.00s  exit 1"));
  EXPECT_THAT(text, HasSubstr("── Tools ───"));
  EXPECT_THAT(text, HasSubstr("$0.2500\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("Waiting")));
}

TEST(AnalysisJsonTest, SharesAddUpToTheWhole) {
  const SpanTree tree = build({make_span("root", "", 0, 10), make_span("a", "root", 1, 6)});
  const Json json = analysis_json(tree, analyse(tree));
  EXPECT_EQ(json["critical_path_ns"], Json(10'000'000'000));
  EXPECT_EQ(json["critical_path"].size(), 3u);
  EXPECT_EQ(json["critical_path"].items()[1].integer("from_ns"), 1'000'000'000);
  double percent = 0;
  for (const Json& share : json["critical_path_by_name"].items())
    percent += *share["percentage"].to_double();
  EXPECT_DOUBLE_EQ(percent, 100);
  EXPECT_EQ(json["self_time_hotspots"].items()[0].integer("self_ns"), 6'000'000'000);
}

}  // namespace
}  // namespace agdb
