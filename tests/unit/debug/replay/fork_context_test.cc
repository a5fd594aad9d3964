#include "debug/replay/fork_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using testing::HasSubstr;

Message said(std::string role, std::string content) {
  return {.role = std::move(role), .content = std::move(content)};
}

ForkContext small_fork() {
  return {.original_pid = Pid{42},
          .seq_num = SeqNum{6},
          .intent = "x",
          .system_prompt = "p",
          .messages = {said("user", "a"), said("assistant", "b"), said("user", "c")}};
}

// A context of version 2 in which a tool was called.
ForkContext tool_fork() {
  ForkContext fork = small_fork();
  fork.ctx_id = CtxId{3};
  fork.record_id = "42-1709856000";
  fork.messages = {said("user", "read it"),
                   {.role = "assistant",
                    .content = "",
                    .tool_calls = {{"call_1", "read_file", Json::object({{"path", "a.md"}})}},
                    .turn = 1},
                   {.role = "tool",
                    .content = "text of a",
                    .name = "read_file",
                    .tool_call_id = "call_1",
                    .turn = 1}};
  return fork;
}

// A context of version 1, whose prompt is a message of the list as well.
ForkContext v1_fork() {
  ForkContext fork = small_fork();
  fork.messages.insert(fork.messages.begin(), said("system", "p"));
  fork.prompt_message = 0;
  return fork;
}

TEST(ForkEdit, SetsTheSystemPrompt) {
  ForkContext fork = small_fork();
  fork.set_system_prompt("new prompt");
  EXPECT_EQ(fork.system_prompt, "new prompt");
  EXPECT_EQ(fork.messages, small_fork().messages);
}

TEST(ForkEdit, Appends) {
  ForkContext fork = small_fork();
  fork.append("user", "more");
  ASSERT_EQ(fork.messages.size(), 4u);
  EXPECT_EQ(fork.messages.back(), said("user", "more"));
}

TEST(ForkEdit, RemovesFromTheEnd) {
  ForkContext fork = small_fork();
  EXPECT_TRUE(fork.remove_last(0));
  EXPECT_EQ(fork.messages.size(), 3u);
  EXPECT_TRUE(fork.remove_last(2));
  EXPECT_EQ(fork.messages, std::vector{said("user", "a")});
  EXPECT_TRUE(fork.remove_last(99));
  EXPECT_TRUE(fork.messages.empty());
  EXPECT_TRUE(fork.remove_last(INT64_MAX));
}

TEST(ForkEdit, RefusesToRemoveANegativeNumber) {
  ForkContext fork = small_fork();
  const Status status = fork.remove_last(-1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "fork: cannot remove -1 messages");
  EXPECT_FALSE(fork.remove_last(INT64_MIN));
  EXPECT_EQ(fork, small_fork());
}

TEST(ForkEdit, ReplacesOnlyTheLastText) {
  ForkContext fork = tool_fork();
  EXPECT_TRUE(fork.replace_last("other"));
  EXPECT_EQ(fork.messages.back().content, "other");
  EXPECT_EQ(fork.messages.back().role, "tool");
  EXPECT_EQ(fork.messages.back().tool_call_id, "call_1");
}

TEST(ForkEdit, ReplacesNothingInAnEmptyList) {
  ForkContext fork;
  EXPECT_FALSE(fork.replace_last("x"));
  EXPECT_TRUE(fork.messages.empty());
}

TEST(ForkOfVersion1, GivesItsPromptToAModelOnce) {
  EXPECT_EQ(messages_without_prompt(v1_fork()), small_fork().messages);
  EXPECT_EQ(to_chat_messages(v1_fork()), to_chat_messages(small_fork()));
}

TEST(ForkOfVersion1, KeepsPromptAndItsMessageEqual) {
  ForkContext fork = v1_fork();
  fork.set_system_prompt("new");
  EXPECT_EQ(fork.messages[0], said("system", "new"));

  ASSERT_TRUE(fork.remove_last(3));
  EXPECT_TRUE(fork.replace_last("newer"));
  EXPECT_EQ(fork.system_prompt, "newer");
}

