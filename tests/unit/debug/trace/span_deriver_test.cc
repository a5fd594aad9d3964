#include "debug/trace/span_deriver.h"

#include "debug/trace/span_id.h"
#include "tests/unit/debug/trace/event_maker.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LlmResponse answer(std::vector<ToolCall> calls = {}) {
  LlmResponse response;
  response.model = "m-2";
  response.request_tokens = 100;
  response.response_tokens = 20;
  response.tool_calls = std::move(calls);
  response.stop_reason = "stop";
  return response;
}

ToolCall call_of(std::string id, std::string name, std::int64_t number) {
  return {std::move(id), std::move(name), Json::object({{"n", number}})};
}

TEST(SpanDeriverTest, AProcessWithoutEventsIsASpan) {
  const SpanKeeper trace = derive(EventMaker());
  ASSERT_EQ(trace.spans.size(), 1U);
  const Span& span = trace.spans.front();
  EXPECT_EQ(span.kind, SpanKind::kProcess);
  EXPECT_EQ(span.name, "tidy up");
  EXPECT_EQ(span.start, kBirth);
  EXPECT_EQ(span.duration, Nanoseconds(0));
  EXPECT_EQ(span.span_id, process_span_id(span.trace_id, "run", Pid{7}));
  EXPECT_EQ(span.attributes, Json::object({{"intent", "tidy up"},
                                           {"exit_reason", "completed"},
                                           {"run_id", "run"},
                                           {"model", "m-1"}}));
}

TEST(SpanDeriverTest, ItsParentIsTheSpawningProcessOrTheSpanOutside) {
  TracedProcess child = traced();
  child.parent = Pid{3};
  EXPECT_EQ(derive(EventMaker(), child).spans[0].parent_span_id,
            process_span_id(child.trace_id, "run", Pid{3}));
  child.outer_span_id = "b7ad6b7169203331";
  EXPECT_EQ(derive(EventMaker(), child).spans[0].parent_span_id, "b7ad6b7169203331");
}

TEST(SpanDeriverTest, AStepGoesFromItsFirstEventToItsReasonStep) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).ask(10, 50).answer(10, answer()).step(10, 60, 1, "complete");
  const SpanKeeper trace = derive(made);
  const Span& step = trace.only(SpanKind::kStep);
  const Span& call = trace.only(SpanKind::kLlmCall);
  const Span& process = trace.only(SpanKind::kProcess);
  EXPECT_EQ(step.name, "step 1");
  EXPECT_EQ(since_birth(step), milliseconds(10));
  EXPECT_EQ(step.duration, milliseconds(60));
  EXPECT_EQ(step.parent_span_id, process.span_id);
  EXPECT_EQ(step.tokens_used, 120);
  EXPECT_EQ(step.syscall_count, 4U);
  EXPECT_EQ(step.attributes["action"], Json("complete"));
  EXPECT_EQ(call.name, "m-2");
  EXPECT_EQ(call.parent_span_id, step.span_id);
  EXPECT_EQ(call.duration, milliseconds(50));
  EXPECT_EQ(call.syscall_count, 2U);
  EXPECT_EQ(call.attributes, Json::object({{"record_id", "7-1772964000"},
                                           {"seq", 3},
                                           {"model", "m-2"},
                                           {"provider", "acme"},
                                           {"request_tokens", 100},
                                           {"response_tokens", 20},
                                           {"stop_reason", "stop"},
                                           {"request_bytes", 120}}));
  EXPECT_EQ(process.attributes["steps"], Json(1));
  EXPECT_EQ(process.tokens_used, 120);
  EXPECT_EQ(process.duration, milliseconds(70));
}

