#include "tests/unit/debug/import/claude_code_log.h"

namespace agdb {
namespace {

using namespace claude;
using testing::ElementsAre;
using testing::Pair;

// --- The tree

TEST(ClaudeCodeOrder, ChildBeforeItsParentWaits) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.user({"r1", "a1"}, blocks({result("t1", "file")}));
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.answer({"a2", "r1"}, "m2", {text("done")});
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer:  [Read]", "Read: file", "answer: done"));
}

TEST(ClaudeCodeOrder, ParentThatIsNotThereMeansGoOn) {
  Log log;
  log.user({"u1", "before the file"}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.user({"u2", "never written"}, "more");
  log.answer({"a2", "u2"}, "m2", {text("two")});
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer: one", "user: more", "answer: two"));
}

TEST(ClaudeCodeOrder, LinesWithoutPlaceAreInTheOrderOfWriting) {
  Log log;
  log.user({"-", "-"}, "hi");
  log.answer({"-", "-"}, "m1", {text("one")});
  log.user({"-", "-"}, "more");
  EXPECT_THAT(story(import(log)), ElementsAre("user: hi", "answer: one", "user: more"));
}

TEST(ClaudeCodeOrder, ParallelResultsAreNoForks) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "A")});
  log.answer({"a2", "a1"}, "m1", {use("t2", "B")});
  log.line("progress", {"p1", "a2"}).set("data", Json::object({{"type", "bash_progress"}}));
  log.user({"r2", "a2"}, blocks({result("t2", "two")}));
  log.user({"r1", "a1"}, blocks({result("t1", "one")}));
  log.attachment({"h1", "r2"}, Json::object({{"type", "hook_success"}}));
  log.answer({"a3", "h1"}, "m2", {text("done")});
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer:  [A] [B]", "B: two", "A: one", "answer: done"));
}

TEST(ClaudeCodeOrder, NotesBesideThePathAreNoForks) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Skill")});
  log.user({"r1", "a1"}, blocks({result("t1", "launched")}));
  log.user({"x1", "r1"}, "what the skill says").set("isMeta", true);
  log.answer({"a2", "r1"}, "m2", {text("done")});
  EXPECT_THAT(story(import(log)), ElementsAre("user: hi", "answer:  [Skill]", "Skill: launched",
                                              "user: what the skill says", "answer: done"));
}

TEST(ClaudeCodeOrder, ResumingFromAHookGoesOn) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.attachment({"h1", ""}, Json::object({{"type", "hook_success"}}));
  log.user({"u2", "h1"}, "more");
  EXPECT_THAT(story(import(log)), ElementsAre("user: hi", "answer: one", "user: more"));
}

TEST(ClaudeCodeOrder, CyclesOfParentsEnd) {
  Log log;
  log.user({"u1", "u3"}, "one");
  log.user({"u2", "u1"}, "two");
  log.user({"u3", "u2"}, "three");
  log.user({"self", "self"}, "four");
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: one", "user: two", "user: three", "user: four"));
}

// --- Rewinding

// A question with an answer, asked again in other words.
Log rewound() {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("ready")});
  log.user({"b1", "a1"}, "first try");
  log.answer({"b2", "b1"}, "m2", {text("first answer")});
  log.user({"c1", "a1"}, "second try");
  log.answer({"c2", "c1"}, "m3", {text("second answer")});
  return log;
}

TEST(ClaudeCodeFork, GoesBackAndContinuesInTheSameRun) {
  const SessionLog read = import(rewound());
  EXPECT_THAT(story(read),
              ElementsAre("user: start", "answer: ready", "user: first try", "answer: first answer",
                          "keep 2", "user: second try", "answer: second answer"));
  EXPECT_THAT(context(read), ElementsAre("user: start", "assistant: ready", "user: second try",
                                         "assistant: second answer"));
}

