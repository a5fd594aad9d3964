#include "runtime/events/script.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Scripts around a piece of JSON.
std::string script_of(std::string_view agent) {
  return fmt::format(R"({{"agdb_script":1,"agents":{{"main":{}}}}})", agent);
}
std::string with_turn(std::string_view turn) {
  return script_of(fmt::format(R"({{"turns":[{}]}})", turn));
}
std::string with_call(std::string_view call) {
  return with_turn(fmt::format(R"({{"calls":[{}]}})", call));
}

Script read(std::string_view text) {
  Result<Script> script = parse_script(text, "s");
  EXPECT_TRUE(script) << (script ? "" : script.error().message) << "\nin " << text;
  return script ? *std::move(script) : Script{};
}
ScriptAgent agent_of(std::string_view agent) {
  return read(script_of(agent)).agents["main"];
}
ScriptTurn turn_of(std::string_view turn) {
  const Script script = read(with_turn(turn));
  const ScriptAgent* agent = script.agent("main");
  return agent == nullptr || agent->turns.empty() ? ScriptTurn{} : agent->turns.front();
}
ScriptCall call_of(std::string_view call) {
  const ScriptTurn turn = turn_of(fmt::format(R"({{"calls":[{}]}})", call));
  return turn.answer.calls.empty() ? ScriptCall{} : turn.answer.calls.front();
}

// The error's message, without "s:<line>:<column>: " and the path to the innermost container.
Error error_of(std::string_view text) {
  const Result<Script> script = parse_script(text, "s");
  EXPECT_FALSE(script) << "no error in " << text;
  return script ? Error{} : script.error();
}
std::string message_of(std::string_view text) {
  return error_of(text).message;
}
// A whole error: where it is, in a script whose lines are given, and what it says.
struct Wrong {
  std::string_view text;
  std::string_view message;
};

// The document.

TEST(Script, SmallestHasOneAgent) {
  const Script script = read(R"({"agdb_script":1,"agents":{"main":{}}})");
  EXPECT_EQ(script.main, "main");
  ASSERT_EQ(script.agents.size(), 1u);
  EXPECT_EQ(script.agents.at("main"), ScriptAgent{});
}

TEST(Script, AgentIsFoundByName) {
  const Script script = read(script_of(R"({"intent":"x"})"));
  ASSERT_NE(script.agent("main"), nullptr);
  EXPECT_EQ(script.agent("main")->intent, "x");
  EXPECT_EQ(script.agent("other"), nullptr);
}

TEST(Script, MainIsTheOnlyAgentOrTheOneCalledMain) {
  EXPECT_EQ(read(R"({"agdb_script":1,"agents":{"solo":{}}})").main, "solo");
  EXPECT_EQ(read(R"({"agdb_script":1,"agents":{"a":{},"main":{}}})").main, "main");
  EXPECT_EQ(read(R"({"agdb_script":1,"main":"a","agents":{"a":{},"main":{}}})").main, "a");
}

TEST(Script, ByteOrderMarkIsSkippedAndNotCounted) {
  read("\xef\xbb\xbf" + script_of("{}"));
  EXPECT_EQ(message_of("\xef\xbb\xbf[]"),
            "s:1:1: expected an agent script, which is an object, got an array");
}

TEST(Script, NewerVersionIsUnsupported) {
  const Error error = error_of("{\n \"agdb_script\": 2, \"actors\": []}");
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_EQ(error.message,
            "s:2:17: agdb_script: version 2 of the format; this agdb reads version 1");
  EXPECT_THAT(error.hint, HasSubstr("update"));
}

TEST(Script, ErrorsPointToTheDescriptionOfTheFormat) {
  const Error error = error_of("{}");
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_THAT(error.hint, HasSubstr("fixtures/README.md"));
}