TEST(SpanDeriverTest, TheNextRequestEndsAStepThatHasNoReasonStep) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3)
      .ask(10, 50)
      .answer(10, answer())
      .ask(90, 10)
      .answer(90, answer());
  const std::vector<Span> steps = derive(made).of_kind(SpanKind::kStep);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].duration, milliseconds(80));
  EXPECT_TRUE(steps[0].attributes["incomplete"].is_null());
  EXPECT_EQ(steps[1].name, "step 2");
  EXPECT_EQ(steps[1].attributes["incomplete"], Json(true));
}

TEST(SpanDeriverTest, AnAgentElsewhereTellsOfAnswersAlone) {
  EventMaker made;
  LlmResponse first = answer({call_of("a", "look", 1)});
  first.time_to_last_token = milliseconds(30);
  made.answer(10, first);
  made.open(45, "/dev/tool/look", 4).write(45, 4, "{\"n\":1}").read(45, 5, 4, "seen").close(45, 4);
  made.answer(60, answer());
  const SpanKeeper trace = derive(made);
  const std::vector<Span> calls = trace.of_kind(SpanKind::kLlmCall);
  const std::vector<Span> steps = trace.of_kind(SpanKind::kStep);
  ASSERT_EQ(calls.size(), 2U);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(calls[0].duration, milliseconds(30));
  EXPECT_EQ(steps[0].duration, milliseconds(50));
  const Span& tool = trace.only(SpanKind::kToolCall);
  EXPECT_EQ(tool.parent_span_id, steps[0].span_id);
  EXPECT_EQ(tool.attributes["tool_call_id"], Json("a"));
}

TEST(SpanDeriverTest, AFailedRequestIsAModelCallWithItsError) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3);
  made.call("Write", 5, 0, Json::object({{"fd", 3}, {"size", 9}}), 9);
  made.call("Read", 5, 40, Json::object({{"fd", 3}}), nullptr, "[TIMEOUT] no answer");
  made.call("ReasonStep", 5, 40, Json::object({{"action", "error"}, {"step", 1}}), nullptr,
            "no answer");
  const SpanKeeper trace = derive(made);
  const Span& call = trace.only(SpanKind::kLlmCall);
  EXPECT_EQ(call.status, SpanStatus::kTimeout);
  EXPECT_EQ(call.error, "[TIMEOUT] no answer");
  EXPECT_EQ(call.duration, milliseconds(40));
  EXPECT_TRUE(call.attributes["incomplete"].is_null());
  EXPECT_EQ(trace.only(SpanKind::kStep).status, SpanStatus::kError);
}

TEST(SpanDeriverTest, AnAnswersErrorIsItsCallsError) {
  EventMaker made;
  LlmResponse failed;
  failed.error = "HTTP 529";
  made.open(0, "/dev/llm/acme", 3).ask(10, 50).answer(10, failed);
  const SpanKeeper trace = derive(made);
  EXPECT_EQ(trace.only(SpanKind::kLlmCall).error, "HTTP 529");
  EXPECT_EQ(trace.only(SpanKind::kLlmCall).name, "m-1");
}

TEST(SpanDeriverTest, AttemptsAndPhasesFollowOneAnotherWithinTheCall) {
  EventMaker made;
  LlmResponse response = answer();
  response.attempt_starts = {milliseconds(10), milliseconds(30)};
  response.request_setup = milliseconds(5);
  response.time_to_first_token = milliseconds(8);
  response.time_to_last_token = milliseconds(20);
  made.open(0, "/dev/llm/acme", 3).ask(10, 40);
  made.call("DriverEvent", 10, 0,
            Json::object({{"description", "HTTP 529"}, {"subtype", "retry"}}));
  made.answer(10, response);
  const SpanKeeper trace = derive(made);
  const std::vector<Span> phases = trace.of_kind(SpanKind::kPhase);
  ASSERT_EQ(phases.size(), 4U);
  const auto told = [](const Span& span) { return std::pair(since_birth(span), span.duration); };
  EXPECT_EQ(phases[0].name, "Attempt 1 (retry)");
  EXPECT_EQ(phases[0].error, "HTTP 529");
  EXPECT_EQ(phases[0].parent_span_id, phases[1].span_id);
  EXPECT_EQ(told(phases[0]),
            std::pair(Nanoseconds(milliseconds(10)), Nanoseconds(milliseconds(20))));
  EXPECT_EQ(phases[1].name, "Request Setup");
  EXPECT_EQ(told(phases[1]),
            std::pair(Nanoseconds(milliseconds(10)), Nanoseconds(milliseconds(25))));
  EXPECT_EQ(phases[2].name, "First Token");
  EXPECT_EQ(told(phases[2]),
            std::pair(Nanoseconds(milliseconds(35)), Nanoseconds(milliseconds(8))));
  EXPECT_EQ(phases[3].name, "Sampling");
  EXPECT_EQ(told(phases[3]),
            std::pair(Nanoseconds(milliseconds(43)), Nanoseconds(milliseconds(7))));
  EXPECT_EQ(phases[3].parent_span_id, trace.only(SpanKind::kLlmCall).span_id);
}