TEST(ClaudeCodeFork, ReturnToALeftBranchBringsItsMessagesBack) {
  Log log = rewound();
  log.user({"b3", "b2"}, "rather this");
  const SessionLog read = import(log);
  EXPECT_EQ(story(read).at(7), "keep 2, then user: first try, then assistant: first answer");
  EXPECT_THAT(context(read), ElementsAre("user: start", "assistant: ready", "user: first try",
                                         "assistant: first answer", "user: rather this"));
}

TEST(ClaudeCodeFork, BranchComesBackWithItsToolMessages) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "file")}));
  log.user({"v1", ""}, "other start");
  log.answer({"b1", "r1"}, "m2", {text("done")});
  const SessionLog read = import(log);
  EXPECT_THAT(context(read),
              ElementsAre("user: start", "assistant:  [Read]", "tool: file", "assistant: done"));
  const auto& edit = std::get<SessionEdit>(root(read).items.at(5));
  ASSERT_EQ(edit.messages.size(), 3u);
  EXPECT_EQ(edit.messages[2].tool_call_id, "t1");
  EXPECT_EQ(edit.messages[2].name, "Read");
}

TEST(ClaudeCodeFork, RewindToTheFirstPromptBeginsAnew) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.user({"v1", ""}, "other start");
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: start", "answer: one", "keep 0", "user: other start"));
}

TEST(ClaudeCodeFork, PromptResentBeforeAnyAnswerReplacesTheFirst) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("ready")});
  log.user({"b1", "a1"}, "tpyo");
  log.user({"c1", "a1"}, "typo");
  EXPECT_THAT(context(import(log)), ElementsAre("user: start", "assistant: ready", "user: typo"));
}

TEST(ClaudeCodeFork, LateResultOfALeftBranchDoesNotEnterTheOther) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("ready")});
  log.user({"b1", "a1"}, "run it");
  log.answer({"b2", "b1"}, "m2", {use("t1", "Bash")});
  log.user({"c1", "a1"}, "rather not");
  log.user({"r1", "b2"}, blocks({result("t1", "ran")}));
  log.answer({"c2", "c1"}, "m3", {text("fine")});
  EXPECT_THAT(context(import(log)), ElementsAre("user: start", "assistant: ready",
                                                "user: rather not", "assistant: fine"));
}

TEST(ClaudeCodeFork, GoingBackAndForthForEverIsBounded) {
  Log log;
  log.user({"u", ""}, "start");
  log.user({"a0", "u"}, std::string(1 << 20, 'a'));
  log.user({"b0", "u"}, std::string(1 << 20, 'b'));
  for (int i = 0; i < 200; ++i) {
    const std::string last = std::to_string(i), next = std::to_string(i + 1);
    log.user({"a" + next, "a" + last}, "x");
    log.user({"b" + next, "b" + last}, "y");
  }
  const SessionLog read = import(log);
  EXPECT_GT(count(read.not_understood, "return to a branch that was left"), 0u);
  std::size_t bytes = 0;
  for (const std::string& line : story(read)) bytes += line.size();
  EXPECT_LT(bytes, std::size_t{80} << 20);
}

// A conversation over a large branch, then a prompt that hangs before it, asked with `tokens`.
Log large_branch(std::int64_t tokens) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("ready")});
  log.user({"b1", "a1"}, "read all");
  log.answer({"b2", "b1"}, "m2", {text("read")})
      .find("message")
      ->find("usage")
      ->set("input_tokens", 100'000);
  log.user({"c1", "a1"}, "and now");
  log.answer({"c2", "c1"}, "m3", {text("so")})
      .find("message")
      ->find("usage")
      ->set("input_tokens", tokens);
  return log;
}

TEST(ClaudeCodeFork, TokenCountsThatContradictTheTreeAreBelieved) {
  const SessionLog read = import(large_branch(100'500));
  EXPECT_EQ(context(read).size(), 6u);
  EXPECT_EQ(count(read.bookkeeping, "parent that the token counts contradict"), 1u);
  EXPECT_EQ(context(import(large_branch(900))).size(), 4u);
}

// --- Records written twice

TEST(ClaudeCodeRepeat, SameUuidCountsOnce) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("one")}, 7);
  log.again(1);
  log.again(0);
  log.user({"u2", "a1"}, "more");
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer: one", "user: more"));
  EXPECT_THAT(read.bookkeeping, ElementsAre(Pair("repeated line", 2)));
}

