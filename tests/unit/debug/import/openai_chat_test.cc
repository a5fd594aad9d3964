#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::string time_text(const std::optional<WallTime>& time) {
  return time ? format_wall_time(*time).substr(11) : "-";
}

// One item in a few words: "+user hello", "answer hi [c:f]", "result 1.0 sunny".
std::string shown(const SessionItem& item) {
  if (const auto* edit = std::get_if<SessionEdit>(&item))
    return "+" + edit->messages.at(0).role + " " + edit->messages.at(0).content;
  if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
    std::string text = "answer " + answer->response.content;
    for (const ToolCall& call : answer->response.tool_calls)
      text += " [" + call.id + ":" + call.name + "]";
    if (!answer->response.error.empty()) text += " failed: " + answer->response.error;
    return text;
  }
  const auto& result = std::get<SessionToolResult>(item);
  return (result.is_error ? "error " : "result ") + std::to_string(result.answer) + "." +
         std::to_string(result.call) + " " + result.content;
}

std::vector<std::string> shown(const SessionRun& run) {
  std::vector<std::string> items;
  for (const SessionItem& item : run.processes.at(0).items) items.push_back(shown(item));
  return items;
}

struct Totals {
  std::size_t answers = 0;
  std::size_t calls = 0;
  std::size_t results = 0;
  std::size_t errors = 0;
  std::int64_t request_tokens = 0;
  std::int64_t response_tokens = 0;
};

Totals totals_of(const SessionLog& log) {
  Totals totals;
  for (const SessionRun& run : log.runs) {
    for (const SessionItem& item : run.processes.at(0).items) {
      if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
        ++totals.answers;
        totals.calls += answer->response.tool_calls.size();
        totals.request_tokens += answer->response.request_tokens;
        totals.response_tokens += answer->response.response_tokens;
      } else if (const auto* result = std::get_if<SessionToolResult>(&item)) {
        ++totals.results;
        totals.errors += result->is_error ? 1 : 0;
      }
    }
  }
  return totals;
}

std::string read_fixture(const std::string& name) {
  const std::string path = fixture_path(std::string("sessions/openai-chat/") + name);
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file.good()) << path;
  return text.str();
}

class OpenAiChatTest : public ::testing::Test {
 protected:
  const SessionLog& import(std::string_view text) {
    Result<SessionLog> log = import_openai_chat(text, "chat.json");
    EXPECT_TRUE(log.has_value()) << log.error().message;
    if (log) log_ = *std::move(log);
    return log_;
  }
  // REQUIRES: the text holds one run.
  const SessionRun& import_run(std::string_view text) {
    import(text);
    EXPECT_THAT(log_.runs, SizeIs(1));
    if (log_.runs.empty()) log_.runs.push_back({.name = {}, .processes = {{}}});
    return log_.runs.front();
  }
  Error import_error(std::string_view text) {
    const Result<SessionLog> log = import_openai_chat(text, "chat.json");
    EXPECT_FALSE(log.has_value());
    return log ? Error{} : log.error();
  }

  SessionLog log_;
};

TEST_F(OpenAiChatTest, AnEmptyFileHasNoRuns) {
  EXPECT_THAT(import("").runs, IsEmpty());
  EXPECT_THAT(import(" \n\n").runs, IsEmpty());
  EXPECT_THAT(import("[]").runs, IsEmpty());
  EXPECT_EQ(log_.format, "openai-chat");
}

TEST_F(OpenAiChatTest, NotJson) {
  const Error error = import_error("hello\nworld\n");
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("chat.json:1: not JSON"));
  EXPECT_FALSE(error.hint.empty());
}

