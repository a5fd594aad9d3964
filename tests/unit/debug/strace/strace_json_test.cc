#include "debug/strace/strace_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const Json::Member& member : object.members()) names.push_back(member.key);
  return names;
}

Syscall open_call() {
  Syscall call;
  call.name = "Open";
  call.args = Json::object({{"path", "/dev/null"}});
  call.result = "FD(3)";
  call.duration = 5ms;
  return call;
}

TEST(StraceJsonTest, SevenKeysForACall) {
  EXPECT_EQ(json_line(strace_json(open_call(), Pid{1}, 12ms)),
            R"({"timestamp_ms":12,"pid":1,"syscall":"Open","args":{"path":"/dev/null"},)"
            R"~("result":"FD(3)","error":"","duration_ms":5})~");
}

TEST(StraceJsonTest, AllSevenAlsoWhenEmpty) {
  EXPECT_EQ(
      json_line(strace_json(Syscall{}, Pid{2}, 0ns)),
      R"({"timestamp_ms":0,"pid":2,"syscall":"","args":null,"result":null,"error":"","duration_ms":0})");
}

TEST(StraceJsonTest, EmptyArgumentsAreNull) {
  Syscall call = open_call();
  call.args = Json::object();
  EXPECT_TRUE(strace_json(call, Pid{1}, 0ns)["args"].is_null());
}

TEST(StraceJsonTest, FailedCall) {
  Syscall call;
  call.name = "Write";
  call.err = "device not found";
  EXPECT_EQ(strace_json(call, Pid{2}, 100ms)["error"], Json("device not found"));
}

TEST(StraceJsonTest, MillisecondsAreCut) {
  Syscall call = open_call();
  call.duration = 1'999'999ns;
  const Json json = strace_json(call, Pid{1}, 2'999'999ns);
  EXPECT_EQ(json["timestamp_ms"], Json(2));
  EXPECT_EQ(json["duration_ms"], Json(1));
}

TEST(StraceJsonTest, LargeNumbersKeepEveryDigit) {
  Syscall call = open_call();
  call.result = std::uint64_t{18446744073709551615u};
  EXPECT_THAT(json_line(strace_json(call, Pid{1}, 0ns)),
              testing::HasSubstr("\"result\":18446744073709551615,"));
}

TEST(EventJsonTest, LiveCallHasExactTimesAndItsNumber) {
  const Json json = event_json({Pid{1}, 8, 12'345'678ns, open_call()});
  EXPECT_THAT(keys(json), ElementsAre("timestamp_ms", "pid", "syscall", "args", "result", "error",
                                      "duration_ms", "n", "timestamp_ns", "duration_ns"));
  EXPECT_EQ(json["n"], Json(8));
  EXPECT_EQ(json["timestamp_ns"], Json(12'345'678));
  EXPECT_EQ(json["duration_ns"], Json(5'000'000));
}

TEST(EventJsonTest, OtherEventsNameTheirTypeAndPayload) {
  const std::pair<Event::Payload, std::vector<std::string>> cases[] = {
      {ContextChange{}, {"context_snapshot", "context"}},
      {LlmResponse{"m", 1, 2}, {"llm_response", "llm"}},
      {StateChange{"created", "running"}, {"state_change", "state"}},
      {Alert{"budget", "warning"}, {"alert", "alert"}},
      {Gap{1, 2}, {"gap", "gap"}},
      {ProcessStart{}, {"process_start", "process"}},
      {ProcessEnd{"completed", 3}, {"process_end", "process"}}};
  for (const auto& [payload, names] : cases) {
    const Json json = event_json({Pid{4}, 1, 1ms, payload});
    EXPECT_THAT(keys(json),
                ElementsAre("timestamp_ms", "pid", "type", names[1], "n", "timestamp_ns"));
    EXPECT_EQ(json["type"], Json(names[0]));
    EXPECT_TRUE(json[names[1]].is_object());
  }
}

TEST(EventJsonTest, ContextChangeCarriesItsMessages) {
  ContextChange change;
  change.ctx_id = CtxId{3};
  change.keep = 2;
  change.messages = {std::make_shared<Message>(Message{"user", "hi"})};
  change.tokens = 9;
  EXPECT_EQ(json_line(event_json({Pid{1}, 1, 0ns, change})),
            R"({"timestamp_ms":0,"pid":1,"type":"context_snapshot","context":{"ctx_id":3,"keep":2,)"
            R"("messages":[{"content":"hi","role":"user"}],"tokens":9},"n":1,"timestamp_ns":0})");
  change.system_prompt = std::make_shared<std::string>("p");
  EXPECT_EQ(event_json({Pid{1}, 1, 0ns, change})["context"]["system_prompt"], Json("p"));
}

TEST(EventJsonTest, ModelAnswerLeavesOutWhatIsNotKnown) {
  LlmResponse response{"m", 10, 2};
  EXPECT_THAT(keys(event_json({Pid{1}, 1, 0ns, response})["llm"]),
              ElementsAre("model", "request_tokens", "response_tokens"));
  response.content = "hi";
  response.tool_calls = {{"c1", "ls", Json::object()}};
  response.stop_reason = "tool_use";
  response.cache_read_tokens = 5;
  response.cache_creation_tokens = 6;
  response.time_to_first_token = 1ms;
  response.time_to_last_token = 2ms;
  response.request_setup = 3ms;
  response.attempt_starts = {0ns, 4ms};
  response.cost_usd = 0.5;
  response.error = "cut off";
  const Json llm = event_json({Pid{1}, 1, 0ns, response})["llm"];
  EXPECT_THAT(keys(llm),
              ElementsAre("model", "request_tokens", "response_tokens", "content", "tool_calls",
                          "stop_reason", "cache_read_tokens", "cache_creation_tokens",
                          "time_to_first_token", "time_to_last_token", "request_setup",
                          "attempt_starts", "cost_usd", "error"));
  EXPECT_EQ(llm["attempt_starts"], Json(Json::Array{0, 4'000'000}));
}

TEST(EventJsonTest, ProcessStartTellsItsOrigin) {
  ProcessStart start;
  start.intent = "go";
  start.wall_start = *parse_wall_time("2026-03-08T10:00:00Z");
  start.forked_from = ForkOrigin{"7-1", SeqNum{42}};
  const Json process = event_json({Pid{1}, 0, 0ns, start})["process"];
  EXPECT_EQ(process["wall_start"], Json("2026-03-08T10:00:00Z"));
  EXPECT_EQ(process["forked_from"], Json::object({{"record_id", "7-1"}, {"seq_num", 42}}));
}

TEST(JsonLineTest, OneLineWhateverTheText) {
  Syscall call = open_call();
  call.args = Json::object({{"z", "\n\x1b"}, {"a", "\xff"}});
  const std::string line = json_line(strace_json(call, Pid{1}, 0ns));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_THAT(line, testing::HasSubstr("{\"a\":\"\ufffd\",\"z\":"));
}

}  // namespace
}  // namespace agdb
