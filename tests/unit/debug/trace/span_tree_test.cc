#include "debug/trace/span_tree.h"

#include <map>
#include <random>
#include <set>

#include "debug/trace/tree_json.h"
#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

SpanTree build(std::vector<Span> spans) {
  std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  AGDB_ASSERT(tree.has_value(), "there are spans");
  return *std::move(tree);
}

std::vector<SpanTree::Top> tops(const SpanTree& tree) {
  std::vector<SpanTree::Top> found;
  for (const SpanTree::Node& node : tree.nodes()) {
    if (node.parent == SpanTree::kNone) found.push_back(node.top);
  }
  return found;
}

TEST(SpanTreeTest, NoSpansNoTree) {
  EXPECT_FALSE(SpanTree::build({}));
}

TEST(SpanTreeTest, ChildrenStandByStartWhateverTheOrderOfTheInput) {
  const SpanTree tree = build({make_span("late", "root", 5), make_span("leaf", "early", 2),
                               make_span("early", "root", 1), make_span("root", "", 0, 10)});
  EXPECT_THAT(walk(tree), ElementsAre("root", "  early", "    leaf", "  late"));
  EXPECT_EQ(tree.nodes()[1].end, 3u);
  EXPECT_EQ(tree.nodes()[2].parent, 1u);
}

TEST(SpanTreeTest, OfOneStartTheInputsOrderStays) {
  const SpanTree tree = build(
      {make_span("r", ""), make_span("b", "r", 1), make_span("a", "r", 1), make_span("c", "r", 1)});
  EXPECT_THAT(walk(tree), ElementsAre("r", "  b", "  a", "  c"));
}

TEST(SpanTreeTest, OfSeveralRootsTheEarliestHasTheOthers) {
  const SpanTree tree = build({make_span("second", "", 3), make_span("child", "first", 4),
                               make_span("first", "", 1), make_span("third", "", 5)});
  EXPECT_THAT(walk(tree), ElementsAre("first", "  second", "  child", "  third"));
  EXPECT_EQ(tree.metadata().orphans, 0u);
}

TEST(SpanTreeTest, OfRootsWithOneStartTheFirstIsTheRoot) {
  EXPECT_THAT(walk(build({make_span("a", "", 1), make_span("b", "", 1)})), ElementsAre("a", "  b"));
}

TEST(SpanTreeTest, WithoutARootWhatStandsAboveTheFirstSpanIsIt) {
  const SpanTree tree = build(
      {make_span("leaf", "mid", 2), make_span("mid", "top", 1), make_span("top", "elsewhere", 0)});
  EXPECT_THAT(walk(tree), ElementsAre("top", "  mid", "    leaf"));
  EXPECT_EQ(tree.nodes()[0].top, SpanTree::Top::kRoot);
}

TEST(SpanTreeTest, OrphansStandBehindWithWhatIsBelowThem) {
  const SpanTree tree = build({make_span("below", "late", 6), make_span("late", "gone", 5),
                               make_span("root", "", 0), make_span("early", "lost", 1)});
  EXPECT_THAT(walk(tree), ElementsAre("root", "early", "late", "  below"));
  EXPECT_EQ(tree.root_size(), 1u);
  EXPECT_EQ(tree.metadata().orphans, 2u);
  EXPECT_EQ(tree.metadata().total_spans, 4u);
}

TEST(SpanTreeTest, ASpanThatIsItsOwnParentIsShownOnce) {
  const SpanTree tree = build({make_span("root", ""), make_span("self", "self", 1)});
  EXPECT_THAT(walk(tree), ElementsAre("root", "self"));
  EXPECT_THAT(tops(tree), ElementsAre(SpanTree::Top::kRoot, SpanTree::Top::kLoop));
  EXPECT_EQ(tree.metadata().loops, 1u);
}

TEST(SpanTreeTest, ARingIsCutAboveItsEarliest) {
  const SpanTree tree =
      build({make_span("root", "", 0), make_span("tail", "b", 9), make_span("c", "b", 4),
             make_span("a", "c", 2), make_span("b", "a", 3)});
  EXPECT_THAT(walk(tree), ElementsAre("root", "a", "  b", "    c", "    tail"));
  EXPECT_EQ(tree.metadata().loops, 1u);
}

TEST(SpanTreeTest, OnlyARing) {
  EXPECT_THAT(walk(build({make_span("b", "a", 1), make_span("a", "b", 0)})),
              ElementsAre("a", "  b"));
  EXPECT_THAT(walk(build({make_span("me", "me")})), ElementsAre("me"));
}

TEST(SpanTreeTest, SpansWithOneIdAreAllShownAndTheFirstHasTheChildren) {
  const SpanTree tree = build({make_span("root", "", 0), make_span("x", "root", 1),
                               make_span("x", "root", 2), make_span("child", "x", 3)});
  EXPECT_THAT(walk(tree), ElementsAre("root", "  x", "    child", "  x"));
  EXPECT_FALSE(tree.nodes()[1].same_id);
  EXPECT_TRUE(tree.nodes()[3].same_id);
  EXPECT_EQ(tree.metadata().same_ids, 1u);
}

TEST(SpanTreeTest, EmptyIdsAreNobodysParent) {
  EXPECT_THAT(walk(build({make_span("", ""), make_span("", "", 1)})), ElementsAre("", "  "));
}

