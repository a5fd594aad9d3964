#include "debug/trace/critical_path.h"

#include <algorithm>
#include <random>

#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;

SpanTree build(std::vector<Span> spans) {
  return *SpanTree::build(std::move(spans));
}

// "name from-to" of each piece, in seconds.
std::vector<std::string> pieces(std::vector<Span> spans) {
  const SpanTree tree = build(std::move(spans));
  std::vector<std::string> found;
  for (const PathPiece& piece : critical_path(tree)) {
    const auto seconds = [](WallTime time) {
      return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time - kZero).count());
    };
    found.push_back(tree.nodes()[piece.node].span->name + " " + seconds(piece.from) + "-" +
                    seconds(piece.to));
  }
  return found;
}

Span process(std::string id, std::string parent, double start, double duration, int pid) {
  Span span = make_span(std::move(id), std::move(parent), start, duration);
  span.pid = static_cast<Pid>(pid);
  return span;
}

Span wait(std::string id, std::string parent, double start, double duration, std::string process) {
  Span span = make_span(std::move(id), std::move(parent), start, duration);
  span.kind = SpanKind::kWait;
  span.links.push_back({"t1", std::move(process), {}});
  return span;
}

TEST(CriticalPathTest, OneSpanIsItsOwnPath) {
  EXPECT_THAT(pieces({make_span("a", "", 0, 4)}), ElementsAre("a 0-4"));
  EXPECT_TRUE(critical_path(build({make_span("a", "", 0, 0)})).empty());
}

TEST(CriticalPathTest, WhatRanBesideHeldNothingUp) {
  EXPECT_THAT(pieces({make_span("root", "", 0, 10), make_span("a", "root", 2, 3),
                      make_span("b", "root", 2, 4), make_span("c", "root", 5, 4)}),
              ElementsAre("root 0-2", "a 2-5", "c 5-9", "root 9-10"));
}

TEST(CriticalPathTest, GoesDownToWhatRan) {
  EXPECT_THAT(
      pieces({make_span("root", "", 0, 10), make_span("step", "root", 1, 8),
              make_span("call", "step", 2, 6), make_span("sampling", "call", 4, 4)}),
      ElementsAre("root 0-1", "step 1-2", "call 2-4", "sampling 4-8", "step 8-9", "root 9-10"));
}

TEST(CriticalPathTest, OfThoseThatEndTogetherTheLongest) {
  EXPECT_THAT(pieces({make_span("root", "", 0, 5), make_span("short", "root", 3, 2),
                      make_span("long", "root", 1, 4)}),
              ElementsAre("root 0-1", "long 1-5"));
}

TEST(CriticalPathTest, AChildThatOutlivesItsParentIsTheEnd) {
  EXPECT_THAT(pieces({make_span("root", "", 0, 4), make_span("child", "root", 1, 8)}),
              ElementsAre("root 0-1", "child 1-9"));
}

TEST(CriticalPathTest, TimeThatNobodyHadIsNoPiece) {
  EXPECT_THAT(pieces({make_span("root", "", 0, 2), make_span("late", "root", 5, 3)}),
              ElementsAre("root 0-2", "late 5-8"));
}

TEST(CriticalPathTest, AWaitIsFollowedToTheProcess) {
  EXPECT_THAT(
      pieces({process("parent", "", 0, 10, 1), wait("wait", "parent", 4, 5, "child"),
              process("child", "parent", 2, 6, 2), make_span("call", "child", 3, 2)}),
      ElementsAre("parent 0-2", "child 2-3", "call 3-5", "child 5-8", "wait 8-9", "parent 9-10"));
}

Span linked(Span span, SpanKind kind, std::string to) {
  span.kind = kind;
  if (!to.empty()) span.links.push_back({"t1", std::move(to), {}});
  return span;
}

TEST(CriticalPathTest, AProcessIsFollowedToItsSpawn) {
  EXPECT_THAT(pieces({process("parent", "", 0, 10, 1),
                      linked(make_span("step", "parent", 1, 5), SpanKind::kStep, ""),
                      make_span("call", "step", 1, 2),
                      linked(make_span("spawn", "step", 3, 0), SpanKind::kSpawn, "child"),
                      make_span("slow", "step", 3, 3), process("child", "parent", 3, 6, 2),
                      wait("wait", "parent", 7, 2, "child")}),
              ElementsAre("parent 0-1", "call 1-3", "child 3-9", "parent 9-10"));
}

TEST(CriticalPathTest, AReceiptIsFollowedToTheSending) {
  EXPECT_THAT(pieces({process("a", "", 0, 10, 1),
                      linked(make_span("receive", "a", 2, 6), SpanKind::kChannelMatch, "send"),
                      process("b", "a", 1, 6.5, 2), make_span("work", "b", 3, 4),
                      linked(make_span("send", "b", 7, 0), SpanKind::kChannelEmit, "")}),
              ElementsAre("a 0-1", "b 1-3", "work 3-7", "receive 7-8", "a 8-10"));
}

TEST(CriticalPathTest, WhatHadBeenSentBeforeHeldNothingUp) {
  EXPECT_THAT(pieces({process("a", "", 0, 10, 1),
                      linked(make_span("receive", "a", 5, 3), SpanKind::kChannelMatch, "send"),
                      process("b", "a", 1, 3, 2),
                      linked(make_span("send", "b", 2, 0), SpanKind::kChannelEmit, "")}),
              ElementsAre("a 0-1", "b 1-4", "a 4-5", "receive 5-8", "a 8-10"));
}

