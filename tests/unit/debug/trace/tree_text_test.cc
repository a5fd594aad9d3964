#include "debug/trace/tree_text.h"

#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::string text_of(std::vector<Span> spans, TreeTextOptions options = {}) {
  const std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  return tree_text(&*tree, options);
}

TEST(TreeTextTest, NoSpans) {
  EXPECT_EQ(tree_text(nullptr), "No spans found for this trace.\n");
}

TEST(TreeTextTest, BarsGoOnWhileSiblingsFollow) {
  EXPECT_EQ(text_of({make_span("r", "", 0, 9), make_span("a", "r", 1), make_span("b", "a", 2),
                     make_span("c", "b", 3), make_span("d", "r", 4), make_span("e", "d", 5)}),
            "Trace: t1  |  6 spans  |  9.00s  |  0 tokens\n\n"
            "┌─ r (PID 1)                              9.00s    0 tok  ok\n"
            "├─ a (PID 1)                              1.00s    0 tok  ok\n"
            "│  └─ b (PID 1)                              1.00s    0 tok  ok\n"
            "│     └─ c (PID 1)                              1.00s    0 tok  ok\n"
            "└─ d (PID 1)                              1.00s    0 tok  ok\n"
            "   └─ e (PID 1)                              1.00s    0 tok  ok\n");
}

TEST(TreeTextTest, VerboseLinesKeepTheBars) {
  EXPECT_EQ(text_of({make_span("r", "", 0.5, 9), make_span("a", "r", 1), make_span("b", "r", 2)},
                    {.verbose = true}),
            "Trace: t1  |  3 spans  |  9.00s  |  0 tokens\n\n"
            "┌─ r (PID 1)                              9.00s    0 tok  ok\n"
            "│    SpanID: r  Syscalls: 0  Start: 2026-03-08T10:00:00Z\n"
            "├─ a (PID 1)                              1.00s    0 tok  ok\n"
            "│    SpanID: a  Parent: r  Syscalls: 0  Start: 2026-03-08T10:00:01Z\n"
            "└─ b (PID 1)                              1.00s    0 tok  ok\n"
            "     SpanID: b  Parent: r  Syscalls: 0  Start: 2026-03-08T10:00:02Z\n");
}

TEST(TreeTextTest, VerboseTellsWhatOnlyOurSpansHave) {
  Span span = make_span("r", "");
  span.kind = SpanKind::kToolCall;
  span.attributes = Json::object({{"tool", "bash"}, {"argument_bytes", 12}});
  span.links.push_back({"t2", "s2", {}});
  EXPECT_THAT(text_of({span}, {.verbose = true}),
              EndsWith("  Kind: tool_call  Links: 1  tool=bash  argument_bytes=12\n"));
}

TEST(TreeTextTest, WhyItFailedStandsBehindTheStatus) {
  Span span = make_span("r", "");
  span.status = SpanStatus::kError;
  span.error = "no such file";
  EXPECT_THAT(text_of({span}), EndsWith("  error  no such file\n"));
}

TEST(TreeTextTest, WhatIsOutsideStandsBehindWithTheReason) {
  const std::string text =
      text_of({make_span("root", ""), make_span("lost", "gone", 1), make_span("below", "lost", 2),
               make_span("self", "self", 3), make_span("root", "root", 4)});
  EXPECT_THAT(text, HasSubstr("└─ root (PID 1)                           1.00s    0 tok  ok  "
                              "[id used before]\n"));
  EXPECT_THAT(text, EndsWith("\nOutside the tree: 3 spans (parent missing: 1, loops: 1)\n"
                             "┌─ lost (PID 1)                           1.00s    0 tok  ok  "
                             "[parent missing: gone]\n"
                             "└─ below (PID 1)                          1.00s    0 tok  ok\n"
                             "┌─ self (PID 1)                           1.00s    0 tok  ok  "
                             "[in a loop, parent: self]\n"));
}

TEST(TreeTextTest, AnIntentOfAPageIsCutAndStandsWholeBelow) {
  const Span span = make_span(std::string(39, 'a') + "äbc", "");
  const std::string cut = "─ " + std::string(39, 'a') + "ä... (PID 1) ";
  EXPECT_THAT(text_of({span}), HasSubstr(cut));
  EXPECT_THAT(text_of({span}), Not(HasSubstr("Name:")));
  EXPECT_THAT(text_of({span}, {.verbose = true}), HasSubstr("  Name: " + span.name + "\n"));
  EXPECT_THAT(text_of({make_span(std::string(40, 'a'), "")}), Not(HasSubstr("...")));
}

TEST(TreeTextTest, NamesCannotDriveTheTerminal) {
  Span span = make_span("r", "");
  span.name = "a\x1b[31mb\nc";
  span.trace_id = "t\r";
  const std::string text = text_of({span});
  EXPECT_THAT(text, HasSubstr("┌─ a\\x1b[31mb\\nc (PID 1) "));
  EXPECT_THAT(text, HasSubstr("Trace: t\\r  |"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

// Each level more is no wider than the one before, or a deep trace would have a text of its square.
TEST(TreeTextTest, DeepLevelsAreToldByTheirNumber) {
  std::vector<Span> spans;
  for (int i = 0; i < 3000; ++i)
    spans.push_back(make_span(std::to_string(i), i == 0 ? "" : std::to_string(i - 1)));
  const std::string text = text_of(std::move(spans));
  EXPECT_THAT(text, HasSubstr("\n(+2934) " + std::string(64 * 3, ' ') + "└─ 2999 (PID 1)"));
  EXPECT_LT(text.size(), 3000u * 400);
}

TEST(TreeTextTest, StartsAtTheEndsOfTimeAreTold) {
  for (const auto& [start, text] :
       {std::pair(WallTime::min(), "Start: 1677-09-21T00:12:43.145224192Z"),
        std::pair(WallTime(Nanoseconds(-1)), "Start: 1969-12-31T23:59:59Z"),
        std::pair(WallTime(Nanoseconds(1)), "Start: 1970-01-01T00:00:00Z"),
        std::pair(WallTime::max(), "Start: 2262-04-11T23:47:16Z")}) {
    Span span = make_span("a", "", 0, 0);
    span.start = start;
    const std::optional<SpanTree> tree = SpanTree::build({span});
    EXPECT_THAT(tree_text(&*tree, {.verbose = true}), testing::HasSubstr(text));
  }
}

}  // namespace
}  // namespace agdb
