#include "debug/replay/context_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/events/hash.h"
#include "tests/unit/debug/replay/test_recording.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Message tool(std::string id, std::string content) {
  return {.role = "tool", .content = std::move(content), .tool_call_id = std::move(id)};
}

Message calls(std::string id, std::string name, Json arguments) {
  return {.role = "assistant",
          .content = "",
          .tool_calls = {{std::move(id), std::move(name), std::move(arguments)}}};
}

RestoredContext context(std::string prompt, std::vector<Message> messages,
                        std::int64_t tokens = 0) {
  RestoredContext restored;
  restored.ctx_id = CtxId{1};
  restored.system_prompt = std::move(prompt);
  restored.messages = std::move(messages);
  restored.tokens = tokens;
  return restored;
}

RestoredContext version1(std::vector<std::string> texts) {
  RestoredContext restored;
  restored.version1 = true;
  for (const std::string& text : texts) restored.messages.push_back(message_from_version1(text));
  for (const Message& message : restored.messages) {
    if (message.role == "system" && restored.system_prompt.empty()) {
      restored.system_prompt = message.content;
    }
  }
  restored.texts = std::move(texts);
  return restored;
}

// "1:[user] text" each.
std::vector<std::string> listed(const std::vector<DiffMessage>& messages) {
  std::vector<std::string> texts;
  for (const DiffMessage& message : messages) {
    texts.push_back(std::to_string(message.index) + ":" + message.text);
  }
  return texts;
}

// "0>1" each.
std::vector<std::string> listed(const std::vector<ChangedMessage>& messages) {
  std::vector<std::string> texts;
  for (const ChangedMessage& changed : messages) {
    texts.push_back(std::to_string(changed.from_index) + ">" + std::to_string(changed.to_index));
  }
  return texts;
}

std::string error_of(const Result<ContextDiff>& diff) {
  return diff ? "no error" : diff.error().message;
}

TEST(DiffByPrefix, TakesAllBehindTheCommonPrefix) {
  const MessagesDiff diff = diff_by_prefix({"a", "b", "c"}, {"a", "x", "c"});
  EXPECT_THAT(listed(diff.removed), ElementsAre("1:b", "2:c"));
  EXPECT_THAT(listed(diff.added), ElementsAre("1:x", "2:c"));
  EXPECT_EQ(diff.from_count, 3u);
  EXPECT_EQ(diff.to_count, 3u);
}

TEST(DiffByPrefix, OfEqualOrEmptyListsIsEmpty) {
  EXPECT_THAT(diff_by_prefix({}, {}).added, IsEmpty());
  EXPECT_THAT(diff_by_prefix({"a"}, {"a"}).added, IsEmpty());
  EXPECT_THAT(listed(diff_by_prefix({}, {"a"}).added), ElementsAre("0:a"));
  EXPECT_THAT(listed(diff_by_prefix({"a"}, {}).removed), ElementsAre("0:a"));
}

TEST(DiffBySubsequence, FindsAnInsertionInTheMiddle) {
  const MessagesDiff diff =
      diff_by_subsequence({user("a"), user("c")}, {user("a"), assistant("b"), user("c")});
  EXPECT_THAT(listed(diff.added), ElementsAre("1:[assistant] b"));
  EXPECT_THAT(diff.removed, IsEmpty());
  EXPECT_THAT(diff.changed, IsEmpty());
}

TEST(DiffBySubsequence, SeesACompaction) {
  const MessagesDiff diff = diff_by_subsequence(
      {user("task"), assistant("one thing"), user("another"), assistant("last")},
      {user("task"), user("summary: all was well"), assistant("last")});
  EXPECT_THAT(listed(diff.added), ElementsAre("1:[user] summary: all was well"));
  EXPECT_THAT(listed(diff.removed), ElementsAre("1:[assistant] one thing", "2:[user] another"));
}

