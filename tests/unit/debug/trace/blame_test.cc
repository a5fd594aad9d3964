#include "debug/trace/blame.h"

#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BlameTest : public testing::Test {
 protected:
  void look(std::vector<Span> spans) {
    tree_ = SpanTree::build(std::move(spans));
    blame_ = find_blame(*tree_);
  }
  std::vector<std::string> names(const std::vector<std::uint32_t>& nodes) const {
    std::vector<std::string> found;
    for (const std::uint32_t node : nodes) found.push_back(tree_->nodes()[node].span->name);
    return found;
  }
  // "root>leaf!cause" of each chain.
  std::vector<std::string> chains() const {
    std::vector<std::string> found;
    for (const Blame::ErrorChain& chain : blame_.error_chains) {
      std::string text;
      for (const std::string& name : names(path_to(*tree_, chain.end))) text += name + ">";
      text.back() = '!';
      found.push_back(text + tree_->nodes()[chain.root_cause].span->name);
    }
    return found;
  }

  std::optional<SpanTree> tree_;
  Blame blame_;
};

Span failed(std::string id, std::string parent, double start = 0, double duration = 1) {
  Span span = make_span(std::move(id), std::move(parent), start, duration);
  span.status = SpanStatus::kError;
  return span;
}

TEST_F(BlameTest, ThePathIsThatOfTheLargestSum) {
  look({make_span("root", "", 0, 10), make_span("a", "root", 0, 4), make_span("a1", "a", 0, 4),
        make_span("b", "root", 0, 7)});
  EXPECT_THAT(names(blame_.critical_path), ElementsAre("root", "a", "a1"));
  EXPECT_EQ(blame_.critical_duration, std::chrono::seconds(18));
  EXPECT_DOUBLE_EQ(blame_.critical_path_pct, 180);
}

TEST_F(BlameTest, OfEqualSumsTheFirst) {
  look({make_span("root", "", 0, 10), make_span("a", "root", 1, 4), make_span("b", "root", 2, 4)});
  EXPECT_THAT(names(blame_.critical_path), ElementsAre("root", "a"));
}

TEST_F(BlameTest, ChildrenWithoutDurationAreNoPath) {
  look({make_span("root", "", 0, 10), make_span("moment", "root", 1, 0)});
  EXPECT_THAT(names(blame_.critical_path), ElementsAre("root"));
  look({make_span("root", "", 0, 0)});
  EXPECT_THAT(blame_.critical_path, IsEmpty());
  EXPECT_EQ(blame_.critical_path_pct, 0);
}

TEST_F(BlameTest, HotspotsAreOfTheTreeAlone) {
  look({make_span("root", "", 0, 2), make_span("lost", "gone", 0, 10)});
  ASSERT_EQ(blame_.duration_hotspots.size(), 1u);
  EXPECT_DOUBLE_EQ(blame_.duration_hotspots[0].percentage, 20);
}

TEST_F(BlameTest, ChainsOfLeavesComeFirstThenThoseOfInnerSpans) {
  look({make_span("root", "", 0, 9), failed("inner", "root", 1), make_span("fine", "inner", 1),
        failed("mid", "root", 2), make_span("ok", "mid", 2), failed("leaf", "ok", 2)});
  EXPECT_THAT(chains(), ElementsAre("root>mid>ok>leaf!mid", "root>inner!inner", "root>mid!mid"));
}

TEST_F(BlameTest, WhatHasAFailedChildEndsNoChain) {
  look({failed("root", ""), failed("a", "root", 1), make_span("b", "root", 2)});
  EXPECT_THAT(chains(), ElementsAre("root>a!root"));
}

TEST_F(BlameTest, TheTextShowsChainsFromTheirEndUp) {
  look({failed("root", "", 0, 9), make_span("mid", "root", 1), failed("leaf", "mid", 2)});
  const std::string text = blame_text(&*tree_, &blame_);
  EXPECT_THAT(text, HasSubstr("Blame: t1  |  3 spans  |  2 errors\n\n"));
  EXPECT_THAT(text, HasSubstr("Error Chains ────────────────────────────────────────\n"
                              "Chain 1:\n"
                              "  ✗ leaf (PID 1)                        error\n"
                              "  ↑ mid (PID 1)                         ok\n"
                              "  ✗ root (PID 1)                        error [ROOT CAUSE]\n"
                              "Chain 2:\n"
                              "  ✗ root (PID 1)                        error [ROOT CAUSE]\n"));
}

TEST_F(BlameTest, ColumnsCountBytesAndLeaveTwoBlanksAtLeast) {
  Span span = make_span("r", "", 0, 1);
  span.name = std::string(40, 'x');
  look({span});
  EXPECT_THAT(blame_text(&*tree_, &blame_),
              HasSubstr("→ " + std::string(40, 'x') + " (PID 1)  1.00s   0 tok\n"));
}

TEST_F(BlameTest, AsJsonSpansAreWhole) {
  look({failed("root", "", 0, 9), make_span("mid", "root", 1)});
  const Json json = blame_json(*tree_, blame_);
  EXPECT_EQ(json.text("trace_id"), "t1");
  EXPECT_EQ(json["critical_path"].items()[1].text("parent_span_id"), "root");
  EXPECT_EQ(json["critical_path"].items()[0].integer("end_time_ms"), 1'772'964'009'000);
  EXPECT_EQ(json["error_chains"].items()[0]["root_cause"].text("status"), "error");
  EXPECT_EQ(json["summary"].integer("error_spans"), 1);
  look({make_span("root", "")});
  EXPECT_TRUE(blame_json(*tree_, blame_).find("error_chains")->is_null());
}

TEST_F(BlameTest, NothingToBlame) {
  EXPECT_EQ(blame_text(nullptr, nullptr), "No blame data available.\n");
}

// A failing leaf at each level of a deep trace: texts stay bounded.
TEST_F(BlameTest, ManyLongChainsAreCut) {
  std::vector<Span> spans = {failed("0", "")};
  for (int i = 1; i < 3000; ++i) {
    const std::string above = std::to_string(i - 1);
    spans.push_back(make_span(std::to_string(i), above));
    spans.push_back(failed("leaf" + above, above));
  }
  look(std::move(spans));
  EXPECT_EQ(path_to(*tree_, blame_.error_chains.front().end).size(), 200u);
  EXPECT_EQ(blame_.error_chains.size(), 2999u);
  const std::string text = blame_text(&*tree_, &blame_);
  EXPECT_THAT(text, HasSubstr("(1999 more chains)"));
  EXPECT_LT(text.size(), 1000u * 200 * 60 + 3000u * 60);
  EXPECT_THAT(text, Not(HasSubstr("Chain 1001:")));
}

}  // namespace
}  // namespace agdb
