#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kTrace = "0af7651916cd43dd8448eb211c80319c";

// A span in OTLP's form; times in seconds, attributes as JSON members with plain values.
struct Wrote {
  std::string id;
  std::string parent;
  std::string name;
  int from = 0;
  int to = 0;
  std::string attributes;  // {"key": text or number, …}
  std::string more;        // further members, with a comma before them
  std::string trace = kTrace;
};

std::string any_value(const Json& value) {
  if (value.is_integer()) return R"({"intValue":")" + dump(value) + R"("})";
  return R"({"stringValue":)" + dump(value) + "}";
}

std::string to_text(const Wrote& span) {
  const auto seconds = [](int s) { return std::to_string(1'750'000'000 + s) + "000000000"; };
  std::string attributes;
  const Json json = parse_json(span.attributes.empty() ? "{}" : span.attributes).value_or(Json());
  EXPECT_TRUE(json.is_object()) << span.attributes;
  for (const Json::Member& member : json.members())
    attributes += (attributes.empty() ? "" : ",") + std::string(R"({"key":")") + member.key +
                  R"(","value":)" + any_value(member.value) + "}";
  return R"({"traceId":")" + span.trace + R"(","spanId":")" + span.id + R"(","parentSpanId":")" +
         span.parent + R"(","name":")" + span.name + R"(","kind":1,"startTimeUnixNano":")" +
         seconds(span.from) + R"(","endTimeUnixNano":")" + seconds(span.to) +
         R"(","attributes":[)" + attributes + "]" + span.more + "}";
}

std::string request(const std::vector<Wrote>& spans) {
  std::string text;
  for (const Wrote& span : spans) text += (text.empty() ? "" : ",") + to_text(span);
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[)" + text + "]}]}]}";
}

SessionLog imported(const std::string& text) {
  Result<SessionLog> log = import_otlp(text, "file");
  EXPECT_TRUE(log) << log.error().message;
  return log ? *std::move(log) : SessionLog{};
}
SessionLog imported(const std::vector<Wrote>& spans) {
  return imported(request(spans));
}

std::vector<const SessionAnswer*> answers(const SessionProcess& process) {
  std::vector<const SessionAnswer*> found;
  for (const SessionItem& item : process.items)
    if (const auto* answer = std::get_if<SessionAnswer>(&item)) found.push_back(answer);
  return found;
}
std::vector<const SessionToolResult*> results(const SessionProcess& process) {
  std::vector<const SessionToolResult*> found;
  for (const SessionItem& item : process.items)
    if (const auto* result = std::get_if<SessionToolResult>(&item)) found.push_back(result);
  return found;
}
// Of each change of the context: "role: content", or "keep N".
std::vector<std::string> edits(const SessionProcess& process) {
  std::vector<std::string> found;
  for (const SessionItem& item : process.items) {
    const auto* edit = std::get_if<SessionEdit>(&item);
    if (edit == nullptr) continue;
    if (edit->kind == SessionEdit::Kind::kCompact)
      found.push_back("keep " + std::to_string(edit->keep));
    for (const Message& message : edit->messages)
      found.push_back(message.role + ": " + message.content);
  }
  return found;
}

WallTime second(int s) {
  return WallTime(std::chrono::seconds(1'750'000'000 + s));
}

Wrote agent(std::string id, std::string parent, int from, int to,
            std::string attributes = R"({"gen_ai.operation.name":"invoke_agent"})") {
  return {std::move(id), std::move(parent), "invoke_agent", from, to, std::move(attributes), ""};
}
Wrote chat(std::string id, std::string parent, int from, int to, std::string more = "") {
  return {std::move(id),
          std::move(parent),
          "chat m-1",
          from,
          to,
          R"({"gen_ai.operation.name":"chat","gen_ai.provider.name":"openai",)"
          R"("gen_ai.request.model":"m-1","gen_ai.usage.input_tokens":100,)"
          R"("gen_ai.usage.output_tokens":20)" +
              more + "}",
          ""};
}
Wrote tool(std::string id, std::string parent, int from, int to, std::string name,
           std::string more = "") {
  return {
      std::move(id),
      std::move(parent),
      "execute_tool",
      from,
      to,
      R"({"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":")" + name + "\"" + more + "}",
      ""};
}

TEST(OtlpImport, AnEmptyFileHasNoRuns) {
  EXPECT_TRUE(imported("").runs.empty());
  EXPECT_TRUE(imported(R"({"resourceSpans":[]})").runs.empty());
}

TEST(OtlpImport, WhatIsNoSpansIsRefused) {
  const Result<SessionLog> text = import_otlp("hello", "file");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("file:1: not JSON"));
  const Result<SessionLog> other = import_otlp(R"({"messages":[]})", "file");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("no spans"));
}