TEST_F(OpenAiChatTest, CutInTheMiddle) {
  EXPECT_EQ(import_error(R"([{"role":"user","content":"hel)").code, Code::kCorrupt);
}

TEST_F(OpenAiChatTest, JsonOfAnotherShape) {
  for (const char* text : {"{}", "[17]", R"([{"a":1}])", R"({"messages":17})", R"([[[]]])"}) {
    const Error error = import_error(text);
    EXPECT_EQ(error.code, Code::kInvalid) << text;
    EXPECT_THAT(error.message, HasSubstr("chat.json")) << text;
  }
}

TEST_F(OpenAiChatTest, ABareListOfMessages) {
  const SessionRun& run = import_run(R"([
      {"role":"system","content":"Be brief."},
      {"role":"user","content":"weather?\nin Oslo"},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"c","type":"function","function":{"name":"weather","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c","content":"sunny"},
      {"role":"assistant","content":"Sunny."}])");
  EXPECT_EQ(run.processes[0].system_prompt, "Be brief.");
  EXPECT_EQ(run.processes[0].intent, "weather? in Oslo");
  EXPECT_EQ(run.processes[0].exit_reason, "completed");
  EXPECT_EQ(run.time_source, "order");
  EXPECT_THAT(shown(run), ElementsAre("+user weather?\nin Oslo", "answer  [c:weather]",
                                      "result 1.0 sunny", "answer Sunny."));
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(OpenAiChatTest, TheDeveloperSpeaksAsTheSystemDoes) {
  const SessionRun& run = import_run(R"([{"role":"developer","content":"p"},
      {"role":"system","content":"more"},{"role":"user","content":"u"},
      {"role":"system","content":"later"}])");
  EXPECT_EQ(run.processes[0].system_prompt, "p");
  EXPECT_THAT(shown(run), ElementsAre("+system more", "+user u", "+system later"));
}

TEST_F(OpenAiChatTest, WithoutASystemMessageThePromptIsAbsent) {
  EXPECT_EQ(import_run(R"([{"role":"user","content":"u"}])").processes[0].system_prompt,
            std::nullopt);
}

TEST_F(OpenAiChatTest, AGreetingByHandIsNoAnswer) {
  EXPECT_THAT(shown(import_run(R"([{"role":"assistant","content":"Hi!"},
                  {"role":"user","content":"u"},{"role":"assistant","content":"a"}])")),
              ElementsAre("+assistant Hi!", "+user u", "answer a"));
}

TEST_F(OpenAiChatTest, AFirstMessageWithUsageOrCallsOrARawAnswerIsAnAnswer) {
  for (const char* beside :
       {R"("usage":{"prompt_tokens":1,"completion_tokens":1})", R"("raw_data":{"index":0})",
        R"("tool_calls":[{"id":"c","name":"f","arguments":{}}])"}) {
    const SessionRun& run = import_run(R"([{"role":"assistant","content":"Hi!",)" +
                                       std::string(beside) + R"(},{"role":"user","content":"u"}])");
    EXPECT_TRUE(std::holds_alternative<SessionAnswer>(run.processes[0].items.at(0))) << beside;
  }
}

TEST_F(OpenAiChatTest, WithoutAUserNobodyIsGreeted) {
  EXPECT_THAT(shown(import_run(R"([{"role":"system","content":"p"},
                  {"role":"assistant","content":"a"}])")),
              ElementsAre("answer a"));
}

TEST_F(OpenAiChatTest, AnAnswerWithoutResultsIsALogThatEnded) {
  EXPECT_EQ(import_run(R"([{"role":"user","content":"u"},{"role":"assistant","content":"",
                "tool_calls":[{"id":"c","name":"f"}]}])")
                .processes[0]
                .exit_reason,
            "log ended");
}

TEST_F(OpenAiChatTest, RepeatedIdsMeanTheNearestEarlierOpenCall) {
  EXPECT_THAT(
      shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"","tool_calls":[{"id":"x","name":"f"}]},
      {"role":"tool","tool_call_id":"x","content":"1"},
      {"role":"assistant","content":"","tool_calls":[{"id":"x","name":"g"}]},
      {"role":"tool","tool_call_id":"x","content":"2"}])")),
      ElementsAre("+user u", "answer  [x:f]", "result 1.0 1", "answer  [x:g]", "result 3.0 2"));
}

TEST_F(OpenAiChatTest, WithinOneAnswerTheFirstOpenCallOfAnId) {
  EXPECT_THAT(shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"","tool_calls":[{"id":"x","name":"f"},{"id":"x","name":"g"}]},
      {"role":"tool","tool_call_id":"x","content":"1"},
      {"role":"tool","tool_call_id":"x","content":"2"}])")),
              ElementsAre("+user u", "answer  [x:f] [x:g]", "result 1.0 1", "result 1.1 2"));
}