TEST(ClaudeCodeRepeat, SameWordsAtTheSamePlaceAndTimeCountOnce) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "x")}));
  log.answer({"a2", "r1"}, "m2", {text("done")});
  for (int i = 0; i < 4; ++i) {
    log.again(static_cast<std::size_t>(i));
    Json& copy = log.at(log.size() - 1);
    copy.set("uuid", "copy of " + std::string(copy.text("uuid")));
    if (i > 0) copy.set("parentUuid", "copy of " + std::string(copy.text("parentUuid")));
  }
  log.user({"u2", "copy of a2"}, "more");
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer:  [Read]", "Read: x", "answer: done", "user: more"));
}

TEST(ClaudeCodeRepeat, CopiedConversationIsInTheContextButNotCountedAgain) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("let me see")});
  log.answer({"a2", "a1"}, "m1", {use("t1", "Read")}, 9);
  log.user({"r1", "a2"}, blocks({result("t1", "x")}));
  // Resumed under new ids, at another time.
  log.user({"U1", ""}, "hi");
  log.answer({"A1", "U1"}, "m1", {text("let me see")});
  log.answer({"A2", "A1"}, "m1", {use("t1", "Read")}, 9);
  log.user({"R1", "A2"}, blocks({result("t1", "x")}));
  log.answer({"A3", "R1"}, "m2", {text("done")});
  const SessionLog read = import(log);
  EXPECT_EQ(answers(root(read)).size(), 2u);
  EXPECT_THAT(context(read), ElementsAre("user: hi", "assistant: let me see [Read]", "tool: x",
                                         "assistant: done"));
}

// --- Compaction

Log compacted(Json metadata = Json::object({{"trigger", "auto"}})) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.user({"u2", "a1"}, "more");
  log.answer({"a2", "u2"}, "m2", {text("two")});
  log.system({"cb", ""}, "compact_boundary")
      .set("logicalParentUuid", "a2")
      .set("compactMetadata", metadata);
  log.user({"cs", "cb"}, "the summary").set("isCompactSummary", true);
  return log;
}

TEST(ClaudeCodeCompaction, ContextIsTheSummary) {
  Log log = compacted();
  log.answer({"a3", "cs"}, "m3", {text("three")});
  const SessionLog read = import(log);
  EXPECT_EQ(story(read).at(4), "keep 0, then user: the summary");
  EXPECT_THAT(context(read), ElementsAre("user: the summary", "assistant: three"));
  const auto& edit = std::get<SessionEdit>(root(read).items.at(4));
  EXPECT_EQ(edit.kind, SessionEdit::Kind::kCompact);
  EXPECT_EQ(edit.time, Log::time(5));
}

TEST(ClaudeCodeCompaction, WhatIsBeforeItIsGone) {
  Log log = compacted();
  log.user({"u3", "a1"}, "hangs on what is gone");
  EXPECT_THAT(context(import(log)),
              ElementsAre("user: the summary", "user: hangs on what is gone"));
}

TEST(ClaudeCodeCompaction, WithoutABoundary) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.user({"cs", "a1"}, "the summary").set("isCompactSummary", true);
  EXPECT_THAT(context(import(log)), ElementsAre("user: the summary"));
}

TEST(ClaudeCodeCompaction, SummaryAtTheStartIsAMessageLikeOthers) {
  Log log;
  log.user({"cs", ""}, "the summary").set("isCompactSummary", true);
  EXPECT_THAT(story(import(log)), ElementsAre("user: the summary"));
}

TEST(ClaudeCodeCompaction, SummaryThatIsNotMarkedStandsBehindTheBoundary) {
  Log log;
  log.user({"u1", ""}, "start");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  log.system({"cb", ""}, "compact_boundary");
  log.user({"u2", "cb"}, "the summary");
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: start", "answer: one", "keep 0, then user: the summary"));
}