TEST(OtlpImport, AnAgentIsAProcessAndItsCallsAreInIt) {
  const SessionLog log = imported({agent("a1", "", 0, 10), chat("b1", "a1", 1, 3),
                                   tool("c1", "a1", 3, 4, "Bash", R"(,"gen_ai.tool.call.id":"t1")"),
                                   chat("b2", "a1", 5, 9)});
  EXPECT_EQ(log.format, "otlp");
  ASSERT_EQ(log.runs.size(), 1u);
  EXPECT_EQ(log.runs[0].trace_id, kTrace);
  EXPECT_EQ(log.runs[0].time_source, "log");
  ASSERT_EQ(log.runs[0].processes.size(), 1u);
  const SessionProcess& process = log.runs[0].processes[0];
  EXPECT_EQ(process.model, "m-1");
  EXPECT_EQ(process.provider, "openai");
  EXPECT_EQ(process.began, second(0));
  EXPECT_EQ(process.ended, second(10));
  EXPECT_EQ(process.exit_reason, "completed");
  ASSERT_EQ(answers(process).size(), 2u);
  EXPECT_EQ(answers(process)[0]->began, second(1));
  EXPECT_EQ(answers(process)[0]->ended, second(3));
  EXPECT_EQ(answers(process)[0]->response.request_tokens, 100);
  EXPECT_EQ(answers(process)[0]->response.response_tokens, 20);
  // The span tells which tool the answer asked for.
  ASSERT_EQ(answers(process)[0]->response.tool_calls.size(), 1u);
  EXPECT_EQ(answers(process)[0]->response.tool_calls[0].name, "Bash");
  EXPECT_EQ(answers(process)[0]->response.tool_calls[0].id, "t1");
  ASSERT_EQ(results(process).size(), 1u);
  EXPECT_EQ(results(process)[0]->began, second(3));
  EXPECT_EQ(results(process)[0]->ended, second(4));
  EXPECT_TRUE(log.not_understood.empty());
}

TEST(OtlpImport, OrderInTheFileIsNothing) {
  const SessionLog log = imported({chat("b2", "a1", 5, 9), tool("c1", "a1", 3, 4, "Bash"),
                                   chat("b1", "a1", 1, 3), agent("a1", "", 0, 10)});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_EQ(answers(process).at(0)->began, second(1));
  EXPECT_EQ(answers(process)[0]->response.tool_calls.size(), 1u);
}

TEST(OtlpImport, RequestsMayStandLineByLine) {
  const SessionLog log = imported(request({agent("a1", "", 0, 10), chat("b1", "a1", 1, 3)}) + "\n" +
                                  request({chat("b2", "a1", 5, 9)}) + "\n");
  ASSERT_EQ(log.runs.size(), 1u);
  EXPECT_EQ(answers(log.runs[0].processes.at(0)).size(), 2u);
}

TEST(OtlpImport, EachTraceIsARun) {
  Wrote other = chat("b1", "", 1, 3);
  other.trace = "1af7651916cd43dd8448eb211c80319c";
  const SessionLog log = imported({chat("b1", "", 1, 3), other});
  ASSERT_EQ(log.runs.size(), 2u);
  EXPECT_EQ(log.runs[0].name, "trace 0af76519");
  EXPECT_EQ(log.runs[1].trace_id, other.trace);
}

TEST(OtlpImport, IdsAreTheSameInCapitals) {
  const SessionLog log =
      imported({agent("00F067AA0BA902B7", "", 0, 10), chat("b1", "00f067aa0ba902b7", 1, 3)});
  EXPECT_EQ(log.runs.at(0).processes.size(), 1u);
}

TEST(OtlpImport, ASpanThatStandsThereTwiceCountsOnce) {
  const SessionLog log = imported({chat("b1", "", 1, 3), chat("b1", "", 1, 3)});
  EXPECT_EQ(answers(log.runs.at(0).processes.at(0)).size(), 1u);
  EXPECT_THAT(log.bookkeeping, testing::Contains(Pair("span that stands there twice", 1u)));
}

TEST(OtlpImport, CallsOutsideOfAgentsAreTheTracesOwn) {
  const SessionLog log = imported({{"r", "", "handle request", 0, 9, "", ""},
                                   chat("b1", "r", 1, 3),
                                   agent("a1", "r", 3, 8),
                                   chat("b2", "a1", 4, 5)});
  const std::vector<SessionProcess>& processes = log.runs.at(0).processes;
  ASSERT_EQ(processes.size(), 2u);
  EXPECT_EQ(processes[0].intent, "handle request");
  EXPECT_EQ(processes[0].began, second(0));
  EXPECT_EQ(processes[1].parent, 0u);
  EXPECT_FALSE(processes[1].spawn);
}