TEST(DiffBySubsequence, ShowsAnEditByLine) {
  const MessagesDiff diff = diff_by_subsequence({user("x"), user("line 1\nline 2\nline 3")},
                                                {user("x"), user("line 1\nline two\nline 3")});
  EXPECT_THAT(diff.added, IsEmpty());
  EXPECT_THAT(diff.removed, IsEmpty());
  ASSERT_THAT(listed(diff.changed), ElementsAre("1>1"));
  EXPECT_EQ(diff.changed[0].lines,
            diff_lines("line 1\nline 2\nline 3", "line 1\nline two\nline 3"));
  EXPECT_THAT(diff.changed[0].fields, IsEmpty());
}

TEST(DiffBySubsequence, DoesNotTakeForeignTextsOrOtherRolesForAnEdit) {
  const MessagesDiff foreign = diff_by_subsequence({user("alpha beta")}, {user("XXXX YYYY!")});
  EXPECT_THAT(foreign.changed, IsEmpty());
  EXPECT_THAT(listed(foreign.added), ElementsAre("0:[user] XXXX YYYY!"));
  const MessagesDiff roles = diff_by_subsequence({user("hello you")}, {assistant("hello you!")});
  EXPECT_THAT(roles.changed, IsEmpty());
}

TEST(DiffBySubsequence, TakesAnotherResultOfTheSameCallForAnEdit) {
  const MessagesDiff diff =
      diff_by_subsequence({tool("c1", "12 degrees")}, {tool("c1", "no network")});
  EXPECT_THAT(listed(diff.changed), ElementsAre("0>0"));
}

TEST(DiffBySubsequence, FindsEditsPastNewMessages) {
  const MessagesDiff diff = diff_by_subsequence(
      {user("please look at main.cc"), user("and be quick")},
      {assistant("zzz"), user("please look at util.cc"), user("and be quick!")});
  EXPECT_THAT(listed(diff.added), ElementsAre("0:[assistant] zzz"));
  EXPECT_THAT(listed(diff.changed), ElementsAre("0>1", "1>2"));
}

TEST(DiffBySubsequence, ShowsToolCallsAsLines) {
  const MessagesDiff diff =
      diff_by_subsequence({calls("1", "read_file", Json::object({{"path", "a.md"}}))},
                          {calls("1", "read_file", Json::object({{"path", "b.md"}}))});
  ASSERT_THAT(listed(diff.changed), ElementsAre("0>0"));
  EXPECT_EQ(diff.changed[0].lines,
            diff_lines("→ read_file({\"path\":\"a.md\"})", "→ read_file({\"path\":\"b.md\"})"));
}

TEST(DiffBySubsequence, NamesFieldsThatNoLineShows) {
  const MessagesDiff ids = diff_by_subsequence({calls("1", "ls", {})}, {calls("2", "ls", {})});
  ASSERT_EQ(ids.changed.size(), 1u);
  EXPECT_THAT(ids.changed[0].lines, IsEmpty());
  EXPECT_THAT(ids.changed[0].fields, ElementsAre("tool_calls"));

  Message renamed = tool("9", "same");
  renamed.name = "ls";
  const MessagesDiff fields = diff_by_subsequence({tool("8", "same")}, {renamed});
  ASSERT_EQ(fields.changed.size(), 1u);
  EXPECT_THAT(fields.changed[0].fields, ElementsAre("name", "tool_call_id"));
}

TEST(DiffBySubsequence, SaysThatATextHasTooManyLinesToShow) {
  const std::string endless(kMaxDiffLines, '\n');
  const MessagesDiff diff = diff_by_subsequence({user(endless)}, {user(endless + "x")});
  ASSERT_EQ(diff.changed.size(), 1u);
  EXPECT_THAT(diff.changed[0].lines, IsEmpty());
  EXPECT_THAT(diff.changed[0].fields, ElementsAre("content"));
}

