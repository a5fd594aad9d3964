#include "debug/strace/strace_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// A call of process 1, to be shown.
struct Call {
  Syscall syscall;
  Stamp stamp{Pid{1}};
  StraceOptions options = {};

  explicit Call(std::string name) { syscall.name = std::move(name); }
  Call& at(Nanoseconds time) { return stamp.timestamp = time, *this; }
  Call& with(std::string_view key, Json value) {
    return syscall.args.set(key, std::move(value)), *this;
  }
  Call& gives(Json result) { return syscall.result = std::move(result), *this; }
  Call& fails(std::string err) { return syscall.err = std::move(err), *this; }
  Call& takes(Nanoseconds time) { return syscall.duration = time, *this; }
  Call& in_color() { return options.color = true, *this; }
  Call& in_full() { return options.verbose = true, *this; }
  std::string line() const { return strace_line(syscall, stamp, options); }
};

TEST(StraceLineTest, CallWithResult) {
  EXPECT_EQ(Call("Open")
                .at(12ms)
                .with("path", "/dev/null")
                .with("flags", 2)
                .gives("FD(3)")
                .takes(1ms)
                .line(),
            "[  0.012s] Open(flags=2, path=\"/dev/null\") → FD(3)    1ms");
}

TEST(StraceLineTest, CallWithoutArgumentsAndResult) {
  EXPECT_EQ(Call("T").line(), "[  0.000s] T() → <nil>    0µs");
}

TEST(StraceLineTest, ArgumentsAreSorted) {
  EXPECT_EQ(Call("T").with("zebra", 1).with("alpha", 2).with("middle", 3).line(),
            "[  0.000s] T(alpha=2, middle=3, zebra=1) → <nil>    0µs");
}

TEST(StraceLineTest, WidthOfTheTimeIsALeastOne) {
  EXPECT_EQ(Call("T").at(999999s).line(), "[999999.000s] T() → <nil>    0µs");
}

TEST(StraceLineTest, CallOfExactlyOneSecondIsNotSlow) {
  EXPECT_EQ(Call("T").takes(1s).line(), "[  0.000s] T() → <nil>    1.00s");
  EXPECT_EQ(Call("T").takes(1s + 1ns).line(), "[  0.000s] T() → <nil>    1.00s  ← slow op");
}

TEST(StraceLineTest, SlowMarkIsGray) {
  EXPECT_EQ(Call("Read").at(5s).with("fd", 3).gives(1024).takes(2s).in_color().line(),
            "[  5.000s] Read(fd=3) → 1024    2.00s  \x1b[90m← slow op\x1b[0m");
}

TEST(StraceLineTest, ModelDeviceIsMarked) {
  EXPECT_EQ(
      Call("Open").at(2ms).with("path", "/dev/llm/claude").with("flags", 2).gives("FD(3)").line(),
      "[  0.002s] Open(flags=2, path=\"/dev/llm/claude\") → FD(3)    0µs  ← LLM call");
  EXPECT_THAT(Call("Run").with("tool", "/dev/llm/x").line(), EndsWith("  ← LLM call"));
  EXPECT_THAT(Call("Run").with("path", 7).line(), Not(HasSubstr("LLM")));
}

TEST(StraceLineTest, MarksStandInTheirOrder) {
  EXPECT_EQ(Call("Read")
                .at(5s)
                .with("fd", 3)
                .with("path", "/dev/llm/claude")
                .fails("timeout")
                .takes(30s)
                .line(),
            "[ERR] [  5.000s] Read(fd=3, path=\"/dev/llm/claude\") → err(timeout)    30.00s  "
            "← slow op  ← LLM call");
}