TEST(OtlpImport, AnAgentWithinAToolCallWasRunByIt) {
  const SessionLog log =
      imported({agent("a1", "", 0, 10), chat("b1", "a1", 1, 2), tool("c1", "a1", 2, 8, "ask"),
                agent("a2", "c1", 3, 7), chat("b2", "a2", 4, 5)});
  const std::vector<SessionProcess>& processes = log.runs.at(0).processes;
  ASSERT_EQ(processes.size(), 2u);
  EXPECT_EQ(processes[1].parent, 0u);
  ASSERT_TRUE(processes[1].spawn);
  EXPECT_EQ(processes[1].spawn->answer, 0u);
  EXPECT_EQ(results(processes[0]).at(0)->child, 1u);
}

TEST(OtlpImport, AnAgentBesideAnotherWasRunByTheCallThatToldItsWords) {
  const std::string words =
      R"(,"gen_ai.input.messages":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"look\"}]}]")";
  const auto spans = [&](const std::string& arguments) {
    return std::vector<Wrote>{
        agent("a1", "", 0, 10), chat("b1", "a1", 1, 2),
        tool("c1", "a1", 2, 8, "ask", ",\"gen_ai.tool.call.arguments\":\"" + arguments + "\""),
        agent("a2", "", 3, 7), chat("b2", "a2", 4, 5, words)};
  };
  const SessionLog log = imported(spans(R"({\"q\":\"look\"})"));
  EXPECT_TRUE(log.runs.at(0).processes.at(1).spawn);
  const SessionLog other = imported(spans(R"({\"q\":\"other\"})"));
  EXPECT_FALSE(other.runs.at(0).processes.at(1).spawn);
}

TEST(OtlpImport, OneCallToldByThreeLayersIsOne) {
  Wrote outer = chat("b1", "", 1, 9);
  Wrote middle = {
      "b2", "b1", "generate_content",
      2,    8,    R"({"gen_ai.operation.name":"generate_content","gen_ai.agent.name":"x"})",
      ""};
  Wrote inner = {"b3", "b2", "openai.chat", 3, 7, R"({"llm.request.type":"chat"})", ""};
  const SessionLog log = imported({outer, middle, inner});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  ASSERT_EQ(answers(process).size(), 1u);
  EXPECT_EQ(answers(process)[0]->began, second(3));
  EXPECT_EQ(answers(process)[0]->response.request_tokens, 100);
  EXPECT_EQ(answers(process)[0]->response.model, "m-1");
  EXPECT_THAT(log.bookkeeping, testing::Contains(Pair("model call told by several spans", 2u)));
}

TEST(OtlpImport, WhatFailedSaysWhy) {
  Wrote failed = chat("b1", "", 1, 3);
  failed.more = R"(,"status":{"code":2,"message":"429 too many"})";
  SessionLog log = imported({failed});
  EXPECT_EQ(answers(log.runs.at(0).processes.at(0)).at(0)->response.error, "429 too many");
  EXPECT_EQ(log.runs[0].processes[0].exit_reason, "api error");

  failed.more = R"(,"status":{"code":2},"events":[{"name":"exception","attributes":[)"
                R"({"key":"exception.message","value":{"stringValue":"refused"}}]}])";
  log = imported({failed});
  EXPECT_EQ(answers(log.runs.at(0).processes.at(0)).at(0)->response.error, "refused");

  Wrote tried = tool("c1", "", 4, 5, "Bash");
  tried.more = R"(,"status":{"code":"STATUS_CODE_ERROR","message":"no such file"})";
  log = imported({chat("b1", "", 1, 3), tried});
  EXPECT_TRUE(results(log.runs.at(0).processes.at(0)).at(0)->is_error);
  EXPECT_EQ(results(log.runs[0].processes[0])[0]->content, "no such file");
  EXPECT_THAT(log.bookkeeping, ElementsAre(Pair("enum written as a name", 1u)));
}