TEST(SpanDeriverTest, PhasesNeverReachBeyondTheirCall) {
  EventMaker made;
  LlmResponse response = answer();
  response.attempt_starts = {milliseconds(90), milliseconds(-5), milliseconds(900)};
  response.request_setup = Nanoseconds::max();
  response.time_to_first_token = Nanoseconds::max();
  response.time_to_last_token = Nanoseconds::max();
  made.open(0, "/dev/llm/acme", 3).ask(10, 40).answer(10, response);
  for (const Span& phase : derive(made).of_kind(SpanKind::kPhase)) {
    EXPECT_GE(since_birth(phase), milliseconds(10));
    EXPECT_LE(phase.end() - kBirth, milliseconds(50));
  }
}

TEST(SpanDeriverTest, ToolsAtTheSameTimeAreToldApartByTheirDescriptors) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).ask(0, 10);
  made.answer(0,
              answer({call_of("a", "look", 1), call_of("b", "look", 2), call_of("c", "say", 3)}));
  made.open(10, "/dev/tool/look", 4).open(10, "/dev/tool/look", 5).open(10, "/dev/tool/say", 6);
  made.write(10, 4, "{\"n\":2}").write(10, 5, "{\"n\":1}").write(10, 6, "{\"n\":3}");
  made.read(10, 30, 5, "five").close(40, 5).read(10, 50, 4, "", "no such thing").close(60, 4);
  made.read(10, 70, 6, "said").close(80, 6).step(0, 80, 1, "tool_call");
  const std::vector<Span> tools = derive(made).of_kind(SpanKind::kToolCall);
  ASSERT_EQ(tools.size(), 3U);
  EXPECT_EQ(tools[0].attributes["tool_call_id"], Json("a"));
  EXPECT_EQ(tools[0].duration, milliseconds(30));
  EXPECT_EQ(tools[0].attributes["result_bytes"], Json(4));
  EXPECT_EQ(tools[0].attributes["argument_bytes"], Json(7));
  EXPECT_EQ(tools[1].attributes["tool_call_id"], Json("b"));
  EXPECT_EQ(tools[1].error, "no such thing");
  EXPECT_EQ(tools[1].duration, milliseconds(50));
  EXPECT_EQ(tools[2].attributes["tool_call_id"], Json("c"));
  EXPECT_EQ(tools[2].syscall_count, 4U);
}

TEST(SpanDeriverTest, CallsWithTheSameArgumentsAreMatchedInOrderEachOnce) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).ask(0, 10);
  made.answer(0, answer({call_of("a", "look", 1), call_of("b", "look", 1)}));
  for (const int fd : {4, 5, 6})
    made.open(10, "/dev/tool/look", fd)
        .write(10, fd, "{\"n\":1}")
        .read(10, 1, fd, "x")
        .close(11, fd);
  std::vector<Json> ids;
  for (const Span& tool : derive(made).of_kind(SpanKind::kToolCall))
    ids.push_back(tool.attributes["tool_call_id"]);
  EXPECT_EQ(ids, (std::vector<Json>{"a", "b", nullptr}));
}

