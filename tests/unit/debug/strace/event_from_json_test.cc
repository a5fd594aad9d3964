#include "debug/strace/event_from_json.h"

#include <gmock/gmock.h>

#include <limits>
#include <string>

#include "debug/strace/strace_json.h"

namespace agdb {
namespace {

using ::testing::HasSubstr;

Result<Event> parsed(std::string_view text) {
  Result<Json> json = parse_json(text);
  if (!json) return std::unexpected(json.error());
  return event_from_json(*std::move(json));
}

// There and back gives the same text again.
Event round_trip(const Event& event) {
  const std::string text = json_line(event_json(event));
  const Result<Event> back = parsed(text);
  if (!back) {
    ADD_FAILURE() << back.error().message;
    return {};
  }
  EXPECT_EQ(json_line(event_json(*back)), text);
  EXPECT_EQ(back->pid, event.pid);
  EXPECT_EQ(back->n, event.n);
  EXPECT_EQ(back->timestamp, event.timestamp);
  EXPECT_EQ(back->payload.index(), event.payload.index());
  return *back;
}

template <typename Payload>
Payload round_trip_of(const Payload& payload) {
  return std::get<Payload>(round_trip({Pid{7}, 12, Nanoseconds(3'999'999), payload}).payload);
}

std::string error_of(std::string_view text) {
  const Result<Event> event = parsed(text);
  if (event) return "no error";
  EXPECT_EQ(event.error().code, Code::kCorrupt);
  return event.error().message;
}

TEST(EventFromJson, ACall) {
  const Syscall call{.name = "Open",
                     .args = Json::object({{"flags", 2}, {"path", "/dev/null"}}),
                     .result = "FD(3)",
                     .err = "x",
                     .duration = Nanoseconds(5'000'001)};
  EXPECT_EQ(round_trip_of(call), call);
  EXPECT_EQ(round_trip_of(Syscall{}), Syscall{});
}

TEST(EventFromJson, AResultOfAnyKind) {
  const std::vector<Json> results = {nullptr,
                                     true,
                                     -1,
                                     std::numeric_limits<std::uint64_t>::max(),
                                     0.5,
                                     "text",
                                     Json::array().push_back(1).push_back("x"),
                                     Json::object({{"a", Json::object({{"b", nullptr}})}})};
  for (const Json& result : results) {
    const Syscall call{.name = "Read", .result = result};
    EXPECT_EQ(round_trip_of(call), call);
  }
}

TEST(EventFromJson, TheLimitsOfNumbers) {
  Event event{Pid{std::numeric_limits<std::uint64_t>::max()},
              std::numeric_limits<std::uint64_t>::max(), Nanoseconds::min(),
              Syscall{.name = "Close", .duration = Nanoseconds::max()}};
  EXPECT_EQ(std::get<Syscall>(round_trip(event).payload).duration, Nanoseconds::max());
}

TEST(EventFromJson, AContextChange) {
  ContextChange change{.ctx_id = CtxId{3}, .keep = 2, .tokens = 9};
  change.messages = {std::make_shared<Message>(Message{"user", "hi\n"}),
                     std::make_shared<Message>(Message{
                         "tool", "c", "n", "id", {{"c1", "ls", Json::object({{"p", "."}})}}, 4})};
  const ContextChange without_prompt = round_trip_of(change);
  EXPECT_EQ(without_prompt.system_prompt, nullptr);
  ASSERT_EQ(without_prompt.messages.size(), 2u);
  EXPECT_EQ(*without_prompt.messages[1], *change.messages[1]);
  change.system_prompt = std::make_shared<const std::string>("be brief");
  EXPECT_EQ(*round_trip_of(change).system_prompt, "be brief");
}

TEST(EventFromJson, AnEmptyPromptIsAPrompt) {
  ContextChange change;
  change.system_prompt = std::make_shared<const std::string>();
  const ContextChange back = round_trip_of(change);
  ASSERT_NE(back.system_prompt, nullptr);
  EXPECT_EQ(*back.system_prompt, "");
}

TEST(EventFromJson, AModelAnswer) {
  const LlmResponse least{"m", 10, 2};
  EXPECT_EQ(round_trip_of(least), least);
  const LlmResponse most{.model = "m",
                         .request_tokens = 10,
                         .response_tokens = 2,
                         .content = "hi",
                         .tool_calls = {{"c1", "ls", Json::object({{"a", 1}})}, {"c2", "x", "raw"}},
                         .stop_reason = "tool_use",
                         .cache_read_tokens = 5,
                         .cache_creation_tokens = 6,
                         .time_to_first_token = Nanoseconds(1),
                         .time_to_last_token = Nanoseconds(2),
                         .request_setup = Nanoseconds(3),
                         .attempt_starts = {Nanoseconds(0), Nanoseconds(4)},
                         .cost_usd = 0.25,
                         .error = "cut off"};
  EXPECT_EQ(round_trip_of(most), most);
}

TEST(EventFromJson, StatesAlertsAndGaps) {
  const StateChange state{"created", "running", "why"};
  EXPECT_EQ(round_trip_of(state), state);
  const Alert alert{"budget", "warning", 1, 2, 3.5, 4, 5};
  EXPECT_EQ(round_trip_of(alert), alert);
  const Gap gap{1, 2, "ring full"};
  EXPECT_EQ(round_trip_of(gap), gap);
}

TEST(EventFromJson, ProcessesAtTheirBothEnds) {
  ProcessStart start{.intent = "go",
                     .parent = Pid{3},
                     .run_id = "r",
                     .trace_id = "t",
                     .model = "m",
                     .context_budget = 100,
                     .max_steps = 5,
                     .wall_start = *parse_wall_time("2026-03-08T10:00:00.25Z")};
  EXPECT_FALSE(round_trip_of(start).forked_from);
  start.forked_from = ForkOrigin{"7-1", SeqNum{42}};
  const ProcessStart back = round_trip_of(start);
  EXPECT_EQ(back.wall_start, start.wall_start);
  EXPECT_EQ(back.forked_from, start.forked_from);
  EXPECT_EQ(back.parent, Pid{3});
  const ProcessEnd end = round_trip_of(ProcessEnd{"completed", 3});
  EXPECT_EQ(end.exit_reason, "completed");
  EXPECT_EQ(end.last_n, 3u);
}

TEST(EventFromJson, BytesThatAreNotUtf8HaveBecomeReplacements) {
  const Syscall call{.name = "Write", .args = Json::object({{"data", "a\xff"}})};
  EXPECT_EQ(round_trip_of(call).args["data"], Json("a\ufffd"));
}

TEST(EventFromJson, TheSevenKeysAreEnough) {
  const Result<Event> event = parsed(
      R"({"timestamp_ms":12,"pid":1,"syscall":"Open","args":null,"result":null,"error":"","duration_ms":5})");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->timestamp, Nanoseconds(12'000'000));
  EXPECT_EQ(std::get<Syscall>(event->payload).duration, Nanoseconds(5'000'000));
}

TEST(EventFromJson, UnknownMembersAreIgnored) {
  EXPECT_TRUE(parsed(R"({"pid":1,"syscall":"X","more":[1,{"a":2}],"state":7})"));
  EXPECT_TRUE(parsed(R"({"pid":1,"type":"gap","gap":{"new":1},"syscall":"X"})"));
}

TEST(EventFromJson, MissingMembersAndNullAreEmpty) {
  for (const char* type : {"context_snapshot", "llm_response", "state_change", "alert", "gap",
                           "process_start", "process_end"}) {
    const std::string name = type;
    EXPECT_TRUE(parsed(R"({"type":")" + name + R"("})")) << name;
    EXPECT_TRUE(parsed(R"({"pid":null,"n":null,"timestamp_ns":null,"type":")" + name +
                       R"(","context":null,"llm":null,"state":null,"process":null})"));
  }
}

