#include "debug/trace/perfetto.h"

#include "tests/unit/debug/trace/event_maker.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A span of process 7, milliseconds since its start.
Span span_of(SpanKind kind, std::string name, std::int64_t from, std::int64_t to) {
  static int count = 0;
  Span span;
  span.trace_id = traced().trace_id;
  span.span_id = "00000000000000" + std::to_string(10 + count++ % 90);
  span.pid = Pid{7};
  span.kind = kind;
  span.name = std::move(name);
  span.start = kBirth + milliseconds(from);
  span.duration = milliseconds(to - from);
  return span;
}

class PerfettoTest : public testing::Test {
 protected:
  explicit PerfettoTest(PerfettoOptions options = {})
      : export_([this](std::string_view piece) { return take(piece); }, options) {}

  Status take(std::string_view piece) {
    ++writes_;
    if (!broken_.message.empty()) return std::unexpected(broken_);
    text_ += piece;
    return {};
  }
  // The events, once all spans were told.
  std::vector<Json> events() {
    EXPECT_TRUE(export_.finish());
    const Result<Json> document = parse_json(text_);
    EXPECT_TRUE(document) << text_;
    return document ? (*document)["traceEvents"].items() : std::vector<Json>();
  }
  static std::vector<Json> with(const std::vector<Json>& events, std::string_view key,
                                std::string_view value) {
    std::vector<Json> found;
    for (const Json& event : events)
      if (event.text(key) == value) found.push_back(event);
    return found;
  }
  std::vector<std::string> tracks(const std::vector<Json>& events) {
    std::vector<std::string> names;
    for (const Json& event : with(events, "name", "thread_name"))
      names.emplace_back(event["args"].text("name"));
    return names;
  }

  std::string text_;
  Error broken_;
  int writes_ = 0;
  PerfettoExport export_;
};

TEST_F(PerfettoTest, NothingIsAFileWithoutEvents) {
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(PerfettoTest, AProcessHasItsNameItsTrackAndItsSlice) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kProcess, "tidy up", 0, 1500));
  const std::vector<Json> all = events();
  EXPECT_EQ(with(all, "name", "process_name").at(0)["args"].text("name"), "tidy up");
  EXPECT_THAT(tracks(all), ElementsAre("agent"));
  const Json begin = with(all, "ph", "B").at(0);
  const Json end = with(all, "ph", "E").at(0);
  EXPECT_EQ(begin["ts"], Json(0));
  EXPECT_EQ(begin["tid"], Json(7));
  EXPECT_EQ(end["ts"], Json(1'500'000));
}

