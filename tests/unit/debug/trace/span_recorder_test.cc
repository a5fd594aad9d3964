#include "debug/trace/span_recorder.h"

#include "tests/unit/debug/trace/derived_fixture.h"

namespace agdb {
namespace {

constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c";

// The events of a process that makes one call.
std::vector<Event> life(Pid pid, const std::string& outer_span_id = "") {
  ProcessStart start;
  start.intent = "tidy";
  start.run_id = "run";
  start.trace_id = kTrace;
  start.outer_span_id = outer_span_id;
  Syscall call;
  call.name = "Lint";
  call.duration = std::chrono::milliseconds(5);
  return {{pid, 0, Nanoseconds(0), start},
          {pid, 1, std::chrono::milliseconds(2), call},
          {pid, 0, std::chrono::milliseconds(9), ProcessEnd{"completed", 1}}};
}

class SpanRecorderTest : public testing::Test {
 protected:
  void record(SpanRecorder& recorder, const std::vector<Event>& events) {
    for (const Event& event : events) {
      recorder.on_event(event);
      live_.on_event(event);
    }
  }
  std::vector<Span> kept() const {
    const Result<SpanFileContent> content = read_spans(temp_ / "traces", kTrace);
    EXPECT_TRUE(content && content->bad_lines == 0);
    return content ? content->spans : std::vector<Span>();
  }

  TempFolder temp_;
  FileSystem files_;
  SpanKeeper expected_;
  LiveSpans live_{expected_};
};

TEST_F(SpanRecorderTest, EachSpanIsInTheFileOnceItHasEnded) {
  SpanRecorder recorder(files_, temp_ / "traces");
  record(recorder, life(Pid{1}));
  record(recorder, life(Pid{2}));
  ASSERT_EQ(kept().size(), 4);
  EXPECT_EQ(kept(), expected_.spans);
  EXPECT_TRUE(recorder.close());
}

TEST_F(SpanRecorderTest, ClosingEndsWhatLives) {
  SpanRecorder recorder(files_, temp_ / "traces");
  std::vector<Event> events = life(Pid{1});
  events.pop_back();
  record(recorder, events);
  EXPECT_EQ(kept().size(), 1);
  EXPECT_TRUE(recorder.close());
  ASSERT_EQ(kept().size(), 2);
  EXPECT_EQ(kept()[1].kind, SpanKind::kProcess);
  EXPECT_TRUE(kept()[1].attributes.boolean("incomplete"));
}

TEST_F(SpanRecorderTest, AProcessHangsBelowTheSpanThatItsAgentNamed) {
  SpanRecorder recorder(files_, temp_ / "traces");
  record(recorder, life(Pid{1}, "b7ad6b7169203331"));
  EXPECT_EQ(kept().back().parent_span_id, "b7ad6b7169203331");
}

TEST_F(SpanRecorderTest, WhatCannotBeWrittenIsCountedAndSaid) {
  write_text(temp_ / "traces", "in the way");
  SpanRecorder recorder(files_, temp_ / "traces");
  record(recorder, life(Pid{1}));
  const Status closed = recorder.close();
  ASSERT_FALSE(closed);
  EXPECT_THAT(closed.error().message, testing::HasSubstr("2 spans"));
}

}  // namespace
}  // namespace agdb