TEST(Script, DocumentErrors) {
  const Wrong cases[] = {
      {"", "s:1:1: the text is empty"},
      {"[1]", "s:1:1: expected an agent script, which is an object, got an array"},
      {"\n {}",
       "s:2:2: \"agdb_script\" is missing: an agent script begins with \"agdb_script\": 1"},
      {R"({"agdb_script":0})",
       "s:1:16: agdb_script: version 0 of the format; this agdb reads version 1"},
      {R"({"agdb_script":"1"})", "s:1:16: agdb_script: expected an integer, got a string"},
      {R"({"agdb_script":1})", "s:1:1: \"agents\" is missing"},
      {R"({"agdb_script":1,"agents":{}})",
       "s:1:27: agents: there is no agent: a script needs one at least"},
      {R"({"agdb_script":1,"agents":[]})", "s:1:27: agents: expected an object, got an array"},
      {R"({"agdb_script":1,"agents":{"a":{},"b":{}}})",
       "s:1:1: \"main\" is missing: it says which of the agents starts"},
      {R"({"agdb_script":1,"main":"c","agents":{"a":{}}})",
       "s:1:25: main: there is no agent \"c\""},
      {R"({"agdb_script":1,"agent":{}})",
       "s:1:18: unknown key \"agent\"; known: agdb_script, main, agents"},
      {R"({"agdb_script":1,"agents":{"a":{},"a":{}}})", "s:1:35: agents: \"a\" stands here twice"},
      {R"({"agdb_script":1,"agdb_script":1,"agents":{"a":{}}})",
       "s:1:18: \"agdb_script\" stands here twice"},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(message_of(wrong.text), wrong.message);
}

TEST(Script, SyntaxErrorsHaveTheParsersPosition) {
  EXPECT_THAT(message_of("{\"agdb_script\": 1,\n  oops}"), StartsWith("s:2:3: "));
  EXPECT_THAT(message_of("{\"agdb_script\": 1"), StartsWith("s:1:"));
  EXPECT_THAT(message_of(std::string(10'000, '[')), HasSubstr("nested deeper than"));
}

TEST(Script, OtherThanUtf8IsRefusedWhereItStands) {
  EXPECT_EQ(message_of("{\"agdb_script\": 1,\n\"main\": \"\xc3(\"}"), "s:2:10: this is not UTF-8");
  EXPECT_EQ(message_of("{\"agdb_script\": 1,\n\"main\": \"\\ud83d\"}"),
            "s:2:10: this is half of a surrogate pair");
}

TEST(Script, PositionsAreExactInIndentedText) {
  const std::string text = R"({
  "agdb_script": 1,
  "agents": {
    "coder": {
      "turns": [
        {"text": "first { [ \" \\"},
        {"usage": {
           "request": 10,
           "response": "many"
        }}
      ]
    }
  }
})";
  EXPECT_EQ(message_of(text),
            "s:9:24: agents.coder.turns[1].usage.response: expected an integer, got a string");
}

TEST(Script, HostileNamesAreCutAndEscaped) {
  const std::string message =
      message_of(script_of("{\"" + std::string(100'000, 'k') + "\\n\\u001b\": 1}"));
  EXPECT_LT(message.size(), 300u);
  EXPECT_EQ(message_of(script_of(R"({"a\nb": 1})")).find('\n'), std::string::npos);
}

// Agents.

TEST(Script, AgentKeys) {
  const ScriptAgent agent = agent_of(R"({
    "intent": "i", "provider": "p", "model": "m", "system_prompt": "s", "budget": 5, "max_steps": 6,
    "messages": [{"role": "user", "content": "hi"}],
    "turns": [{}, {}],
    "tools": {"t": [{"when": "x", "result": "y", "latency": "1ms"}, {"error": "z"}], "u": []}})");
  EXPECT_EQ(agent.intent, "i");
  EXPECT_EQ(agent.provider, "p");
  EXPECT_EQ(agent.model, "m");
  EXPECT_EQ(agent.system_prompt, "s");
  EXPECT_EQ(agent.budget, 5);
  EXPECT_EQ(agent.max_steps, 6);
  EXPECT_THAT(agent.messages, ElementsAre(Message{.role = "user", .content = "hi"}));
  EXPECT_THAT(agent.turns, ElementsAre(ScriptTurn{}, ScriptTurn{}));
  EXPECT_THAT(agent.tools.at("t"), ElementsAre(ScriptToolRule{"x", {"y", ""}, 1ms},
                                               ScriptToolRule{"", {std::nullopt, "z"}, 0ns}));
  EXPECT_TRUE(agent.tools.at("u").empty());
}

TEST(Script, AgentErrors) {
  const Wrong cases[] = {
      {R"([])", "s:1:35: agents.main: expected an object, got an array"},
      {R"({"budget":-1})", "s:1:45: agents.main.budget: expected 0 or more, got -1"},
      {R"({"budget":1.5})", "s:1:45: agents.main.budget: expected an integer, got 1.5"},
      {R"({"budget":1000000000001})",
       "s:1:45: agents.main.budget: 1000000000001 tokens are more than the 1000000000000 that a "
       "script may say"},
      {R"({"max_steps":9223372036854775808})",
       "s:1:48: agents.main.max_steps: expected a number below 2^63, got 9223372036854775808"},
      {R"({"intent":null})", "s:1:45: agents.main.intent: expected a string, got null"},
      {R"({"model":true})", "s:1:44: agents.main.model: expected a string, got true"},
      {R"({"provider":"../fs"})",
       "s:1:47: agents.main.provider: a provider is a name without \"/\": the device is "
       "/dev/llm/<provider>"},
      {R"({"provider":""})",
       "s:1:47: agents.main.provider: a provider is a name without \"/\": the device is "
       "/dev/llm/<provider>"},
      {R"({"turns":{}})", "s:1:44: agents.main.turns: expected an array, got an object"},
      {R"({"turns":[7]})", "s:1:45: agents.main.turns[0]: expected an object, got 7"},
      {R"({"name":"x"})",
       "s:1:36: agents.main: unknown key \"name\"; known: intent, provider, model, system_prompt, "
       "budget, max_steps, messages, turns, closing, tools"},
      {R"({"tools":{"t":{}}})", "s:1:49: agents.main.tools.t: expected an array, got an object"},
      {R"({"tools":{"t":[{}]}})", "s:1:50: agents.main.tools.t[0]: expected one of result, error"},
      {R"({"tools":{"t":[{"result":"a","error":"b"}]}})",
       "s:1:64: agents.main.tools.t[0]: \"error\" does not go with \"result\""},
      {R"({"tools":{"t":[],"t":[]}})", "s:1:52: agents.main.tools: \"t\" stands here twice"},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(message_of(script_of(wrong.text)), wrong.message);
}

TEST(Script, MessageKeys) {
  const ScriptAgent agent = agent_of(R"({"messages": [
    {"role": "assistant", "tool_calls": [{"id": "c", "name": "t", "arguments": [1]}, {"name": "u"}], "turn": 3},
    {"role": "tool", "content": "r", "name": "t", "tool_call_id": "c"}]})");
  Message answer{.role = "assistant", .content = ""};
  answer.tool_calls = {{"c", "t", Json(Json::Array{1})}, {"", "u", Json::object()}};
  answer.turn = 3;
  EXPECT_THAT(
      agent.messages,
      ElementsAre(answer,
                  Message{.role = "tool", .content = "r", .name = "t", .tool_call_id = "c"}));
}

TEST(Script, MessageErrors) {
  EXPECT_EQ(message_of(script_of(R"({"messages":[{"content":"x"}]})")),
            "s:1:48: agents.main.messages[0]: \"role\" is missing");
  EXPECT_EQ(message_of(script_of(R"({"messages":[{"role":"user","content":["x"]}]})")),
            "s:1:73: agents.main.messages[0].content: expected a string, got an array");
  EXPECT_EQ(message_of(script_of(R"({"messages":[{"role":"user","text":"x"}]})")),
            "s:1:63: agents.main.messages[0]: unknown key \"text\"; known: role, content, name, "
            "tool_call_id, tool_calls, turn");
}

// Answers.

TEST(Script, AnswerKeysStandInTheTurn) {
  const ScriptTurn turn =
      turn_of(R"({"text": "t", "thinking": "h", "model": "m", "stop_reason": "stop",
    "usage": {"request": 1, "response": 2, "cache_read": 3, "cache_creation": 4, "cost_usd": 0.5},
    "latency": "1.5s", "setup": "100ms", "first_token": "1s",
    "failures": [{"error": "e", "after": "2s"}, {"error": ""}], "error": "bad", "next": 1})");
  const ScriptAnswer& answer = turn.answer;
  EXPECT_EQ(answer.text, "t");
  EXPECT_EQ(answer.thinking, "h");
  EXPECT_EQ(answer.model, "m");
  EXPECT_EQ(answer.stop_reason, "stop");
  EXPECT_EQ(answer.usage, (ScriptUsage{1, 2, 3, 4, 0.5}));
  EXPECT_EQ(answer.latency, 1500ms);
  EXPECT_EQ(answer.setup, 100ms);
  EXPECT_EQ(answer.first_token, 1s);
  EXPECT_THAT(answer.failures, ElementsAre(ScriptFailure{"e", 2s}, ScriptFailure{"", 0s}));
  EXPECT_EQ(answer.error, "bad");
  EXPECT_EQ(turn.next, 1u);
}

TEST(Script, UsageMayBeAbsentOrPartial) {
  EXPECT_FALSE(turn_of("{}").answer.usage);
  EXPECT_EQ(turn_of(R"({"usage": {}})").answer.usage, ScriptUsage{});
  EXPECT_EQ(turn_of(R"({"usage": {"response": 7}})").answer.usage->response_tokens, 7);
  EXPECT_FALSE(turn_of(R"({"usage": {}})").answer.usage->cost_usd);
}

TEST(Script, AlternativesAreAnswersWithAPattern) {
  const ScriptTurn turn = turn_of(R"({"text": "a", "alternatives": [
    {"when": "(?i)b", "text": "B", "calls": [{"name": "t"}]}, {"when": ""}]})");
  ASSERT_EQ(turn.alternatives.size(), 2u);
  EXPECT_EQ(turn.alternatives[0].when, "(?i)b");
  EXPECT_EQ(turn.alternatives[0].answer.text, "B");
  EXPECT_EQ(turn.alternatives[0].answer.calls.size(), 1u);
  EXPECT_EQ(turn.alternatives[1].when, "");
}

TEST(Script, TimesLieWithinEachOther) {
  turn_of(R"({"latency": "1s", "first_token": "1s", "setup": "1s"})");
  turn_of(R"({"latency": "1s", "setup": "500ms"})");
  turn_of(R"({"latency": "1s", "first_token": "500ms"})");
  EXPECT_EQ(message_of(with_turn(R"({"first_token":"2s","latency":"1s"})")),
            "s:1:60: agents.main.turns[0].first_token: 2s is later than the answer's end, after 1s "
            "(\"latency\")");
  EXPECT_EQ(message_of(with_turn(R"({"setup":"2s","first_token":"1s","latency":"3s"})")),
            "s:1:54: agents.main.turns[0].setup: 2s is longer than \"first_token\", 1s");
  EXPECT_EQ(message_of(with_turn(R"({"setup":"2s","latency":"1s"})")),
            "s:1:54: agents.main.turns[0].setup: 2s is longer than \"latency\", 1s");
  EXPECT_THAT(message_of(with_turn(R"({"alternatives":[{"when":"","setup":"1s"}]})")),
              HasSubstr("turns[0].alternatives[0].setup: 1s is longer than \"latency\", 0s"));
}

TEST(Script, AnswerErrors) {
  const Wrong cases[] = {
      {R"({"text":5})", "s:1:53: agents.main.turns[0].text: expected a string, got 5"},
      {R"({"latency":5})",
       "s:1:56: agents.main.turns[0].latency: expected a time span such as \"850ms\" or \"1.5s\", "
       "got 5"},
      {R"({"error":""})", "s:1:54: agents.main.turns[0].error: an error must not be empty"},
      {R"({"usage":{"request":-5}})",
       "s:1:65: agents.main.turns[0].usage.request: expected 0 or more, got -5"},
      {R"({"usage":{"cost_usd":-0.5}})",
       "s:1:66: agents.main.turns[0].usage.cost_usd: expected 0 or more, got -0.5"},
      {R"({"usage":{"cost_usd":"1"}})",
       "s:1:66: agents.main.turns[0].usage.cost_usd: expected a number, got a string"},
      {R"({"failures":[{"after":"1s"}]})",
       "s:1:58: agents.main.turns[0].failures[0]: \"error\" is missing"},
      {R"({"next":2})", "s:1:53: agents.main.turns[0].next: there is no turn 2; there are 1"},
      {R"({"alternatives":[{"text":"x"}]})",
       "s:1:62: agents.main.turns[0].alternatives[0]: \"when\" is missing"},
      {R"({"alternatives":[{"when":"(x"}]})",
       "s:1:70: agents.main.turns[0].alternatives[0].when: \"(x\" is no RE2 pattern: missing ): "
       "(x"},
      {R"({"alternatives":[{"when":"x","next":1}]})",
       "s:1:74: agents.main.turns[0].alternatives[0]: unknown key \"next\"; known: when, text, "
       "thinking, "
       "calls, usage, model, stop_reason, latency, setup, first_token, failures, error"},
      {R"({"texts":"x"})",
       "s:1:46: agents.main.turns[0]: unknown key \"texts\"; known: before, text, thinking, calls, "
       "usage, "
       "model, stop_reason, latency, setup, first_token, failures, error, alternatives, next"},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(message_of(with_turn(wrong.text)), wrong.message);
}

TEST(Script, TimeSpanErrorsSayWhatIsWrong) {
  EXPECT_THAT(message_of(with_turn(R"({"latency":"5"})")),
              StartsWith("s:1:56: agents.main.turns[0].latency: \"5\" is no duration: "));
  EXPECT_THAT(message_of(with_turn(R"({"latency":"-5s"})")), HasSubstr("negative"));
  EXPECT_THAT(message_of(with_turn(R"({"latency":"9999999h"})")), HasSubstr("too long"));
}

TEST(Script, ToolRulePatternsAreChecked) {
  EXPECT_THAT(
      message_of(script_of(R"({"tools":{"t":[{"when":"*","result":""}]}})")),
      HasSubstr("tools.t[0].when: \"*\" is no RE2 pattern: no argument for repetition operator"));
}

// Calls.

TEST(Script, CallsWithoutAnIdAreNumbered) {
  const ScriptAgent agent = agent_of(R"({"turns": [
    {"calls": [{"name": "a"}, {"name": "b", "id": ""}]},
    {"calls": [{"name": "c", "id": "mine"}, {"name": "d"}],
     "alternatives": [{"when": "x", "calls": [{"name": "e"}]}, {"when": "y", "calls": [{"name": "f"}]}]}]})");
  EXPECT_EQ(agent.turns[0].answer.calls[0].call.id, "call_1_1");
  EXPECT_EQ(agent.turns[0].answer.calls[1].call.id, "call_1_2");
  EXPECT_EQ(agent.turns[1].answer.calls[0].call.id, "mine");
  EXPECT_EQ(agent.turns[1].answer.calls[1].call.id, "call_2_2");
  EXPECT_EQ(agent.turns[1].alternatives[0].answer.calls[0].call.id, "call_2_1_1");
  EXPECT_EQ(agent.turns[1].alternatives[1].answer.calls[0].call.id, "call_2_1_2");
}

TEST(Script, ArgumentsAreAnyJson) {
  EXPECT_EQ(call_of(R"({"name":"t"})").call.arguments, Json::object());
  EXPECT_EQ(call_of(R"({"name":"t","arguments":null})").call.arguments, Json());
  EXPECT_EQ(call_of(R"({"name":"t","arguments":"x y"})").call.arguments, Json("x y"));
  EXPECT_EQ(call_of(R"({"name":"t","arguments":{"a":18446744073709551615}})").call.arguments,
            Json::object({{"a", std::uint64_t{18446744073709551615u}}}));
}

TEST(Script, ActionsOfCalls) {
  const auto action = [](std::string_view keys) {
    return call_of(fmt::format(R"({{"name":"t",{}}})", keys)).action;
  };
  EXPECT_EQ(call_of(R"({"name":"t"})").action, ScriptAction(ScriptResult{}));
  EXPECT_EQ(action(R"("result":"r")"), ScriptAction(ScriptResult{"r", ""}));
  EXPECT_EQ(action(R"("result":"")"), ScriptAction(ScriptResult{"", ""}));
  EXPECT_EQ(action(R"("error":"e")"), ScriptAction(ScriptResult{std::nullopt, "e"}));
  EXPECT_EQ(action(R"("spawn":"main")"), ScriptAction(ScriptSpawn{"main", false, {}, ""}));
  EXPECT_EQ(action(R"("spawn":"main","background":true)"),
            ScriptAction(ScriptSpawn{"main", true, {}, ""}));
  EXPECT_EQ(action(R"("spawn":"main","result":"r")"),
            ScriptAction(ScriptSpawn{"main", false, "r", ""}));
  EXPECT_EQ(action(R"("spawn":"main","error":"e")"),
            ScriptAction(ScriptSpawn{"main", false, {}, "e"}));
  EXPECT_EQ(action(R"("send":{"to":"parent","message":"m"})"),
            ScriptAction(ScriptSend{"parent", "m"}));
  EXPECT_EQ(action(R"("send":{"to":12,"message":""})"), ScriptAction(ScriptSend{"12", ""}));
  EXPECT_EQ(action(R"("send":{"to":"12","message":""})"), ScriptAction(ScriptSend{"12", ""}));
  EXPECT_EQ(action(R"("recv":{})"), ScriptAction(ScriptRecv{}));
  EXPECT_EQ(action(R"("recv":{"timeout":"5s"})"), ScriptAction(ScriptRecv{5s}));
  EXPECT_EQ(action(R"("signal":{"to":"parent","signal":"pause"})"),
            ScriptAction(ScriptSignal{"parent", "pause"}));
  EXPECT_EQ(action(R"("device":"/dev/null")"), ScriptAction(ScriptDevice{"/dev/null", {}}));
  EXPECT_EQ(action(R"("device":"/dev/null","data":"")"),
            ScriptAction(ScriptDevice{"/dev/null", ""}));
  EXPECT_EQ(action(R"("interrupted":true)"), ScriptAction(ScriptInterrupted{}));
  EXPECT_EQ(call_of(R"({"name":"t","latency":"3ms"})").latency, 3ms);
}

TEST(Script, WaitSendAndSignalNameSpawnsOfTheirAgentAnywhere) {
  read(with_turn(R"({"calls":[
    {"name":"t","wait":"w"}, {"name":"t","send":{"to":"w","message":""}},
    {"name":"t","signal":{"to":"call_1_4","signal":"kill"}}, {"name":"t","spawn":"main"}],
    "alternatives":[{"when":"x","calls":[{"id":"w","name":"t","spawn":"main"}]}]})"));
}