TEST_F(PerfettoTest, AProcessThatNeverEndsIsIncomplete) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kStep, "step 1", 0, 20));
  const Json end = with(events(), "ph", "E").at(0);
  EXPECT_EQ(end["ts"], Json(20'000));
  EXPECT_EQ(end["args"]["incomplete"], Json(true));
}

TEST_F(PerfettoTest, FurtherProcessesOfOnePidAreSlicesOfTheirOwn) {
  TracedProcess process = traced();
  process.process_spans = 3;
  export_.on_process(process);
  export_.on_span(span_of(SpanKind::kProcess, "child a", 0, 10));
  export_.on_span(span_of(SpanKind::kProcess, "child b", 20, 3000));
  export_.on_span(span_of(SpanKind::kProcess, "tidy up", 0, 1500));
  const std::vector<Json> all = events();
  EXPECT_THAT(tracks(all), ElementsAre("agent", "processes"));
  EXPECT_EQ(with(all, "name", "child a").at(0)["dur"], Json(10'000));
  EXPECT_EQ(with(all, "name", "child b").at(0)["ts"], Json(20'000));
  EXPECT_EQ(with(all, "name", "child b").at(0)["dur"], Json(2'980'000));
  EXPECT_EQ(with(all, "ph", "B").at(0).text("name"), "tidy up");
  EXPECT_EQ(with(all, "ph", "E").at(0)["ts"], Json(1'500'000));
}

TEST_F(PerfettoTest, AProcessThatIsKnownByItsSpanAloneHasItsNameAndTimes) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kProcess, "tidy up", 0, 10));
  export_.on_span(span_of(SpanKind::kProcess, "another", 20, 30));
  const std::vector<Json> all = events();
  const std::vector<Json> begins = with(all, "ph", "B");
  ASSERT_EQ(begins.size(), 2U);
  EXPECT_EQ(begins[1].text("name"), "another");
  EXPECT_EQ(begins[1]["ts"], Json(20'000));
  EXPECT_EQ(with(all, "ph", "E").at(1)["ts"], Json(30'000));
  // Two processes, though they had one pid.
  EXPECT_NE(begins[0]["pid"], begins[1]["pid"]);
  EXPECT_NE(begins[0]["tid"], begins[1]["tid"]);
}

TEST_F(PerfettoTest, ASpawnHasNoFlowWithinAProcess) {
  TracedProcess process = traced();
  process.process_spans = 2;
  export_.on_process(process);
  Span spawn = span_of(SpanKind::kSpawn, "child", 5, 6);
  const Span child = span_of(SpanKind::kProcess, "child", 5, 20);
  spawn.links.push_back({spawn.trace_id, child.span_id, nullptr});
  export_.on_span(spawn);
  export_.on_span(child);
  EXPECT_THAT(with(events(), "ph", "s"), IsEmpty());
}

TEST_F(PerfettoTest, TimesAreMicrosecondsWithTheirFraction) {
  export_.on_process(traced());
  Span span = span_of(SpanKind::kStep, "step 1", 0, 0);
  span.start += Nanoseconds(1'234'567);
  span.duration = Nanoseconds(40);
  export_.on_span(span);
  events();
  EXPECT_NE(text_.find(R"("ts":1234.567,"dur":0.04,)"), std::string::npos) << text_;
}

TEST_F(PerfettoTest, ToolsAtTheSameTimeHaveTracksOfTheirOwn) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kToolCall, "b", 10, 20));
  export_.on_span(span_of(SpanKind::kToolCall, "a", 0, 30));
  export_.on_span(span_of(SpanKind::kToolCall, "c", 20, 40));
  const std::vector<Json> all = events();
  EXPECT_THAT(tracks(all), ElementsAre("agent", "tools", "tools 2"));
  EXPECT_EQ(with(all, "name", "Tool: b").at(0)["tid"], with(all, "name", "Tool: c").at(0)["tid"]);
  EXPECT_NE(with(all, "name", "Tool: a").at(0)["tid"], with(all, "name", "Tool: b").at(0)["tid"]);
}

TEST_F(PerfettoTest, WhatHasNoNameIsCalledByItsKind) {
  export_.on_process(traced());
  for (const SpanKind kind : {SpanKind::kFnCall, SpanKind::kStep, SpanKind::kWait, SpanKind::kSpawn,
                              SpanKind::kPhase, SpanKind::kLlmCall, SpanKind::kToolCall})
    export_.on_span(span_of(kind, "", 0, 10));
  const std::vector<Json> all = events();
  for (const Json& event : all) EXPECT_NE(event.text("name"), "") << dump(event);
  for (const char* const kind : {"fn_call", "step", "wait", "spawn", "phase"})
    EXPECT_EQ(with(all, "name", kind).size(), 1U) << kind;
}

TEST_F(PerfettoTest, AMomentIsNotTakenForAPartOfWhatBeginsWithIt) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kToolCall, "moment", 10, 10));
  export_.on_span(span_of(SpanKind::kToolCall, "another", 10, 10));
  export_.on_span(span_of(SpanKind::kToolCall, "long", 10, 20));
  export_.on_span(span_of(SpanKind::kToolCall, "last", 20, 20));
  export_.on_span(span_of(SpanKind::kToolCall, "later", 21, 30));
  const std::vector<Json> all = events();
  const auto track = [&](std::string_view name) { return with(all, "name", name).at(0)["tid"]; };
  EXPECT_EQ(track("Tool: another"), track("Tool: moment"));
  EXPECT_NE(track("Tool: long"), track("Tool: moment"));
  EXPECT_EQ(track("Tool: last"), track("Tool: moment"));
  EXPECT_EQ(track("Tool: later"), track("Tool: moment"));
  EXPECT_THAT(tracks(all), ElementsAre("agent", "tools", "tools 2"));
}