TEST(ClaudeCodeCompaction, BoundaryWithoutASummaryEmptiesTheContext) {
  Log log;
  log.user({"u1", ""}, "start");
  log.system({"cb", ""}, "compact_boundary");
  log.answer({"a1", "cb"}, "m1", {text("one")});
  log.system({"cb2", ""}, "compact_boundary");
  EXPECT_THAT(story(import(log)), ElementsAre("user: start", "keep 0", "answer: one", "keep 0"));
}

TEST(ClaudeCodeCompaction, AttachmentBeforeTheSummaryComesBehindIt) {
  Log log;
  log.user({"u1", ""}, "start");
  log.system({"cb", ""}, "compact_boundary");
  log.attachment({"h1", "cb"},
                 Json::object({{"type", "hook_additional_context"}, {"content", "note"}}));
  log.user({"cs", "h1"}, "the summary").set("isCompactSummary", true);
  log.answer({"a1", "cs"}, "m1", {text("ok")});
  EXPECT_THAT(story(import(log)), ElementsAre("user: start", "keep 0, then user: the summary",
                                              "user: note", "answer: ok"));
}

TEST(ClaudeCodeCompaction, PreservedMessagesStayBehindTheSummary) {
  const Json list =
      Json::object({{"anchorUuid", "cs"}, {"uuids", blocks({Json("u2"), Json("a2")})}});
  Log log = compacted(Json::object({{"preservedMessages", list}}));
  log.user({"u3", "a2"}, "further");
  const SessionLog read = import(log);
  EXPECT_EQ(story(read).at(4),
            "keep 0, then user: the summary, then user: more, then assistant: two");
  EXPECT_THAT(context(read),
              ElementsAre("user: the summary", "user: more", "assistant: two", "user: further"));
}

TEST(ClaudeCodeCompaction, PreservedSegmentIsNamedByItsEnds) {
  const Json segment = Json::object({{"headUuid", "a1"}, {"anchorUuid", "cs"}, {"tailUuid", "a2"}});
  Log log = compacted(Json::object({{"preservedSegment", segment}}));
  log.user({"u3", "cs"}, "further");
  EXPECT_THAT(context(import(log)), ElementsAre("user: the summary", "assistant: one", "user: more",
                                                "assistant: two", "user: further"));
}

TEST(ClaudeCodeCompaction, PreservedBeginningStaysBeforeTheSummary) {
  const Json list =
      Json::object({{"anchorUuid", "cb"}, {"uuids", blocks({Json("u1"), Json("a1")})}});
  Log log = compacted(Json::object({{"preservedMessages", list}}));
  const SessionLog read = import(log);
  EXPECT_EQ(story(read).at(4), "keep 2, then user: the summary");
  EXPECT_THAT(context(read), ElementsAre("user: start", "assistant: one", "user: the summary"));
}

TEST(ClaudeCodeCompaction, MessagesCanOutliveSeveral) {
  const auto list = [](const char* anchor) {
    return Json::object({{"preservedMessages", Json::object({{"anchorUuid", anchor},
                                                             {"uuids", blocks({Json("a2")})}})}});
  };
  Log log = compacted(list("cs"));
  log.user({"u3", "a2"}, "further");
  log.system({"cb2", ""}, "compact_boundary").set("compactMetadata", list("cs2"));
  log.user({"cs2", "cb2"}, "second summary").set("isCompactSummary", true);
  log.user({"u4", "a2"}, "on");
  EXPECT_THAT(context(import(log)),
              ElementsAre("user: second summary", "assistant: two", "user: on"));
}

TEST(ClaudeCodeCompaction, RecordWrittenAgainBehindTheSummaryIsInTheContextOnce) {
  Log log = compacted();
  log.again(3);
  log.at(log.size() - 1).set("parentUuid", "cs");
  log.user({"u3", "a2"}, "further");
  const SessionLog read = import(log);
  EXPECT_EQ(answers(root(read)).size(), 2u);
  EXPECT_THAT(context(read), ElementsAre("user: the summary", "assistant: two", "user: further"));
}

}  // namespace
}  // namespace agdb