TEST_F(OpenAiChatTest, ResultsOutOfOrder) {
  EXPECT_THAT(shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"","tool_calls":[{"id":"a","name":"f"},{"id":"b","name":"g"}]},
      {"role":"tool","tool_call_id":"b","content":"1"},
      {"role":"tool","tool_call_id":"a","content":"2"}])")),
              ElementsAre("+user u", "answer  [a:f] [b:g]", "result 1.1 1", "result 1.0 2"));
}

TEST_F(OpenAiChatTest, WithoutAnIdTheNameTells) {
  EXPECT_THAT(shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
      {"role":"function","name":"f","content":"1"},
      {"role":"assistant","content":"","tool_calls":[{"id":"a","name":"g"},{"id":"b","name":"h"}]},
      {"role":"tool","name":"h","content":"2"},
      {"role":"tool","content":"3"}])")),
              ElementsAre("+user u", "answer  [:f]", "result 1.0 1", "answer  [a:g] [b:h]",
                          "result 3.1 2", "result 3.0 3"));
}

TEST_F(OpenAiChatTest, AResultWithoutItsCallStaysInTheContextAndIsCounted) {
  EXPECT_THAT(
      shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"","tool_calls":[{"id":"a","name":"f"}]},
      {"role":"tool","tool_call_id":"a","content":"1"},
      {"role":"tool","tool_call_id":"a","content":"again"},
      {"role":"tool","tool_call_id":"z","content":"whose?"}])")),
      ElementsAre("+user u", "answer  [a:f]", "result 1.0 1", "+tool again", "+tool whose?"));
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("tool result without its call", 2)));
}

TEST_F(OpenAiChatTest, AnObjectWithMessages) {
  const SessionRun& run = import_run(R"({"model":"m","tools":[{},{}],"messages":[
      {"role":"user","content":"u"},{"role":"assistant","content":"a"}],
      "usage":{"prompt_tokens":9,"completion_tokens":2},"mood":"good"})");
  EXPECT_EQ(run.processes[0].model, "m");
  const auto& answer = std::get<SessionAnswer>(run.processes[0].items[1]);
  EXPECT_TRUE(answer.has_usage);
  EXPECT_EQ(answer.response.request_tokens, 9);
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("field mood", 1)));
  EXPECT_THAT(log_.bookkeeping, ElementsAre(Pair("tool definition", 2)));
}

TEST_F(OpenAiChatTest, UsageOfSeveralAnswersTogetherBelongsToNone) {
  const SessionRun& run = import_run(R"({"messages":[{"role":"user","content":"u"},
      {"role":"assistant","content":"a"},{"role":"assistant","content":"b"}],
      "usage":{"prompt_tokens":9,"completion_tokens":2}})");
  EXPECT_FALSE(std::get<SessionAnswer>(run.processes[0].items[1]).has_usage);
  EXPECT_THAT(log_.bookkeeping, ElementsAre(Pair("usage of a whole conversation", 1)));
}

TEST_F(OpenAiChatTest, ShareGptConversations) {
  EXPECT_THAT(shown(import_run(R"([{"id":"1","conversations":[{"from":"human","value":"u"},
                  {"from":"gpt","value":"a"}]}])")),
              ElementsAre("+user u", "answer a"));
}

TEST_F(OpenAiChatTest, JsonLinesOfConversations) {
  import(
      "{\"messages\":[{\"role\":\"user\",\"content\":\"u\"}]}\n"
      "{\"messages\":[{\"role\":\"user\"\n"
      "[{\"role\":\"user\",\"content\":\"v\"}]\n");
  ASSERT_THAT(log_.runs, SizeIs(2));
  EXPECT_EQ(log_.runs[0].name, "line 1");
  EXPECT_EQ(log_.runs[1].name, "line 3");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("line not JSON", 1)));
}

TEST_F(OpenAiChatTest, JsonLinesOfMessagesAreOneConversation) {
  EXPECT_THAT(shown(import_run("{\"role\":\"user\",\"content\":\"u\"}\n"
                               "{\"role\":\"assistant\",\"content\":\"a\"}\n")),
              ElementsAre("+user u", "answer a"));
}

