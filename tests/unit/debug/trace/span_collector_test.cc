#include "debug/trace/span_collector.h"

#include <map>

#include "trace_fixture.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;

class SpanCollectorTest : public testing::Test {
 protected:
  // "name<parent" of each.
  static std::vector<std::string> names(const std::vector<Span>& spans) {
    std::map<std::string, std::string> name_of;
    for (const Span& span : spans) name_of[span.span_id] = span.name;
    std::vector<std::string> found;
    for (const Span& span : spans) {
      const auto parent = name_of.find(span.parent_span_id);
      found.push_back(span.name + (parent == name_of.end() ? "" : "<" + parent->second));
    }
    return found;
  }

  TestClock clock_;
  SpanCollector spans_{clock_, {.pid = Pid{3}, .seed = 9}};
};

TEST_F(SpanCollectorTest, DisabledNothingHappens) {
  const auto id = spans_.start(SpanKind::kFnCall, "f");
  EXPECT_EQ(id, 0u);
  EXPECT_EQ(spans_.end(id), nullptr);
  EXPECT_FALSE(spans_.set_metadata(id, "k", 1));
  EXPECT_FALSE(spans_.attach_if_absent(id, "k", 1));
  EXPECT_FALSE(spans_.add_event(id, "e"));
  EXPECT_THAT(spans_.take(), IsEmpty());
  EXPECT_EQ(spans_.summary(), "No spans recorded.");
}

TEST_F(SpanCollectorTest, TheParentIsTheInnermostOpenSpan) {
  spans_.enable();
  const auto a = spans_.start(SpanKind::kPipeline, "a");
  const auto b = spans_.start(SpanKind::kFnCall, "b");
  const auto c = spans_.start(SpanKind::kFnCall, "c");
  EXPECT_EQ(a, 1u);
  spans_.end(c);
  spans_.end(b);
  const auto d = spans_.start(SpanKind::kFnCall, "d");
  spans_.end(d);
  spans_.end(a);
  EXPECT_THAT(names(spans_.peek()), ElementsAre("c<b", "b<a", "d<a", "a"));
  EXPECT_EQ(spans_.finished(), 4u);
  EXPECT_EQ(spans_.take().size(), 4u);
  EXPECT_EQ(spans_.finished(), 0u);
}

TEST_F(SpanCollectorTest, SpansMayEndInAnyOrder) {
  spans_.enable();
  const auto a = spans_.start(SpanKind::kFnCall, "a");
  const auto b = spans_.start(SpanKind::kFnCall, "b");
  spans_.end(a);
  const auto c = spans_.start(SpanKind::kFnCall, "c");
  spans_.end(c);
  spans_.end(b);
  EXPECT_THAT(names(spans_.take()), ElementsAre("a", "c<b", "b<a"));
}

TEST_F(SpanCollectorTest, TimesAreThoseOfTheMonotonicClock) {
  clock_.pass(milliseconds(5));
  spans_.enable();
  clock_.pass(milliseconds(10));
  const auto id = spans_.start(SpanKind::kFnCall, "f");
  clock_.pass(milliseconds(7));
  const SpanCollector::Finished* const ended = spans_.end(id);
  ASSERT_NE(ended, nullptr);
  EXPECT_EQ(ended->start, milliseconds(10));
  EXPECT_EQ(ended->duration, milliseconds(7));
  const Span span = spans_.span(*ended);
  EXPECT_EQ(span.start, kZero + milliseconds(15));
  EXPECT_EQ(span.pid, Pid{3});
  EXPECT_EQ(spans_.end(id), nullptr);
}

