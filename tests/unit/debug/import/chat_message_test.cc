#include "debug/import/chat_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class ChatMessageTest : public ::testing::Test {
 protected:
  std::vector<ChatMessage> read_all(std::string_view json) {
    std::vector<ChatMessage> messages;
    read_chat_message(*parse_json(json), tally_, messages);
    return messages;
  }
  // REQUIRES: the JSON is one message.
  ChatMessage read(std::string_view json) {
    std::vector<ChatMessage> messages = read_all(json);
    EXPECT_THAT(messages, SizeIs(1)) << json;
    return messages.empty() ? ChatMessage{} : messages.front();
  }
  std::optional<ChatMessage> response(std::string_view json) {
    return read_chat_response(*parse_json(json), tally_);
  }

  SessionLog log_;
  ImportTally tally_{log_};
};

TEST_F(ChatMessageTest, ContentAsText) {
  const ChatMessage message = read(R"({"role":"user","content":"hello","name":"ann"})");
  EXPECT_EQ(message.role, "user");
  EXPECT_EQ(message.content, "hello");
  EXPECT_EQ(message.name, "ann");
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(ChatMessageTest, ContentNullOrMissingIsEmpty) {
  EXPECT_EQ(read(R"({"role":"assistant","content":null})").content, "");
  EXPECT_EQ(read(R"({"role":"assistant"})").content, "");
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(ChatMessageTest, BlocksOfTextAreLines) {
  EXPECT_EQ(read(R"({"role":"user","content":[{"type":"text","text":"a"},"b",
                     {"type":"input_text","text":"c"},{"text":"d"}]})")
                .content,
            "a\nb\nc\nd");
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(ChatMessageTest, OtherBlocksAreCounted) {
  EXPECT_EQ(read(R"({"role":"user","content":[{"type":"text","text":"look"},
                     {"type":"image_url","image_url":{"url":"data:"}},{"type":"image"},
                     {"type":"input_audio"},{"type":"file"},{"type":"text","text":3},17]})")
                .content,
            "look");
  EXPECT_THAT(log_.not_understood,
              ElementsAre(Pair("audio block", 1), Pair("content block of an unknown form", 1),
                          Pair("file block", 1), Pair("image block", 2), Pair("text block", 1)));
}

TEST_F(ChatMessageTest, ContentOfAnotherTypeIsCounted) {
  EXPECT_EQ(read(R"({"role":"user","content":17})").content, "");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("content that is no text", 1)));
}

TEST_F(ChatMessageTest, ARefusalIsWhatTheModelSaid) {
  EXPECT_EQ(read(R"({"role":"assistant","content":null,"refusal":"I cannot."})").content,
            "I cannot.");
  EXPECT_EQ(read(R"({"role":"assistant","content":[{"type":"refusal","refusal":"No."}]})").content,
            "No.");
}

TEST_F(ChatMessageTest, ShareGptNamesRolesDifferently) {
  EXPECT_EQ(read(R"({"from":"human","value":"hi"})").role, "user");
  EXPECT_EQ(read(R"({"from":"gpt","value":"hi"})").role, "assistant");
  EXPECT_EQ(read(R"({"from":"observation","value":"hi"})").role, "tool");
  EXPECT_EQ(read(R"({"from":"system","value":"hi"})").content, "hi");
}

TEST_F(ChatMessageTest, WhatIsNoMessageIsCounted) {
  EXPECT_THAT(read_all("17"), IsEmpty());
  EXPECT_THAT(read_all(R"({"content":"x"})"), IsEmpty());
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("list element that is no message", 2)));
}

TEST_F(ChatMessageTest, UnknownFieldsAreCountedByName) {
  read(R"({"role":"user","content":"x","turn_idx":3,"annotations":[],"mood":"good"})");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("message field mood", 1)));
}

TEST_F(ChatMessageTest, CallsWithArgumentsAsText) {
  const ChatMessage message = read(R"({"role":"assistant","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},
      {"id":"c2","type":"function","function":{"name":"g","arguments":"not json"}}]})");
  EXPECT_THAT(message.calls, ElementsAre(ToolCall{"c1", "f", Json::object({{"a", 1}})},
                                         ToolCall{"c2", "g", "not json"}));
}