TEST_F(OpenAiChatTest, ListsOfRunsOfAnyShape) {
  import(R"([[{"role":"user","content":"u"}],{"messages":[{"role":"user","content":"v"}]},17])");
  ASSERT_THAT(log_.runs, SizeIs(2));
  EXPECT_EQ(log_.runs[1].name, "run 2");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("value that is no object", 1)));
}

TEST_F(OpenAiChatTest, TauBenchRuns) {
  const SessionRun& run = import_run(R"([{"task_id":3,"trial":1,"reward":0.0,
      "info":{"task":{"instruction":"Book a flight."}},"traj":[
      {"role":"system","content":"p"},{"role":"user","content":"hi"},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"c","type":"function","function":{"name":"book","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c","name":"book","content":"Error: no such flight"}]}])");
  EXPECT_EQ(run.name, "task 3 trial 1");
  EXPECT_EQ(run.processes[0].intent, "Book a flight.");
  EXPECT_THAT(shown(run),
              ElementsAre("+user hi", "answer  [c:book]", "error 1.0 Error: no such flight"));
  EXPECT_THAT(log_.bookkeeping, ElementsAre(Pair("verdict", 1)));
}

TEST_F(OpenAiChatTest, ATauBenchRunThatBroke) {
  const SessionRun& run =
      import_run(R"([{"task_id":3,"trial":0,"info":{"error":"rate limit"},"traj":[]}])");
  EXPECT_EQ(run.processes[0].exit_reason, "error: rate limit");
}

TEST_F(OpenAiChatTest, OnlyTauBenchMarksErrorsByTheirText) {
  EXPECT_THAT(shown(import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"","tool_calls":[{"id":"a","name":"f"}]},
      {"role":"tool","tool_call_id":"a","content":"Errors found: 0"}])")),
              ElementsAre("+user u", "answer  [a:f]", "result 1.0 Errors found: 0"));
}

constexpr std::string_view kTau2 = R"({"timestamp":"2025-08-01T16:20:43",
  "info":{"agent_info":{"llm":"gpt-4.1"},"environment_info":{"policy":"The policy."}},
  "tasks":[{}],"simulations":[{"id":"s","task_id":"13","trial":0,
  "termination_reason":"user_stop","reward_info":{"reward":1},"messages":[
    {"role":"assistant","content":"Hi!","timestamp":"2025-08-01T16:20:44","usage":null},
    {"role":"user","content":"My phone is slow.","timestamp":"2025-08-01T16:20:45",
     "usage":{"prompt_tokens":450,"completion_tokens":51},"cost":0.1},
    {"role":"assistant","content":null,"timestamp":"2025-08-01T16:20:47.5","cost":0.002,
     "usage":{"prompt_tokens":3346,"completion_tokens":57},"tool_calls":[
       {"id":"a","name":"get_line","arguments":{"id":"L1"},"requestor":"assistant"},
       {"id":"b","name":"get_plan","arguments":{},"requestor":"assistant"}]},
    {"role":"tool","id":"a","content":"ok","requestor":"assistant","error":false,
     "timestamp":"2025-08-01T16:20:48"},
    {"role":"tool","id":"b","content":"Error: none","requestor":"assistant","error":true,
     "timestamp":"2025-08-01T16:20:49"},
    {"role":"assistant","content":"Check the bar.","timestamp":"2025-08-01T16:20:51",
     "usage":{"prompt_tokens":3500,"completion_tokens":8}},
    {"role":"user","content":"I look.","timestamp":"2025-08-01T16:20:52","tool_calls":[
       {"id":"u","name":"check_status_bar","arguments":{},"requestor":"user"}]},
    {"role":"tool","id":"u","content":"5G","requestor":"user","error":false,
     "timestamp":"2025-08-01T16:20:53"},
    {"role":"user","content":"It says 5G.","timestamp":"2025-08-01T16:20:54"}]}]})";