TEST(DiffBySubsequence, DoesNotCountTheTurn) {
  Message later = user("a");
  later.turn = 7;
  const MessagesDiff diff = diff_by_subsequence({user("a")}, {later});
  EXPECT_THAT(diff.added, IsEmpty());
  EXPECT_THAT(diff.changed, IsEmpty());
}

TEST(DiffBySubsequence, KeepsOfRepeatedMessagesAsManyAsBothHave) {
  const MessagesDiff diff =
      diff_by_subsequence({user("go"), user("go")}, {user("go"), user("go"), user("go")});
  EXPECT_EQ(diff.added.size(), 1u);
  EXPECT_THAT(diff.removed, IsEmpty());
}

TEST(DiffBySubsequence, OfTenThousandMessagesLooksAtEachOnlyAFewTimes) {
  std::vector<Message> from;
  std::vector<Message> to;
  for (int i = 0; i < 10000; ++i) {
    from.push_back(user("message number " + std::to_string(i)));
    if (i % 3 != 0) to.push_back(from.back());
    if (i % 7 == 0) to.push_back(assistant("new " + std::to_string(i)));
  }
  const MessagesDiff diff = diff_by_subsequence(from, to);
  EXPECT_EQ(diff.added.size(), 1429u);
  EXPECT_EQ(diff.removed.size(), 3334u);
  EXPECT_LE(diff.steps, 20u * (from.size() + to.size()));
}

TEST(ContextDiff, ComparesPromptsByHashAndLine) {
  const ContextDiff diff = diff_contexts(context("You help.\nBe kind.", {}, 10),
                                         context("You help.\nBe brief.", {}, 12));
  EXPECT_TRUE(diff.system_prompt.changed);
  EXPECT_EQ(diff.system_prompt.from_hash, prompt_hash("You help.\nBe kind."));
  EXPECT_EQ(diff.system_prompt.to_hash, prompt_hash("You help.\nBe brief."));
  EXPECT_EQ(diff.system_prompt.lines, diff_lines("You help.\nBe kind.", "You help.\nBe brief."));
  EXPECT_EQ(diff.token_delta, (TokenDelta{10, 12, 2}));
}

TEST(ContextDiff, HasNoHashOfAPromptThatIsNotThere) {
  const ContextDiff diff = diff_contexts(context("", {}), context("new", {}));
  EXPECT_TRUE(diff.system_prompt.changed);
  EXPECT_EQ(diff.system_prompt.from_hash, "");
}

TEST(ContextDiff, StopsAtTheEndOfWhatTokensCanCount) {
  const ContextDiff up = diff_contexts(context("", {}, INT64_MIN), context("", {}, 5));
  EXPECT_EQ(up.token_delta.delta, INT64_MAX);
  const ContextDiff down = diff_contexts(context("", {}, INT64_MAX), context("", {}, -5));
  EXPECT_EQ(down.token_delta.delta, INT64_MIN);
}

TEST(ContextDiff, OfVersion1LeavesPromptAndTokensEmpty) {
  const ContextDiff diff =
      diff_contexts(version1({"[system] p", "[user] a"}), version1({"[system] q", "[user] a"}));
  EXPECT_TRUE(diff.version1);
  EXPECT_EQ(diff.system_prompt, PromptDiff{});
  EXPECT_EQ(diff.token_delta, TokenDelta{});
  EXPECT_THAT(listed(diff.messages.removed), ElementsAre("0:[system] p", "1:[user] a"));
}

TEST(ContextDiff, AcrossVersionsComparesLikeVersion2) {
  const ContextDiff diff = diff_contexts(version1({"[system] p", "[user] a"}),
                                         context("p", {user("a"), assistant("b")}, 5));
  EXPECT_FALSE(diff.version1);
  EXPECT_FALSE(diff.system_prompt.changed);
  EXPECT_THAT(listed(diff.messages.added), ElementsAre("1:[assistant] b"));
  EXPECT_EQ(diff.messages.from_count, 1u);
  EXPECT_EQ(diff.token_delta, TokenDelta{});
}