TEST(Script, SpawnsOfOtherAgentsAreNoTargets) {
  const std::string text = R"({"agdb_script":1,"main":"a","agents":{
    "a":{"turns":[{"calls":[{"id":"c","name":"t","spawn":"b"}]}]},
    "b":{"turns":[{"calls":[{"name":"t","wait":"c"}]}]}}})";
  EXPECT_EQ(
      message_of(text),
      "s:3:48: agents.b.turns[0].calls[0].wait: no spawn of this agent has the call id \"c\"");
}

TEST(Script, CallErrors) {
  const Wrong cases[] = {
      {R"({})", "s:1:55: agents.main.turns[0].calls[0]: \"name\" is missing"},
      {R"({"name":"t","result":["x"]})",
       "s:1:76: agents.main.turns[0].calls[0].result: expected a string, got an array"},
      {R"({"name":"t","error":""})",
       "s:1:75: agents.main.turns[0].calls[0].error: an error must not be empty"},
      {R"({"name":"t","result":"","error":"e"})",
       "s:1:79: agents.main.turns[0].calls[0]: \"error\" does not go with \"result\""},
      {R"({"name":"t","spawn":"main","recv":{}})",
       "s:1:82: agents.main.turns[0].calls[0]: \"recv\" does not go with \"spawn\""},
      {R"({"name":"t","result":"","recv":{}})",
       "s:1:67: agents.main.turns[0].calls[0]: \"result\" does not go with \"recv\""},
      {R"({"name":"t","spawn":"main","result":"","error":"e"})",
       "s:1:94: agents.main.turns[0].calls[0]: \"error\" does not go with \"result\""},
      {R"({"name":"t","background":true})",
       "s:1:80: agents.main.turns[0].calls[0].background: goes with \"spawn\" only"},
      {R"({"name":"t","data":"x"})",
       "s:1:74: agents.main.turns[0].calls[0].data: goes with \"device\" only"},
      {R"({"name":"t","spawn":"mian"})",
       "s:1:75: agents.main.turns[0].calls[0].spawn: there is no agent \"mian\"; there is "
       "\"main\""},
      {R"({"name":"t","wait":"c"})",
       "s:1:74: agents.main.turns[0].calls[0].wait: no spawn of this agent has the call id \"c\""},
      {R"({"name":"t","wait":"parent"})",
       "s:1:74: agents.main.turns[0].calls[0].wait: no spawn of this agent has the call id "
       "\"parent\""},
      {R"({"name":"t","send":{"to":"c","message":""}})",
       "s:1:80: agents.main.turns[0].calls[0].send.to: no spawn of this agent has the call id "
       "\"c\""},
      {R"({"name":"t","send":{"to":"parent"}})",
       "s:1:74: agents.main.turns[0].calls[0].send: \"message\" is missing"},
      {R"({"name":"t","send":{"to":-1,"message":""}})",
       "s:1:80: agents.main.turns[0].calls[0].send.to: expected 0 or more, got -1"},
      {R"({"name":"t","recv":{"timeout":"x"}})",
       "s:1:85: agents.main.turns[0].calls[0].recv.timeout: \"x\" is no duration: a number is "
       "missing; write it like \"850ms\""},
      {R"({"name":"t","recv":true})",
       "s:1:74: agents.main.turns[0].calls[0].recv: expected an object, got true"},
      {R"({"name":"t","signal":{"to":"parent","signal":"SIGKILL"}})",
       "s:1:100: agents.main.turns[0].calls[0].signal.signal: unknown signal \"SIGKILL\"; known: "
       "terminate, kill, pause, resume"},
      {R"({"name":"t","args":{}})",
       "s:1:67: agents.main.turns[0].calls[0]: unknown key \"args\"; known: id, name, arguments, "
       "result, "
       "error, spawn, background, wait, send, recv, signal, device, data, interrupted, latency"},
      {R"({"name":"t","interrupted":false})",
       "s:1:81: agents.main.turns[0].calls[0].interrupted: expected true; leave it out where the "
       "call is not interrupted"},
      {R"({"name":"t","interrupted":true,"result":""})",
       "s:1:86: agents.main.turns[0].calls[0]: \"result\" does not go with \"interrupted\""},
  };
  for (const Wrong& wrong : cases) EXPECT_EQ(message_of(with_call(wrong.text)), wrong.message);
}