TEST_F(OpenAiChatTest, Tau2Simulations) {
  const SessionRun& run = import_run(kTau2);
  EXPECT_EQ(run.name, "task 13 trial 0");
  EXPECT_EQ(run.processes[0].model, "gpt-4.1");
  EXPECT_EQ(run.processes[0].system_prompt, "The policy.");
  EXPECT_EQ(run.processes[0].exit_reason, "completed");
  EXPECT_EQ(run.processes[0].intent, "My phone is slow.");
  EXPECT_EQ(run.time_source, "log");
  EXPECT_TRUE(run.times_without_zone);
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(OpenAiChatTest, TheUsersToolsNeverReachTheAgent) {
  EXPECT_THAT(shown(import_run(kTau2)),
              ElementsAre("+assistant Hi!", "+user My phone is slow.",
                          "answer  [a:get_line] [b:get_plan]", "result 2.0 ok",
                          "error 2.1 Error: none", "answer Check the bar.", "+user It says 5G."));
  EXPECT_THAT(log_.bookkeeping,
              ElementsAre(Pair("model call of the user's side", 1), Pair("task description", 1),
                          Pair("user text beside a tool call", 1), Pair("user tool call", 1),
                          Pair("user tool result", 1), Pair("verdict", 1)));
}

TEST_F(OpenAiChatTest, OnlyTheAgentsTokensCount) {
  import(kTau2);
  const Totals totals = totals_of(log_);
  EXPECT_EQ(totals.request_tokens, 3346 + 3500);
  EXPECT_EQ(totals.response_tokens, 57 + 8);
}

TEST_F(OpenAiChatTest, ACallBeginsWhenWhatItAnswersIsThere) {
  const auto& items = import_run(kTau2).processes[0].items;
  const auto& answer = std::get<SessionAnswer>(items[2]);
  EXPECT_EQ(time_text(answer.began), "16:20:45Z");
  EXPECT_EQ(time_text(answer.ended), "16:20:47.5Z");
  EXPECT_EQ(answer.response.cost_usd, 0.002);
  const auto& second = std::get<SessionToolResult>(items[4]);
  EXPECT_EQ(time_text(second.began), "16:20:48Z");
  EXPECT_EQ(time_text(second.ended), "16:20:49Z");
  EXPECT_EQ(time_text(std::get<SessionEdit>(items[6]).time), "16:20:54Z");
}

TEST_F(OpenAiChatTest, WhyTau2RunsEnd) {
  const auto reason = [this](const std::string& word) {
    return import_run(R"({"simulations":[{"task_id":1,"termination_reason":")" + word +
                      R"(","messages":[]}]})")
        .processes[0]
        .exit_reason;
  };
  EXPECT_EQ(reason("user_stop"), "completed");
  EXPECT_EQ(reason("agent_stop"), "completed");
  EXPECT_EQ(reason("max_steps"), "max_steps");
  EXPECT_EQ(reason("too_many_errors"), "too_many_errors");
}

TEST_F(OpenAiChatTest, ASimulationsOwnPolicyIsThePrompt) {
  EXPECT_EQ(import_run(R"({"info":{"environment_info":{"policy":"general"}},"simulations":[
                {"policy":"special","messages":[{"role":"user","content":"u"}]}]})")
                .processes[0]
                .system_prompt,
            "special");
}

TEST_F(OpenAiChatTest, SimulationsWithoutMessagesAreCounted) {
  import(R"({"simulations":[{"task_id":1,"messages":null},17]})");
  EXPECT_THAT(log_.runs, IsEmpty());
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("simulation without messages", 2)));
}

TEST_F(OpenAiChatTest, RefusedAnswersAreFailedAttempts) {
  const SessionRun& run = import_run(R"([{"role":"user","content":"u"},
      {"role":"assistant","content":"a","errors":["Invalid message format."]}])");
  EXPECT_THAT(std::get<SessionAnswer>(run.processes[0].items[1]).failures,
              ElementsAre(::testing::Field(&SessionFailure::error, "Invalid message format.")));
}

