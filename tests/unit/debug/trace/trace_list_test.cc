#include "debug/trace/trace_list.h"

#include "debug/trace/span_file.h"
#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FileSystem disk;

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
  const Result<TraceList> list = list_traces(temp.path() + "/none", disk);
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->traces.empty());
  EXPECT_EQ(trace_list_text(list->traces), "No traces found.\n");
}

TEST(TraceListTest, NewestFirst) {
  const TempTraces temp;
  write(temp, make_span("a", "", 1), "middle");
  write(temp, make_span("a", "", 2), "newest");
  write(temp, make_span("a", "", 0), "oldest");
  EXPECT_THAT(ids(*list_traces(temp.path(), disk)), ElementsAre("newest", "middle", "oldest"));
}

TEST(TraceListTest, WhatCannotBeReadIsSaid) {
  const TempTraces temp;
  write(temp, make_span("a", "", 1), "good");
  temp.write("empty", "");
  temp.write("bad", "nonsense\n");
  temp.write("partly", "nonsense\n{\"name\":\"a\"}\n");
  std::filesystem::create_directories(temp.path() + "/.hidden");
  std::filesystem::create_directories(temp.path() + "/b ad");
  const Result<TraceList> list = list_traces(temp.path(), disk);
  ASSERT_TRUE(list);
  EXPECT_THAT(ids(*list), ElementsAre("good", "partly"));
  EXPECT_EQ(list->traces[1].bad_lines, 1u);
  ASSERT_EQ(list->unreadable.size(), 3u);
  EXPECT_EQ(list->unreadable[0].trace_id, "b ad");
  EXPECT_EQ(list->unreadable[1].trace_id, "bad");
  EXPECT_THAT(list->unreadable[1].error.message, HasSubstr("line 1"));
  EXPECT_THAT(list->unreadable[2].error.message, HasSubstr("no spans"));
}

// Kept beside a large file of spans: a list must not read them all again.
class LargeTraceTest : public testing::Test {
 protected:
  LargeTraceTest() {
    for (int i = 0; i < 500; ++i) write(temp_, make_span(std::string(100, 'n'), "", i), "large");
  }
  static void put(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  TraceSummary listed() { return list_traces(temp_.path(), disk)->traces.at(0); }
  std::string tally_path() const { return temp_.path() + "/large/" + std::string(kSpanTallyName); }

  const TempTraces temp_;
};

TEST_F(LargeTraceTest, ItsTallyIsKeptAndBelieved) {
  const TraceSummary counted = listed();
  EXPECT_EQ(counted.span_count, 500u);
  ASSERT_TRUE(std::filesystem::exists(tally_path()));
  EXPECT_EQ(listed(), counted);
  // Where the figure comes from shows when it is another.
  std::string text = *read_file(tally_path(), 1 << 20);
  const std::size_t at = text.find("\"spans\":500");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 11, "\"spans\":501");
  put(tally_path(), text);
  EXPECT_EQ(listed().span_count, 501u);
}

TEST_F(LargeTraceTest, ItIsCountedAgainWhenASpanHasCome) {
  listed();
  write(temp_, make_span("one more", "", 501), "large");
  EXPECT_EQ(listed().span_count, 501u);
}

TEST_F(LargeTraceTest, HostileTalliesAreCountedAgain) {
  for (const char* text :
       {"", "nonsense", "[]", "{\"version\":2}", "{\"version\":1,\"made_of\":[]}"}) {
    put(tally_path(), text);
    EXPECT_EQ(listed().span_count, 500u) << text;
  }
}

TEST_F(LargeTraceTest, LinesThatAreNoSpanStayCounted) {
  std::ofstream(span_file_path(temp_.path(), "large"), std::ios::app) << "nonsense\n";
  EXPECT_EQ(listed().bad_lines, 1u);
  EXPECT_EQ(listed().bad_lines, 1u);
}

TEST(TraceListTest, ASmallFileHasNoTally) {
  const TempTraces temp;
  write(temp, make_span("a", "", 1), "small");
  EXPECT_EQ(list_traces(temp.path(), disk)->traces.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(temp.path() + "/small/" + std::string(kSpanTallyName)));
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