TEST_F(SpanCollectorTest, IdsAreThoseOfW3c) {
  spans_.enable();
  const auto a = spans_.start(SpanKind::kFnCall, "a");
  spans_.end(spans_.start(SpanKind::kFnCall, "b"));
  spans_.end(a);
  const std::vector<Span> spans = spans_.take();
  EXPECT_THAT(spans[0].trace_id, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(spans[0].span_id, "0000000000000002");
  EXPECT_EQ(spans[0].parent_span_id, "0000000000000001");
  EXPECT_EQ(spans[1].parent_span_id, "");
}

TEST_F(SpanCollectorTest, EnablingBeginsAnew) {
  spans_.enable();
  const std::string first = spans_.trace_id();
  spans_.end(spans_.start(SpanKind::kFnCall, "a"));
  const auto open = spans_.start(SpanKind::kFnCall, "open");
  spans_.enable();
  EXPECT_NE(spans_.trace_id(), first);
  EXPECT_EQ(spans_.finished(), 0u);
  EXPECT_EQ(spans_.end(open), nullptr);
  EXPECT_EQ(spans_.start(SpanKind::kFnCall, "b"), 1u);
}

TEST_F(SpanCollectorTest, DetachedSpansHaveCausesButNoParent) {
  spans_.enable();
  const auto a = spans_.start(SpanKind::kFnCall, "a");
  const auto task = spans_.start_detached(SpanKind::kPoolDequeue, "task", {{"t9", "s9", {}}});
  const auto within = spans_.start(SpanKind::kFnCall, "within", {{"t8", "s8", {}}});
  spans_.end(within);
  spans_.end(task);
  spans_.end(a);
  const std::vector<Span> spans = spans_.take();
  EXPECT_THAT(names(spans), ElementsAre("within<task", "task", "a"));
  EXPECT_EQ(spans[1].links[0].trace_id, "t9");
  EXPECT_EQ(spans[0].links[0].span_id, "s8");
}

TEST_F(SpanCollectorTest, MetadataAndEvents) {
  spans_.enable();
  const auto id = spans_.start(SpanKind::kFnCall, "f");
  EXPECT_TRUE(spans_.set_metadata(id, "k", 1));
  EXPECT_TRUE(spans_.set_metadata(id, "k", 2));
  EXPECT_FALSE(spans_.attach_if_absent(id, "k", 3));
  EXPECT_TRUE(spans_.attach_if_absent(id, "other", "x"));
  clock_.pass(milliseconds(4));
  EXPECT_TRUE(spans_.add_event(id, "retry", Json::object({{"attempt", 2}})));
  clock_.pass(milliseconds(-3));  // offsets do not follow
  EXPECT_TRUE(spans_.add_event(id, "again"));
  clock_.pass(milliseconds(6));
  spans_.end(id, SpanStatus::kError, "broken");
  EXPECT_FALSE(spans_.set_metadata(id, "late", 1));
  EXPECT_FALSE(spans_.add_event(id, "late"));
  EXPECT_TRUE(spans_.attach_if_absent(id, "late", true));
  EXPECT_FALSE(spans_.attach_if_absent(id, "late", false));
  EXPECT_FALSE(spans_.attach_if_absent(99, "late", false));
  const Span span = spans_.take()[0];
  EXPECT_EQ(span.attributes, Json::object({{"k", 2}, {"other", "x"}, {"late", true}}));
  EXPECT_EQ(span.error, "broken");
  EXPECT_TRUE(span.failed());
  ASSERT_EQ(span.events.size(), 2u);
  EXPECT_EQ(span.events[0].offset, milliseconds(4));
  EXPECT_EQ(span.events[0].time, kZero + milliseconds(4));
  EXPECT_EQ(span.events[1].offset, milliseconds(4));
}

TEST_F(SpanCollectorTest, UserTimingsAreRecordedWithoutTracing) {
  clock_.pass(milliseconds(2));
  const SpanCollector::UserTiming timing = spans_.start_user_timing("mine");
  EXPECT_EQ(timing.id, 1u);
  EXPECT_EQ(timing.parent, 0u);
  EXPECT_EQ(timing.trace_id, spans_.trace_id());
  EXPECT_EQ(timing.start, kZero + milliseconds(2));
  EXPECT_EQ(spans_.start(SpanKind::kFnCall, "not"), 0u);
  const auto inner = spans_.start(SpanKind::kUserTiming, "inner");
  spans_.end(inner);
  clock_.pass(milliseconds(1));
  EXPECT_EQ(spans_.end(timing.id)->duration, milliseconds(1));
  EXPECT_THAT(names(spans_.take()), ElementsAre("inner<mine", "mine"));
}

class Listener final : public TraceSink {
 public:
  void on_span_start(const Span& span) override { told.push_back("+" + span.span_id.substr(15)); }
  void on_span(const Span& span) override {
    told.push_back("-" + span.span_id.substr(15) + " " + std::to_string(span.duration.count()));
  }
  std::vector<std::string> told;
};

TEST_F(SpanCollectorTest, SubscribersAreToldOfStartsAndEnds) {
  Listener listener;
  spans_.subscribe(listener);
  spans_.enable();
  const auto a = spans_.start(SpanKind::kFnCall, "a");
  const auto b = spans_.start(SpanKind::kFnCall, "b");
  clock_.pass(Nanoseconds(5));
  spans_.end(b);
  spans_.unsubscribe(listener);
  spans_.end(a);
  EXPECT_THAT(listener.told, ElementsAre("+1", "+2", "-2 5"));
}

TEST_F(SpanCollectorTest, TheSummaryIsATree) {
  spans_.enable();
  const auto a = spans_.start(SpanKind::kPipeline, "build");
  const auto b = spans_.start(SpanKind::kFnCall, "com\npile");
  spans_.set_metadata(b, "files", 3);
  spans_.set_metadata(b, "mode", "fast");
  clock_.pass(milliseconds(20));
  spans_.end(b);
  spans_.end(a);
  spans_.end(spans_.start(SpanKind::kFnCall, "other"));
  EXPECT_EQ(spans_.summary(),
            "Trace: 3 spans, 20ms total\n\n"
            "pipeline build 20ms\n"
            "  fn_call com\\npile 20ms (files=3, mode=fast)\n"
            "fn_call other 0µs\n");
}

TEST_F(SpanCollectorTest, OfAnOpenParentTheChildrenStandOnTop) {
  spans_.enable();
  spans_.start(SpanKind::kPipeline, "open");
  spans_.end(spans_.start(SpanKind::kFnCall, "child"));
  EXPECT_EQ(spans_.summary(), "Trace: 1 spans, 0ms total\n\nfn_call child 0µs\n");
}

}  // namespace
}  // namespace agdb