constexpr std::string_view kCallLog = R"({"messages":[
    {"role":"system","content":[{"type":"text","text":"p"}]},
    {"role":"user","content":[{"type":"text","text":"make a file"}]},
    {"role":"assistant","content":"","tool_calls":[
      {"id":"c","type":"function","function":{"name":"sh","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"c","name":"sh","content":"done"}],
  "tools":[{}],"kwargs":{},"context_window":200000,
  "response":{"created":1757015025,"model":"litellm_proxy/m","choices":[{"index":0,
    "finish_reason":"stop","message":{"role":"assistant","content":"Made.","tool_calls":null}}],
    "usage":{"prompt_tokens":4812,"completion_tokens":146,"total_tokens":4958,
      "prompt_tokens_details":{"cached_tokens":100}}},
  "cost":0.5,"timestamp":1757015025.5,"latency_sec":4.25})";

TEST_F(OpenAiChatTest, ALogOfOneCallIsOneAnswerToWhatWasThere) {
  const SessionRun& run = import_run(kCallLog);
  EXPECT_EQ(run.processes[0].system_prompt, "p");
  EXPECT_EQ(run.processes[0].model, "litellm_proxy/m");
  EXPECT_EQ(run.processes[0].intent, "make a file");
  EXPECT_EQ(run.processes[0].exit_reason, "completed");
  EXPECT_THAT(shown(run),
              ElementsAre("+user make a file", "+assistant ", "+tool done", "answer Made."));
  const auto& call = std::get<SessionEdit>(run.processes[0].items[1]).messages[0];
  EXPECT_THAT(call.tool_calls, ElementsAre(ToolCall{"c", "sh", Json::object()}));
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(OpenAiChatTest, ALogOfOneCallTellsTokensCostAndTimes) {
  const SessionRun& run = import_run(kCallLog);
  const auto& answer = std::get<SessionAnswer>(run.processes[0].items[3]);
  EXPECT_EQ(answer.response.request_tokens, 4812);
  EXPECT_EQ(answer.response.response_tokens, 146);
  EXPECT_EQ(answer.response.cache_read_tokens, 100);
  EXPECT_EQ(answer.response.cost_usd, 0.5);
  EXPECT_EQ(answer.response.stop_reason, "stop");
  EXPECT_EQ(time_text(answer.began), "19:43:41.25Z");
  EXPECT_EQ(time_text(answer.ended), "19:43:45.5Z");
  EXPECT_FALSE(run.times_without_zone);
}

TEST_F(OpenAiChatTest, ALogOfOneCallWithoutAZone) {
  EXPECT_TRUE(import_run(R"({"messages":[{"role":"user","content":"u"}],"timestamp":
                  "2025-08-01T16:20:43","response":{"choices":[{"message":
                  {"role":"assistant","content":"a"}}]}})")
                  .times_without_zone);
}

TEST_F(OpenAiChatTest, RequestAndResponseInAPair) {
  EXPECT_THAT(shown(import_run(R"({"request":{"model":"m","messages":[
      {"role":"user","content":"u"}]},"response":{"choices":[{"message":
      {"role":"assistant","content":"a"}}]}})")),
              ElementsAre("+user u", "answer a"));
  EXPECT_THAT(shown(import_run(R"({"custom_id":"1","request":{"body":{"messages":[
      {"role":"user","content":"u"}]}},"response":{"status_code":200,"body":{"choices":[
      {"message":{"role":"assistant","content":"a"}}]}}})")),
              ElementsAre("+user u", "answer a"));
}

TEST_F(OpenAiChatTest, AResponseAlone) {
  EXPECT_THAT(shown(import_run(R"({"object":"chat.completion","choices":[{"message":
                  {"role":"assistant","content":"a"}}]})")),
              ElementsAre("answer a"));
}

TEST_F(OpenAiChatTest, ARequestAlone) {
  EXPECT_THAT(shown(import_run(R"({"custom_id":"1","method":"POST","url":"/v1","body":
                  {"model":"m","messages":[{"role":"user","content":"u"}]}})")),
              ElementsAre("+user u"));
}

TEST_F(OpenAiChatTest, ACallThatFailed) {
  const SessionRun& run = import_run(R"({"messages":[{"role":"user","content":"u"}],
      "response":null,"error":{"message":"overloaded"}})");
  EXPECT_THAT(shown(run), ElementsAre("+user u", "answer  failed: overloaded"));
  EXPECT_EQ(run.processes[0].exit_reason, "error: overloaded");
}

TEST_F(OpenAiChatTest, AResponseWithoutAnAnswer) {
  EXPECT_THAT(shown(import_run(R"({"messages":[{"role":"user","content":"u"}],"response":{}})")),
              ElementsAre("+user u"));
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("response without an answer", 1)));
}