// Each generation of names, and what all of them mean.
class OldNames : public testing::TestWithParam<const char*> {};
TEST_P(OldNames, TellTheSame) {
  const SessionLog log = imported({{"b1", "", "call", 1, 3, GetParam(), ""}});
  ASSERT_EQ(log.runs.size(), 1u);
  const auto calls = answers(log.runs[0].processes.at(0));
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0]->response.model, "m-1");
  EXPECT_EQ(calls[0]->response.request_tokens, 100);
  EXPECT_EQ(calls[0]->response.response_tokens, 20);
  EXPECT_EQ(log.runs[0].processes[0].provider, "openai");
}
INSTANTIATE_TEST_SUITE_P(
    All, OldNames,
    testing::Values(
        R"({"gen_ai.operation.name":"text_completion","gen_ai.provider.name":"openai","gen_ai.response.model":"m-1","gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":20})",
        R"({"gen_ai.system":"openai","gen_ai.request.model":"m-1","llm.request.type":"chat","gen_ai.usage.prompt_tokens":100,"gen_ai.usage.completion_tokens":20})",
        R"({"openinference.span.kind":"LLM","llm.system":"openai","llm.model_name":"m-1","llm.token_count.prompt":100,"llm.token_count.completion":20})",
        R"({"ai.operationId":"ai.streamText.doStream","ai.model.provider":"openai","ai.model.id":"m-1","ai.usage.inputTokens":100,"ai.usage.outputTokens":20})",
        R"({"gen_ai.system":"openai","gen_ai.request.model":"m-1","gen_ai.usage.input_tokens":"100","gen_ai.usage.output_tokens":"20"})"));

TEST(OtlpImport, CachedInputIsPartOfTheInput) {
  const auto tokens = [](const std::string& usage) {
    const SessionLog log = imported(
        {{"b1", "", "chat", 1, 3, R"({"gen_ai.operation.name":"chat",)" + usage + "}", ""}});
    return answers(log.runs.at(0).processes.at(0)).at(0)->response.request_tokens;
  };
  EXPECT_EQ(tokens(R"("gen_ai.usage.input_tokens":100,"gen_ai.usage.cache_read.input_tokens":80)"),
            100);
  // Less than its own part: the provider's raw count.
  EXPECT_EQ(tokens(R"("gen_ai.usage.input_tokens":10,"gen_ai.usage.cache_read_input_tokens":80)"),
            90);
}

TEST(OtlpImport, TokensThatAreNoneAreCounted) {
  const SessionLog log = imported(
      {{"b1", "", "chat", 1, 3,
        R"({"gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":-5,"gen_ai.usage.output_tokens":"many"})",
        ""}});
  EXPECT_THAT(log.not_understood, ElementsAre(Pair("token count that cannot be read", 2u)));
}

std::string parts(const std::string& list) {
  std::string escaped = dump(Json(list));
  return R"(,"gen_ai.input.messages":)" + escaped;
}

TEST(OtlpImport, ContextGrowsByWhatEachCallWasGiven) {
  const std::string first = R"([{"role":"system","parts":[{"type":"text","content":"Be brief."}]},)"
                            R"({"role":"user","parts":[{"type":"text","content":"Which files?"}]})";
  const std::string second_call =
      first +
      R"(,{"role":"assistant","parts":[{"type":"tool_call","id":"t1","name":"Bash","arguments":{}}]},)"
      R"({"role":"tool","parts":[{"type":"tool_call_response","id":"t1","response":"a b"}]},)"
      R"({"role":"user","parts":[{"type":"text","content":"Go on."}]}])";
  const SessionLog log = imported(
      {chat(
           "b1", "", 1, 3,
           parts(first + "]") +
               R"(,"gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"Bash\",\"arguments\":{\"cmd\":\"ls\"}}],\"finish_reason\":\"tool_call\"}]")"),
       tool("c1", "", 3, 4, "Bash", R"(,"gen_ai.tool.call.id":"t1")"),
       chat("b2", "", 5, 6, parts(second_call))});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_EQ(process.system_prompt, "Be brief.");
  EXPECT_EQ(process.intent, "Which files?");
  EXPECT_THAT(edits(process), ElementsAre("user: Which files?", "user: Go on."));
  ASSERT_EQ(results(process).size(), 1u);
  EXPECT_EQ(results(process)[0]->content, "a b");  // as the next call was given it
  EXPECT_EQ(results(process)[0]->ended, second(4));
  EXPECT_EQ(answers(process)[0]->response.tool_calls.at(0).arguments.text("cmd"), "ls");
  EXPECT_EQ(answers(process)[0]->response.stop_reason, "tool_call");
  EXPECT_TRUE(log.not_understood.empty());
}

