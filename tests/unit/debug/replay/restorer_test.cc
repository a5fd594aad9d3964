#include "debug/replay/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/debug/replay/test_recording.h"

namespace agdb {
namespace {

using testing::HasSubstr;

TestRecording version1() {
  return TestRecording(TestRecording::Version::k1);
}

std::string error_of(const Result<ForkContext>& fork) {
  return fork ? "no error" : fork.error().message;
}

TEST(Restore, TakesTheNearestSnapshotAtOrBefore) {
  TestRecording written;
  written.context("p", {user("a")});                  // 1
  written.call("Open");                               // 2
  written.context("p", {user("a"), assistant("b")});  // 3
  const Recording recording = written.open();
  const Result<ForkContext> fork = restore(recording, SeqNum{2});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->original_pid, Pid{42});
  EXPECT_EQ(fork->seq_num, SeqNum{2});
  EXPECT_EQ(fork->intent, "test intent");
  EXPECT_EQ(fork->system_prompt, "p");
  EXPECT_EQ(fork->messages, std::vector{user("a")});
  EXPECT_EQ(fork->ctx_id, CtxId{1});
  EXPECT_EQ(fork->record_id, "42-1709856000");
  EXPECT_EQ(restore(recording, SeqNum{3})->messages.size(), 2u);
  EXPECT_EQ(restore(recording, SeqNum{1000})->messages.size(), 2u);
}

TEST(Restore, KeepsEverythingOfAMessage) {
  const std::vector<Message> messages = {
      user("read"),
      {.role = "assistant",
       .content = "",
       .tool_calls = {{"c1", "read_file", Json::object({{"path", "a"}})}},
       .turn = 3},
      {.role = "tool",
       .content = "[x] y\xff",
       .name = "read_file",
       .tool_call_id = "c1",
       .turn = 3}};
  TestRecording written;
  const SeqNum at = written.context("prompt", messages);
  const Recording recording = written.open();
  const Result<ForkContext> fork = restore(recording, at);
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->messages, messages);
  EXPECT_EQ(fork->system_prompt, "prompt");
}

TEST(Restore, FindsTheAskedContext) {
  TestRecording written;
  written.context("one", {user("1")}, CtxId{1});
  written.context("two", {user("2")}, CtxId{2});
  const Recording recording = written.open();
  EXPECT_EQ(restore(recording, SeqNum{2})->system_prompt, "two");
  EXPECT_EQ(restore(recording, SeqNum{2}, CtxId{1})->system_prompt, "one");
  EXPECT_NE(error_of(restore(recording, SeqNum{1}, CtxId{2})), "no error");
}

TEST(Restore, SaysThatThereIsNoSnapshot) {
  TestRecording written;
  written.call("Open");
  written.context("p", {});
  const Recording recording = written.open();
  EXPECT_EQ(error_of(restore(recording, SeqNum{1})),
            "fork: no context snapshot found before SeqNum 1");
  EXPECT_EQ(error_of(restore(recording, SeqNum{0})),
            "fork: no context snapshot found before SeqNum 0");
  EXPECT_EQ(error_of(restore(TestRecording().open(), SeqNum{7})),
            "fork: no context snapshot found before SeqNum 7");
}

TEST(Restore, SaysThatEventsWereLostMeanwhile) {
  TestRecording written;
  written.context("p", {user("a")});  // 1
  written.gap();                      // 2
  written.call("Open");               // 3
  const Recording recording = written.open();
  EXPECT_EQ(restore(recording, SeqNum{1})->gap, SeqNum{0});
  EXPECT_EQ(restore(recording, SeqNum{3})->gap, SeqNum{2});
}

TEST(Restore, SaysThatASnapshotIsEmpty) {
  TestRecording written = version1();
  written.line(R"({"seq_num":1,"timestamp":0,"pid":42,"type":"context_snapshot"})");
  EXPECT_EQ(error_of(restore(written.open(), SeqNum{5})),
            "fork: context snapshot #1 has no context data");
}

TEST(Restore, RefusesADeltaThatBuildsOnItself) {
  TestRecording written;
  written.line(
      R"({"seq_num":1,"n":1,"timestamp":0,"pid":42,"type":"context_snapshot","context":)"
      R"({"kind":"delta","ctx_id":1,"base":1,"keep":0,"messages":[],"tokens":0,"hash":""}})");
  EXPECT_THAT(error_of(restore(written.open(), SeqNum{1})), HasSubstr("1"));
}

TEST(RestoreVersion1, SplitsTextsIntoRoleAndContent) {
  TestRecording written = version1();
  written.texts(
      {"[system] You are...", "[tool] [x] y", "[] hi", "plain", "[user]no blank", "[user] "});
  const Result<ForkContext> fork = restore(written.open(), SeqNum{1});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->system_prompt, "You are...");
  EXPECT_EQ(fork->messages, (std::vector<Message>{{.role = "system", .content = "You are..."},
                                                  {.role = "tool", .content = "[x] y"},
                                                  {.role = "", .content = "hi"},
                                                  user("plain"),
                                                  user("[user]no blank"),
                                                  user("")}));
}

TEST(RestoreVersion1, KnowsWhichMessageIsThePrompt) {
  TestRecording written = version1();
  written.texts({"[user] a", "[system] p", "[system] q"});
  const Result<ForkContext> fork = restore(written.open(), SeqNum{1});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->system_prompt, "p");
  EXPECT_EQ(fork->prompt_message, 1u);
  // Further system messages are kept.
  EXPECT_EQ(messages_without_prompt(*fork),
            (std::vector<Message>{user("a"), {.role = "system", .content = "q"}}));
}

TEST(RestoreVersion1, HasNoPromptWithoutASystemMessage) {
  TestRecording written = version1();
  written.texts({"[user] a"});
  const Result<ForkContext> fork = restore(written.open(), SeqNum{1});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->system_prompt, "");
  EXPECT_EQ(fork->prompt_message, std::nullopt);
}

TEST(RestoreVersion1, TakesTheIntentOfTheLastSpawn) {
  TestRecording written = version1();
  written.call("Spawn", Json::object({{"intent", "first"}}));   // 1
  written.call("Spawn", Json::object({{"intent", "second"}}));  // 2
  written.call("Spawn", Json::object({{"intent", 5}}));         // 3: no text
  written.call("Open", Json::object({{"intent", "Spawn"}}));    // 4: another call
  written.texts({"[user] a"});                                  // 5
  written.call("Spawn", Json::object({{"intent", "later"}}));   // 6
  const Recording recording = written.open();
  EXPECT_EQ(restore(recording, SeqNum{5})->intent, "second");
  EXPECT_EQ(restore(recording, SeqNum{6})->intent, "later");
}

TEST(RestoreVersion1, TakesTheMetadatasIntentWithoutASpawn) {
  TestRecording written = version1();
  written.texts({"[user] a"});
  EXPECT_EQ(restore(written.open(), SeqNum{1})->intent, "test intent");
}

TEST(Restore, DoesNotTakeTheIntentOfAChild) {
  TestRecording written;
  written.call("Spawn", Json::object({{"intent", "the child's"}}), 43);
  written.context("p", {user("a")});
  EXPECT_EQ(restore(written.open(), SeqNum{2})->intent, "test intent");
}

}  // namespace
}  // namespace agdb