TEST(ContextDiff, IsEmptyWhenNothingChanged) {
  EXPECT_TRUE(is_empty(diff_contexts(context("p", {user("a")}, 3), context("p", {user("a")}, 3))));
  EXPECT_FALSE(is_empty(diff_contexts(context("p", {}), context("q", {}))));
  EXPECT_FALSE(is_empty(diff_contexts(context("p", {}, 1), context("p", {}, 2))));
  EXPECT_FALSE(is_empty(diff_contexts(context("p", {user("abc")}), context("p", {user("abcd")}))));
}

class DiffInRecording : public testing::Test {
 protected:
  DiffInRecording() : recording_(make()) {}

  static Recording make() {
    TestRecording written;
    written.call("CtxAlloc");                                                // 1
    written.context("p", {user("a")});                                       // 2
    written.call("Open");                                                    // 3
    written.context("p", {user("a"), assistant("b")});                       // 4
    written.context("q", {user("other")}, CtxId{2});                         // 5
    written.context("p", {user("a"), assistant("b"), user("c")}, CtxId{1});  // 6
    return written.open();
  }

  Recording recording_;
};

TEST_F(DiffInRecording, NamesTheSnapshotsThatItUsed) {
  const Result<ContextDiff> diff = diff_contexts(recording_, {SeqNum{3}}, {SeqNum{4}});
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->from_seq_num, SeqNum{2});
  EXPECT_EQ(diff->to_seq_num, SeqNum{4});
  EXPECT_EQ(diff->from_timestamp, std::chrono::milliseconds(200));
  EXPECT_EQ(diff->to_timestamp, std::chrono::milliseconds(400));
  EXPECT_THAT(listed(diff->messages.added), ElementsAre("1:[assistant] b"));
}

TEST_F(DiffInRecording, WorksBackwardsInTime) {
  const Result<ContextDiff> diff = diff_contexts(recording_, {SeqNum{4}}, {SeqNum{2}});
  ASSERT_TRUE(diff);
  EXPECT_THAT(listed(diff->messages.removed), ElementsAre("1:[assistant] b"));
}

TEST_F(DiffInRecording, TakesTheAskedContext) {
  const Result<ContextDiff> diff =
      diff_contexts(recording_, {SeqNum{5}, CtxId{1}}, {SeqNum{6}, CtxId{1}});
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->from_seq_num, SeqNum{4});
  EXPECT_THAT(listed(diff->messages.added), ElementsAre("2:[user] c"));
}

TEST_F(DiffInRecording, SaysThatNoSnapshotComesBefore) {
  const Result<ContextDiff> diff = diff_contexts(recording_, {SeqNum{1}}, {SeqNum{6}});
  EXPECT_EQ(error_of(diff), "diff: no context snapshot found before SeqNum 1");
  EXPECT_EQ(diff.error().hint, "the first one is at SeqNum 2");
  EXPECT_EQ(error_of(diff_contexts(recording_, {SeqNum{6}}, {SeqNum{0}})),
            "diff: no context snapshot found before SeqNum 0");
}

TEST_F(DiffInRecording, SaysThatThereAreNoSnapshots) {
  EXPECT_EQ(error_of(diff_contexts(TestRecording().open(), {SeqNum{1}}, {SeqNum{2}})),
            "no context snapshots available in this recording");
}

TEST_F(DiffInRecording, SaysThatASnapshotIsEmpty) {
  TestRecording written(TestRecording::Version::k1);
  written.line(R"({"seq_num":1,"timestamp":0,"pid":42,"type":"context_snapshot"})");
  EXPECT_EQ(error_of(diff_contexts(written.open(), {SeqNum{1}}, {SeqNum{1}})),
            "diff: context snapshot #1 has no context data");
}