TEST(ForkOfVersion1, TakesAnAppendedMessageInPlaceOfTheRemovedPromptForAMessage) {
  ForkContext fork = v1_fork();
  ASSERT_TRUE(fork.remove_last(4));
  fork.append("user", "only this");
  EXPECT_EQ(messages_without_prompt(fork), std::vector{said("user", "only this")});
}

TEST(ForkSummary, IsTheReferencesText) {
  const ForkContext fork{.original_pid = Pid{42},
                         .seq_num = SeqNum{6},
                         .intent = "分析代码",
                         .system_prompt = "你好",
                         .messages = {said("user", "hello")}};
  EXPECT_EQ(summary_text(fork),
            "Original PID: 42\nSeqNum:       6\nIntent:       分析代码\nMessages:     1\n"
            "System Prompt: len:6\nTokens (est): ~4\n");
}

TEST(ForkSummary, LeavesAnEmptyPromptOut) {
  EXPECT_EQ(
      summary_text({}),
      "Original PID: 0\nSeqNum:       0\nIntent:       \nMessages:     0\nTokens (est): ~0\n");
}

TEST(ForkSummary, DoesNotLetAnIntentDriveTheTerminal) {
  ForkContext fork;
  fork.intent = "a\x1b[2Jb\nc";
  EXPECT_THAT(summary_text(fork), HasSubstr("Intent:       a\\x1b[2Jb\\nc\n"));
}

TEST(ForkSummary, SaysThatEventsWereLost) {
  ForkContext fork;
  fork.gap = SeqNum{12};
  EXPECT_THAT(summary_text(fork),
              HasSubstr("\nLost events:  at #012; the context may have changed there\n"));
  EXPECT_EQ(to_json(fork)["gap"], Json(12));
}

TEST(ForkJson, HasTheReferencesKeysAndOurs) {
  const Json json = to_json(tool_fork());
  EXPECT_EQ(json["original_pid"], Json(42));
  EXPECT_EQ(json["seq_num"], Json(6));
  EXPECT_EQ(json["intent"], Json("x"));
  EXPECT_EQ(json["system_prompt"], Json("p"));
  EXPECT_EQ(json["messages"].size(), 3u);
  EXPECT_EQ(json["messages"].items()[2]["tool_call_id"], Json("call_1"));
  EXPECT_EQ(json["ctx_id"], Json(3));
  EXPECT_EQ(json["forked_from"], Json::object({{"record_id", "42-1709856000"}, {"seq_num", 6}}));
}

TEST(ForkJson, OfVersion1HasTheReferencesKeysAlone) {
  const Json json = to_json(v1_fork());
  EXPECT_EQ(json.find("ctx_id"), nullptr);
  EXPECT_EQ(json.find("forked_from"), nullptr);
  EXPECT_EQ(json["messages"].items()[0], Json::object({{"role", "system"}, {"content", "p"}}));
}

TEST(ChatMessages, AreWhatModelApisTake) {
  const Json::Array expected = {
      Json::object({{"role", "system"}, {"content", "p"}}),
      Json::object({{"role", "user"}, {"content", "read it"}}),
      Json::object({{"role", "assistant"},
                    {"content", nullptr},
                    {"tool_calls",
                     Json(Json::Array{Json::object(
                         {{"id", "call_1"},
                          {"type", "function"},
                          {"function", Json::object({{"name", "read_file"},
                                                     {"arguments", "{\"path\":\"a.md\"}"}})}})})}}),
      Json::object({{"role", "tool"},
                    {"content", "text of a"},
                    {"name", "read_file"},
                    {"tool_call_id", "call_1"}})};
  EXPECT_EQ(to_chat_messages(tool_fork()), Json(expected));
}

TEST(ChatMessages, GiveArgumentsThatWereNoObjectAsTheyWere) {
  ForkContext fork;
  fork.append({.role = "assistant",
               .content = "hm",
               .tool_calls = {{"1", "f", Json("{\"cut")}, {"2", "g", Json()}}});
  const Json list = to_chat_messages(fork);
  const Json& calls = list.items()[0]["tool_calls"];
  EXPECT_EQ(calls.items()[0]["function"]["arguments"], Json("{\"cut"));
  EXPECT_EQ(calls.items()[1]["function"]["arguments"], Json("{}"));
}