TEST(Script, ListOfKnownAgentsIsBounded) {
  std::string agents = R"("main":{"turns":[{"calls":[{"name":"t","spawn":"x"}]}]})";
  for (int i = 0; i < 1000; ++i) agents += fmt::format(R"(,"agent number {}":{{}})", i);
  const std::string message =
      message_of(fmt::format(R"({{"agdb_script":1,"agents":{{{}}}}})", agents));
  EXPECT_THAT(message, HasSubstr("there is no agent \"x\"; there is \"agent number 0\""));
  EXPECT_LT(message.size(), 400u);
}

// Edits.

TEST(Script, EditsBeforeATurn) {
  const ScriptTurn turn = turn_of(R"({"before": [
    {"append": {"role": "user", "content": "u"}, "delay": "3s"},
    {"compact": {"keep": 2, "messages": [{"role": "user", "content": "sum"}, {"role": "system"}]}},
    {"compact": {}}, {"set_prompt": "p"}]})");
  using Kind = ContextEdit::Kind;
  const Message user{.role = "user", .content = "u"};
  const Message sum{.role = "user", .content = "sum"};
  const Message system{.role = "system", .content = ""};
  EXPECT_THAT(turn.before, ElementsAre(ContextEdit{Kind::kAppend, 0, {user}, "", 3s},
                                       ContextEdit{Kind::kCompact, 2, {sum, system}, "", 0s},
                                       ContextEdit{Kind::kCompact, 0, {}, "", 0s},
                                       ContextEdit{Kind::kSetPrompt, 0, {}, "p", 0s}));
}

