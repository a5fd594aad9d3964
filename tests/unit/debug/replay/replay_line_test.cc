#include "debug/replay/replay_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/record/event_line.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::Not;

RecordedEvent event(std::string type, RecordedEvent::Payload payload = {}) {
  RecordedEvent recorded;
  recorded.seq_num = SeqNum{9};
  recorded.timestamp = Nanoseconds(1'500'000'000);
  recorded.pid = Pid{1};
  recorded.type = std::move(type);
  recorded.payload = std::move(payload);
  return recorded;
}

RecordedEvent call(Json args, Json result = {}, std::string err = {}, Nanoseconds duration = {}) {
  return event("syscall", Syscall{.name = "Open",
                                  .args = std::move(args),
                                  .result = std::move(result),
                                  .err = std::move(err),
                                  .duration = duration});
}

RecordedEvent snapshot(std::string_view context) {
  return *parse_line(
      std::string(R"({"seq_num":9,"timestamp":1500000000,"type":"context_snapshot",)") +
      R"("context":)" + std::string(context) + "}");
}

// Without "[#009 +1.5s] ".
std::string compact(const RecordedEvent& recorded) {
  return replay_line(recorded).substr(13);
}
std::string verbose(const RecordedEvent& recorded) {
  return replay_line(recorded, {.verbose = true}).substr(13);
}

TEST(ReplayLine, BeginsWithNumberAndTime) {
  RecordedEvent recorded = event("gap");
  EXPECT_THAT(replay_line(recorded), testing::StartsWith("[#009 +1.5s] "));
  recorded.seq_num = SeqNum{12345};
  recorded.timestamp = Nanoseconds(3'661'040'000'000);
  EXPECT_THAT(replay_line(recorded), testing::StartsWith("[#12345 +3661.0s] "));
}

TEST(ReplayLine, OfACallShowsPathOrIntent) {
  EXPECT_EQ(compact(call({})), "syscall: Open");
  EXPECT_EQ(compact(call(Json::object({{"path", "a \"b\""}, {"intent", "x"}}))),
            "syscall: Open(\"a \\\"b\\\"\")");
  EXPECT_EQ(compact(call(Json::object({{"fd", 3}, {"intent", "find it"}}))),
            "syscall: Open(intent=\"find it\")");
  EXPECT_EQ(compact(call(Json::object({{"path", 7}}))), "syscall: Open(\"7\")");
}

TEST(ReplayLine, OfACallShowsResultOrError) {
  EXPECT_EQ(compact(call({}, "FD(3)")), "syscall: Open → FD(3)");
  EXPECT_EQ(compact(call({}, false)), "syscall: Open → false");
  EXPECT_EQ(compact(call({}, Json::object({{"bytes", 5}, {"data", "hi"}}))),
            "syscall: Open → map[bytes:5 data:hi]");
  EXPECT_EQ(compact(call({}, "FD(3)", "not found")), "syscall: Open → err=not found");
}

TEST(ReplayLine, OfACallShowsHowLongItTookWhenItTookAnyTime) {
  EXPECT_EQ(compact(call({}, {}, {}, Nanoseconds(1'200'000))), "syscall: Open (1.2ms)");
  EXPECT_EQ(compact(call({}, {}, {}, Nanoseconds(-5))), "syscall: Open");
}

TEST(ReplayLine, VerboseShowsEveryArgumentSortedByKey) {
  EXPECT_EQ(
      verbose(call(Json::object({{"size", 10}, {"fd", 3}}), 12, "device not found",
                   std::chrono::milliseconds(5))),
      "syscall: Open\n  fd=3\n  size=10\n  result=12\n  err=device not found\n  duration=5ms");
  EXPECT_EQ(verbose(call({})), "syscall: Open\n  duration=0s");
}

TEST(ReplayLine, VerboseKeepsLinesButIndentsThem) {
  EXPECT_EQ(verbose(call(Json::object({{"data", "a\nresult=fake"}}))),
            "syscall: Open\n  data=a\n    result=fake\n  duration=0s");
}

TEST(ReplayLine, OfAnAnswer) {
  LlmResponse response{.model = "m-1", .request_tokens = 1200, .response_tokens = 80};
  EXPECT_EQ(compact(event("llm_response", response)), "llm: model=m-1 req=1200tok resp=80tok");
  EXPECT_EQ(verbose(event("llm_response", response)), "llm: model=m-1 req=1200tok resp=80tok");
}

TEST(ReplayLine, VerboseOfAnAnswerShowsItsContent) {
  LlmResponse response{.model = "m-1", .request_tokens = 1200, .response_tokens = 80};
  response.content = "Let me look.\nNow.";
  response.tool_calls = {{"c1", "read_file", Json::object({{"path", "a"}})}};
  response.stop_reason = "tool_use";
  response.cache_read_tokens = 1000;
  response.time_to_first_token = std::chrono::milliseconds(300);
  response.attempt_starts = {Nanoseconds(0), std::chrono::seconds(2)};
  response.cost_usd = 0.25;
  response.error = "overloaded";
  EXPECT_EQ(verbose(event("llm_response", response)),
            "llm: model=m-1 req=1200tok resp=80tok\n"
            "  content=Let me look.\n"
            "    Now.\n"
            "  tool_call=read_file({\"path\":\"a\"}) id=c1\n"
            "  stop_reason=tool_use\n"
            "  cache_read_tokens=1000\n"
            "  time_to_first_token=300ms\n"
            "  attempt=+0s\n"
            "  attempt=+2s\n"
            "  cost_usd=0.25\n"
            "  error=overloaded");
}

TEST(ReplayLine, OfASnapshotCountsTheWholeContext) {
  EXPECT_EQ(compact(snapshot(R"({"messages":["[user] a","b"]})")), "context: msgs=2");
  EXPECT_EQ(compact(snapshot(R"({"messages":null})")), "context: msgs=0");
  EXPECT_EQ(compact(snapshot(R"({"kind":"full","messages":[{"role":"user","content":"a"}]})")),
            "context: msgs=1");
  EXPECT_EQ(
      compact(snapshot(
          R"({"kind":"delta","base":3,"keep":7,"messages":[{"role":"user","content":"a"}]})")),
      "context: msgs=8");
}

TEST(ReplayLine, OfASnapshotThatClaimsTooMuchDoesNotWrapRound) {
  EXPECT_EQ(compact(snapshot(R"({"kind":"delta","base":1,"keep":18446744073709551615,)"
                             R"("messages":[{"role":"user","content":"a"}]})")),
            "context: msgs=18446744073709551615");
}

TEST(ReplayLine, VerboseOfASnapshotShowsItsMessages) {
  EXPECT_EQ(verbose(snapshot(R"({"kind":"delta","ctx_id":2,"base":3,"keep":1,"system_prompt":"p",)"
                             R"("messages":[{"role":"user","content":"a\nb"}],"tokens":12})")),
            "context: msgs=2\n"
            "  ctx_id=2\n"
            "  tokens=12\n"
            "  system_prompt=p\n"
            "  keep=1 of #003\n"
            "  user=a\n"
            "    b");
}

TEST(ReplayLine, VerboseOfAVersion1SnapshotIsTheReferences) {
  EXPECT_EQ(verbose(snapshot(R"({"messages":["[user] a"]})")), "context: msgs=1");
}

TEST(ReplayLine, OfAStateChange) {
  EXPECT_EQ(compact(event("state_change", StateChange{"running", "zombie", "completed"})),
            "state: running → zombie (completed)");
  EXPECT_EQ(compact(event("state_change", StateChange{"zombie", "dead", ""})),
            "state: zombie → dead");
}

TEST(ReplayLine, OfAnAlert) {
  EXPECT_EQ(
      compact(event("alert", Alert{.kind = "budget",
                                   .level = "warning",
                                   .tokens_used = 8500,
                                   .context_budget = 10000,
                                   .remaining_pct = 15,
                                   .est_remaining_steps = 3,
                                   .step = 7})),
      "alert: budget warning used=8500tok budget=10000tok remaining=15.0% est=3steps (step 7)");
}

TEST(ReplayLine, OfAGap) {
  EXPECT_EQ(compact(event("gap", Gap{12, 34, "ring full"})), "gap: lost=12 from n=34 (ring full)");
}

TEST(ReplayLine, SaysWhatHasNoData) {
  EXPECT_EQ(compact(event("syscall")), "syscall: (no data)");
  EXPECT_EQ(compact(event("llm_response")), "llm: (no data)");
  EXPECT_EQ(compact(event("context_snapshot")), "context: (no data)");
  EXPECT_EQ(compact(event("state_change")), "state: (no data)");
  EXPECT_EQ(compact(event("alert")), "alert: (no data)");
  EXPECT_EQ(verbose(event("gap")), "gap: (no data)");
  EXPECT_EQ(compact(event("hologram")), "hologram: (unknown event type)");
  EXPECT_EQ(compact(event("")), ": (unknown event type)");
}

TEST(ReplayLine, IsCutToAWidthWhenAsked) {
  EXPECT_EQ(replay_line(call({}, std::string(1000, 'x')), {.width = 40}),
            "[#009 +1.5s] syscall: Open → xxxxxxxxxx…");
}

TEST(ReplayLine, NeverLetsContentDriveTheTerminal) {
  const std::string evil = "\x1b[2J\x07\r\xc2\x9b";
  LlmResponse response{.model = evil, .content = evil, .tool_calls = {{evil, evil, Json(evil)}}};
  response.stop_reason = response.error = evil;
  ContextSnapshot context;
  context.system_prompt = evil;
  context.messages = {{.role = evil, .content = evil}};
  Syscall evil_call;
  evil_call.name = evil;
  evil_call.args = Json::object({{evil, evil}, {"path", evil}});
  evil_call.result = evil;
  evil_call.err = evil;
  for (const RecordedEvent& recorded :
       {event("syscall", evil_call), event("llm_response", response),
        event("context_snapshot", context), event("state_change", StateChange{evil, evil, evil}),
        event("alert", Alert{.kind = evil, .level = evil}), event("gap", Gap{1, 1, evil}),
        event(evil)}) {
    for (const std::string& text : {replay_line(recorded), replay_line(recorded, {.verbose = true}),
                                    replay_list({{recorded, true}})}) {
      EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << text;
      EXPECT_THAT(text, Not(HasSubstr("\x07"))) << text;
      EXPECT_THAT(text, Not(HasSubstr("\r"))) << text;
      EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b"))) << text;
    }
    EXPECT_THAT(replay_line(recorded), Not(HasSubstr("\n")));
  }
}

TEST(ReplayList, MarksTheCursor) {
  const RecordedEvent first = call({});
  RecordedEvent second = event("state_change", StateChange{"running", "zombie", "x"});
  second.seq_num = SeqNum{10};
  EXPECT_EQ(replay_list({{first, false}, {second, true}}),
            "  [#009] +1.5s  syscall   Open\n"
            "► [#010] +1.5s  state_change  running → zombie");
}

TEST(ReplayList, OfNothingIsEmpty) {
  EXPECT_EQ(replay_list({}), "");
}

TEST(ReplayList, ShowsADetailOfEachType) {
  const auto detail = [](const RecordedEvent& recorded) {
    const std::string line = replay_list({{recorded, false}});
    return line.substr(line.find("s  ") + 3);
  };
  EXPECT_EQ(detail(event("llm_response", LlmResponse{.model = "m"})), "llm_response  m");
  EXPECT_EQ(detail(snapshot(R"({"messages":["a"]})")), "context_snapshot  msgs=1");
  EXPECT_EQ(detail(event("alert", Alert{.kind = "budget", .level = "critical"})),
            "alert     budget critical");
  EXPECT_EQ(detail(event("gap", Gap{3, 1, ""})), "gap       lost=3");
  EXPECT_EQ(detail(event("syscall")), "syscall   ");
  EXPECT_EQ(detail(event("hologram")), "hologram  ");
}

TEST(ReplayList, IsCutToAWidthWhenAsked) {
  EXPECT_EQ(replay_list({{call({}), true}}, 20), "► [#009] +1.5s  sys…");
}

RecordingMetadata version1() {
  RecordingMetadata metadata;
  metadata.record_id = "42-1709856000";
  metadata.pid = Pid{42};
  metadata.intent = "analyze code";
  metadata.start_time = *parse_wall_time("2024-03-08T00:00:00Z");
  metadata.end_time = *parse_wall_time("2024-03-08T00:01:00.4Z");
  metadata.status = "completed";
  return metadata;
}

TEST(ReplaySummary, IsTheReferences) {
  EXPECT_EQ(replay_summary(version1(), 128),
            "Record ID:  42-1709856000\n"
            "PID:        42\n"
            "Intent:     analyze code\n"
            "Events:     128\n"
            "Duration:   60s\n"
            "Status:     completed");
}

TEST(ReplaySummary, HasNoDurationWithoutAnEnd) {
  RecordingMetadata metadata = version1();
  metadata.end_time.reset();
  EXPECT_THAT(replay_summary(metadata, 0), HasSubstr("\nDuration:   N/A\n"));
}

TEST(ReplaySummary, SurvivesTimesThatAreCenturiesApart) {
  RecordingMetadata metadata = version1();
  metadata.start_time = WallTime::min();
  metadata.end_time = WallTime::max();
  EXPECT_THAT(replay_summary(metadata, 0), HasSubstr("\nDuration:   18446744074s\n"));
}

TEST(ReplaySummary, AddsWhatVersion2Knows) {
  RecordingMetadata metadata = version1();
  metadata.exit_reason = "completed";
  metadata.model = "m-1";
  metadata.run_id = "r";
  metadata.parent = RecordingParent{"41-1709855999", Pid{41}, SeqNum{7}};
  metadata.forked_from = ForkOrigin{"40-1709855000", SeqNum{12}};
  metadata.source = RecordingSource{.name = "session.jsonl", .format = "claude-code", .hash = {}};
  metadata.lost_events = 3;
  const std::string text = replay_summary(metadata, 128);
  EXPECT_EQ(text.substr(text.find("Status")),
            "Status:     completed\n"
            "Exit:       completed\n"
            "Model:      m-1\n"
            "Run ID:     r\n"
            "Parent:     41-1709855999\n"
            "Forked from: 40-1709855000 #012\n"
            "Source:     session.jsonl\n"
            "Lost:       3");
}

TEST(ReplaySummary, SaysWhatWasBeforeALateRecording) {
  RecordingMetadata metadata = version1();
  metadata.began_late = BeganLate{.n = 313,
                                  .timestamp = std::chrono::milliseconds(4200),
                                  .state = "suspended",
                                  .tokens_used = 12'000,
                                  .steps = 8};
  EXPECT_THAT(replay_summary(metadata, 0),
              HasSubstr("\nBegan late: at event n 313, +4.2s, suspended; 8 model calls and 12000 "
                        "tokens before"));
}

TEST(ReplaySummary, NeverLetsContentDriveTheTerminal) {
  RecordingMetadata metadata = version1();
  metadata.intent = metadata.model = metadata.status = "\x1b[2J\n";
  EXPECT_THAT(replay_summary(metadata, 0), Not(HasSubstr("\x1b")));
  EXPECT_THAT(replay_summary(metadata, 0), HasSubstr("Intent:     \\x1b[2J\\n\n"));
}

}  // namespace
}  // namespace agdb
