#include "debug/trace/trace_source.h"

#include "debug/trace/gathered_trace.h"
#include "tests/unit/debug/trace/recorded_runs.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class TraceSourceTest : public RecordedRunsCase {
 protected:
  std::string named(const std::string& name) const {
    const Result<TraceSource> source = TraceSource::named(places_, name);
    return source ? source->name() : source.error().message;
  }
};

std::vector<std::string> names(const TraceSource& source) {
  SpanKeeper kept;
  const Result<DerivedCounts> counts = source.derive(kept);
  EXPECT_TRUE(counts);
  std::vector<std::string> found;
  for (const Span& span : kept.spans) found.push_back(span.name);
  return found;
}

TEST_F(TraceSourceTest, WhereNothingIsNothingIsFound) {
  for (const char* const name : {"", "1", "no-such", "../..", "."}) {
    const Result<TraceSource> source = TraceSource::named(places_, name);
    ASSERT_FALSE(source) << name;
    EXPECT_EQ(source.error().code, Code::kNotFound) << name;
  }
  EXPECT_THAT(named("no-such"), HasSubstr("\"no-such\""));
  EXPECT_FALSE(TraceSource::of_process(places_, "", ""));
  EXPECT_FALSE(TraceSource::of_process(places_, "1-1", std::string(kOne)));
}

TEST_F(TraceSourceTest, ARecordedRunByEachOfItsNames) {
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)});
  for (const std::string& name : {std::string("run"), std::string(kOne), std::string("1")})
    EXPECT_EQ(named(name), id) << name;
  const Result<TraceSource> source = TraceSource::of_recording(places_, folder_of(id));
  ASSERT_TRUE(source);
  EXPECT_FALSE(source->runs().empty());
  EXPECT_EQ(source->start(), at_ms(0));
  EXPECT_THAT(names(*source), ElementsAre("Lint", "tidy"));
}

TEST_F(TraceSourceTest, APidIsItsNewestRun) {
  record({.run_id = "old", .trace_id = std::string(kOne)});
  const std::string newer = record({.run_id = "new", .trace_id = std::string(kTwo)});
  EXPECT_EQ(named("1"), newer);
}

TEST_F(TraceSourceTest, ATraceOfWhichOnlySpansAreKept) {
  keep(std::string(kOne), "b", 20);
  keep(std::string(kOne), "a", 10);
  const Result<TraceSource> source = TraceSource::named(places_, std::string(kOne));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE(source->runs().empty());
  EXPECT_EQ(source->name(), kOne);
  EXPECT_EQ(source->start(), at_ms(10));
  EXPECT_THAT(names(*source), ElementsAre("b", "a"));
}

TEST_F(TraceSourceTest, WhatIsRecordedComesBeforeWhatIsKept) {
  keep(std::string(kOne), "kept");
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)});
  EXPECT_EQ(named(std::string(kOne)), id);
  EXPECT_EQ(TraceSource::of_process(places_, id, std::string(kOne))->name(), id);
  EXPECT_EQ(TraceSource::of_process(places_, "", std::string(kOne))->name(), kOne);
}

TEST_F(TraceSourceTest, ATraceIsAllThatThereIsOfIt) {
  record({.run_id = "early", .trace_id = std::string(kOne)});
  record({.run_id = "late", .trace_id = std::string(kOne)});
  record({.run_id = "another", .trace_id = std::string(kTwo)});
  keep(std::string(kOne), "kept", -5);
  const Result<TraceSource> source = TraceSource::named(places_, std::string(kOne));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT(names(*source), ElementsAre("Lint", "tidy", "Lint", "tidy", "kept"));
  EXPECT_EQ(source->start(), at_ms(-5));
  EXPECT_THAT(names(*TraceSource::named(places_, "late")), ElementsAre("Lint", "tidy"));
  const Result<GatheredTrace> gathered = gather_named_trace(places_, std::string(kOne));
  ASSERT_TRUE(gathered);
  EXPECT_THAT(gathered->spans, SizeIs(5));
}

TEST_F(TraceSourceTest, AKeptSpanThatWasRecordedTooIsToldOnce) {
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)});
  SpanKeeper recorded;
  ASSERT_TRUE(TraceSource::of_recording(places_, folder_of(id))->derive(recorded));
  for (const Span& span : recorded.spans) keep(std::string(kOne), span);
  keep(std::string(kOne), "kept");
  const Result<TraceSource> source = TraceSource::named(places_, std::string(kOne));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT(names(*source), ElementsAre("Lint", "tidy", "kept"));
}

TEST_F(TraceSourceTest, BadLinesOfAKeptTraceCountAsDamaged) {
  keep(std::string(kOne), "a");
  std::ofstream(span_file_path(places_.traces_dir, kOne), std::ios::app) << "nonsense\n";
  SpanKeeper kept;
  const Result<DerivedCounts> counts = TraceSource::named(places_, std::string(kOne))->derive(kept);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->damaged_lines, 1U);
  EXPECT_EQ(kept.processes.size(), 1U);
}

TEST_F(TraceSourceTest, TheProgressMayEndIt) {
  keep(std::string(kOne), "a");
  const std::string id = record({.run_id = "run", .trace_id = std::string(kTwo)});
  for (const std::string_view name : {kOne, kTwo}) {
    SpanKeeper kept;
    const Result<DerivedCounts> counts =
        TraceSource::named(places_, std::string(name))
            ->derive(kept, [](std::uint64_t, std::uint64_t) { return false; });
    ASSERT_FALSE(counts) << name;
    EXPECT_EQ(counts.error().code, Code::kCancelled) << name;
  }
}

TEST_F(TraceSourceTest, ARecordingWithoutMetadataIsAnError) {
  EXPECT_FALSE(TraceSource::of_recording(places_, temp_ / "nowhere"));
}

}  // namespace
}  // namespace agdb