TEST(EventFromJson, WhatIsNoEvent) {
  EXPECT_EQ(error_of("[]"), "event: expected an object");
  EXPECT_EQ(error_of("3"), "event: expected an object");
  EXPECT_EQ(error_of("{}"), "event: neither type nor syscall is there");
  EXPECT_EQ(error_of(R"({"type":"\u001b[31m"})"), R"(type: "\x1b[31m" is not known)");
}

TEST(EventFromJson, EveryWrongTypeIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":1})", "type: expected a text"},
      {R"({"syscall":1})", "syscall: expected a text"},
      {R"({"syscall":"X","pid":-1})", "pid: expected a whole number that is not negative"},
      {R"({"syscall":"X","n":1.5})", "n: expected a whole number that is not negative"},
      {R"({"syscall":"X","timestamp_ns":"1"})", "timestamp_ns: expected a whole number of 64 bits"},
      {R"({"syscall":"X","timestamp_ns":9223372036854775808})",
       "timestamp_ns: expected a whole number of 64 bits"},
      {R"({"syscall":"X","timestamp_ms":9223372036854775807})",
       "timestamp_ms: expected a time that fits 64 bits in nanoseconds"},
      {R"({"syscall":"X","args":[1]})", "args: expected an object"},
      {R"({"syscall":"X","error":{}})", "error: expected a text"},
      {R"({"type":"context_snapshot","context":[]})", "context: expected an object"},
      {R"({"type":"context_snapshot","context":{"messages":{}}})",
       "context.messages: expected a list"},
      {R"({"type":"context_snapshot","context":{"messages":[{"role":"a"},7]}})",
       "context.messages[1]: message: expected an object, got an integer"},
      {R"({"type":"context_snapshot","context":{"system_prompt":7}})",
       "context.system_prompt: expected a text"},
      {R"({"type":"llm_response","llm":{"tool_calls":[7]}})",
       "llm.tool_calls[0]: tool call: expected an object, got an integer"},
      {R"({"type":"llm_response","llm":{"attempt_starts":["x"]}})",
       "llm.attempt_starts[0]: expected a whole number of 64 bits"},
      {R"({"type":"llm_response","llm":{"cost_usd":"x"}})", "llm.cost_usd: expected a number"},
      {R"({"type":"alert","alert":{"remaining_pct":[]}})",
       "alert.remaining_pct: expected a number"},
      {R"({"type":"process_start","process":{"forked_from":{"seq_num":"x"}}})",
       "process.forked_from.seq_num: expected a whole number that is not negative"},
      {R"({"type":"process_start","process":{"forked_from":7}})",
       "process.forked_from: expected an object"}};
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
  EXPECT_THAT(error_of(R"({"type":"process_start","process":{"wall_start":"soon"}})"),
              HasSubstr("process.wall_start: "));
}

TEST(EventFromJson, TheFirstErrorIsTold) {
  EXPECT_EQ(error_of(R"({"type":"gap","pid":"x","n":"y","gap":{"reason":1}})"),
            "pid: expected a whole number that is not negative");
}

}  // namespace
}  // namespace agdb