TEST(SpanDeriverTest, AToolThatCannotBeOpenedIsAFailedCall) {
  EventMaker made;
  made.call("Open", 5, 0, Json::object({{"path", "/dev/tool/none"}}), nullptr, "no such device");
  const Span tool = derive(made).only(SpanKind::kToolCall);
  EXPECT_EQ(tool.name, "none");
  EXPECT_EQ(tool.error, "no such device");
}

TEST(SpanDeriverTest, ADescriptorThatIsOpenedAgainEndsWhatWasOpen) {
  EventMaker made;
  made.open(5, "/dev/tool/one", 4).open(9, "/dev/tool/two", 4).close(12, 4);
  const std::vector<Span> tools = derive(made).of_kind(SpanKind::kToolCall);
  ASSERT_EQ(tools.size(), 2U);
  EXPECT_EQ(tools[0].name, "one");
  EXPECT_EQ(tools[0].attributes["incomplete"], Json(true));
  EXPECT_EQ(tools[0].duration, milliseconds(4));
  EXPECT_TRUE(tools[1].attributes["incomplete"].is_null());
}

TEST(SpanDeriverTest, DevicesOfVersion1AreTools) {
  EventMaker made;
  made.open(1, "/dev/shell/bash", 4).close(2, 4);
  made.open(3, "/dev/mcp/git/log", 4).close(4, 4);
  made.open(5, "/dev/fs/notes.md", 4).close(6, 4);
  made.open(7, "/dev/shellfish", 4).close(8, 4);
  std::vector<std::string> names;
  for (const Span& tool : derive(made).of_kind(SpanKind::kToolCall)) names.push_back(tool.name);
  EXPECT_THAT(names, ElementsAre("shell", "git/log", "fs"));
}

TEST(SpanDeriverTest, WhatIsOpenAtTheEndIsIncomplete) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).open(2, "/dev/tool/look", 4);
  made.call("Write", 5, 0, Json::object({{"fd", 3}, {"size", 9}}), 9);
  made.state(30, "running", "suspended", "paused");
  const SpanKeeper trace = derive(made, traced(), {});
  EXPECT_EQ(trace.spans.size(), 5U);
  for (const Span& span : trace.spans) {
    EXPECT_EQ(span.attributes["incomplete"], Json(true)) << span.name;
    EXPECT_EQ(span.end() - kBirth, milliseconds(30)) << span.name;
  }
  EXPECT_EQ(trace.spans.back().kind, SpanKind::kProcess);
}

TEST(SpanDeriverTest, AProcessWhoseStateSaysSoHasEnded) {
  EventMaker made;
  made.state(5, "running", "zombie", "killed").state(6, "zombie", "dead", "killed");
  const SpanKeeper trace = derive(made, traced(), {});
  EXPECT_TRUE(trace.spans.back().attributes["incomplete"].is_null());
  EXPECT_EQ(trace.spans.back().attributes["exit_reason"], Json("killed"));
  EXPECT_EQ(trace.spans.back().error, "killed");
  EXPECT_THAT(trace.instant_names(), ElementsAre("zombie", "dead"));
}

TEST(SpanDeriverTest, ASuspensionIsLinkedToItsResume) {
  EventMaker made;
  made.state(5, "running", "suspended", "budget").state(25, "suspended", "running", "resumed");
  const SpanKeeper trace = derive(made);
  const Span& suspension = trace.only(SpanKind::kSuspension);
  const Span& resume = trace.only(SpanKind::kResume);
  EXPECT_EQ(suspension.name, "budget");
  EXPECT_EQ(suspension.duration, milliseconds(20));
  ASSERT_EQ(resume.links.size(), 1U);
  EXPECT_EQ(resume.links[0].span_id, suspension.span_id);
}