TEST(SpanTreeTest, MillionsDeepTakesNoStack) {
  std::vector<Span> spans;
  for (int i = 0; i < 200'000; ++i) {
    spans.push_back(make_span(std::to_string(i), i == 0 ? "" : std::to_string(i - 1)));
  }
  const SpanTree tree = build(std::move(spans));
  EXPECT_EQ(tree.nodes().back().depth, 199'999u);
  EXPECT_EQ(tree.root_size(), 200'000u);
  EXPECT_THAT(tree_json(&tree), testing::EndsWith("}"));
}

TEST(SpanTreeTest, MetadataCountsWhatIsOutsideToo) {
  std::vector<Span> spans = {make_span("root", "", 0, 5), make_span("lost", "gone", 8, 4)};
  spans[0].trace_id.clear();
  spans[0].status = SpanStatus::kTimeout;
  spans[1].status = SpanStatus::kError;
  spans[0].tokens_used = 5;
  spans[1].tokens_used = 7;
  const SpanTree tree = build(std::move(spans));
  EXPECT_EQ(tree.trace_id(), "t1");
  EXPECT_EQ(tree.metadata().error_count, 2u);
  EXPECT_EQ(tree.metadata().total_tokens, 12);
  EXPECT_EQ(tree.metadata().total_duration, std::chrono::seconds(12));
}

// A process's tokens are those of its model calls, so they count once; those of a process that it
// spawned are that one's.
TEST(SpanTreeTest, TokensWithinAProcessCountOnce) {
  std::vector<Span> spans = {make_span("process", "", 0, 9), make_span("step", "process", 1),
                             make_span("call", "step", 1), make_span("child", "process", 2)};
  spans[1].kind = SpanKind::kStep;
  spans[2].kind = SpanKind::kLlmCall;
  spans[3].pid = Pid{2};
  for (const int i : {0, 1, 2}) spans[i].tokens_used = 100;
  spans[3].tokens_used = 30;
  const SpanTree tree = build(std::move(spans));
  EXPECT_EQ(tree.metadata().total_tokens, 130);
  EXPECT_THAT(tree.own_tokens(), ElementsAre(0, 0, 100, 30));
}

TEST(SpanTreeTest, HugeNumbersDoNotWrap) {
  std::vector<Span> spans = {make_span("a", ""), make_span("b", "")};
  for (Span& span : spans) span.tokens_used = INT64_MAX;
  spans[0].start = WallTime::min();
  spans[1].start = WallTime::max() - spans[1].duration;
  const SpanTree tree = build(std::move(spans));
  EXPECT_EQ(tree.metadata().total_tokens, INT64_MAX);
  EXPECT_EQ(tree.metadata().total_duration, Nanoseconds::max());
}

// Any parents at all: each span stands once, below the first span of its parent's id unless it is a
// top, and children in order of their starts.
TEST(SpanTreeTest, WhateverTheParentsEachSpanStandsOnce) {
  std::mt19937 random(20261121);
  for (int round = 0; round < 400; ++round) {
    const int count = 1 + static_cast<int>(random() % 40);
    const auto id = [&] { return std::to_string(random() % (count + 2)); };
    std::vector<Span> spans;
    std::map<std::string, std::string> name_of_first;
    for (int i = 0; i < count; ++i) {
      Span span =
          make_span(id(), random() % 8 == 0 ? "" : id(), static_cast<double>(random() % 10));
      span.name = "n" + std::to_string(i);
      name_of_first.emplace(span.span_id, span.name);
      spans.push_back(std::move(span));
    }
    const SpanTree tree = build(spans);
    ASSERT_EQ(tree.nodes().size(), spans.size());
    std::set<std::string> seen;
    for (std::size_t at = 0; at < tree.nodes().size(); ++at) {
      const SpanTree::Node& node = tree.nodes()[at];
      EXPECT_TRUE(seen.insert(node.span->name).second) << node.span->name;
      if (node.parent == SpanTree::kNone) {
        EXPECT_NE(node.top, SpanTree::Top::kNo);
        continue;
      }
      const SpanTree::Node& parent = tree.nodes()[node.parent];
      EXPECT_EQ(node.depth, parent.depth + 1);
      EXPECT_LT(at, parent.end);
      const std::string& wanted = node.span->parent_span_id;
      if (!wanted.empty()) EXPECT_EQ(parent.span->name, name_of_first[wanted]);
      if (wanted.empty()) EXPECT_EQ(node.parent, 0u);
      if (node.end < parent.end) EXPECT_LE(node.span->start, tree.nodes()[node.end].span->start);
    }
  }
}

TEST(TreeJsonTest, NestsChildrenAndKeepsWhatIsOutside) {
  std::vector<Span> spans = {make_span("root", "", 0, 2),  make_span("a", "root", 1),
                             make_span("b", "a", 1),       make_span("c", "root", 2),
                             make_span("lost", "gone", 3), make_span("self", "self", 4)};
  const SpanTree tree = build(std::move(spans));
  const Result<Json> json = parse_json(tree_json(&tree));
  ASSERT_TRUE(json) << json.error().message;
  const Json& root = (*json)["root"];
  EXPECT_EQ(root.text("span_id"), "root");
  EXPECT_EQ(root.find("parent_span_id"), nullptr);
  EXPECT_EQ(root.integer("duration_ms"), 2000);
  ASSERT_EQ(root["children"].size(), 2u);
  EXPECT_EQ(root["children"].items()[0]["children"].items()[0].text("name"), "b");
  EXPECT_EQ(root["children"].items()[1].find("children"), nullptr);
  ASSERT_EQ((*json)["outside"].size(), 2u);
  EXPECT_EQ((*json)["outside"].items()[0].text("why"), "orphan");
  EXPECT_EQ((*json)["outside"].items()[1].text("why"), "loop");
  EXPECT_EQ((*json)["metadata"].integer("total_spans"), 6);
}

TEST(TreeJsonTest, NothingOutsideNothingToldOfIt) {
  const SpanTree tree = build({make_span("root", "")});
  EXPECT_THAT(tree_json(&tree), Not(HasSubstr("outside")));
  EXPECT_EQ(tree_json(nullptr), "null");
}

}  // namespace
}  // namespace agdb