TEST_F(PerfettoTest, AMomentBehindALongerSliceSharesItsTrack) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kStep, "step 1", 0, 10));
  export_.on_span(span_of(SpanKind::kStep, "moment", 10, 10));
  EXPECT_THAT(tracks(events()), ElementsAre("agent"));
}

TEST_F(PerfettoTest, Hostile_MoreAtTheSameTimeThanTracksAreAsync) {
  export_.on_process(traced());
  for (int i = 0; i < 300; ++i) export_.on_span(span_of(SpanKind::kToolCall, "t", 0, 30));
  const std::vector<Json> all = events();
  EXPECT_EQ(with(all, "ph", "X").size(), 256U);
  EXPECT_EQ(with(all, "ph", "b").size(), 44U);
  EXPECT_EQ(with(all, "ph", "e").size(), 44U);
}

TEST_F(PerfettoTest, WhatSticksOutOfItsProcessIsCutOrWidensIt) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kStep, "step 1", -10, 50));
  export_.on_span(span_of(SpanKind::kProcess, "tidy up", 0, 40));
  const std::vector<Json> all = events();
  EXPECT_EQ(with(all, "name", "step 1").at(0)["ts"], Json(0));
  EXPECT_EQ(with(all, "name", "step 1").at(0)["dur"], Json(50'000));
  EXPECT_EQ(with(all, "ph", "E").at(0)["ts"], Json(50'000));
}

TEST_F(PerfettoTest, Hostile_TimesStayWithinTheirNumbers) {
  constexpr Nanoseconds kMost = Nanoseconds::max();
  PerfettoExport file([this](std::string_view piece) { return take(piece); },
                      {.zero = WallTime(Nanoseconds::min())});
  TracedProcess process = traced();
  process.start = WallTime(Nanoseconds::min());
  file.on_process(process);
  Span received = span_of(SpanKind::kChannelMatch, "receive", 0, 0);
  received.start = WallTime(Nanoseconds(-2));
  received.duration = kMost;
  file.on_span(received);
  Span sent = span_of(SpanKind::kChannelEmit, "send", 0, 0);
  sent.start = WallTime(kMost);
  file.on_span(sent);
  Span attempt = span_of(SpanKind::kPhase, "Attempt 1 (retry)", 0, 0);
  attempt.start = WallTime(kMost);
  file.on_span(attempt);
  Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 0);
  call.start = WallTime(Nanoseconds::min());
  call.duration = kMost;
  file.on_span(call);
  ASSERT_TRUE(file.finish());
  const Result<Json> document = parse_json(text_);
  ASSERT_TRUE(document) << text_;
  const std::vector<Json>& all = (*document)["traceEvents"].items();
  for (const char* const name : {"receive", "send", "API Call"})
    EXPECT_EQ(with(all, "name", name).size(), 1U) << name;
  EXPECT_NE(text_.find(R"("ts":9223372036854775.807,"dur":0,)"), std::string::npos) << text_;
}

TEST_F(PerfettoTest, ACallTellsItsFigures) {
  export_.on_process(traced());
  Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 700);
  call.attributes = Json::object({{"request_tokens", 300},
                                  {"response_tokens", 50},
                                  {"cache_read_tokens", 100},
                                  {"time_to_first_token", 200'000'000},
                                  {"time_to_last_token", 700'000'000}});
  export_.on_span(call);
  const Json args = with(events(), "name", "API Call").at(0)["args"];
  EXPECT_EQ(args["input_tokens_per_second"].to_double(), 1500);
  EXPECT_EQ(args["output_tokens_per_second"].to_double(), 100);
  EXPECT_EQ(args["cache_hit_rate_percent"].to_double(), 33.33);
  EXPECT_EQ(args["ttft_ms"].to_double(), 200);
  EXPECT_EQ(args["success"], Json(true));
}

TEST_F(PerfettoTest, FiguresWithoutTheirOperandsAreAbsent) {
  export_.on_process(traced());
  Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 700);
  call.status = SpanStatus::kError;
  call.error = "HTTP 529";
  call.attributes = Json::object({{"request_tokens", 300}, {"response_tokens", 50}});
  export_.on_span(call);
  const Json args = with(events(), "name", "API Call").at(0)["args"];
  for (const char* key : {"input_tokens_per_second", "output_tokens_per_second",
                          "cache_hit_rate_percent", "ttft_ms", "cache_read_tokens"})
    EXPECT_TRUE(args[key].is_null()) << key;
  EXPECT_EQ(args.text("error"), "HTTP 529");
}