TEST_F(OpenAiChatTest, TextThatIsNotUtf8IsKeptAndCounted) {
  const SessionRun& run = import_run("[{\"role\":\"user\",\"content\":\"a\xff\\ud800\"}]");
  EXPECT_EQ(std::get<SessionEdit>(run.processes[0].items[0]).messages[0].content,
            "a\xff\xef\xbf\xbd");
  EXPECT_THAT(log_.not_understood,
              ElementsAre(Pair("byte not UTF-8", 1), Pair("lone surrogate", 1)));
}

TEST_F(OpenAiChatTest, HostileManyCallsOfOneIdWithoutResults) {
  std::string text = R"([{"role":"user","content":"u"})";
  for (int i = 0; i < 20'000; ++i)
    text += R"(,{"role":"assistant","content":"","tool_calls":[{"id":"x","name":"f"}]})";
  for (int i = 0; i < 40'000; ++i) text += R"(,{"role":"tool","tool_call_id":"x","content":"r"})";
  text += "]";
  import(text);
  EXPECT_EQ(totals_of(log_).results, 20'000);
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("tool result without its call", 20'000)));
}

// What a reader makes of a damaged log may be anything but a crash, and what it makes can be
// played.
void use(const std::string& text) {
  const std::string_view format = detect_session_format(text);
  EXPECT_LE(format.size(), 11);
  const Result<SessionLog> log = import_openai_chat(text, "damaged.json");
  if (!log) return;
  for (const SessionRun& run : log->runs) {
    for (std::size_t i = 0; i < run.processes.size(); ++i) {
      std::uint64_t last = 0;
      session_events(run, i, Pid{1}, "run", "trace", [&](Event&& event) {
        EXPECT_GE(event.timestamp, Nanoseconds{0});
        if (event.n != 0) {
          EXPECT_EQ(event.n, ++last);
        }
        const auto* start = std::get_if<ProcessStart>(&event.payload);
        if (start == nullptr) return;
        const auto script = parse_script(*start->script, "script");
        EXPECT_TRUE(script.has_value()) << script.error().message;
      });
    }
  }
}

TEST_F(OpenAiChatTest, HostileMutationsNeverCrash) {
  const std::vector<std::string> seeds = {
      std::string(kTau2), std::string(kCallLog),
      R"([{"task_id":0,"traj":[{"role":"assistant","function_call":{"name":"f"}},{"role":"user"}]}])",
      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\"}]}\n{}\n"};
  const std::vector<std::string> pieces = {"null",  "[]",      "{}",    "-1",
                                           "1e999", "\"\"",    "\"x\"", "true",
                                           "\n",    "\\ud800", "\xff",  "99999999999999999999"};
  std::mt19937 random(20250801);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 1500; ++round) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t cuts = 1 + below(4); cuts > 0 && !text.empty(); --cuts) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, pieces[below(pieces.size())]);
          break;
        default: {
          // A whole value in another's place.
          const std::size_t colon = text.find(':', at);
          const std::size_t end = text.find_first_of(",}", colon);
          if (end != std::string::npos)
            text.replace(colon + 1, end - colon - 1, pieces[below(pieces.size())]);
        }
      }
    }
    SCOPED_TRACE(round);
    use(text);
  }
}

// The counts of the real sessions were made from the raw files, without this importer.

TEST_F(OpenAiChatTest, ARealCallLog) {
  import(read_fixture("litellm-claude-sonnet-4-call-1.json"));
  const Totals totals = totals_of(log_);
  EXPECT_EQ(log_.runs.size(), 1);
  EXPECT_EQ(totals.answers, 1);
  EXPECT_EQ(totals.calls, 1);
  EXPECT_EQ(totals.results, 0);
  EXPECT_EQ(totals.request_tokens, 4812);
  EXPECT_EQ(totals.response_tokens, 146);
  EXPECT_EQ(log_.runs[0].processes[0].exit_reason, "log ended");
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(OpenAiChatTest, ARealTauBenchRun) {
  import(read_fixture("tau-bench-gpt-4o-airline-task-0-trial-0.json"));
  const Totals totals = totals_of(log_);
  EXPECT_EQ(log_.runs.size(), 1);
  EXPECT_EQ(totals.answers, 15);
  EXPECT_EQ(totals.calls, 8);
  EXPECT_EQ(totals.results, 8);
  EXPECT_EQ(totals.errors, 1);
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

}  // namespace
}  // namespace agdb