TEST_F(ChatMessageTest, ArgumentsThatAreNoObjectStayText) {
  const ChatMessage message = read(R"({"role":"assistant","tool_calls":[
      {"id":"c","function":{"name":"f","arguments":"[1]"}},
      {"id":"d","function":{"name":"f","arguments":""}}]})");
  EXPECT_EQ(message.calls[0].arguments, Json("[1]"));
  EXPECT_EQ(message.calls[1].arguments, Json(""));
}

TEST_F(ChatMessageTest, CallsWithoutTheFunctionLevel) {
  const ChatMessage message = read(R"({"role":"assistant","tool_calls":[
      {"id":"c1","name":"f","arguments":{"a":1},"requestor":"assistant"},{"id":"c2","name":"g"}]})");
  EXPECT_THAT(message.calls, ElementsAre(ToolCall{"c1", "f", Json::object({{"a", 1}})},
                                         ToolCall{"c2", "g", Json::object()}));
  EXPECT_FALSE(message.requested_by_user);
}

TEST_F(ChatMessageTest, CallsOfTheUser) {
  EXPECT_TRUE(read(R"({"role":"user","tool_calls":[{"id":"c","name":"f","arguments":{},
                       "requestor":"user"}]})")
                  .requested_by_user);
  EXPECT_TRUE(
      read(R"({"role":"tool","id":"c","content":"x","requestor":"user"})").requested_by_user);
}

TEST_F(ChatMessageTest, TheLegacyFunctionCall) {
  EXPECT_THAT(read(R"({"role":"assistant","content":null,
                       "function_call":{"name":"f","arguments":"{}"}})")
                  .calls,
              ElementsAre(ToolCall{"", "f", Json::object()}));
  const ChatMessage result = read(R"({"role":"function","name":"f","content":"r"})");
  EXPECT_EQ(result.role, "tool");
  EXPECT_EQ(result.name, "f");
}

TEST_F(ChatMessageTest, BothFormsOfOneCallCountOnce) {
  EXPECT_THAT(read(R"({"role":"assistant","function_call":{"name":"f","arguments":"{}"},
                       "tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]})")
                  .calls,
              SizeIs(1));
}

TEST_F(ChatMessageTest, CustomToolsTakeFreeText) {
  EXPECT_THAT(read(R"({"role":"assistant","tool_calls":[
                       {"id":"c","type":"custom","custom":{"name":"sql","input":"select 1"}}]})")
                  .calls,
              ElementsAre(ToolCall{"c", "sql", "select 1"}));
}

TEST_F(ChatMessageTest, CallsOfUnknownForm) {
  EXPECT_THAT(read(R"({"role":"assistant","tool_calls":[3,{"id":"c"}]})").calls, SizeIs(1));
  read(R"({"role":"assistant","tool_calls":"call f"})");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("tool call of an unknown form", 2),
                                               Pair("tool call without a name", 1)));
}

TEST_F(ChatMessageTest, AnthropicBlocks) {
  const ChatMessage call = read(R"({"role":"assistant","content":[{"type":"thinking",
      "thinking":"hm","signature":"s"},{"type":"text","text":"I look."},
      {"type":"tool_use","id":"c","name":"f","input":{"a":1}}]})");
  EXPECT_EQ(call.content, "I look.");
  EXPECT_THAT(call.calls, ElementsAre(ToolCall{"c", "f", Json::object({{"a", 1}})}));
  ASSERT_THAT(call.thinking, SizeIs(1));
  EXPECT_EQ(call.thinking[0].text, "hm");
  EXPECT_EQ(call.thinking[0].signature, "s");

  const auto results = read_all(R"({"role":"user","content":[
      {"type":"tool_result","tool_use_id":"c","content":"r","is_error":true},
      {"type":"tool_result","tool_use_id":"d","content":[{"type":"text","text":"t"}]},
      {"type":"text","text":"go on"}]})");
  ASSERT_THAT(results, SizeIs(3));
  EXPECT_EQ(results[0].result_of, "c");
  EXPECT_TRUE(results[0].is_error);
  EXPECT_EQ(results[1].content, "t");
  EXPECT_EQ(results[2].content, "go on");
}