// A phase of a call, in milliseconds since the process's start.
Span phase_of(const Span& parent, std::string name, std::int64_t from, std::int64_t to) {
  Span phase = span_of(SpanKind::kPhase, std::move(name), from, to);
  phase.parent_span_id = parent.span_id;
  return phase;
}

TEST_F(PerfettoTest, PhasesLieInTheCallThatIsTheirParent) {
  export_.on_process(traced());
  const Span first = span_of(SpanKind::kLlmCall, "m-1", 0, 40);
  const Span second = span_of(SpanKind::kLlmCall, "m-1", 0, 50);
  const Span setup = phase_of(second, "Request Setup", 0, 20);
  export_.on_span(phase_of(setup, "Attempt 1 (retry)", 0, 10));
  export_.on_span(phase_of(first, "First Token", 0, 15));
  export_.on_span(setup);
  export_.on_span(first);
  export_.on_span(second);
  const std::vector<Json> all = events();
  EXPECT_THAT(tracks(all), ElementsAre("agent", "model", "model 2"));
  const std::vector<Json> calls = with(all, "name", "API Call");
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(with(all, "name", "First Token").at(0)["tid"], calls[0]["tid"]);
  EXPECT_TRUE(calls[0]["args"]["attempt_starts_ms"].is_null());
  for (const char* const name : {"Request Setup", "Attempt 1 (retry)"})
    EXPECT_EQ(with(all, "name", name).at(0)["tid"], calls[1]["tid"]) << name;
  EXPECT_EQ(calls[1]["args"]["attempt_starts_ms"], Json(Json::Array{0, 10}));
}

