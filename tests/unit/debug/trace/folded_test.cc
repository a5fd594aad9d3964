#include "debug/trace/folded.h"

#include <gtest/gtest.h>

#include "tests/unit/debug/trace/made_span.h"

namespace agdb {
namespace {

using Weight = FoldedStacks::Weight;

std::string lines_of(FoldedStacks& stacks) {
  std::string out;
  stacks.finish([&out](std::string_view text) { out += text; });
  return out;
}

// Spans in the order of their ends, without starts, as from a file.
std::string folded(const std::vector<Span>& spans, Weight weight = Weight::kTime) {
  FoldedStacks stacks(weight);
  for (const Span& span : spans) stacks.on_span(span);
  return lines_of(stacks);
}

// The same with all starts first, parents before children.
std::string folded_live(const std::vector<Span>& spans, Weight weight = Weight::kTime) {
  FoldedStacks stacks(weight);
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) stacks.on_span_start(*span);
  for (const Span& span : spans) stacks.on_span(span);
  return lines_of(stacks);
}

Span process(std::int64_t from, std::int64_t to) {
  return made_span(SpanKind::kProcess, "p", "", "tidy", from, to);
}
Span tool(std::string id, std::string name, std::int64_t from, std::int64_t to) {
  return made_span(SpanKind::kToolCall, std::move(id), "p", std::move(name), from, to);
}

TEST(FoldedTest, NothingGivesNothing) {
  EXPECT_EQ(folded({}), "");
}

TEST(FoldedTest, ASpanAloneIsAllItsOwn) {
  EXPECT_EQ(folded({process(0, 3)}), "tidy 3000\n");
  EXPECT_EQ(folded_live({process(0, 3)}), "tidy 3000\n");
}

TEST(FoldedTest, OwnTimeIsWithoutThatOfChildren) {
  const std::vector<Span> spans = {tool("a", "Read", 1, 4), tool("b", "Bash", 5, 6),
                                   process(0, 10)};
  EXPECT_EQ(folded(spans), "tidy 6000\ntidy;Bash 1000\ntidy;Read 3000\n");
  EXPECT_EQ(folded_live(spans), folded(spans));
}

TEST(FoldedTest, ChildrenSideBySideCoverTheirParentOnce) {
  const std::vector<Span> spans = {tool("a", "Read", 1, 4), tool("b", "Read", 2, 5),
                                   tool("c", "Bash", 0, 6), process(0, 10)};
  EXPECT_EQ(folded_live(spans), "tidy 4000\ntidy;Bash 6000\ntidy;Read 6000\n");
}

TEST(FoldedTest, ManyChildrenOneAfterTheOtherStayExact) {
  std::vector<Span> spans;
  for (int i = 0; i < 1000; ++i) spans.push_back(tool(std::to_string(i), "Read", 2 * i, 2 * i + 1));
  spans.push_back(process(0, 2000));
  EXPECT_EQ(folded_live(spans), "tidy 1000000\ntidy;Read 1000000\n");
}

TEST(FoldedTest, StepsAddUpWhateverTheirNumber) {
  const std::vector<Span> spans = {made_span(SpanKind::kStep, "s1", "p", "step 1", 0, 2),
                                   made_span(SpanKind::kStep, "s2", "p", "step 2", 2, 5),
                                   process(0, 5)};
  EXPECT_EQ(folded_live(spans), "tidy;step 5000\n");
}

TEST(FoldedTest, TokensAreThoseThatNothingBelowExplains) {
  Span call = made_span(SpanKind::kLlmCall, "c", "p", "m-1", 0, 2);
  call.tokens_used = 120;
  Span root = process(0, 5);
  root.tokens_used = 150;
  EXPECT_EQ(folded({call, root}, Weight::kTokens), "tidy 30\ntidy;m-1 120\n");
  EXPECT_EQ(folded_live({call, root}, Weight::kTokens), "tidy 30\ntidy;m-1 120\n");
}

TEST(FoldedTest, ASpawnedProcesssTokensAreNotItsParents) {
  Span child = made_span(SpanKind::kProcess, "q", "p", "look", 1, 2);
  child.tokens_used = 40;
  Span root = process(0, 5);
  root.tokens_used = 10;
  EXPECT_EQ(folded_live({child, root}, Weight::kTokens), "tidy 10\ntidy;look 40\n");
}

TEST(FoldedTest, AProcessMayComeAfterItsParentHasEnded) {
  FoldedStacks stacks(Weight::kTime);
  stacks.on_span_start(process(0, 5));
  stacks.on_span(process(0, 5));
  const Span child = made_span(SpanKind::kProcess, "q", "p", "look", 1, 2);
  stacks.on_span_start(child);
  stacks.on_span(child);
  EXPECT_EQ(lines_of(stacks), "tidy 5000\ntidy;look 1000\n");
}

TEST(FoldedTest, WhoseParentNeverComesIsARoot) {
  EXPECT_EQ(folded({tool("a", "Read", 0, 1)}), "Read 1000\n");
  EXPECT_EQ(folded_live({tool("a", "Read", 0, 1)}), "Read 1000\n");
}

TEST(FoldedTest, ACircleOfParentsEnds) {
  EXPECT_EQ(folded({made_span(SpanKind::kFnCall, "a", "b", "A", 2, 3),
                    made_span(SpanKind::kFnCall, "b", "a", "B", 2, 4)}),
            "B 1000\nB;A 1000\n");
  EXPECT_EQ(folded({made_span(SpanKind::kFnCall, "a", "a", "A", 0, 1)}), "A 1000\n");
}

TEST(FoldedTest, NamesCannotBreakALine) {
  EXPECT_EQ(folded({tool("a", "x;y\nz\r\t", 0, 1)}), "x:y z   1000\n");
  EXPECT_EQ(folded({tool("a", "", 0, 1)}), "tool_call 1000\n");
  EXPECT_EQ(folded({tool("a", std::string(1000, 'x'), 0, 1)}),
            std::string(FoldedStacks::kMaxNameBytes, 'x') + " 1000\n");
}

TEST(FoldedTest, WhatLiesTooDeepCountsForThePathOfThatDepth) {
  std::vector<Span> spans;
  for (std::uint32_t i = 0; i < FoldedStacks::kMaxDepth + 100; ++i)
    spans.push_back(made_span(SpanKind::kFnCall, std::to_string(i),
                              i == 0 ? "" : std::to_string(i - 1), "f", 0, 0));
  spans.back().duration = Nanoseconds(5'000'000);
  const std::string text = folded(spans);
  EXPECT_EQ(text.size(), 2 * FoldedStacks::kMaxDepth + std::string("5000\n").size());
  EXPECT_TRUE(text.ends_with(";f 5000\n"));
}

TEST(FoldedTest, Hostile_SumsStayAtTheLimit) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Span all = tool("a", "Read", 0, 0);
  all.start = WallTime(Nanoseconds(0));
  all.duration = Nanoseconds(kMost);
  Span again = all;
  again.span_id = "b";
  const std::string most = "Read 9223372036854775\n";
  EXPECT_EQ(folded({all, again}), most);
  all.parent_span_id = again.parent_span_id = "";
  EXPECT_EQ(folded_live({all, again}), most);

