#include "debug/trace/trace_event.h"

#include "debug/trace/trace_fields.h"
#include "tests/unit/debug/trace/event_maker.h"

namespace agdb {
namespace {

TraceEvent read(const std::string& line) {
  RecordedTraceEvents lines;
  const Result<const TraceEvent*> event = lines.read(line);
  EXPECT_TRUE(event) << line;
  if (!event) return {};
  TraceEvent copy = **event;
  copy.name = {};  // what it views goes with the reader
  return copy;
}

TEST(RecordedTraceEventsTest, ReadsACall) {
  RecordedTraceEvents lines;
  const Result<const TraceEvent*> event = lines.read(
      R"({"seq_num":12,"timestamp":56,"pid":7,"type":"syscall","n":34,"syscall":{"syscall":"Close","args":{"fd":3},"duration":1200}})");
  ASSERT_TRUE(event);
  EXPECT_EQ((*event)->type, TraceEvent::Type::kCall);
  EXPECT_EQ((*event)->name, "Close");
  EXPECT_EQ((*event)->seq, 12U);
  EXPECT_EQ((*event)->n, 34U);
  EXPECT_EQ((*event)->number(), 34U);
  EXPECT_EQ((*event)->fd, 3);
  EXPECT_EQ((*event)->timestamp, Nanoseconds(56));
  EXPECT_EQ((*event)->duration, Nanoseconds(1200));
}

// Any order of keys, white space, keys in another case, null, escapes: all mean the same.
TEST(RecordedTraceEventsTest, ReadsAnyOrderOfKeys) {
  const char* const kSame[] = {
      R"~({"seq_num":2,"timestamp":5,"pid":7,"type":"syscall","syscall":{"syscall":"Open",)~"
      R"~("args":{"path":"/dev/tool/x"},"result":"FD(4)","err":"","duration":9}})~",
      R"~( { "type" : "syscall" , "syscall" : { "duration" : 9 , "result" : "FD(4)" , )~"
      R"~("args" : { "path" : "/dev/tool/x" } , "syscall" : "Open" } , "pid" : 7 , )~"
      R"~("timestamp" : 5 , "seq_num" : 2 } )~",
      R"~({"syscall":{"syscall":"Open","args":{"path":"\/dev\/tool\/x"},"result":"FD(4)",)~"
      R"~("duration":9},"seq_num":2,"timestamp":5,"pid":7,"type":"syscall"})~",
      R"~({"Seq_Num":2,"Timestamp":5,"PID":7,"Type":"syscall","Syscall":{"Syscall":"Open",)~"
      R"~("Args":{"path":"/dev/tool/x"},"Result":"FD(4)","Err":null,"Duration":9}})~",
      R"~({"seq_num":2,"timestamp":5,"pid":7,"type":"syscall","more":[1,{"a":2}],"syscall":)~"
      R"~({"syscall":"Open","args":{"path":"/dev/tool/x","deep":{"fd":9}},"result":4,)~"
      R"~("duration":9,"other":true}})~",
  };
  for (const std::string line : kSame) {
    RecordedTraceEvents lines;
    const Result<const TraceEvent*> event = lines.read(line);
    ASSERT_TRUE(event) << line;
    EXPECT_EQ((*event)->path, "/dev/tool/x") << line;
    EXPECT_EQ((*event)->name, "Open") << line;
    EXPECT_EQ((*event)->fd, 4) << line;
    EXPECT_EQ((*event)->seq, 2U) << line;
    EXPECT_EQ((*event)->timestamp, Nanoseconds(5)) << line;
    EXPECT_EQ((*event)->duration, Nanoseconds(9)) << line;
  }
}

// Members behind the payload count as much as those in front of it, and of two the last.
TEST(RecordedTraceEventsTest, ReadsWhatStandsBehindThePayload) {
  const TraceEvent event = read(
      R"~({"seq_num":2,"timestamp":5,"pid":7,"type":"gap","gap":{"lost_events":3},"n":9,"x":[],"seq_num":4})~");
  EXPECT_EQ(event.lost, 3U);
  EXPECT_EQ(event.n, 9U);
  EXPECT_EQ(event.seq, 4U);
}

TEST(RecordedTraceEventsTest, ReadsTextsWithEscapes) {
  RecordedTraceEvents lines;
  const std::string line =
      R"~({"seq_num":2,"timestamp":5,"pid":7,"type":"syscall","n":2,"syscall":{"syscall":"Write",)~"
      R"~("args":{"data":"{\"k\":\"\u00e9\"}","fd":4,"path":"a\\b\n"},"result":11,"err":"\ud83d\ude00"}})~";
  const Result<const TraceEvent*> event = lines.read(line);
  ASSERT_TRUE(event);
  TraceEvent expected;
  take_written(expected, "{\"k\":\"\u00e9\"}");
  EXPECT_EQ((*event)->arguments_hash, expected.arguments_hash);
  EXPECT_EQ((*event)->size, expected.size);
  EXPECT_EQ((*event)->path, "a\\b\n");
  EXPECT_EQ((*event)->err, "\U0001f600");
}

TEST(RecordedTraceEventsTest, DamagedLinesAreErrors) {
  for (const std::string line :
       {"", "{", "[]", "7", R"({"seq_num":1)", R"({"seq_num":"1","type":"syscall"})",
        R"({"seq_num":1,"type":"syscall","syscall":{"duration":"long"}} {)",
        R"({"seq_num":1,"type":"syscall","syscall":7})"}) {
    RecordedTraceEvents lines;
    EXPECT_FALSE(lines.read(line)) << line;
  }
}

TEST(RecordedTraceEventsTest, UnknownTypesAreOther) {
  EXPECT_EQ(read(R"({"seq_num":1,"type":"dream","dream":{}})").type, TraceEvent::Type::kOther);
}

// Each line of these, cut anywhere and with any byte turned over, is read or refused.
TEST(RecordedTraceEventsTest, Hostile_AnyByteMayBeWrong) {
  EventMaker made;
  LlmResponse response;
  response.model = "m";
  response.attempt_starts = {milliseconds(1)};
  response.tool_calls = {{"a", "look", Json::object({{"k", "v\n"}})}};
  made.ask(1, 2).answer(1, response).context(3, 40, "hi");
  made.state(4, "running", "zombie", "why").add(5, Alert{.kind = "budget", .remaining_pct = 9.5});
  made.add(6, Gap{.lost_events = 1, .first_n = 2});
  RecordedTraceEvents lines;
  for (const Event& event : made.events) {
    const std::string line = line_of(event, event.n);
    for (std::size_t i = 0; i < line.size(); ++i) {
      (void)lines.read(line.substr(0, i));
      for (const char byte : {'"', '\\', '{', '}', '\0', '\xff', '9'}) {
        std::string broken = line;
        broken[i] = byte;
        (void)lines.read(broken);
      }
    }
    EXPECT_TRUE(lines.read(line));
  }
}

}  // namespace
}  // namespace agdb