TEST(Script, EditErrors) {
  const Wrong cases[] = {
      {R"({})",
       "s:1:56: agents.main.turns[0].before[0]: expected one of append, compact, set_prompt"},
      {R"({"delay":"1s"})",
       "s:1:56: agents.main.turns[0].before[0]: expected one of append, compact, set_prompt"},
      {R"({"append":{"role":"user"},"set_prompt":"x"})",
       "s:1:82: agents.main.turns[0].before[0]: \"set_prompt\" does not go with \"append\""},
      {R"({"append":[]})",
       "s:1:66: agents.main.turns[0].before[0].append: expected an object, got an array"},
      {R"({"append":{"role":"user","turn":3}})",
       "s:1:88: agents.main.turns[0].before[0].append.turn: the runtime gives this; leave it out"},
      {R"({"compact":{"messages":[{"role":"user"},{"role":"user","turn":3}]}})",
       "s:1:118: agents.main.turns[0].before[0].compact.messages[1].turn: the runtime gives this; "
       "leave it out"},
      {R"({"compact":{"keep":-1}})",
       "s:1:75: agents.main.turns[0].before[0].compact.keep: expected 0 or more, got -1"},
      {R"({"compact":3})",
       "s:1:67: agents.main.turns[0].before[0].compact: expected an object, got 3"},
      {R"({"prompt":"x"})",
       "s:1:57: agents.main.turns[0].before[0]: unknown key \"prompt\"; known: append, compact, "
       "set_prompt, delay"},
      {R"({"append":{"role":"assistant"}})",
       "s:1:66: agents.main.turns[0].before[0].append: an assistant's message before the first "
       "turn belongs "
       "in the agent's \"messages\""},
  };
  for (const Wrong& wrong : cases)
    EXPECT_EQ(message_of(with_turn(fmt::format(R"({{"before":[{}]}})", wrong.text))),
              wrong.message);
}

