#include "debug/trace/trace_list.h"

#include "debug/trace/span_file.h"
#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> ids(const TraceList& list) {
  std::vector<std::string> found;
  for (const TraceSummary& trace : list.traces) found.push_back(trace.trace_id);
  return found;
}

void write(const TempTraces& temp, Span span, const std::string& trace_id) {
  FileSystem files;
  span.trace_id = trace_id;
  EXPECT_TRUE(SpanFileWriter(files, temp.path()).append(span));
}

TEST(TraceTallyTest, TellsTheWholeTime) {
  TraceTally tally;
  EXPECT_TRUE(tally.empty());
  tally.add(make_span("leaf", "root", 2, 9));
  tally.add(make_span("root", "", 1, 3));
  tally.add(make_span("other root", "", 0, 1));
  const TraceSummary summary = tally.summary();
  EXPECT_EQ(summary.span_count, 3u);
  EXPECT_EQ(summary.start, kZero);
  EXPECT_EQ(summary.total_duration, std::chrono::seconds(11));
  EXPECT_EQ(summary.root_span_name, "root");
}

TEST(TraceTallyTest, WithoutARootTheEarliestNamesIt) {
  TraceTally tally;
  tally.add(make_span("late", "x", 2));
  tally.add(make_span("early", "x", 1));
  EXPECT_EQ(tally.summary().root_span_name, "early");
}

// However spans are parted, put together they tell the same; and so they do from a file.
TEST(TraceTallyTest, PartsAddUpToTheWhole) {
  std::vector<Span> spans = {make_span("leaf", "root", 2, 9), make_span("early", "x", -1),
                             make_span("root", "", 1, 3), make_span("other root", "", 0, 1)};
  spans[1].status = SpanStatus::kError;
  TraceTally whole;
  for (const Span& span : spans) whole.add(span);
  for (std::size_t parted = 0; parted <= spans.size(); ++parted) {
    TraceTally first;
    TraceTally second;
    for (std::size_t i = 0; i < spans.size(); ++i) (i < parted ? first : second).add(spans[i]);
    const std::optional<TraceTally> read = TraceTally::from_json(second.to_json());
    ASSERT_TRUE(read) << parted;
    first.add(*read);
    EXPECT_EQ(first.summary(), whole.summary()) << parted;
  }
}

TEST(TraceTallyTest, WhatIsNoTallyIsNone) {
  TraceTally tally;
  tally.add(make_span("a", "", 1, 2));
  const Json good = tally.to_json();
  ASSERT_TRUE(TraceTally::from_json(good));
  for (const char* key : {"spans", "errors", "start_ns", "end_ns"}) {
    Json bad = good;
    bad.set(key, "text");
    EXPECT_FALSE(TraceTally::from_json(bad)) << key;
  }
  Json backwards = good;
  backwards.set("end_ns", 0);
  EXPECT_FALSE(TraceTally::from_json(backwards));
  EXPECT_FALSE(TraceTally::from_json(Json()));
  EXPECT_FALSE(TraceTally::from_json(Json::array()));
}

TEST(TraceListTest, NoFolderNoTraces) {
  const TempTraces temp;
  const Result<TraceList> list = list_traces(temp.path() + "/none");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->traces.empty());
  EXPECT_EQ(trace_list_text(list->traces), "No traces found.\n");
}

TEST(TraceListTest, NewestFirst) {
  const TempTraces temp;
  write(temp, make_span("a", "", 1), "middle");
  write(temp, make_span("a", "", 2), "newest");
  write(temp, make_span("a", "", 0), "oldest");
  EXPECT_THAT(ids(*list_traces(temp.path())), ElementsAre("newest", "middle", "oldest"));
}

TEST(TraceListTest, WhatCannotBeReadIsSaid) {
  const TempTraces temp;
  write(temp, make_span("a", "", 1), "good");
  temp.write("empty", "");
  temp.write("bad", "nonsense\n");
  temp.write("partly", "nonsense\n{\"name\":\"a\"}\n");
  std::filesystem::create_directories(temp.path() + "/.hidden");
  std::filesystem::create_directories(temp.path() + "/b ad");
  const Result<TraceList> list = list_traces(temp.path());
  ASSERT_TRUE(list);
  EXPECT_THAT(ids(*list), ElementsAre("good", "partly"));
  EXPECT_EQ(list->traces[1].bad_lines, 1u);
  ASSERT_EQ(list->unreadable.size(), 3u);
  EXPECT_EQ(list->unreadable[0].trace_id, "b ad");
  EXPECT_EQ(list->unreadable[1].trace_id, "bad");
  EXPECT_THAT(list->unreadable[1].error.message, HasSubstr("line 1"));
  EXPECT_THAT(list->unreadable[2].error.message, HasSubstr("no spans"));
}

TEST(TraceListTest, LongIdsAreCutAndNamesMadePrintable) {
  const TraceSummary trace{.trace_id = std::string(40, 'a'),
                           .span_count = 1234567,
                           .total_duration = std::chrono::milliseconds(20),
                           .root_span_name = "x\ny"};
  EXPECT_THAT(trace_list_text({&trace, 1}),
              testing::EndsWith("\n" + std::string(32, 'a') + "    1234567        20ms  x\\ny\n"));
}

TEST(TraceListTest, ANameIsCutToTheColumnsButNotToNothing) {
  const TraceSummary trace{.trace_id = "t", .root_span_name = "die Prüfung der Anträge"};
  const auto row_of = [&](std::size_t columns) {
    const std::string text = trace_list_text({&trace, 1}, columns);
    return text.substr(text.rfind("  ") + 2);
  };
  EXPECT_EQ(row_of(0), "die Prüfung der Anträge\n");
  EXPECT_EQ(row_of(55 + 23), "die Prüfung der Anträge\n");
  EXPECT_EQ(row_of(55 + 22), "die Prüfung der Anträ…\n");
  EXPECT_EQ(row_of(1), "die Prüfung der…\n");
}

}  // namespace
}  // namespace agdb