TEST(StraceLineTest, FailedCallIsMarkedOrRed) {
  Call call = Call("Write").at(100ms).with("fd", 3).fails("device not found").takes(5ms);
  EXPECT_EQ(call.line(), "[ERR] [  0.100s] Write(fd=3) → err(device not found)    5ms");
  EXPECT_EQ(call.in_color().line(),
            "\x1b[91m[  0.100s] Write(fd=3) → err(device not found)    5ms\x1b[0m");
  EXPECT_EQ(call.takes(2s).line(),
            "\x1b[91m[  0.100s] Write(fd=3) → err(device not found)    2.00s  ← slow op\x1b[0m");
}

TEST(StraceLineTest, AFailedToolIsNamed) {
  const Call failed = Call("Read").with("fd", 4).fails("no");
  const auto about = [](const Call& call, std::string_view path) {
    return strace_line(call.syscall, call.stamp, call.options, path);
  };
  EXPECT_EQ(about(failed, "/dev/tool/ls"),
            "[ERR] [  0.000s] Read(fd=4) → err(no)    0µs  ← ls failed");
  EXPECT_THAT(about(failed, "/dev/tool/\x1b[2J"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(about(Call(failed).in_color(), "/dev/tool/ls"),
              EndsWith("  \x1b[1;91m← ls failed\x1b[0m"));
  EXPECT_THAT(about(failed, "/dev/fs/notes.md"), Not(HasSubstr("←")));
  EXPECT_THAT(about(Call("Read").with("fd", 4), "/dev/tool/ls"), Not(HasSubstr("←")));
}

TEST(StraceLineTest, LongArgumentsAreCut) {
  EXPECT_EQ(Call("T").with("data", std::string(50, 'y')).line(),
            "[  0.000s] T(data=\"" + std::string(50, 'y') + "\") → <nil>    0µs");
  EXPECT_EQ(Call("T").with("data", std::string(51, 'y')).line(),
            "[  0.000s] T(data=\"" + std::string(48, 'y') + "...\") → <nil>    0µs");
  Json::Array list;
  for (int i = 100; i < 120; ++i) list.emplace_back(i);
  EXPECT_EQ(Call("T").with("data", list).line(),
            "[  0.000s] T(data=[100 101 102 103 104 105 106 107 108 109 110 11...) → <nil>    0µs");
}

TEST(StraceLineTest, VerboseCutsNothing) {
  const std::string text(60, 'y');
  EXPECT_EQ(Call("T").with("data", text).in_full().line(),
            "[  0.000s] T(data=\"" + text + "\") → <nil>    0µs");
  EXPECT_THAT(Call("T").gives(std::string(5000, 'r')).in_full().line(),
              HasSubstr(std::string(5000, 'r')));
}

TEST(StraceLineTest, LongResultsAndErrorsAreCutFarOut) {
  EXPECT_THAT(Call("T").gives(std::string(1024, 'r')).line(),
              HasSubstr(std::string(1024, 'r') + "  "));
  EXPECT_THAT(Call("T").gives(std::string(1025, 'r')).line(),
              HasSubstr(std::string(1021, 'r') + "...  "));
  EXPECT_THAT(Call("T").fails(std::string(2000, 'e')).line(),
              HasSubstr(std::string(1021, 'e') + "...)  "));
}

TEST(StraceLineTest, StringLimitMovesTheCuts) {
  Call call = Call("T").with("data", std::string(60, 'y'));
  call.options.string_limit = 10;
  EXPECT_THAT(call.line(), HasSubstr("(data=\"yyyyyyyy...\")"));
  call.options.string_limit = 60;
  EXPECT_THAT(call.line(), HasSubstr("(data=\"" + std::string(60, 'y') + "\")"));
}

TEST(StraceLineTest, ReadShowsCountAndText) {
  const Json read = Json::object({{"bytes", 6}, {"data", "hello\n"}});
  EXPECT_EQ(Call("Read").with("fd", 4).gives(read).line(),
            "[  0.000s] Read(fd=4) → 6 \"hello\\n\"    0µs");
  const Json other = Json::object({{"bytes", 6}, {"data", "hello\n"}, {"more", true}});
  EXPECT_THAT(Call("Read").gives(other).line(),
              HasSubstr("→ map[bytes:6 data:hello\\n more:true]"));
}

TEST(StraceLineTest, HostileTextNeverReachesTheTerminal) {
  const std::string evil = "\x1b]0;owned\x07\r\n\u202e";
  Call call = Call("Na\x1bme").with("k\ney", evil).with("list", Json::Array{evil}).gives(evil);
  const auto is_tame = [](const std::string& line) {
    return line.find_first_of("\x1b\x07\r\n") == std::string::npos &&
           line.find("\u202e") == std::string::npos;
  };
  EXPECT_PRED1(is_tame, call.line());
  EXPECT_PRED1(is_tame, call.in_full().line());
  EXPECT_PRED1(is_tame, call.fails(evil).line());
  for (const char* name : {"ConfigResolve", "ReasonStep", "DriverThinking"}) {
    Call special(name);
    for (const char* key : {"provider", "provider_source", "model", "project_default", "action",
                            "step", "other", "tool", "path", "subtype", "content"})
      special.with(key, evil);
    EXPECT_PRED1(is_tame, special.gives(evil).line());
    EXPECT_PRED1(is_tame, special.fails(evil).line());
  }
}

Call config() {
  return Call("ConfigResolve")
      .at(1ms)
      .with("provider", "openrouter")
      .with("provider_source", "agent")
      .with("model", "hunter-alpha")
      .with("model_source", "cli");
}

TEST(StraceLineTest, ConfigResolveShowsSources) {
  EXPECT_EQ(
      config().takes(1ms).line(),
      "[  0.001s] ConfigResolve(provider=openrouter [agent], model=hunter-alpha [cli])    1ms");
  EXPECT_EQ(config().with("model", "").line(),
            "[  0.001s] ConfigResolve(provider=openrouter [agent], model= [cli])    0µs");
}

TEST(StraceLineTest, ConfigResolveIsNeverSlow) {
  EXPECT_EQ(
      config().with("project_default", "cursor").takes(2s).in_color().line(),
      "[  0.001s] ConfigResolve(provider=openrouter \x1b[90m[agent]\x1b[0m, model=hunter-alpha "
      "\x1b[90m[cli]\x1b[0m, \x1b[90mproject_default=cursor\x1b[0m)    2.00s");
}

Call step() {
  return Call("ReasonStep").with("step", 2).with("action", "text");
}

TEST(StraceLineTest, ReasonStepShowsFirstLine) {
  EXPECT_EQ(step().gives("\n  \n  Found it.  \nMore").line(),
            "[  0.000s] ReasonStep(action=\"text\", step=2) → Found it.    0µs");
  EXPECT_EQ(step().gives("  \n ").line(),
            "[  0.000s] ReasonStep(action=\"text\", step=2) → <nil>    0µs");
  EXPECT_EQ(step().line(), "[  0.000s] ReasonStep(action=\"text\", step=2) → <nil>    0µs");
}

TEST(StraceLineTest, ReasonStepCutsAtEightyCharacters) {
  std::string accents;
  for (int i = 0; i < 80; ++i) accents += "é";
  EXPECT_THAT(step().gives(accents).line(), HasSubstr("→ " + accents + "    "));
  EXPECT_THAT(step().gives(accents + "x").line(), HasSubstr("→ " + accents + "...    "));
}

TEST(StraceLineTest, ReasonStepCanBeSlowButIsNeverAModelCall) {
  EXPECT_EQ(step().with("tool", "/dev/llm/x").takes(2s).line(),
            "[  0.000s] ReasonStep(action=\"text\", step=2, tool=/dev/llm/x) → <nil>    2.00s  ← "
            "slow op");
}

TEST(StraceLineTest, ReasonStepFails) {
  EXPECT_EQ(step().fails("budget").line(),
            "[ERR] [  0.000s] ReasonStep(action=\"text\", step=2) → err(budget)    0µs");
}

TEST(StraceLineTest, ReasonStepShowsOtherArgumentsUnquotedAndCut) {
  EXPECT_EQ(step().with("why", std::string(51, 'w')).with("a", true).line(),
            "[  0.000s] ReasonStep(action=\"text\", step=2, a=true, why=" + std::string(47, 'w') +
                "...) → <nil>    0µs");
}

TEST(StraceLineTest, DriverEventShowsPartsAndSummary) {
  EXPECT_EQ(Call("DriverToolCall")
                .at(2s)
                .with("tool", "shell")
                .with("subtype", "started")
                .with("description", "run tests")
                .with("command", "go test")
                .takes(5s)
                .line(),
            "[  2.000s] DriverToolCall(tool=shell, started) \"run tests\"");
  EXPECT_EQ(Call("DriverItem").with("command", "go test").line(),
            "[  0.000s] DriverItem() \"go test\"");
  EXPECT_EQ(Call("DriverItem").with("content", "only of thinking").line(),
            "[  0.000s] DriverItem()");
}

TEST(StraceLineTest, DriverEventShowsTheEndOfALongPath) {
  EXPECT_EQ(Call("DriverToolCall").with("path", std::string(50, 'p')).line(),
            "[  0.000s] DriverToolCall(path=\"" + std::string(50, 'p') + "\")");
  EXPECT_EQ(Call("DriverToolCall").with("path", "é" + std::string(50, 'p')).line(),
            "[  0.000s] DriverToolCall(path=\"..." + std::string(47, 'p') + "\")");
}

TEST(StraceLineTest, DriverThinkingIsGrayWithoutAnyMark) {
  EXPECT_EQ(Call("DriverThinking")
                .at(2s)
                .with("content", "pondering")
                .fails("x")
                .takes(9s)
                .in_color()
                .line(),
            "\x1b[90m[  2.000s] DriverThinking() \"pondering\"\x1b[0m");
  EXPECT_EQ(Call("DriverThinking").with("content", std::string(61, 't')).line(),
            "[  0.000s] DriverThinking() \"" + std::string(60, 't') + "...\"");
}

TEST(StraceLineTest, PidAndNumberStandInFront) {
  Call call = Call("T").fails("no").in_color();
  call.stamp = {Pid{7}, 1s, 12};
  call.options.show_pid = true;
  call.options.show_number = true;
  EXPECT_EQ(call.line(), "[pid 7] #012 \x1b[91m[  1.000s] T() → err(no)    0µs\x1b[0m");
  call.options.color = false;
  EXPECT_EQ(call.line(), "[pid 7] #012 [ERR] [  1.000s] T() → err(no)    0µs");
  call.stamp.n = 0;
  EXPECT_EQ(call.line(), "[pid 7] [ERR] [  1.000s] T() → err(no)    0µs");
}

TEST(StraceLineTest, TimeStyles) {
  Call call("T");
  call.stamp.wall_start = *parse_wall_time("2026-03-08T23:59:58.5Z");
  call.at(1750ms);
  call.options.time = TimeStyle::kWallClock;
  EXPECT_THAT(call.line(), HasSubstr("[00:00:00] T("));
  call.options.utc_offset = -1h;
  EXPECT_THAT(call.line(), HasSubstr("[23:00:00] T("));
  call.options.time = TimeStyle::kWallMicros;
  EXPECT_THAT(call.line(), HasSubstr("[23:00:00.250000] T("));
  call.options.time = TimeStyle::kSincePrevious;
  EXPECT_THAT(call.line(), HasSubstr("[ +0.000s] T("));
  call.stamp.previous = 2s;
  EXPECT_THAT(call.line(), HasSubstr("[ -0.250s] T("));
}

TEST(StraceLineTest, TimesThatCannotBeDoNoHarm) {
  Call call("T");
  call.options.time = TimeStyle::kWallMicros;
  call.stamp.wall_start = WallTime(Nanoseconds::max());
  call.at(Nanoseconds::max());
  EXPECT_THAT(call.line(), HasSubstr("T()"));
  call.at(Nanoseconds::min());
  EXPECT_THAT(call.line(), HasSubstr("T()"));
}

const Stamp kStamp{Pid{3}, 2310ms, 9};

LlmResponse answer() {
  LlmResponse response{"m-1", 1200, 80};
  response.content = "Let me \"look\".";
  response.tool_calls = {{"c1", "grep", Json::object({{"pattern", "x"}, {"n", 2}})}};
  response.stop_reason = "tool_use";
  return response;
}

TEST(StraceLineTest, ModelAnswer) {
  EXPECT_EQ(strace_line(answer(), kStamp, {}),
            "[  2.310s] LLM(model=\"m-1\", request=1200, response=80, stop=\"tool_use\") → "
            "\"Let me \\\"look\\\".\" grep(n=2, pattern=\"x\")");
}

TEST(StraceLineTest, ModelAnswerWithAllThatIsKnown) {
  LlmResponse response = answer();
  response.cache_read_tokens = 1000;
  response.attempt_starts = {0ns, 1s};
  response.cost_usd = 0.01234;
  response.time_to_last_token = 1100ms;
  EXPECT_THAT(
      strace_line(response, kStamp, {}),
      HasSubstr("response=80, cached=1000, stop=\"tool_use\", attempts=2, cost=$0.0123) → "));
  EXPECT_THAT(strace_line(response, kStamp, {}), EndsWith("    1.10s"));
}

TEST(StraceLineTest, ModelAnswerThatOnlyCalls) {
  LlmResponse response = answer();
  response.content.clear();
  response.tool_calls.push_back({"c2", "raw", "not json"});
  EXPECT_THAT(strace_line(response, kStamp, {}),
              EndsWith("→ grep(n=2, pattern=\"x\") raw(\"not json\")"));
  response.tool_calls.clear();
  EXPECT_THAT(strace_line(response, kStamp, {}), EndsWith("→ \"\""));
}

TEST(StraceLineTest, ModelCallThatFailed) {
  LlmResponse response{"m-1", 0, 0};
  response.error = "overloaded";
  EXPECT_EQ(strace_line(response, kStamp, {}),
            "[ERR] [  2.310s] LLM(model=\"m-1\", request=0, response=0) → err(overloaded)");
}

TEST(StraceLineTest, ContextChange) {
  ContextChange change;
  change.ctx_id = CtxId{1};
  change.keep = 4;
  change.messages = {std::make_shared<Message>(Message{"user", "hello"})};
  change.tokens = 1234;
  EXPECT_EQ(strace_line(view_of(change), kStamp, {}),
            "[  2.310s] Context(ctx=1, messages=5 (+1), tokens=~1234) → user \"hello\"");
  EXPECT_THAT(strace_line(view_of(change, 4), kStamp, {}), HasSubstr("messages=5 (+1), "));
  EXPECT_THAT(strace_line(view_of(change, 9), kStamp, {}), HasSubstr("messages=5 (-5 +1), "));
}

TEST(StraceLineTest, ContextWithANewPrompt) {
  ContextChange change;
  change.ctx_id = CtxId{1};
  change.system_prompt = std::make_shared<std::string>("Be brief.");
  change.tokens = 3;
  EXPECT_EQ(strace_line(view_of(change), kStamp, {}),
            "[  2.310s] Context(ctx=1, messages=0 (+0), tokens=~3, prompt=\"Be brief.\")");
}

TEST(StraceLineTest, ContextOfWhichOnlyTheSizeIsKnown) {
  ContextView view;
  view.ctx_id = CtxId{2};
  view.message_count = 7;
  EXPECT_EQ(strace_line(view, kStamp, {}), "[  2.310s] Context(ctx=2, messages=7, tokens=~0)");
}

TEST(StraceLineTest, StateChanges) {
  EXPECT_EQ(strace_line(StateChange{"running", "zombie", "completed"}, kStamp, {}),
            "[  2.310s] State(running → zombie) completed");
  EXPECT_EQ(strace_line(StateChange{"created", "running"}, kStamp, {}),
            "[  2.310s] State(created → running)");
}

TEST(StraceLineTest, AlertIsLoud) {
  const Alert alert{"budget", "critical", 91'000, 100'000, 9.0, 2, 14};
  EXPECT_EQ(
      strace_line(alert, kStamp, {}),
      "[  2.310s] *** ALERT budget critical at step 14: 91000 of 100000 tokens spent, 9.0% left, "
      "~2 more steps ***");
  StraceOptions colored;
  colored.color = true;
  EXPECT_THAT(strace_line(alert, kStamp, colored), testing::StartsWith("\x1b[1;91m["));
}

TEST(StraceLineTest, AlertOfASpentBudgetPromisesNoSteps) {
  const Alert alert{"budget", "exceeded", 100'500, 100'000, 0, 0, 15};
  EXPECT_THAT(strace_line(alert, kStamp, {}),
              EndsWith("100500 of 100000 tokens spent, 0.0% left ***"));
}

TEST(StraceLineTest, GapNamesWhatIsMissing) {
  EXPECT_EQ(strace_line(Gap{12, 34, "ring full"}, kStamp, {}),
            "[  2.310s] *** 12 events lost (#34-#45): ring full ***");
  EXPECT_EQ(strace_line(Gap{1, 34}, kStamp, {}), "[  2.310s] *** 1 event lost (#34) ***");
  EXPECT_EQ(strace_line(Gap{5, 0}, kStamp, {}), "[  2.310s] *** 5 events lost ***");
}

TEST(StraceLineTest, GapWithNumbersThatCannotBe) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(strace_line(Gap{kMax, 34}, kStamp, {}),
            "[  2.310s] *** 18446744073709551615 events lost ***");
  EXPECT_EQ(strace_line(Gap{0, 34}, kStamp, {}), "[  2.310s] *** 0 events lost ***");
}

TEST(StraceLineTest, BeginningAndEnd) {
  ProcessStart start;
  start.intent = "count words";
  EXPECT_EQ(strace_line(start, kStamp, {}), "[  2.310s] +++ started \"count words\" +++");
  start.parent = Pid{2};
  start.model = "m-1";
  start.context_budget = 5000;
  start.forked_from = ForkOrigin{"7-1700000000", SeqNum{42}};
  EXPECT_EQ(
      strace_line(start, kStamp, {}),
      "[  2.310s] +++ started \"count words\", parent 2, model \"m-1\", budget 5000 tokens, forked "
      "from 7-1700000000 #42 +++");
  EXPECT_EQ(strace_line(ProcessEnd{"completed", 9}, kStamp, {}),
            "[  2.310s] +++ exited: completed +++");
}

TEST(StraceLineTest, HostileTextInOtherEventsIsTameToo) {
  const std::string evil = "\x1b[2J\n\u202e";
  LlmResponse response{evil, 0, 0};
  response.content = evil;
  response.stop_reason = evil;
  response.tool_calls = {{evil, evil, evil}};
  LlmResponse failed;
  failed.error = evil;
  ContextChange change;
  change.system_prompt = std::make_shared<std::string>(evil);
  change.messages = {std::make_shared<Message>(Message{evil, evil})};
  ProcessStart start;
  start.intent = start.model = evil;
  start.forked_from = ForkOrigin{evil, SeqNum{1}};
  for (const std::string& line :
       {strace_line(response, kStamp, {}), strace_line(failed, kStamp, {}),
        strace_line(view_of(change), kStamp, {}),
        strace_line(StateChange{evil, evil, evil}, kStamp, {}),
        strace_line(Alert{evil, evil}, kStamp, {}), strace_line(Gap{1, 1, evil}, kStamp, {}),
        strace_line(start, kStamp, {}), strace_line(ProcessEnd{evil}, kStamp, {})}) {
    EXPECT_EQ(line.find_first_of("\x1b\n"), std::string::npos) << line;
    EXPECT_EQ(line.find("\u202e"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace agdb