  Span call = made_span(SpanKind::kLlmCall, "c", "p", "m-1", 0, 1);
  call.tokens_used = kMost;
  Span other = call;
  other.span_id = "d";
  EXPECT_EQ(folded_live({call, other, process(0, 5)}, Weight::kTokens),
            "tidy;m-1 9223372036854775807\n");
  Span root = process(0, 5);
  root.tokens_used = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(folded_live({call, root}, Weight::kTokens), "tidy;m-1 9223372036854775807\n");
}

TEST(FoldedTest, Hostile_ChildrenMayCoverMoreThanTimeHas) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Span early = tool("a", "Read", 0, 0);
  early.start = WallTime(Nanoseconds(-kMost - 1));
  early.duration = Nanoseconds(kMost);
  Span late = tool("b", "Read", 0, 0);
  late.start = WallTime(Nanoseconds(-2));
  late.duration = Nanoseconds(kMost);
  EXPECT_EQ(folded({early, late, process(0, 5)}), "tidy;Read 9223372036854775\n");
}

TEST(FoldedTest, LessThanAUnitIsLeftOut) {
  Span span = tool("a", "Read", 0, 0);
  span.duration = Nanoseconds(999);
  EXPECT_EQ(folded({span}), "");
}

}  // namespace
}  // namespace agdb