TEST(OtlpImport, AContextThatBecameShorterWasCompacted) {
  const auto user = [](const std::string& text) {
    return R"({"role":"user","parts":[{"type":"text","content":")" + text + R"("}]})";
  };
  const SessionLog log =
      imported({chat("b1", "", 1, 3, parts("[" + user("a") + "," + user("b") + "]")),
                chat("b2", "", 4, 5, parts("[" + user("a") + "," + user("summary") + "]"))});
  EXPECT_THAT(edits(log.runs.at(0).processes.at(0)),
              ElementsAre("user: a", "user: b", "keep 1", "user: summary"));
}

TEST(OtlpImport, AResultWithoutItsSpanIsInTheContext) {
  const SessionLog log = imported(
      {chat(
           "b1", "", 1, 3,
           R"(,"gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"Bash\"}]}]")"),
       chat(
           "b2", "", 5, 6,
           parts(
               R"([{"role":"assistant","parts":[]},{"role":"tool","parts":[{"type":"tool_call_response","id":"t1","result":"a"}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"t9","result":"b"}]}])"))});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  ASSERT_EQ(results(process).size(), 1u);
  EXPECT_EQ(results(process)[0]->content, "a");
  EXPECT_THAT(edits(process), ElementsAre("tool: b"));
  EXPECT_THAT(log.not_understood, ElementsAre(Pair("tool result without its call", 1u)));
}

TEST(OtlpImport, MessagesInNumberedAttributes) {
  const SessionLog log = imported({chat(
      "b1", "", 1, 3,
      R"(,"gen_ai.prompt.1.content":"Hi","gen_ai.prompt.1.role":"user","gen_ai.prompt.0.role":"system",)"
      R"("gen_ai.prompt.0.content":"P","gen_ai.completion.0.role":"assistant",)"
      R"("gen_ai.completion.0.tool_calls.0.id":"t1","gen_ai.completion.0.tool_calls.0.name":"Bash",)"
      R"("gen_ai.completion.0.tool_calls.0.arguments":"{\"cmd\":\"ls\"}")")});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_EQ(process.system_prompt, "P");
  EXPECT_THAT(edits(process), ElementsAre("user: Hi"));
  EXPECT_EQ(answers(process)[0]->response.tool_calls.at(0).arguments.text("cmd"), "ls");
}

TEST(OtlpImport, MessagesInEvents) {
  Wrote call = chat("b1", "", 1, 3);
  call.more =
      R"(,"events":[{"name":"gen_ai.user.message","attributes":[{"key":"content","value":{"stringValue":"Hi"}}]},)"
      R"({"name":"gen_ai.choice","attributes":[{"key":"finish_reason","value":{"stringValue":"stop"}},)"
      R"({"key":"message","value":{"stringValue":"{\"content\":\"Hello\"}"}}]}])";
  const SessionLog log = imported({call});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_THAT(edits(process), ElementsAre("user: Hi"));
  EXPECT_EQ(answers(process)[0]->response.content, "Hello");
  EXPECT_EQ(answers(process)[0]->response.stop_reason, "stop");
}

TEST(OtlpImport, AToolUsedBeforeAnyAnswerIsCounted) {
  const SessionLog log = imported({tool("c1", "", 1, 2, "Bash"), chat("b1", "", 3, 4)});
  EXPECT_THAT(log.not_understood, ElementsAre(Pair("tool call of no answer", 1u)));
}

TEST(OtlpImport, CallsThatShareAnIdKeepTheirOwnResults) {
  const auto answer =
      R"(,"gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"Bash\"}]}]")";
  const auto named = [](const char* id, int from) {
    return tool(id, "", from, from + 1, "Bash", R"(,"gen_ai.tool.call.id":"t1")");
  };
  const SessionLog log = imported(
      {chat("b1", "", 1, 2, answer), named("c1", 2), chat("b2", "", 4, 5, answer), named("c2", 5)});
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  ASSERT_EQ(results(process).size(), 2u);
  EXPECT_EQ(results(process)[0]->answer, 0u);
  EXPECT_EQ(results(process)[1]->answer, 2u);
  EXPECT_EQ(answers(process)[1]->response.tool_calls.size(), 1u);
}

// Where several calls of an answer have one id, the name tells whose use it is.
TEST(OtlpImport, CallsOfOneAnswerThatShareAnIdAreToldApartByName) {
  const auto answer =
      R"(,"gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"A\"},{\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"B\"}]}]")";
  const auto use = [](const char* id, int to, const char* name) {
    return tool(id, "", 2, to, name, R"(,"gen_ai.tool.call.id":"t1")");
  };
  for (const bool a_first : {true, false}) {
    std::vector<Wrote> spans = {chat("b1", "", 1, 2, answer), use("c1", 9, "A"), use("c2", 5, "B")};
    if (!a_first) std::swap(spans[1], spans[2]);
    const SessionLog log = imported(spans);
    const auto found = results(log.runs.at(0).processes.at(0));
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0]->call, 1u);
    EXPECT_EQ(*found[0]->ended - *found[0]->began, std::chrono::seconds(3));
    EXPECT_EQ(found[1]->call, 0u);
    EXPECT_EQ(*found[1]->ended - *found[1]->began, std::chrono::seconds(7));
  }
}