TEST(Script, ClosingEditsStandBehindTheTurns) {
  const ScriptAgent agent =
      agent_of(R"({"turns": [{}], "closing": [{"append": {"role": "user", "content": "bye"}}]})");
  ASSERT_EQ(agent.closing.size(), 1u);
  EXPECT_THAT(agent.closing[0].messages, ElementsAre(Message{.role = "user", .content = "bye"}));
  EXPECT_EQ(message_of(script_of(R"({"closing":[{"append":{"role":"user","turn":1}}]})")),
            "s:1:79: agents.main.closing[0].append.turn: the runtime gives this; leave it out");
  EXPECT_THAT(message_of(script_of(R"({"closing":[{}]})")),
              HasSubstr("closing[0]: expected one of append, compact, set_prompt"));
}

TEST(Script, LaterTurnsMayAppendAnAssistantsMessage) {
  read(script_of(
      R"({"turns":[{},{"before":[{"append":{"role":"assistant","content":"notice"}}]}]})"));
}

// Writing.

TEST(Script, DefaultsAreLeftOut) {
  Script script;
  script.agents["main"];
  EXPECT_EQ(script_to_json(script),
            "{\n \"agdb_script\": 1,\n \"agents\": {\n  \"main\": {}\n }\n}\n");
  script.agents["main"].turns.emplace_back();
  EXPECT_THAT(script_to_json(script), HasSubstr("\"turns\": [\n    {}\n   ]"));
}

TEST(Script, MainIsWrittenWhereItIsNotClear) {
  Script script;
  script.main = "a";
  script.agents["a"];
  EXPECT_EQ(script_to_json(script).find("\"main\""), std::string::npos);
  script.agents["b"];
  EXPECT_THAT(script_to_json(script), HasSubstr("\"main\": \"a\""));
}

TEST(Script, BytesThatAreNotUtf8ComeBack) {
  Script script;
  ScriptAgent& agent = script.agents["main"];
  agent.system_prompt = "p\xff";
  agent.messages = {{.role = "user", .content = "c\xc3"}};
  ScriptCall call{
      {"id\x80", "n\x80", Json::object({{"k", "v\xfe"}})}, ScriptResult{"r\xff", ""}, 0s};
  ScriptTurn& turn = agent.turns.emplace_back();
  turn.answer.text = "t\xff";
  turn.answer.calls = {call};
  EXPECT_EQ(read(script_to_json(script)), script);
}