TEST(CriticalPathTest, AWaitThatGaveUpIsTheCause) {
  EXPECT_THAT(pieces({process("parent", "", 0, 10, 1), wait("wait", "parent", 4, 5, "child"),
                      process("child", "parent", 2, 8, 2)}),
              ElementsAre("parent 0-2", "child 2-10"));
  EXPECT_THAT(pieces({process("parent", "", 0, 10, 1), process("child", "parent", 2, 7.5, 2),
                      make_span("tail", "parent", 9, 1), wait("wait", "parent", 4, 5, "child")}),
              ElementsAre("parent 0-4", "wait 4-9", "tail 9-10"));
}

TEST(CriticalPathTest, WaitsInARingEnd) {
  EXPECT_FALSE(pieces({process("a", "", 0, 10, 1), wait("wait b", "a", 1, 8, "b"),
                       process("b", "a", 1, 8, 2), wait("wait a", "b", 2, 6, "a"),
                       wait("wait self", "b", 8, 1, "b")})
                   .empty());
}

TEST(CriticalPathTest, AMillionDeepTakesNoStack) {
  std::vector<Span> spans;
  for (int i = 0; i < 200'000; ++i)
    spans.push_back(make_span(std::to_string(i), i == 0 ? "" : std::to_string(i - 1)));
  const SpanTree tree = build(std::move(spans));
  const std::vector<PathPiece> path = critical_path(tree);
  ASSERT_EQ(path.size(), 1u);
  EXPECT_EQ(path[0].node, 199'999u);
}

// The same rule in its plainest form, for spans that lie within their parents.
WallTime explain(const SpanTree& tree, std::uint32_t node, WallTime at,
                 std::vector<PathPiece>& pieces) {
  const auto& nodes = tree.nodes();
  const Span& span = *nodes[node].span;
  for (;;) {
    std::uint32_t last = SpanTree::kNone;
    for (std::uint32_t child = node + 1; child < nodes[node].end; child = nodes[child].end) {
      const Span& other = *nodes[child].span;
      if (other.end() > at || other.duration == Nanoseconds(0)) continue;
      if (last == SpanTree::kNone || other.end() > nodes[last].span->end() ||
          (other.end() == nodes[last].span->end() && other.start < nodes[last].span->start))
        last = child;
    }
    const WallTime since = last == SpanTree::kNone ? span.start : nodes[last].span->end();
    if (since < at) pieces.push_back({node, since, at});
    if (last == SpanTree::kNone) return span.start;
    at = explain(tree, last, since, pieces);
  }
}

TEST(CriticalPathTest, OfSpansWithinTheirParentsThePiecesAreTheWhole) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Span> spans = {make_span("0", "", 0, 1000)};
    const int count = static_cast<int>(random() % 60);
    for (int i = 1; i <= count; ++i) {
      const Span parent = spans[random() % spans.size()];
      const auto room = std::chrono::duration_cast<std::chrono::seconds>(parent.duration).count();
      const auto start = static_cast<std::int64_t>(random() % static_cast<unsigned>(room + 1));
      const auto length =
          static_cast<std::int64_t>(random() % static_cast<unsigned>(room - start + 1));
      Span span = make_span(std::to_string(i), parent.span_id);
      span.start = parent.start + std::chrono::seconds(start);
      span.duration = std::chrono::seconds(length);
      spans.push_back(span);
    }
    const SpanTree tree = build(spans);
    const std::vector<PathPiece> path = critical_path(tree);
    WallTime at = kZero;
    for (const PathPiece& piece : path) {
      EXPECT_EQ(piece.from, at);
      EXPECT_LT(piece.from, piece.to);
      at = piece.to;
    }
    EXPECT_EQ(at, kZero + std::chrono::seconds(1000));
    std::vector<PathPiece> expected;
    explain(tree, 0, at, expected);
    std::reverse(expected.begin(), expected.end());
    const auto of_root = [](const std::vector<PathPiece>& pieces) {
      Nanoseconds sum{0};
      for (const PathPiece& piece : pieces)
        sum += piece.node == 0 ? piece.duration() : Nanoseconds(0);
      return sum;
    };
    EXPECT_EQ(of_root(path), of_root(expected));
  }
}

// Whatever the times, no moment is told twice, and each piece is within its span.
TEST(CriticalPathTest, PiecesNeverOverlap) {
  std::mt19937 random(6);
  for (int round = 0; round < 300; ++round) {
    std::vector<Span> spans;
    const int count = 1 + static_cast<int>(random() % 40);
    for (int i = 0; i < count; ++i) {
      const std::string parent = i == 0 ? "" : std::to_string(random() % static_cast<unsigned>(i));
      Span span = make_span(std::to_string(i), parent, static_cast<double>(random() % 50),
                            static_cast<double>(random() % 20));
      constexpr SpanKind kLinked[] = {SpanKind::kWait, SpanKind::kSpawn, SpanKind::kChannelMatch,
                                      SpanKind::kChannelEmit};
      if (random() % 3 != 0) {
        span.kind = kLinked[random() % 4];
        span.links.push_back({"t1", std::to_string(random() % static_cast<unsigned>(count)), {}});
      }
      spans.push_back(span);
    }
    const SpanTree tree = build(spans);
    WallTime at = WallTime::min();
    for (const PathPiece& piece : critical_path(tree)) {
      const Span& span = *tree.nodes()[piece.node].span;
      EXPECT_GE(piece.from, at);
      EXPECT_LT(piece.from, piece.to);
      EXPECT_GE(piece.from, span.start);
      EXPECT_LE(piece.to, span.end());
      at = piece.to;
    }
  }
}

}  // namespace
}  // namespace agdb