TEST(ChatMessages, OfAnEmptyForkAreNone) {
  EXPECT_EQ(to_chat_messages({}), Json::array());
}

class EditedFork : public testing::Test {
 protected:
  std::string error_of(std::string_view text) {
    const Status status = apply_edited_text(fork_, text);
    EXPECT_EQ(fork_, tool_fork()) << "changed by a failed edit";
    return status ? "no error" : status.error().message;
  }

  ForkContext fork_ = tool_fork();
};

TEST_F(EditedFork, ReadsBackWhatItWrote) {
  ForkContext other = tool_fork();
  other.system_prompt.clear();
  other.messages.clear();
  ASSERT_TRUE(apply_edited_text(other, to_editable_text(fork_)));
  EXPECT_EQ(other, fork_);
}

TEST_F(EditedFork, KeepsBytesThatAreNotUtf8) {
  fork_.messages[2].content =
      "a\xff\xfe"
      "b";
  const ForkContext before = fork_;
  ASSERT_TRUE(apply_edited_text(fork_, to_editable_text(fork_)));
  EXPECT_EQ(fork_, before);
}

TEST_F(EditedFork, OfVersion1ShowsThePromptOnce) {
  ForkContext v1 = v1_fork();
  ASSERT_TRUE(apply_edited_text(v1, to_editable_text(v1)));
  EXPECT_EQ(v1, small_fork());
}

TEST_F(EditedFork, TakesAnEdit) {
  ASSERT_TRUE(apply_edited_text(
      fork_, R"({"system_prompt":"q","messages":[{"role":"user","content":"hi","turn":2}]})"));
  EXPECT_EQ(fork_.system_prompt, "q");
  EXPECT_EQ(fork_.messages, (std::vector<Message>{{.role = "user", .content = "hi", .turn = 2}}));
  EXPECT_EQ(fork_.intent, "x");
}

TEST_F(EditedFork, TakesAMissingPromptForAnEmptyOne) {
  ASSERT_TRUE(apply_edited_text(fork_, R"({"messages":[]})"));
  EXPECT_EQ(fork_.system_prompt, "");
  EXPECT_TRUE(fork_.messages.empty());
}

TEST_F(EditedFork, SaysWhereTheTextIsNoJson) {
  EXPECT_THAT(error_of("{\"messages\": [\n  {\"role\" \"user\"}]}"), HasSubstr("2"));
  EXPECT_NE(error_of(""), "no error");
  EXPECT_NE(error_of(std::string(100000, '[')), "no error");
}

TEST_F(EditedFork, SaysWhatHasTheWrongType) {
  EXPECT_EQ(error_of("[]"), "fork: expected an object, got a list");
  EXPECT_EQ(error_of("{}"), "messages: expected a list, got null");
  EXPECT_EQ(error_of(R"({"system_prompt":5,"messages":[]})"),
            "fork.system_prompt: expected a text, got a number");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user"},7]})"),
            "messages[1]: expected an object, got a number");
  EXPECT_EQ(error_of(R"({"messages":[{"role":true}]})"),
            "messages[0].role: expected a text, got true or false");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","content":["x"]}]})"),
            "messages[0].content: expected a text, got a list");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","turn":-1}]})"),
            "messages[0].turn: expected a whole number from 0, got a number");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"assistant","tool_calls":{}}]})"),
            "messages[0].tool_calls: expected a list, got an object");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"assistant","tool_calls":[{"arguments":1}]}]})"),
            "messages[0].tool_calls[0].arguments: expected an object or a text, got a number");
}

TEST_F(EditedFork, RefusesKeysThatItDoesNotKnow) {
  EXPECT_EQ(error_of(R"({"messages":[],"prompt":"x"})"), "fork: unknown key \"prompt\"");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","contents":"x"}]})"),
            "messages[0]: unknown key \"contents\"");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"a","tool_calls":[{"id":"1","function":{}}]}]})"),
            "messages[0].tool_calls[0]: unknown key \"function\"");
}

TEST_F(EditedFork, RefusesAMessageWithoutRole) {
  EXPECT_EQ(error_of(R"({"messages":[{"content":"x"}]})"), "messages[0].role: missing or empty");
}

}  // namespace
}  // namespace agdb