TEST(Script, NumbersOfArgumentsSettleAtOnce) {
  const std::string text =
      with_call(R"({"name":"t","arguments":{"a":1.0,"b":[-0.0,1e3,1.5,1e300,3e18]}})");
  const Script script = read(text);
  EXPECT_EQ(read(script_to_json(script)), script);
  EXPECT_EQ(script.agents.at("main").turns[0].answer.calls[0].call.arguments["a"], Json(1));
}

TEST(Script, DeepArgumentsOfALogComeBack) {
  Json deep = 1;
  for (int i = 0; i < 500; ++i) deep = Json(Json::Array{std::move(deep)});
  Script script;
  ScriptCall call{{"id", "n", std::move(deep)}, ScriptResult{}, 0s};
  ScriptTurn& turn = script.agents["main"].turns.emplace_back();
  turn.alternatives.emplace_back().answer.calls = {call};
  EXPECT_EQ(read(script_to_json(script)), script);
}

// Makes valid scripts of all shapes.
class RandomScripts {
 public:
  explicit RandomScripts(unsigned seed) : random_(seed) {}

  Script script() {
    Script out;
    for (std::size_t i = 1 + below(3); i > 0; --i) out.agents[text()];
    if (below(2) == 0) out.agents["main"];
    for (const auto& [name, agent] : out.agents) names_.push_back(name);
    for (auto& [name, agent] : out.agents) agent = this->agent();
    out.main = names_[below(names_.size())];
    return out;
  }

 private:
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  bool maybe() { return below(2) == 0; }
  std::string text() {
    static const std::vector<std::string> kPieces = {
        "a", "B", " ", "\n", "\"", "\\", "ä", "\xf0\x9f\x98\x80", "/", std::string(1, '\0')};
    std::string out;
    for (std::size_t i = below(5); i > 0; --i) out += kPieces[below(kPieces.size())];
    return out;
  }
  std::string bytes() { return below(4) == 0 ? text() + "\xff\xc3" : text(); }
  std::string error() { return "e" + bytes(); }
  Nanoseconds span() {
    return Nanoseconds(maybe() ? 0 : static_cast<std::int64_t>(below(1ull << 62)));
  }
  std::int64_t tokens() { return maybe() ? 0 : static_cast<std::int64_t>(below(1'000'000)); }

  Json json(int depth = 0) {
    switch (below(depth < 3 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return maybe();
      case 2:
        return static_cast<std::int64_t>(below(1ull << 62)) * (maybe() ? 1 : -1);
      case 3:
        return std::uint64_t{18446744073709551615u} - below(1000);
      case 4:
        return static_cast<double>(below(1000)) + 0.1;
      case 5:
        return text();
      case 6: {
        Json array = Json::array();
        for (std::size_t i = below(4); i > 0; --i) array.push_back(json(depth + 1));
        return array;
      }
      default: {
        Json object = Json::object();
        for (std::size_t i = below(4); i > 0; --i)
          object.set(text(), maybe() ? Json(bytes()) : json(depth + 1));
        return object;
      }
    }
  }
  ToolCall tool_call() { return {bytes(), bytes(), maybe() ? Json::object() : json()}; }
  Message message() {
    Message out{.role = bytes(), .content = bytes(), .name = bytes(), .tool_call_id = bytes()};
    for (std::size_t i = below(3); i > 0; --i) out.tool_calls.push_back(tool_call());
    return out;
  }
  template <typename T, typename Make>
  std::vector<T> some(Make make) {
    std::vector<T> out;
    for (std::size_t i = below(3); i > 0; --i) out.push_back(make());
    return out;
  }
  ScriptResult result() {
    return maybe() ? ScriptResult{bytes(), ""} : ScriptResult{std::nullopt, error()};
  }
  std::string target() { return maybe() ? "parent" : maybe() ? "42" : "spawned"; }
  ScriptAction action() {
    switch (below(9)) {
      case 0:
        return ScriptResult{};
      case 8:
        return ScriptInterrupted{};
      case 1:
        return result();
      case 2:
        return ScriptSpawn{names_[below(names_.size())], maybe(),
                           maybe() ? std::optional(bytes()) : std::nullopt, ""};
      case 3:
        return ScriptWait{"spawned"};
      case 4:
        return ScriptSend{target(), bytes()};
      case 5:
        return ScriptRecv{maybe() ? std::optional(span()) : std::nullopt};
      case 6:
        return ScriptSignal{target(), maybe() ? "kill" : "resume"};
      default:
        return ScriptDevice{bytes(), maybe() ? std::optional(bytes()) : std::nullopt};
    }
  }
  ScriptCall call() {
    ScriptCall out{tool_call(), action(), span()};
    out.call.id += "x";
    return out;
  }
  ScriptAnswer answer() {
    ScriptAnswer out;
    out.text = bytes();
    out.thinking = bytes();
    out.calls = some<ScriptCall>([this] { return call(); });
    if (maybe())
      out.usage = ScriptUsage{tokens(), tokens(), tokens(), tokens(),
                              maybe() ? std::optional(0.25) : std::nullopt};
    out.model = bytes();
    out.stop_reason = bytes();
    out.latency = span();
    out.first_token = maybe() ? out.latency : 0s;
    out.setup = out.first_token / 2;
    out.failures = some<ScriptFailure>([this] { return ScriptFailure{bytes(), span()}; });
    if (maybe()) out.error = error();
    return out;
  }
  ContextEdit edit() {
    ContextEdit out;
    out.kind = static_cast<ContextEdit::Kind>(below(3));
    out.delay = span();
    if (out.kind == ContextEdit::Kind::kAppend) out.messages = {message()};
    if (out.kind == ContextEdit::Kind::kCompact) {
      out.keep = maybe() ? 0 : std::uint64_t{18446744073709551615u} - below(10);
      out.messages = some<Message>([this] { return message(); });
    }
    if (out.kind == ContextEdit::Kind::kSetPrompt) out.prompt = bytes();
    return out;
  }
  ScriptTurn turn(std::size_t turns) {
    ScriptTurn out;
    out.before = some<ContextEdit>([this] { return edit(); });
    out.answer = answer();
    out.alternatives = some<ScriptAlternative>(
        [this] { return ScriptAlternative{maybe() ? "" : "a+", answer()}; });
    out.next = below(turns + 1);
    return out;
  }
  ScriptAgent agent() {
    ScriptAgent out;
    out.intent = bytes();
    if (maybe()) out.provider = "other";
    out.model = bytes();
    out.system_prompt = bytes();
    out.messages = some<Message>([this] { return message(); });
    for (Message& each : out.messages) each.turn = below(3);
    out.budget = tokens();
    out.max_steps = tokens();
    const std::size_t turns = 1 + below(3);
    for (std::size_t i = 0; i < turns; ++i) out.turns.push_back(turn(turns));
    out.closing = some<ContextEdit>([this] { return edit(); });
    ScriptCall spawn = call();
    spawn.call.id = "spawned";
    spawn.action = ScriptSpawn{names_.front(), false, {}, ""};
    out.turns.back().answer.calls.push_back(std::move(spawn));
    for (std::size_t i = below(3); i > 0; --i)
      out.tools[text()] = some<ScriptToolRule>(
          [this] { return ScriptToolRule{maybe() ? "" : "b*", result(), span()}; });
    return out;
  }

  std::mt19937 random_;
  std::vector<std::string> names_;
};

TEST(Script, RandomScriptsComeBackEqual) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const Script script = RandomScripts(seed).script();
    const std::string text = script_to_json(script);
    const Result<Script> again = parse_script(text, "s");
    ASSERT_TRUE(again) << "seed " << seed << ": " << again.error().message;
    ASSERT_EQ(*again, script) << "seed " << seed << "\n" << text;
    ASSERT_EQ(script_to_json(*again), text) << "seed " << seed;
  }
}