constexpr const char* kTwoCalls =
    R"(,"gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[)"
    R"({\"type\":\"tool_call\",\"id\":\"t1\",\"name\":\"ls\"},)"
    R"({\"type\":\"tool_call\",\"id\":\"t2\",\"name\":\"ls\"}]}]")";

std::vector<std::string> results_in_order(const std::string& given_to_the_next) {
  const SessionLog log = imported({agent("a1", "", 0, 10), chat("b1", "a1", 1, 3, kTwoCalls),
                                   tool("c1", "a1", 3, 5, "ls",
                                        R"(,"gen_ai.tool.call.id":"t1",)"
                                        R"("gen_ai.tool.call.result":"one")"),
                                   tool("c2", "a1", 3, 4, "ls",
                                        R"(,"gen_ai.tool.call.id":"t2",)"
                                        R"("gen_ai.tool.call.result":"two")"),
                                   chat("b2", "a1", 6, 9, given_to_the_next)});
  std::vector<std::string> found;
  for (const SessionToolResult* result : results(log.runs.at(0).processes.at(0)))
    found.push_back(result->content);
  return found;
}

std::string result_message(const std::string& id, const std::string& text) {
  return R"({\"role\":\"tool\",\"parts\":[{\"type\":\"tool_call_response\",\"id\":\")" + id +
         R"(\",\"result\":\")" + text + R"(\"}]})";
}

TEST(OtlpImport, ResultsComeAsTheNextCallWasGivenThem) {
  const auto given = [](const std::string& messages) {
    return R"(,"gen_ai.input.messages":"[)" + messages + "]\"";
  };
  const std::string one = result_message("t1", "one");
  const std::string two = result_message("t2", "two");
  EXPECT_THAT(results_in_order(given(one + "," + two)), ElementsAre("one", "two"));
  EXPECT_THAT(results_in_order(given(two + "," + one)), ElementsAre("two", "one"));
  // Else in the order of their ends.
  EXPECT_THAT(results_in_order(""), ElementsAre("two", "one"));
  EXPECT_THAT(results_in_order(given(one)), ElementsAre("two", "one"));
}

TEST(OtlpImport, APersonsMessageHasTheTimeForWhichItWasWaited) {
  const auto given = [](const std::string& more) {
    return R"(,"gen_ai.input.messages":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",)"
           R"(\"content\":\"one\"}]})" +
           more + "]\"";
  };
  const std::string two =
      R"(,{\"role\":\"assistant\",\"parts\":[]})"
      R"(,{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"two\"}]})";
  Wrote wait = agent("w1", "a1", 3, 7, R"({"agdb.kind":"wait","agdb.name":"wait for user"})");
  const auto time_of_the_second = [&](const Wrote& waiting) {
    const SessionLog log = imported({agent("a1", "", 0, 10), chat("b1", "a1", 1, 3, given("")),
                                     waiting, chat("b2", "a1", 8, 9, given(two))});
    for (const SessionItem& item : log.runs.at(0).processes.at(0).items)
      if (const auto* edit = std::get_if<SessionEdit>(&item);
          edit != nullptr && !edit->messages.empty() && edit->messages.back().content == "two")
        return edit->time;
    ADD_FAILURE() << "no such message";
    return std::optional<WallTime>();
  };
  EXPECT_EQ(time_of_the_second(wait), second(7));
  // One for a process is none for a person, and one that ended elsewhere is none for this message.
  wait.attributes = R"({"agdb.kind":"wait","agdb.attribute.pid":2})";
  EXPECT_EQ(time_of_the_second(wait), std::nullopt);
  wait = agent("w1", "a1", 8, 9, R"({"agdb.kind":"wait"})");
  EXPECT_EQ(time_of_the_second(wait), std::nullopt);
}