TEST(SpanDeriverTest, SpawnsAndWaitsAreLinkedToTheChild) {
  EventMaker made;
  made.call("Spawn", 1, 0, Json::object({{"intent", "tidy up"}}), 7);
  made.call("Spawn", 2, 0, Json::object({{"agent", "x"}, {"intent", "help"}}), 9);
  made.call("Wait", 3, 20, Json::object({{"pid", 9}}),
            Json::object({{"code", 2}, {"reason", "budget_exceeded"}}));
  const SpanKeeper trace = derive(made);
  const std::string child = process_span_id(traced().trace_id, "run", Pid{9});
  const Span& spawn = trace.only(SpanKind::kSpawn);
  EXPECT_EQ(spawn.name, "help");
  EXPECT_EQ(spawn.links.at(0).span_id, child);
  const Span& wait = trace.only(SpanKind::kWait);
  EXPECT_EQ(wait.name, "wait for PID 9");
  EXPECT_EQ(wait.links.at(0).span_id, child);
  EXPECT_EQ(wait.attributes["exit_code"], Json(2));
  EXPECT_EQ(wait.attributes["exit_reason"], Json("budget_exceeded"));
}

TEST(SpanDeriverTest, AMessageIsKnownToBothSides) {
  EventMaker made;
  made.call("Send", 1, 0, Json::object({{"msg_seq", 4}, {"msg_size", 2}, {"target_pid", 9}}));
  made.call("Recv", 2, 5, Json::object({{"from_pid", 9}, {"msg_seq", 3}, {"msg_size", 2}}), "hi");
  made.call("Recv", 8, 5, {}, nullptr, "no message came in time");
  const SpanKeeper trace = derive(made);
  const std::string mine = process_span_id(traced().trace_id, "run", Pid{7});
  const std::string theirs = process_span_id(traced().trace_id, "run", Pid{9});
  EXPECT_EQ(trace.only(SpanKind::kChannelEmit).span_id, message_span_id(mine, 4));
  const std::vector<Span> received = trace.of_kind(SpanKind::kChannelMatch);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0].name, "receive from PID 9");
  EXPECT_EQ(received[0].links.at(0).span_id, message_span_id(theirs, 3));
  EXPECT_EQ(received[1].status, SpanStatus::kTimeout);
  EXPECT_THAT(received[1].links, IsEmpty());
}

TEST(SpanDeriverTest, SentNumbersThatComeTwiceGiveIdsOfTheirOwn) {
  EventMaker made;
  for (int i = 0; i < 3; ++i)
    made.call("Send", i, 0, Json::object({{"msg_seq", 4}, {"target_pid", 9}}));
  std::set<std::string> ids;
  for (const Span& span : derive(made).of_kind(SpanKind::kChannelEmit)) ids.insert(span.span_id);
  EXPECT_EQ(ids.size(), 3U);
}

TEST(SpanDeriverTest, TimeBetweenAStopAndAUsersMessageIsAWait) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).ask(0, 10).answer(0, answer()).step(0, 10, 1, "text");
  made.call("CtxWrite", 500, 0,
            Json::object({{"cid", 1}, {"op", "AppendMessage"}, {"role", "user"}}));
  made.context(500, 40, "and now the attic");
  made.ask(500, 10).answer(500, answer()).step(500, 10, 2, "complete");
  const SpanKeeper trace = derive(made);
  const Span& wait = trace.only(SpanKind::kWait);
  EXPECT_EQ(wait.name, "wait for user");
  EXPECT_EQ(since_birth(wait), milliseconds(10));
  EXPECT_EQ(wait.duration, milliseconds(490));
  EXPECT_EQ(wait.parent_span_id, trace.only(SpanKind::kProcess).span_id);
  ASSERT_EQ(trace.instants.size(), 1U);
  EXPECT_EQ(trace.instants[0].name, "user message");
  EXPECT_EQ(trace.instants[0].attributes["bytes"], Json(17));
}