TEST_F(ChatMessageTest, ResultsNameTheirCallInTwoWays) {
  EXPECT_EQ(read(R"({"role":"tool","tool_call_id":"c","name":"f","content":"r"})").result_of, "c");
  EXPECT_EQ(read(R"({"role":"tool","id":"c","content":"r"})").result_of, "c");
}

TEST_F(ChatMessageTest, ErrorsAreMarkedInSeveralWays) {
  EXPECT_TRUE(read(R"({"role":"tool","id":"c","content":"r","error":true})").is_error);
  EXPECT_TRUE(read(R"({"role":"tool","id":"c","content":"r","error":"why"})").is_error);
  EXPECT_TRUE(read(R"({"role":"tool","id":"c","content":"r","is_error":true})").is_error);
  EXPECT_TRUE(read(R"({"role":"tool","id":"c","content":"r","status":"error"})").is_error);
  EXPECT_FALSE(read(R"({"role":"tool","id":"c","content":"Error","error":false})").is_error);
}

TEST_F(ChatMessageTest, SeveralResultsInOneMessage) {
  EXPECT_THAT(read_all(R"({"role":"tool","tool_messages":[{"role":"tool","id":"a","content":"1"},
                           {"role":"tool","id":"b","content":"2"}]})"),
              SizeIs(2));
}

TEST_F(ChatMessageTest, UsageIncludesWhatWasCached) {
  const ChatMessage message = read(R"({"role":"assistant","content":"x","cost":0.25,"usage":
      {"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":64}}})");
  EXPECT_EQ(message.usage->request_tokens, 100);
  EXPECT_EQ(message.usage->response_tokens, 7);
  EXPECT_EQ(message.usage->cache_read_tokens, 64);
  EXPECT_EQ(message.cost_usd, 0.25);
}

TEST_F(ChatMessageTest, UsageOfOtherProviders) {
  const auto usage = [this](std::string_view json) {
    return *read_chat_usage(*parse_json(json), tally_);
  };
  const auto litellm = usage(R"({"prompt_tokens":10,"completion_tokens":1,
      "cache_read_input_tokens":4,"cache_creation_input_tokens":3,"prompt_tokens_details":null})");
  EXPECT_EQ(litellm.request_tokens, 10);
  EXPECT_EQ(litellm.cache_read_tokens, 4);
  EXPECT_EQ(litellm.cache_creation_tokens, 3);
  const auto deepseek = usage(R"({"prompt_tokens":10,"completion_tokens":1,
      "prompt_cache_hit_tokens":6})");
  EXPECT_EQ(deepseek.cache_read_tokens, 6);
  // Anthropic counts cached input apart.
  const auto anthropic = usage(R"({"input_tokens":10,"output_tokens":1,
      "cache_read_input_tokens":4,"cache_creation_input_tokens":3})");
  EXPECT_EQ(anthropic.request_tokens, 17);
  const auto responses = usage(R"({"input_tokens":10,"output_tokens":1,
      "input_tokens_details":{"cached_tokens":4}})");
  EXPECT_EQ(responses.request_tokens, 10);
}

TEST_F(ChatMessageTest, NoUsageIsNone) {
  EXPECT_EQ(read_chat_usage(Json(), tally_), std::nullopt);
  EXPECT_EQ(read_chat_usage(Json::object(), tally_), std::nullopt);
  EXPECT_EQ(read_chat_usage(*parse_json(R"({"prompt_tokens":null})"), tally_), std::nullopt);
}

TEST_F(ChatMessageTest, HostileTokenCountsAreRefused) {
  const auto usage =
      read_chat_usage(*parse_json(R"({"prompt_tokens":-5,"completion_tokens":9223372036854775807,
                      "cache_read_input_tokens":"many"})"),
                      tally_);
  EXPECT_EQ(usage->request_tokens, 0);
  EXPECT_EQ(usage->response_tokens, 0);
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("token count that cannot be read", 3)));
}

