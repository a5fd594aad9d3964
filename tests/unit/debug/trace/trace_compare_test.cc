#include "debug/trace/trace_compare.h"

#include "trace_fixture.h"

namespace agdb {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Span tool(std::string id, std::string parent, double start, double duration, std::string name) {
  Span span = make_span(std::move(id), std::move(parent), start, duration);
  span.kind = SpanKind::kToolCall;
  span.name = std::move(name);
  return span;
}

class TraceCompareTest : public testing::Test {
 protected:
  void compare(std::vector<Span> before, std::vector<Span> after) {
    before_ = SpanTree::build(std::move(before));
    after_ = SpanTree::build(std::move(after));
    comparison_ = compare_traces(*before_, *after_);
  }
  // "+3 a" (both have it), "+3 new a", "-3 gone a".
  std::vector<std::string> rows() const {
    std::vector<std::string> found;
    for (const TraceComparison::Row& row : comparison_.rows) {
      const auto full = std::chrono::duration_cast<seconds>(row.difference).count();
      std::string text = (full > 0 ? "+" : "") + std::to_string(full) + " ";
      if (row.before == SpanTree::kNone) text += "new ";
      if (row.after == SpanTree::kNone) text += "gone ";
      found.push_back(text + (row.after != SpanTree::kNone
                                  ? after_->nodes()[row.after].span->name
                                  : before_->nodes()[row.before].span->name));
    }
    return found;
  }

  std::optional<SpanTree> before_;
  std::optional<SpanTree> after_;
  TraceComparison comparison_;
};

TEST_F(TraceCompareTest, ATraceIsItselfWithoutADifference) {
  const std::vector<Span> spans = {make_span("r", "", 0, 9), tool("a", "r", 1, 2, "bash"),
                                   tool("b", "r", 4, 2, "bash")};
  compare(spans, spans);
  EXPECT_THAT(comparison_.rows, IsEmpty());
  EXPECT_THAT(comparison_.by_name, IsEmpty());
  EXPECT_EQ(comparison_.matched, 3u);
  EXPECT_THAT(comparison_text(*before_, *after_, comparison_), HasSubstr("No span took longer"));
}

TEST_F(TraceCompareTest, WhatGotSlowerIsTheSpanAndNotThoseAroundIt) {
  compare({make_span("r", "", 0, 9), make_span("s", "r", 1, 6), tool("a", "s", 2, 2, "bash")},
          {make_span("x", "", 0, 14), make_span("y", "x", 1, 11), tool("z", "y", 2, 7, "bash")});
  EXPECT_THAT(rows(), ElementsAre("+5 bash"));
}

TEST_F(TraceCompareTest, OfSeveralWithOneNameTheNumberCounts) {
  compare({make_span("r", "", 0, 20), tool("a", "r", 1, 2, "bash"), tool("b", "r", 4, 2, "bash")},
          {make_span("r", "", 0, 20), tool("a", "r", 1, 2, "bash"), tool("b", "r", 4, 3, "bash"),
           tool("c", "r", 8, 4, "bash")});
  EXPECT_THAT(rows(), ElementsAre("-5 r", "+4 new bash", "+1 bash"));
  EXPECT_EQ(comparison_.new_spans, 1u);
  ASSERT_EQ(comparison_.by_name.size(), 2u);
  EXPECT_EQ(comparison_.by_name[0].name, "bash");
  EXPECT_EQ(comparison_.by_name[0].count_after, 3u);
  EXPECT_EQ(comparison_.by_name[0].difference(), seconds(5));
}

TEST_F(TraceCompareTest, WhatIsNewOrGoneHasOneRowWithAllBelowIt) {
  compare({make_span("r", "", 0, 20), tool("a", "r", 1, 9, "old"), tool("b", "a", 2, 2, "x")},
          {make_span("r", "", 0, 20), tool("c", "r", 1, 9, "other"), tool("d", "c", 2, 2, "x")});
  EXPECT_THAT(rows(), ElementsAre("-9 gone old", "+9 new other"));
  EXPECT_EQ(comparison_.gone_spans, 2u);
  EXPECT_EQ(comparison_.new_spans, 2u);
  const std::string text = comparison_text(*before_, *after_, comparison_);
  EXPECT_THAT(text, HasSubstr("1 spans in both, 2 new, 2 gone\n"));
  EXPECT_THAT(text, HasSubstr("gone       -9.00s  tool_call  r > old\n"));
}

TEST_F(TraceCompareTest, ProcessesAreMatchedWhateverTheyWereAskedToDo) {
  compare({make_span("root one", "", 0, 9), make_span("child one", "root one", 1, 3)},
          {make_span("root two", "", 0, 9), make_span("child two", "root two", 1, 3)});
  EXPECT_EQ(comparison_.matched, 2u);
}

TEST_F(TraceCompareTest, AsJsonWithIdsOfBoth) {
  compare({make_span("r", "", 0, 9), tool("a", "r", 1, 2, "bash")},
          {make_span("q", "", 0, 11), tool("b", "q", 1, 4, "bash")});
  const Json json = comparison_json(*before_, *after_, comparison_);
  const Json& row = json["spans"].items()[0];
  EXPECT_EQ(row.text("what"), "slower");
  EXPECT_EQ(row.text("span_id_before"), "a");
  EXPECT_EQ(row.text("span_id_after"), "b");
  EXPECT_EQ(row.text("path"), "q > bash");
  EXPECT_EQ(row.integer("before_ns"), 2'000'000'000);
  EXPECT_EQ(json["before"].integer("total_spans"), 2);
}

}  // namespace
}  // namespace agdb