TEST(SpanDeriverTest, ACallOfAToolIsNoStop) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).ask(0, 10).answer(0, answer({call_of("a", "look", 1)}));
  made.step(0, 10, 1, "tool_call");
  made.call("CtxWrite", 500, 0, Json::object({{"op", "AppendMessage"}, {"role", "user"}}));
  EXPECT_THAT(derive(made).of_kind(SpanKind::kWait), IsEmpty());
}

TEST(SpanDeriverTest, OtherCallsAreSpansWhenTheyTookTimeOrFailed) {
  EventMaker made;
  made.call("Mount", 1, 0, Json::object({{"path", "/dev/x"}}));
  made.call("Mount", 2, 3, Json::object({{"path", "/dev/y"}}));
  made.call("Kill", 9, 0, Json::object({{"pid", 8}}), nullptr, "no such process");
  const SpanKeeper trace = derive(made);
  const std::vector<Span> calls = trace.of_kind(SpanKind::kFnCall);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].attributes["path"], Json("/dev/y"));
  EXPECT_EQ(calls[1].error, "no such process");
  EXPECT_EQ(trace.only(SpanKind::kProcess).syscall_count, 3U);
}

TEST(SpanDeriverTest, ARequestIsKnownWithoutItsOpen) {
  EventMaker made;
  made.ask(5, 10).answer(5, answer());
  EXPECT_EQ(derive(made).only(SpanKind::kLlmCall).duration, milliseconds(10));
}

TEST(SpanDeriverTest, HolesAndGapsAreLosses) {
  EventMaker made;
  made.call("Mount", 1, 0);
  made.n += 4;
  made.call("Mount", 2, 0);
  made.add(3, Gap{.lost_events = 10, .first_n = 7, .reason = "full disk"});
  made.events.back().n = 0;
  made.n = 16;
  made.call("Mount", 4, 0);
  const SpanKeeper trace =
      derive(made, traced(), {.exit_reason = "completed", .ended = true, .last_n = 19});
  EXPECT_EQ(trace.spans.back().attributes["lost_events"], Json(16));
  EXPECT_THAT(trace.instant_names(),
              ElementsAre("4 events lost", "10 events lost", "2 events lost"));
}

TEST(SpanDeriverTest, AlertsSignalsAndCountersAreTold) {
  EventMaker made;
  TracedProcess process = traced();
  process.context_budget = 1000;
  made.context(1, 40, "hello");
  made.call("Signal", 2, 0, Json::object({{"action", "paused"}, {"signal", "pause"}}));
  made.add(3, Alert{.kind = "budget", .level = "warning", .tokens_used = 900});
  LlmResponse response = answer();
  response.time_to_first_token = milliseconds(100);
  response.time_to_last_token = milliseconds(300);
  made.answer(10, response);
  const SpanKeeper trace = derive(made, process);
  EXPECT_THAT(trace.instant_names(), ElementsAre("pause", "budget warning"));
  ASSERT_EQ(trace.counters.size(), 4U);
  EXPECT_EQ(trace.counters[0].value, 40);
  EXPECT_EQ(trace.counters[1].value, 100);  // tokens a second
  EXPECT_EQ(trace.counters[2].value, 0);
  EXPECT_EQ(trace.counters[3].value, 880);  // left
}