TEST_F(DiffInRecording, SaysThatEventsWereLostMeanwhile) {
  TestRecording written;
  written.context("p", {user("a")});  // 1
  written.gap();                      // 2
  written.call("Open");               // 3
  const Recording recording = written.open();
  const Result<ContextDiff> diff = diff_contexts(recording, {SeqNum{1}}, {SeqNum{3}});
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->from_gap, SeqNum{0});
  EXPECT_EQ(diff->to_gap, SeqNum{2});
  EXPECT_THAT(diff_text(*diff),
              HasSubstr("\nEvents were lost at #002: the context there is not known for sure\n"
                        "No changes detected.\n"));
  EXPECT_EQ(to_json(*diff)["to_gap"], Json(2));
  EXPECT_EQ(to_json(*diff).find("from_gap"), nullptr);
}

TEST_F(DiffInRecording, ComparesTwoRecordings) {
  TestRecording written;
  written.metadata().record_id = "43-1709856001";
  written.context("p", {user("a"), assistant("B!")});
  const Recording other = written.open();
  const Result<ContextDiff> diff = diff_contexts(recording_, {SeqNum{4}}, other, {SeqNum{1}});
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->from_record_id, "42-1709856000");
  EXPECT_EQ(diff->to_record_id, "43-1709856001");
  EXPECT_THAT(diff_text(*diff), HasSubstr("Recordings: 42-1709856000 → 43-1709856001\n"));
  EXPECT_EQ(error_of(diff_contexts(other, {SeqNum{0}}, recording_, {SeqNum{2}})),
            "recording 43-1709856001: diff: no context snapshot found before SeqNum 0");
}

// The text without the first two lines.
std::string body(const ContextDiff& diff, std::size_t width = 0) {
  const std::string text = diff_text(diff, {.width = width});
  return text.substr(text.find('\n', text.find('\n') + 1) + 1);
}

TEST(DiffText, OfVersion1IsTheReferences) {
  ContextDiff diff =
      diff_contexts(version1({"[user] a", "[user] b"}), version1({"[user] a", "[x] c\nd"}));
  diff.from_seq_num = SeqNum{3};
  diff.to_seq_num = SeqNum{1234};
  diff.from_timestamp = std::chrono::milliseconds(300);
  diff.to_timestamp = std::chrono::milliseconds(61800);
  EXPECT_EQ(diff_text(diff),
            "Context Diff: #003 → #1234 (+0.3s → +61.8s)\n"
            "─────────────────────────────────────\n"
            "System Prompt: unchanged (hash=)\n"
            "Messages: 2 → 2 (+0)\n"
            "  + [x] c\nd\n"
            "  - [user] b\n"
            "Tokens: 0 → 0 (+0)\n");
}

TEST(DiffText, SaysThatNothingChanged) {
  EXPECT_EQ(body(diff_contexts(context("p", {user("a")}), context("p", {user("a")}))),
            "No changes detected.\n");
}

TEST(DiffText, ShowsWhatOnlyVersion2Knows) {
  const ContextDiff diff = diff_contexts(
      context("one\ntwo", {user("keep"), user("edit me\nplease"), assistant("gone")}, 100),
      context("one\n2",
              {user("keep"), user("edit me\nnow please"), calls("1", "ls", Json::object())}, 90));
  EXPECT_EQ(body(diff), "System Prompt: changed (" + prompt_hash("one\ntwo") + " → " +
                            prompt_hash("one\n2") +
                            ")\n"
                            "      one\n"
                            "    - two\n"
                            "    + 2\n"
                            "Messages: 3 → 3 (+0)\n"
                            "  + [assistant] → ls({})\n"
                            "  - [assistant] gone\n"
                            "  ~ [user] edit me (+1 line)\n"
                            "      edit me\n"
                            "    - please\n"
                            "    + now please\n"
                            "Tokens: 100 → 90 (-10)\n");
}

TEST(DiffText, CutsLinesToTheWidth) {
  const ContextDiff diff =
      diff_contexts(context("p", {}), context("p", {user("0123456789012345")}));
  EXPECT_THAT(body(diff, 20), HasSubstr("\n  + [user] 01234567…\n"));
  EXPECT_THAT(body(diff, 1), HasSubstr("\n  + …\n"));
}