TEST_F(PerfettoTest, PhasesThatFitInNoCallStandAlone) {
  export_.on_process(traced());
  const Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 100);
  export_.on_span(phase_of(span_of(SpanKind::kLlmCall, "gone", 0, 1), "Sampling", 0, 10));
  export_.on_span(phase_of(call, "Request Setup", 200, 300));
  export_.on_span(call);
  export_.on_span(phase_of(call, "First Token", 0, 50));
  export_.on_span(phase_of(call, "", 60, 60));
  export_.on_span(span_of(SpanKind::kProcess, "p", 0, 400));
  const std::vector<Json> all = events();
  for (const auto& [name, at, length] : std::initializer_list<std::tuple<const char*, int, int>>{
           {"Phase: Sampling", 0, 10'000},
           {"Phase: Request Setup", 200'000, 100'000},
           {"Phase: First Token", 0, 50'000},
           {"Phase: phase", 60'000, 0}}) {
    const std::vector<Json> slices = with(all, "name", name);
    ASSERT_EQ(slices.size(), 1U) << name;
    EXPECT_EQ(slices[0]["ts"], Json(at)) << name;
    EXPECT_EQ(slices[0]["dur"], Json(length)) << name;
  }
}

TEST_F(PerfettoTest, Hostile_NoPhaseIsLostHoweverManyWait) {
  export_.on_process(traced());
  const Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 100'000);
  constexpr int kMany = 10'000;
  for (int i = 0; i < kMany; ++i) export_.on_span(phase_of(call, "part", 2 * i, 2 * i + 1));
  export_.on_span(call);
  const std::vector<Json> all = events();
  const std::size_t within = with(all, "name", "part").size();
  EXPECT_GT(within, 0U);
  EXPECT_EQ(with(all, "name", "Phase: part").size() + within, std::size_t{kMany});
}

TEST_F(PerfettoTest, PhasesOfACallWithoutATrackStandAlone) {
  export_.on_process(traced());
  for (int i = 0; i < 256; ++i) export_.on_span(span_of(SpanKind::kLlmCall, "m-1", 0, 30));
  const Span call = span_of(SpanKind::kLlmCall, "m-1", 0, 30);
  export_.on_span(phase_of(call, "First Token", 0, 10));
  export_.on_span(call);
  EXPECT_EQ(with(with(events(), "name", "Phase: First Token"), "ph", "b").size(), 1U);
}

TEST_F(PerfettoTest, AToolsFlowGoesFromTheCallOverItToTheNextCall) {
  export_.on_process(traced());
  export_.on_span(span_of(SpanKind::kLlmCall, "m", 0, 10));
  export_.on_span(span_of(SpanKind::kToolCall, "look", 10, 20));
  export_.on_span(span_of(SpanKind::kLlmCall, "m", 25, 30));
  export_.on_span(span_of(SpanKind::kToolCall, "say", 30, 40));
  export_.on_span(span_of(SpanKind::kProcess, "p", 0, 40));
  const std::vector<Json> all = events();
  const std::vector<Json> starts = with(all, "ph", "s");
  ASSERT_EQ(starts.size(), 2U);
  EXPECT_EQ(starts[0]["ts"].to_double(), 9999.999);
  EXPECT_EQ(with(all, "ph", "t").size(), 1U);
  const std::vector<Json> ends = with(all, "ph", "f");
  EXPECT_EQ(ends[0]["ts"], Json(25'000));
  EXPECT_EQ(ends[0].text("bp"), "e");
  EXPECT_EQ(ends[0].text("id"), starts[0].text("id"));
  EXPECT_EQ(ends[1]["ts"], Json(30'000));  // nobody read it
}

TEST_F(PerfettoTest, ASpawnsFlowIsThereWhicheverProcessIsToldFirst) {
  for (const bool child_first : {true, false}) {
    text_.clear();
    PerfettoExport file([this](std::string_view piece) { return take(piece); }, {.zero = kBirth});
    TracedProcess child = traced();
    child.pid = Pid{8};
    child.start = kBirth + milliseconds(5);
    Span born = span_of(SpanKind::kProcess, "child", 5, 20);
    born.pid = Pid{8};
    Span spawn = span_of(SpanKind::kSpawn, "child", 5, 5);
    spawn.links.push_back({spawn.trace_id, born.span_id, nullptr});
    for (const bool now : {child_first, !child_first}) {
      if (now) {
        file.on_process(child);
        file.on_span(born);
      } else {
        file.on_process(traced());
        file.on_span(spawn);
        file.on_span(span_of(SpanKind::kProcess, "lead", 0, 30));
      }
    }
    ASSERT_TRUE(file.finish());
    const Result<Json> document = parse_json(text_);
    ASSERT_TRUE(document);
    const std::vector<Json> ends = with((*document)["traceEvents"].items(), "ph", "f");
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0]["pid"], Json(8));
    EXPECT_EQ(ends[0]["ts"], Json(5000));
  }
}

TEST_F(PerfettoTest, APersonsRequestIsAnInteraction) {
  export_.on_process(traced());
  export_.on_instant({Pid{7}, "user message", "user", kBirth, Json::object({{"bytes", 12}})});
  export_.on_span(span_of(SpanKind::kStep, "step 1", 1, 20));
  export_.on_span(span_of(SpanKind::kWait, "wait for user", 20, 90));
  export_.on_instant({Pid{7}, "user message", "user", kBirth + milliseconds(90), nullptr});
  export_.on_span(span_of(SpanKind::kStep, "step 2", 90, 95));
  export_.on_span(span_of(SpanKind::kProcess, "p", 0, 100));
  const std::vector<Json> all = events();
  const std::vector<Json> interactions = with(all, "name", "Interaction");
  ASSERT_EQ(interactions.size(), 2U);
  EXPECT_EQ(interactions[0]["dur"], Json(20'000));
  EXPECT_EQ(interactions[0]["args"]["prompt_length"], Json(12));
  EXPECT_EQ(interactions[1]["dur"], Json(5000));
  EXPECT_EQ(with(all, "name", "Waiting for User Input").at(0)["dur"], Json(70'000));
}

TEST_F(PerfettoTest, CountersAndInstantsStandAtTheirTime) {
  export_.on_process(traced());
  export_.on_counter(
      {Pid{7}, CounterPoint::Kind::kTokensPerSecond, kBirth + milliseconds(2), 12.345});
  export_.on_instant({Pid{7}, "budget warning", "alert", kBirth + milliseconds(3), nullptr});
  const std::vector<Json> all = events();
  EXPECT_EQ(with(all, "ph", "C").at(0)["args"]["tokens per second"].to_double(), 12.35);
  EXPECT_EQ(with(all, "ph", "i").at(0).text("s"), "p");
}

TEST_F(PerfettoTest, Hostile_TextAndIdsOfAnyBytes) {
  TracedProcess process = traced();
  process.intent = "\xff\"\\\n";
  process.pid = Pid{std::numeric_limits<std::uint64_t>::max()};
  export_.on_process(process);
  Span call = span_of(SpanKind::kLlmCall, "\xfe\x01", 0, 10);
  call.pid = process.pid;
  export_.on_span(call);
  Span tool = span_of(SpanKind::kToolCall, "\xff", 10, 20);
  tool.span_id = "not hex at all";
  tool.pid = process.pid;
  export_.on_span(tool);
  for (const Json& event : events())
    if (!event.text("id").empty())
      EXPECT_THAT(std::string(event.text("id")), testing::MatchesRegex("0x[0-9a-f]+"));
}

TEST_F(PerfettoTest, AnErrorOfWritingIsTheExports) {
  broken_ = Error{Code::kIo, "cannot write: No space left"};
  export_.on_process(traced());
  for (int i = 0; i < 5000; ++i) export_.on_span(span_of(SpanKind::kStep, "step", i, i + 1));
  EXPECT_TRUE(export_.failed());
  const int before = writes_;
  const Status status = export_.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), broken_);
  EXPECT_EQ(writes_, before);
}

class LimitedPerfettoTest : public PerfettoTest {
 protected:
  LimitedPerfettoTest() : PerfettoTest({.limit = 10}) {}
};

TEST_F(LimitedPerfettoTest, BeyondTheLimitTheOlderHalfGoes) {
  export_.on_process(traced());
  for (int i = 0; i < 11; ++i)
    export_.on_span(span_of(SpanKind::kStep, "step " + std::to_string(i), i, i + 1));
  export_.on_span(span_of(SpanKind::kProcess, "p", 0, 100));
  const std::vector<Json> all = events();
  std::vector<std::string> steps;
  for (const Json& event : with(all, "ph", "X")) steps.emplace_back(event.text("name"));
  EXPECT_THAT(steps, ElementsAre("step 6", "step 7", "step 8", "step 9", "step 10"));
  EXPECT_EQ(with(all, "name", "trace_truncated").at(0)["args"]["dropped_events"], Json(6));
  EXPECT_EQ(with(all, "name", "process_name").size(), 1U);
  EXPECT_EQ(with(all, "ph", "B").size(), 1U);
  EXPECT_EQ(with(all, "ph", "E").size(), 1U);
}

TEST_F(LimitedPerfettoTest, AtTheLimitNothingGoes) {
  export_.on_process(traced());
  for (int i = 0; i < 10; ++i) export_.on_span(span_of(SpanKind::kStep, "step", i, i + 1));
  EXPECT_THAT(with(events(), "name", "trace_truncated"), IsEmpty());
}

TEST_F(LimitedPerfettoTest, AFlowGoesWithItsSlices) {
  export_.on_process(traced());
  for (int i = 0; i < 60; ++i) {
    export_.on_span(span_of(SpanKind::kLlmCall, "m", 20 * i, 20 * i + 5));
    export_.on_span(span_of(SpanKind::kToolCall, "t", 20 * i + 5, 20 * i + 15));
  }
  const std::vector<Json> all = events();
  const std::size_t starts = with(all, "ph", "s").size();
  EXPECT_EQ(with(all, "ph", "f").size(), starts);
  EXPECT_LE(with(all, "ph", "t").size(), starts);
  EXPECT_LE(starts * 2, with(all, "ph", "X").size());
}

}  // namespace
}  // namespace agdb