TEST(OtlpImport, ProcessesAreNumberedAsTheyWere) {
  const auto numbered = [](std::string id, std::string parent, int from, const std::string& pid) {
    return agent(std::move(id), std::move(parent), from, 9,
                 R"({"agdb.kind":"process","agdb.name":"p)" + pid + R"(","agdb.pid":)" + pid + "}");
  };
  const auto intents = [](const std::vector<Wrote>& spans) {
    const SessionLog log = imported(spans);
    std::vector<std::string> found;
    for (const SessionProcess& process : log.runs.at(0).processes) found.push_back(process.intent);
    return found;
  };
  EXPECT_THAT(intents({numbered("a1", "", 0, "1"), numbered("a2", "a1", 1, "3"),
                       numbered("a3", "a1", 2, "2")}),
              ElementsAre("p1", "p2", "p3"));
  // Numbers by which a child came before its parent are of no use.
  EXPECT_THAT(intents({numbered("a1", "", 0, "5"), numbered("a2", "a1", 1, "3"),
                       numbered("a3", "a1", 2, "2")}),
              ElementsAre("p5", "p3", "p2"));
}

TEST(OtlpImport, CirclesAndSelfParentsEnd) {
  const SessionLog log =
      imported({chat("a", "b", 1, 2), chat("b", "a", 3, 4), chat("c", "c", 5, 6)});
  EXPECT_EQ(log.not_understood.at("circle of parents"), 2u);
  EXPECT_EQ(log.runs.size(), 1u);
}

TEST(OtlpImport, AChainOfAnyDepthIsRead) {
  std::vector<Wrote> spans;
  for (int i = 0; i < 20'000; ++i)
    spans.push_back({"s" + std::to_string(i), i == 0 ? "" : "s" + std::to_string(i - 1), "x", i, i,
                     R"({"gen_ai.operation.name":"chat"})", ""});
  EXPECT_EQ(answers(imported(spans).runs.at(0).processes.at(0)).size(), 1u);
}

TEST(OtlpImport, DamageInsideIsCounted) {
  const SessionLog log = imported(
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[17,{"name":"x","attributes":[{"key":5}],"startTimeUnixNano":"-"}]},3]},null]})"
      "\nnot json\n{\"other\":1}\n");
  EXPECT_THAT(
      log.not_understood,
      ElementsAre(Pair("document without spans", 1u), Pair("line not JSON", 1u),
                  Pair("span that is no object", 1u), Pair("time that cannot be read", 1u)));
}

// Containers.

TEST(OtlpImport, TemposOlderNames) {
  std::string text = request({chat("b1", "", 1, 3)});
  text.replace(text.find("resourceSpans"), 13, "batches");
  text.replace(text.find("scopeSpans"), 10, "instrumentationLibrarySpans");
  EXPECT_EQ(answers(imported(text).runs.at(0).processes.at(0)).size(), 1u);
}

TEST(OtlpImport, SpansAsSdksPrintThem) {
  const std::string attributes = R"("attributes":{"gen_ai.operation.name":"chat"})";
  for (
      const std::string& text :
      {R"({"name":"x","context":{"trace_id":"0x0af7651916cd43dd8448eb211c80319c","span_id":"0x00f067aa0ba902b7"},"parent_id":null,"start_time":"2025-06-15T15:06:41Z","end_time":"2025-06-15T15:06:43Z",)" +
           attributes + "}",
       R"([{"name":"x","spanContext":{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7"},"startTime":[1750000001,0],"endTime":[1750000003,0],)" +
           attributes + "}]",
       R"({"spans":[{"name":"x","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":7,"start_time":1750000001000000000,"end_time":1750000003000000000,)" +
           attributes + "}]}"}) {
    const SessionLog log = imported(text);
    const auto calls = answers(log.runs.at(0).processes.at(0));
    ASSERT_EQ(calls.size(), 1u) << text;
    EXPECT_EQ(calls[0]->ended->time_since_epoch() - calls[0]->began->time_since_epoch(),
              std::chrono::seconds(2))
        << text;
    EXPECT_EQ(log.runs[0].trace_id, kTrace);
  }
}

TEST(OtlpImport, JaegersMicrosecondsAndTags) {
  const SessionLog log = imported(
      R"({"data":[{"traceID":"0af7651916cd43dd8448eb211c80319c","spans":[{"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"b1","operationName":"x","references":[],"startTime":1750000001000000,"duration":2000000,"tags":[{"key":"gen_ai.operation.name","type":"string","value":"chat"},{"key":"error","type":"bool","value":true}]}]}]})");
  const auto calls = answers(log.runs.at(0).processes.at(0));
  EXPECT_EQ(calls.at(0)->began, second(1));
  EXPECT_EQ(calls[0]->ended, second(3));
  EXPECT_FALSE(calls[0]->response.error.empty());
}