TEST(DiffText, ShowsFieldsThatNoLineShows) {
  const ContextDiff diff =
      diff_contexts(context("p", {calls("1", "ls", {})}), context("p", {calls("2", "ls", {})}));
  EXPECT_THAT(body(diff), HasSubstr("      differs in tool_calls\n"));
}

TEST(DiffText, CountsEqualLinesThatItLeavesOut) {
  const ContextDiff diff = diff_contexts(context("1\n2\n3\nx", {}), context("1\n2\n3\ny", {}));
  EXPECT_THAT(body(diff), HasSubstr("      … 2 equal lines\n      3\n    - x\n    + y\n"));
}

TEST(DiffText, NeverLetsContentDriveTheTerminal) {
  const std::string evil = "\x1b]0;owned\x07\x1b[2J\r";
  const ContextDiff v2 = diff_contexts(
      context(evil, {user(evil + "same same same same"), tool("1", evil)}),
      context(evil + "x", {user(evil + "same same same samf"), calls(evil, evil, evil)}));
  const ContextDiff v1 = diff_contexts(version1({}), version1({"[user] " + evil}));
  for (const std::string& text : {diff_text(v2), diff_text(v1), diff_text(v2, {.width = 30})}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, Not(HasSubstr("\r")));
  }
}

TEST(DiffJson, HasTheReferencesKeysAndOurs) {
  ContextDiff diff = diff_contexts(context("a", {user("edit me"), user("gone away")}, 5),
                                   context("b", {user("edit mE"), assistant("new")}, 7));
  diff.from_seq_num = SeqNum{3};
  diff.to_seq_num = SeqNum{6};
  diff.from_timestamp = Nanoseconds(300'999'999);
  diff.to_timestamp = Nanoseconds(1'800'000'000);
  const Json json = to_json(diff);
  EXPECT_EQ(json["from_seq_num"], Json(3));
  EXPECT_EQ(json["to_seq_num"], Json(6));
  EXPECT_EQ(json["from_timestamp_ms"], Json(300));
  EXPECT_EQ(json["to_timestamp_ms"], Json(1800));
  EXPECT_EQ(json["from_timestamp_ns"], Json(300'999'999));
  EXPECT_EQ(json["system_prompt"]["changed"], Json(true));
  EXPECT_EQ(json["system_prompt"]["lines"].size(), 2u);
  EXPECT_EQ(json["token_delta"],
            Json::object({{"from_tokens", 5}, {"to_tokens", 7}, {"delta", 2}}));
  EXPECT_EQ(json["messages"]["added"], Json(Json::Array{"[assistant] new"}));
  EXPECT_EQ(json["messages"]["added_at"], Json(Json::Array{1}));
  EXPECT_EQ(json["messages"]["removed"], Json(Json::Array{"[user] gone away"}));
  EXPECT_EQ(json["messages"]["removed_at"], Json(Json::Array{1}));
  const Json& changed = json["messages"]["changed"].items()[0];
  EXPECT_EQ(changed["role"], Json("user"));
  EXPECT_EQ(changed["from"], Json("[user] edit me"));
  EXPECT_EQ(changed["to"], Json("[user] edit mE"));
  EXPECT_EQ(changed["lines"].size(), 2u);
  EXPECT_EQ(json["from_ctx_id"], Json(1));
}

TEST(DiffJson, WritesEmptyListsOfTheReferenceAsNull) {
  const Json json = to_json(diff_contexts(version1({}), version1({})));
  EXPECT_TRUE(json["messages"]["added"].is_null());
  EXPECT_TRUE(json["messages"]["removed"].is_null());
  EXPECT_EQ(json.find("from_ctx_id"), nullptr);
  EXPECT_EQ(json.find("from_record_id"), nullptr);
}

}  // namespace
}  // namespace agdb