TEST(SpanDeriverTest, Hostile_TimesOfAnySizeGiveNoNegativeDurations) {
  EventMaker made;
  made.open(0, "/dev/llm/acme", 3).open(0, "/dev/tool/look", 4);
  made.ask(0, 0);
  LlmResponse response = answer();
  response.time_to_last_token = Nanoseconds::min();
  response.time_to_first_token = Nanoseconds::max();
  made.answer(0, response);
  made.read(0, 0, 4, "x").close(0, 4).step(0, 0, 1, "text").state(0, "running", "suspended");
  made.state(0, "suspended", "running");
  const std::vector<Nanoseconds> times = {Nanoseconds::min(), Nanoseconds(-1), Nanoseconds(0),
                                          Nanoseconds::max()};
  for (std::size_t shift = 0; shift < times.size() * times.size(); ++shift) {
    EventMaker moved = made;
    for (std::size_t i = 0; i < moved.events.size(); ++i) {
      moved.events[i].timestamp = times[(i + shift) % times.size()];
      if (auto* const call = std::get_if<Syscall>(&moved.events[i].payload))
        call->duration = times[(i * 3 + shift / times.size()) % times.size()];
    }
    for (const Span& span : derive(moved).spans) EXPECT_GE(span.duration, Nanoseconds(0));
  }
}

TEST(SpanDeriverTest, Hostile_DescriptorsThatAreNeverClosedAreBounded) {
  EventMaker made;
  const auto count = static_cast<std::int64_t>(SpanDeriver::kMaxDescriptors) + 10;
  SpanKeeper trace;
  SpanDeriver deriver(traced(), trace);
  LiveTraceEvents events;
  for (std::int64_t fd = 3; fd < count; ++fd) {
    made.events.clear();
    made.open(fd, "/dev/tool/look", static_cast<int>(fd));
    deriver.take(events.read(made.events.front()));
  }
  deriver.finish({});
  EXPECT_EQ(trace.of_kind(SpanKind::kToolCall).size(), static_cast<std::size_t>(count - 3));
}

TEST(SpanDeriverTest, ARecordingThatBeganLateSaysWhatWentBefore) {
  SpanKeeper trace;
  TracedProcess process = traced();
  process.context_budget = 1000;
  SpanDeriver deriver(process, trace);
  const BeganLate late{.n = 40,
                       .timestamp = milliseconds(500),
                       .state = "running",
                       .tokens_used = 300,
                       .steps = 6,
                       .lost_events = 2};
  deriver.enter_recording("7-1772964000", &late);
  EventMaker made;
  made.n = 39;
  made.ask(510, 10).answer(510, answer()).step(510, 10, 7, "complete");
  LiveTraceEvents events;
  for (const Event& event : made.events) deriver.take(events.read(event));
  deriver.finish({.ended = true});
  EXPECT_EQ(trace.only(SpanKind::kStep).name, "step 7");
  EXPECT_EQ(trace.spans.back().attributes["lost_events"], Json(2));
  EXPECT_EQ(trace.spans.back().attributes["steps"], Json(7));
  EXPECT_EQ(trace.counters.back().value, 580);
  EXPECT_THAT(trace.instant_names(), ElementsAre("recording began late"));
}

TEST(SpanDeriverTest, AProcessOfTwoRecordingsIsOneSpan) {
  SpanKeeper trace;
  SpanDeriver deriver(traced(), trace);
  LiveTraceEvents events;
  EventMaker made;
  deriver.enter_recording("7-1", nullptr);
  made.open(1, "/dev/tool/look", 4);
  deriver.take(events.read(made.events.back()));
  const BeganLate late{.n = 9, .timestamp = milliseconds(70)};
  deriver.enter_recording("7-2", &late);
  made.n = 8;
  made.open(80, "/dev/tool/look", 4).close(90, 4);
  deriver.take(events.read(made.events[1]));
  deriver.take(events.read(made.events[2]));
  deriver.finish({.ended = true});
  const std::vector<Span> tools = trace.of_kind(SpanKind::kToolCall);
  ASSERT_EQ(tools.size(), 2U);
  EXPECT_EQ(tools[0].attributes["incomplete"], Json(true));
  EXPECT_EQ(tools[0].attributes["record_id"], Json("7-1"));
  EXPECT_EQ(tools[1].attributes["record_id"], Json("7-2"));
  EXPECT_EQ(trace.of_kind(SpanKind::kProcess).size(), 1U);
}

}  // namespace
}  // namespace agdb