constexpr std::string_view kManyKeys = R"({"agdb_script": 1, "main": "a", "agents": {"a": {
  "budget": 10, "messages": [{"role": "user", "content": "\u00e4"}], "tools": {"t": [{"when": "x+", "result": "r"}]},
  "turns": [{"before": [{"compact": {"keep": 1, "messages": [{"role": "user"}]}, "delay": "1s"}],
    "calls": [{"id": "c", "name": "t", "arguments": {"k": [1, null]}, "spawn": "a", "background": true},
              {"name": "t", "send": {"to": "c", "message": "m"}, "latency": "1ms"}],
    "usage": {"request": 1, "cost_usd": 0.5}, "latency": "2s", "setup": "1s", "next": 1,
    "alternatives": [{"when": "^(y|z)$", "text": "t"}]}]}}})";

TEST(Script, TextThatIsCutIsNeverAScript) {
  read(kManyKeys);
  for (std::size_t length = 0; length < kManyKeys.size(); ++length)
    EXPECT_THAT(message_of(kManyKeys.substr(0, length)), StartsWith("s:"));
}

TEST(Script, DamagedTextIsAScriptOrAnErrorWithItsPlace) {
  for (const char damage : std::string_view("\"}],0")) {
    for (std::size_t at = 0; at < kManyKeys.size(); ++at) {
      std::string damaged(kManyKeys);
      damaged[at] = damage;
      const Result<Script> script = parse_script(damaged, "s");
      ASSERT_TRUE(script || script.error().message.starts_with("s:")) << script.error().message;
    }
  }
}

// Agents that spawn agents.

TEST(Script, ReachableAgentsAreThoseThatSpawnsLeadTo) {
  const Script script = read(R"({"agdb_script":1,"main":"a","agents":{
    "a":{"turns":[{"calls":[{"name":"t","spawn":"b"}]}]},
    "b":{"turns":[{},{"alternatives":[{"when":"x","calls":[{"name":"t","spawn":"c"},{"name":"t","spawn":"b"}]}]}]},
    "c":{"turns":[{"calls":[{"name":"t","spawn":"a"}]}]},
    "d":{"turns":[{"calls":[{"name":"t","spawn":"a"}]}]},
    "e":{}}})");
  const auto names = [&script](std::string_view main) {
    std::vector<std::string> out;
    for (const auto& [name, agent] : reachable_from(script, main).agents) out.push_back(name);
    return out;
  };
  EXPECT_THAT(names("a"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names("d"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(names("e"), ElementsAre("e"));
  EXPECT_THAT(names("none"), ElementsAre());
  EXPECT_EQ(reachable_from(script, "b").main, "b");
  EXPECT_EQ(reachable_from(script, "b").agents.at("b"), script.agents.at("b"));
  read(script_to_json(reachable_from(script, "b")));
}

}  // namespace
}  // namespace agdb