TEST_F(ChatMessageTest, Reasoning) {
  for (const char* json : {R"({"role":"assistant","content":"x","reasoning_content":"hm"})",
                           R"({"role":"assistant","content":"x","reasoning":"hm"})",
                           R"({"role":"assistant","content":"x","raw_data":
                               {"message":{"role":"assistant","reasoning_content":"hm"}}})"}) {
    const ChatMessage message = read(json);
    ASSERT_THAT(message.thinking, SizeIs(1)) << json;
    EXPECT_EQ(message.thinking[0].text, "hm");
  }
}

TEST_F(ChatMessageTest, ReasoningThatStandsThereTwiceCountsOnce) {
  const ChatMessage message = read(R"({"role":"assistant","content":"x","reasoning_content":"hm",
      "thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}],
      "raw_data":{"message":{"reasoning_content":"hm"}}})");
  ASSERT_THAT(message.thinking, SizeIs(1));
  EXPECT_EQ(message.thinking[0].signature, "s");
}

TEST_F(ChatMessageTest, TheRawAnswerTellsWhyTheModelStopped) {
  const ChatMessage message = read(R"({"role":"assistant","content":"x","raw_data":
      {"finish_reason":"stop","model":"m","usage":{"prompt_tokens":1,"completion_tokens":2}}})");
  EXPECT_TRUE(message.has_raw_answer);
  EXPECT_EQ(message.stop_reason, "stop");
  EXPECT_EQ(message.model, "m");
  EXPECT_EQ(message.usage->response_tokens, 2);
}

TEST_F(ChatMessageTest, AnswersRefusedBeforeThisOne) {
  EXPECT_THAT(
      read(R"({"role":"assistant","content":"x","errors":["Invalid message format"]})").failures,
      ElementsAre(::testing::Field(&SessionFailure::error, "Invalid message format")));
}

TEST_F(ChatMessageTest, Times) {
  const ChatMessage local =
      read(R"({"role":"user","content":"x","timestamp":"2025-08-01T16:20:44.335657"})");
  EXPECT_EQ(format_wall_time(*local.time), "2025-08-01T16:20:44.335657Z");
  EXPECT_TRUE(local.time_without_zone);
  EXPECT_EQ(read(R"({"role":"assistant","content":"x","timestamp":1757015025,
                     "generation_time_seconds":1.5})")
                .took,
            Nanoseconds(1'500'000'000));
  EXPECT_EQ(read(R"({"role":"user","content":"x","timestamp":"soon"})").time, std::nullopt);
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("time that cannot be read", 1)));
}

TEST_F(ChatMessageTest, AResponseOfOneChoice) {
  const auto answer = response(R"({"model":"m","choices":[{"index":0,"finish_reason":"stop",
      "message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":5,
      "completion_tokens":1}})");
  EXPECT_EQ(answer->content, "hi");
  EXPECT_EQ(answer->model, "m");
  EXPECT_EQ(answer->stop_reason, "stop");
  EXPECT_EQ(answer->usage->request_tokens, 5);
}

TEST_F(ChatMessageTest, FurtherChoicesAreCounted) {
  const auto answer = response(R"({"choices":[{"index":1,"message":{"role":"assistant",
      "content":"b"}},{"index":0,"message":{"role":"assistant","content":"a"}}]})");
  EXPECT_EQ(answer->content, "a");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("further choice of one answer", 1)));
}

TEST_F(ChatMessageTest, ResponsesOfOtherForms) {
  EXPECT_EQ(response(R"({"choices":[{"text":"once upon"}]})")->content, "once upon");
  EXPECT_EQ(response(R"({"type":"message","role":"assistant","content":[{"type":"text",
                         "text":"hi"}],"usage":{"input_tokens":3,"output_tokens":1}})")
                ->usage->request_tokens,
            3);
}

TEST_F(ChatMessageTest, NoAnswerInAResponse) {
  for (const char* json : {"{}", R"({"choices":[]})", R"({"choices":[{}]})", R"({"choices":[3]})",
                           R"({"choices":[{"message":null}]})", "17"})
    EXPECT_FALSE(response(json).has_value()) << json;
}

}  // namespace
}  // namespace agdb
