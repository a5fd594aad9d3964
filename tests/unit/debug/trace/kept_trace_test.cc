#include "debug/trace/kept_trace.h"

#include "tests/unit/debug/trace/recorded_runs.h"

namespace agdb {
namespace {

using testing::ElementsAre;

class KeptTraceTest : public RecordedRunsCase {
 protected:
  void keep(SpanKind kind, const std::string& name, std::int64_t from, std::int64_t to,
            std::uint64_t pid = 1) {
    Span span = made_span(kind, name, "", name, from, to);
    span.pid = Pid{pid};
    RecordedRunsCase::keep(std::string(kOne), std::move(span));
  }
  // The spans as they are told; the processes are in told_.
  std::vector<std::string> told(SpanOrder order) {
    const Result<KeptTrace> trace = KeptTrace::open(places_.traces_dir, std::string(kOne));
    EXPECT_TRUE(trace);
    told_ = SpanKeeper();
    EXPECT_TRUE(trace->tell(told_, order));
    std::vector<std::string> names;
    for (const Span& span : told_.spans) names.push_back(span.name);
    return names;
  }

  SpanKeeper told_;
};

TEST_F(KeptTraceTest, WhatIsNotKeptIsNotFound) {
  EXPECT_EQ(KeptTrace::open(places_.traces_dir, std::string(kOne)).error().code, Code::kNotFound);
  EXPECT_EQ(KeptTrace::open(places_.traces_dir, "../x").error().code, Code::kInvalid);
}

TEST_F(KeptTraceTest, SpansMayStandInTheFileInAnyOrder) {
  keep(SpanKind::kProcess, "p", 0, 10);
  keep(SpanKind::kLlmCall, "call", 2, 6);
  keep(SpanKind::kToolCall, "tool", 6, 9);
  keep(SpanKind::kPhase, "phase", 2, 6);
  keep(SpanKind::kFnCall, "first", 0, 1);
  keep(SpanKind::kFnCall, "late", 11, 12);
  EXPECT_THAT(told(SpanOrder::kAsKept), ElementsAre("p", "call", "tool", "phase", "first", "late"));
  EXPECT_THAT(told(SpanOrder::kByEnd), ElementsAre("first", "phase", "call", "tool", "late", "p"));
}

TEST_F(KeptTraceTest, WhatStandsByItsEndsStaysAsItIs) {
  keep(SpanKind::kToolCall, "b", 0, 9, 2);
  keep(SpanKind::kProcess, "q", 0, 10, 2);
  keep(SpanKind::kToolCall, "a", 0, 5, 1);
  keep(SpanKind::kProcess, "p", 0, 5, 1);
  EXPECT_THAT(told(SpanOrder::kByEnd), ElementsAre("b", "q", "a", "p"));
}

TEST_F(KeptTraceTest, APhaseBehindItsCallIsNoOrderByEnds) {
  keep(SpanKind::kLlmCall, "call", 2, 6);
  keep(SpanKind::kPhase, "phase", 4, 6);
  EXPECT_THAT(told(SpanOrder::kByEnd), ElementsAre("phase", "call"));
}

TEST_F(KeptTraceTest, OfSeveralProcessesWithOnePidTheOneAroundIsTheProcess) {
  keep(SpanKind::kProcess, "late", 50, 500);
  keep(SpanKind::kProcess, "short", 0, 10);
  keep(SpanKind::kProcess, "root", 0, 100);
  keep(SpanKind::kProcess, "same", 0, 100);
  keep(SpanKind::kProcess, "other", 20, 30, 2);
  EXPECT_THAT(told(SpanOrder::kByEnd), ElementsAre("short", "same", "late", "other", "root"));
  ASSERT_EQ(told_.processes.size(), 2U);
  EXPECT_EQ(told_.processes[0].intent, "root");
  EXPECT_EQ(told_.processes[0].process_spans, 4U);
  EXPECT_EQ(told_.processes[1].intent, "other");
  EXPECT_EQ(told_.processes[1].process_spans, 1U);
}

TEST_F(KeptTraceTest, ItMayBeCutShortInEitherOrder) {
  keep(SpanKind::kFnCall, "b", 5, 6);
  keep(SpanKind::kFnCall, "a", 0, 1);
  const Result<KeptTrace> trace = KeptTrace::open(places_.traces_dir, std::string(kOne));
  for (const SpanOrder order : {SpanOrder::kAsKept, SpanOrder::kByEnd}) {
    SpanKeeper kept;
    int asked = 0;
    const Status status = trace->tell(kept, order, [&asked] { return ++asked < 2; });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kCancelled);
    EXPECT_EQ(kept.spans.size(), 1U);
  }
}

}  // namespace
}  // namespace agdb
