#include "debug/trace/gathered_trace.h"

#include "debug/trace/run_tally.h"
#include "tests/unit/debug/trace/recorded_runs.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class GatheredTraceTest : public RecordedRunsCase {
 protected:
  std::vector<std::string> named(const std::string& name) const {
    const Result<GatheredTrace> gathered = gather_named_trace(places_, name);
    EXPECT_TRUE(gathered);
    return gathered ? names(*gathered) : std::vector<std::string>();
  }
  static std::vector<std::string> names(const GatheredTrace& gathered) {
    std::vector<std::string> found;
    for (const Span& span : gathered.spans) found.push_back(span.name);
    return found;
  }
  AllTraces listed() {
    Result<AllTraces> all = list_all_traces(places_, files_);
    EXPECT_TRUE(all);
    return all ? *std::move(all) : AllTraces{};
  }
  static std::vector<std::string> ids(const AllTraces& all) {
    std::vector<std::string> found;
    for (const TraceSummary& trace : all.traces) found.push_back(trace.trace_id);
    return found;
  }
  // Makes an event's line of the recording unreadable.
  void damage(const std::string& record_id) const {
    const std::string path = folder_of(record_id) + "/events.jsonl";
    std::string text = read_text(path);
    const std::size_t at = text.find("Lint");
    ASSERT_NE(at, std::string::npos);
    text[text.rfind('\n', at) + 2] = 'x';
    write_text(path, text);
  }
};

TEST_F(GatheredTraceTest, WhereNothingIsThereAreNoSpans) {
  for (const char* const name : {"", "1", "no-such", "..", "../x", "@"})
    EXPECT_THAT(named(name), IsEmpty()) << name;
}

TEST_F(GatheredTraceTest, ARunByEachOfItsNames) {
  record({.run_id = "run", .trace_id = std::string(kOne)});
  for (const std::string& name : {std::string("run"), std::string(kOne), std::string("1")})
    EXPECT_THAT(named(name), ElementsAre("Lint", "tidy")) << name;
}

TEST_F(GatheredTraceTest, ATraceHasAllItsRuns) {
  record({.run_id = "first", .trace_id = std::string(kOne), .intent = "one"});
  record({.run_id = "second", .trace_id = std::string(kOne), .intent = "two"});
  record({.run_id = "other", .trace_id = std::string(kTwo), .intent = "three"});
  EXPECT_THAT(named(std::string(kOne)), ElementsAre("Lint", "one", "Lint", "two"));
  EXPECT_THAT(named("second"), ElementsAre("Lint", "two"));
  const Result<GatheredTrace> gathered = gather_named_trace(places_, std::string(kOne));
  EXPECT_EQ(gathered->counts.recordings, 2U);
}

TEST_F(GatheredTraceTest, WhatIsKeptStandsBesideWhatIsRecordedEachSpanOnce) {
  record({.run_id = "run", .trace_id = std::string(kOne)});
  const Result<GatheredTrace> recorded = gather_named_trace(places_, std::string(kOne));
  for (const Span& span : recorded->spans) keep(std::string(kOne), span);
  keep(std::string(kOne), "outside");
  EXPECT_THAT(named(std::string(kOne)), ElementsAre("Lint", "tidy", "outside"));
  EXPECT_THAT(named("run"), ElementsAre("Lint", "tidy"));
}

TEST_F(GatheredTraceTest, AKeptTraceAlone) {
  keep("some-trace", "a");
  std::ofstream(span_file_path(places_.traces_dir, "some-trace"), std::ios::app) << "nonsense\n";
  const Result<GatheredTrace> gathered = gather_named_trace(places_, "some-trace");
  ASSERT_TRUE(gathered);
  EXPECT_THAT(names(*gathered), ElementsAre("a"));
  EXPECT_EQ(gathered->bad_lines, 1U);
  ASSERT_EQ(gathered->bad.size(), 1U);
  EXPECT_EQ(gathered->bad[0].line, 2U);
}

TEST_F(GatheredTraceTest, OfASourceItsOwnSpansAlone) {
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)});
  keep(std::string(kOne), "outside");
  const Result<GatheredTrace> gathered =
      gather_trace(*TraceSource::of_recording(places_, folder_of(id)));
  ASSERT_TRUE(gathered);
  EXPECT_THAT(names(*gathered), ElementsAre("Lint", "tidy"));
}

TEST_F(GatheredTraceTest, DamageIsCounted) {
  damage(record({.run_id = "run", .trace_id = std::string(kOne)}, {"Open", "Lint"}));
  const Result<GatheredTrace> gathered = gather_named_trace(places_, "run");
  ASSERT_TRUE(gathered);
  EXPECT_EQ(gathered->counts.damaged_lines, 1U);
  EXPECT_FALSE(gathered->counts.notes.empty());
}

TEST_F(GatheredTraceTest, TheListOfNothing) {
  const AllTraces all = listed();
  EXPECT_THAT(all.traces, IsEmpty());
  EXPECT_THAT(all.unreadable, IsEmpty());
}

TEST_F(GatheredTraceTest, TheListHasRunsAndKeptTracesTheNewestFirst) {
  record({.run_id = "first", .trace_id = std::string(kOne), .at_ms = 1000});
  record({.run_id = "second", .trace_id = std::string(kOne), .at_ms = 5000});
  keep(std::string(kOne), "of a recorded trace", 9000);
  keep("early", "a", 0);
  keep("late", "a", 9000);
  const AllTraces all = listed();
  EXPECT_THAT(ids(all), ElementsAre("late", std::string(kOne), "early"));
  EXPECT_EQ(all.traces[1].span_count, 4U);
}

TEST_F(GatheredTraceTest, WhatCannotBeReadIsNamed) {
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)});
  std::filesystem::create_directories(places_.records_dir + "/9-9");
  std::filesystem::create_directories(places_.traces_dir + "/empty");
  const AllTraces all = listed();
  EXPECT_THAT(ids(all), ElementsAre(kOne));
  EXPECT_THAT(all.unreadable, UnorderedElementsAre(HasSubstr("9-9"), HasSubstr("empty")));
}

TEST_F(GatheredTraceTest, WhatWasDerivedForTheListIsKeptWithItsDamage) {
  const std::string id = record({.run_id = "run", .trace_id = std::string(kOne)}, {"Open", "Lint"});
  damage(id);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(listed().counts.damaged_lines, 1U) << i;
    EXPECT_TRUE(std::filesystem::exists(folder_of(id) + "/" + std::string(kTallyName)));
  }
  // The second one derived nothing.
  EXPECT_EQ(listed().counts.recordings, 0U);
}

}  // namespace
}  // namespace agdb