TEST(OtlpImport, LangfusesObservations) {
  const SessionLog log = imported(
      R"({"trace":{"id":"0af7651916cd43dd8448eb211c80319c"},"observations":[{"id":"b1","type":"GENERATION","name":"x","startTime":"2025-06-15T15:06:41Z","endTime":"2025-06-15T15:06:43Z","model":"m-1","usageDetails":{"input":100,"output":20},"input":[{"role":"user","content":"Hi"}],"metadata":"{\"attributes\":{}}"}]})");
  const auto calls = answers(log.runs.at(0).processes.at(0));
  EXPECT_EQ(calls.at(0)->response.request_tokens, 100);
  EXPECT_EQ(calls[0]->response.model, "m-1");
  EXPECT_THAT(edits(log.runs[0].processes[0]), ElementsAre("user: Hi"));
}

// Real files (fixtures/README.md has their rows).

SessionLog fixture(const std::string& name) {
  const std::string path = fixture_path("sessions/otlp/" + name);
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(detect_session_format(text), "otlp");
  return imported(text);
}

TEST(OtlpReal, AgentsThatCallOthersAsTools) {
  const SessionLog log = fixture("openai-agents-genai-resourceSpans.json");
  const std::vector<SessionProcess>& processes = log.runs.at(0).processes;
  ASSERT_EQ(processes.size(), 3u);
  EXPECT_EQ(processes[0].name, "coordinator");
  EXPECT_EQ(answers(processes[0]).size(), 3u);
  EXPECT_EQ(processes[1].name, "research_specialist");
  EXPECT_EQ(processes[1].intent, "current stock price of AMZN");
  EXPECT_EQ(processes[1].spawn->answer, 1u);
  EXPECT_EQ(processes[2].spawn->answer, 3u);
  EXPECT_EQ(answers(processes[2]).size(), 3u);
  EXPECT_THAT(edits(processes[2]), ElementsAre("user: 240.98 multiplied by 1000"));
  EXPECT_EQ(results(processes[2]).at(0)->content, "240000");
  EXPECT_TRUE(log.not_understood.empty());
}

TEST(OtlpReal, ToolsWithinTheSpanOfTheAnswerThatAskedForThem) {
  const SessionLog log = fixture("live-google-adk.json");
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_EQ(answers(process).size(), 2u);
  ASSERT_EQ(results(process).size(), 1u);
  EXPECT_EQ(results(process)[0]->answer, 0u);
  EXPECT_EQ(results(process)[0]->content, R"({"result": "555"})");
}

TEST(OtlpReal, IntegersAsIds) {
  const SessionLog log = fixture("any-agent-openai-genai.json");
  const SessionProcess& process = log.runs.at(0).processes.at(0);
  EXPECT_EQ(answers(process).size(), 3u);
  EXPECT_EQ(results(process).size(), 2u);
  EXPECT_EQ(answers(process)[0]->response.request_tokens, 269);
}

TEST(OtlpReal, OneSpanWithoutIdsAndTimes) {
  const SessionLog log = fixture("chat-tools.json");
  EXPECT_EQ(log.runs.at(0).time_source, "order");
  const auto calls = answers(log.runs[0].processes.at(0));
  EXPECT_EQ(calls.at(0)->response.tool_calls.at(0).name, "get_current_weather");
  EXPECT_EQ(calls[0]->response.response_tokens, 287);
}

TEST(OtlpReal, ARefusedRequest) {
  const SessionLog log = fixture("chat-bad-request.json");
  EXPECT_THAT(answers(log.runs.at(0).processes.at(0)).at(0)->response.error,
              HasSubstr("BadRequestError"));
}

TEST(OtlpReal, LangfusesExport) {
  const SessionLog log = fixture("openai-agents-2025-09-30.trace.json");
  ASSERT_EQ(log.runs.at(0).processes.size(), 2u);
  EXPECT_EQ(answers(log.runs[0].processes[1]).size(), 2u);
  EXPECT_EQ(results(log.runs[0].processes[1]).at(0)->content, "The weather in Tokyo is sunny.");
}

TEST(OtlpReal, ARunsEventsKeepItsTimes) {
  const SessionLog log = fixture("openai-agents-genai-resourceSpans.json");
  const SessionRun& run = log.runs.at(0);
  std::optional<WallTime> start;
  Nanoseconds last{0};
  session_events(run, 0, Pid{1}, "run", run.trace_id, [&](Event&& event) {
    if (const auto* begun = std::get_if<ProcessStart>(&event.payload)) start = begun->wall_start;
    last = event.timestamp;
  });
  EXPECT_EQ(start, run.processes[0].began);
  EXPECT_EQ(last, *run.processes[0].ended - *run.processes[0].began);
}

}  // namespace
}  // namespace agdb
