#include "tests/unit/debug/import/claude_code_log.h"

namespace agdb {
namespace {

using namespace claude;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// --- What a file is

TEST(ClaudeCode, EmptyFileHasNoRuns) {
  EXPECT_THAT(import("").runs, IsEmpty());
  EXPECT_THAT(import(" \n\n").runs, IsEmpty());
}

TEST(ClaudeCode, FileOfOnlyBookkeepingHasNoRuns) {
  const SessionLog log = import(R"({"type":"file-history-snapshot","messageId":"m"})"
                                "\n"
                                R"({"type":"summary","summary":"s","leafUuid":"u"})");
  EXPECT_THAT(log.runs, IsEmpty());
  EXPECT_THAT(log.bookkeeping, ElementsAre(Pair("file-history-snapshot", 1), Pair("summary", 1)));
}

TEST(ClaudeCode, UserMessagesAloneAreARun) {
  Log log;
  log.user({"u1", ""}, "hello");
  EXPECT_THAT(story(import(log)), ElementsAre("user: hello"));
  EXPECT_EQ(root_of(import(log)).exit_reason, "log ended");
}

TEST(ClaudeCode, OtherFormatsAreRefused) {
  for (const char* text : {R"([{"role":"user","content":"hi"}])", R"({"a":1})", "hello", "[[[",
                           R"({"type":"response_item","payload":{}})"}) {
    const auto log = try_import(text);
    ASSERT_FALSE(log) << text;
    EXPECT_THAT(log.error().message, HasSubstr("/p/sess.jsonl is no Claude Code session"));
    EXPECT_FALSE(log.error().hint.empty());
  }
}

TEST(ClaudeCode, TwoRecordsOnALineAreBothRead) {
  Log log;
  log.user({"u1", ""}, "one");
  log.user({"u2", "u1"}, "two");
  std::string text = log;
  text.erase(text.find('\n'), 1);
  EXPECT_THAT(story(import(text)), ElementsAre("user: one", "user: two"));
}

TEST(ClaudeCode, PrettyPrintedRecordsAreRead) {
  Log log;
  log.user({"u1", ""}, "one");
  const Json other = Json(Json::Array{log.user({"u2", "u1"}, "two")});
  const std::string text = dump(log.at(0), {.indent = 2}) + "\n" + dump(other, {.indent = 2});
  EXPECT_THAT(story(import(text)), ElementsAre("user: one", "user: two"));
}

TEST(ClaudeCode, MissingFinalNewlineIsNoDamage) {
  Log log;
  log.user({"u1", ""}, "one");
  std::string text = log;
  text.pop_back();
  EXPECT_THAT(import(text).not_understood, IsEmpty());
}

TEST(ClaudeCode, CutLastLineIsCounted) {
  Log log;
  log.user({"u1", ""}, "one");
  log.user({"u2", "u1"}, "two");
  std::string text = log;
  text.resize(text.size() - 20);
  const SessionLog read = import(text);
  EXPECT_THAT(story(read), ElementsAre("user: one"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("line not JSON", 1)));
}

TEST(ClaudeCode, GarbageBetweenLinesIsCountedAndTheRestRead) {
  Log log;
  log.user({"u1", ""}, "one");
  const std::string text =
      "not json\n" + log.text() + "42\n{\"x\":1}\n{\"type\":7}\n{\"type\":\"new-kind\"}\n";
  const SessionLog read = import(text);
  EXPECT_THAT(story(read), ElementsAre("user: one"));
  EXPECT_EQ(count(read.not_understood, "line without a type"), 2u);
  EXPECT_EQ(count(read.not_understood, "line type new-kind"), 1u);
  EXPECT_EQ(count(read.not_understood, "line not JSON"), 2u);
}

TEST(ClaudeCode, InvalidBytesAreKeptAndCounted) {
  Log log;
  log.user({"u1", ""}, "a?b");
  std::string text = log;
  text[text.find('?')] = '\xff';
  text.replace(text.find("\"user\",\"uuid\""), 0, "");
  const SessionLog read =
      import(text + R"({"type":"user","uuid":"u2","message":{"content":"\ud800"}})");
  EXPECT_THAT(story(read), ElementsAre("user: a\xff"
                                       "b",
                                       "user: \xEF\xBF\xBD"));
  EXPECT_EQ(count(read.not_understood, "invalid UTF-8 byte"), 1u);
  EXPECT_EQ(count(read.not_understood, "lone surrogate"), 1u);
}

// --- Answers

TEST(ClaudeCodeAnswer, LinesOfOneMessageAreOneCall) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {thinking("hm")}, 1);
  log.answer({"a2", "a1"}, "m1", {text("let me look")}, 1);
  log.answer({"a3", "a2"}, "m1", {use("t1", "Read")}, 42)
      .find("message")
      ->set("stop_reason", "tool_use");
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer: let me look [Read]"));
  const SessionAnswer& answer = *answers(root(read)).at(0);
  EXPECT_EQ(answer.response.stop_reason, "tool_use");
  EXPECT_EQ(answer.response.model, "claude-x");
  ASSERT_EQ(answer.thinking.size(), 1u);
  EXPECT_EQ(answer.thinking[0].text, "hm");
  EXPECT_EQ(answer.thinking[0].signature, "sig");
}

TEST(ClaudeCodeAnswer, UsageIsTakenOnceAndTheLargestOutputWins) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("one")}, 1);
  log.answer({"a2", "a1"}, "m1", {text("two")}, 104);
  log.answer({"a3", "a2"}, "m1", {text("three")}, 104);
  const SessionAnswer answer = nth_answer(import(log));
  EXPECT_TRUE(answer.has_usage);
  EXPECT_EQ(answer.response.request_tokens, 113);
  EXPECT_EQ(answer.response.response_tokens, 104);
  EXPECT_EQ(answer.response.cache_read_tokens, 100);
  EXPECT_EQ(answer.response.cache_creation_tokens, 10);
  EXPECT_EQ(answer.response.content, "one\ntwo\nthree");
}

TEST(ClaudeCodeAnswer, WithoutUsageNoneIsInvented) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("one")}).find("message")->erase("usage");
  const SessionAnswer answer = nth_answer(import(log));
  EXPECT_FALSE(answer.has_usage);
  EXPECT_EQ(answer.response.request_tokens, 0);
}

TEST(ClaudeCodeAnswer, CacheCreationMayBeToldByTimeOfLifeOnly) {
  Log log;
  log.user({"u1", ""}, "hi");
  Json& usage = *log.answer({"a1", "u1"}, "m1", {text("one")}).find("message")->find("usage");
  usage.erase("cache_creation_input_tokens");
  usage.set("cache_creation",
            Json::object({{"ephemeral_5m_input_tokens", 5}, {"ephemeral_1h_input_tokens", 60}}));
  const SessionAnswer answer = nth_answer(import(log));
  EXPECT_EQ(answer.response.cache_creation_tokens, 65);
  EXPECT_EQ(answer.response.request_tokens, 168);
}

TEST(ClaudeCodeAnswer, HugeAndNegativeCountsAreToldAndNotTaken) {
  Log log;
  log.user({"u1", ""}, "hi");
  Json& usage = *log.answer({"a1", "u1"}, "m1", {text("one")}, -5).find("message")->find("usage");
  usage.set("input_tokens", std::numeric_limits<std::int64_t>::max());
  const SessionLog read = import(log);
  const SessionAnswer answer = nth_answer(read);
  EXPECT_EQ(answer.response.request_tokens, 110);  // what the cache took
  EXPECT_EQ(answer.response.response_tokens, 0);
  EXPECT_EQ(read.not_understood.at("token count that cannot be read"), 2U);
}

TEST(ClaudeCodeAnswer, TimesThatCannotBeReadAreTold) {
  Log log;
  log.user({"u1", ""}, "hi").set("timestamp", "2025-13-45T00:00:00Z");
  log.answer({"a1", "u1"}, "m1", {text("one")}).set("timestamp", "1960-01-01T00:00:00Z");
  log.user({"u2", "a1"}, "more").erase("timestamp");
  EXPECT_EQ(import(log).not_understood.at("time that cannot be read"), 2U);
}

TEST(ClaudeCodeAnswer, ResultsBetweenItsLinesDoNotEndIt) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "one")}));
  log.answer({"a2", "r1"}, "m1", {use("t2", "Glob")});
  log.user({"r2", "a2"}, blocks({result("t2", "two")}));
  log.answer({"a3", "r2"}, "m2", {text("done")});
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer:  [Read] [Glob]", "Read: one",
                                       "Glob: two", "answer: done"));
  EXPECT_EQ(root(read).exit_reason, "completed");
}

TEST(ClaudeCodeAnswer, SeveralBlocksOnALine) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {thinking("hm"), text("so"), use("t1", "A"), use("t2", "B")});
  EXPECT_THAT(story(import(log)), ElementsAre("user: hi", "answer: so [A] [B]"));
}

TEST(ClaudeCodeAnswer, OneMessageIdForDifferentRequestsIsDifferentAnswers) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "msg", {text("one")}).set("requestId", "r1");
  log.user({"u2", "a1"}, "more");
  log.answer({"a2", "u2"}, "msg", {text("two")}).set("requestId", "r2");
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer: one", "user: more", "answer: two"));
}

TEST(ClaudeCodeAnswer, LineWithoutMessageIdIsItsOwnAnswer) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "", {text("one")});
  log.answer({"a2", "a1"}, "", {text("two")});
  const SessionLog read = import(log);
  EXPECT_EQ(answers(root(read)).size(), 2u);
}

TEST(ClaudeCodeAnswer, RedactedThinkingKeepsItsDataAsSignature) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1",
             {Json::object({{"type", "redacted_thinking"}, {"data", "xyz"}}), text("ok")});
  const SessionAnswer answer = nth_answer(import(log));
  ASSERT_EQ(answer.thinking.size(), 1u);
  EXPECT_EQ(answer.thinking[0].text, "");
  EXPECT_EQ(answer.thinking[0].signature, "xyz");
}

TEST(ClaudeCodeAnswer, BlocksOfOtherKindsAreCounted) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1",
             {Json::object({{"type", "server_tool_use"}, {"id", "s"}, {"name", "web_search"}}),
              Json::object({{"type", "web_search_tool_result"}}), text("found")});
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer: found"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("server_tool_use block", 1),
                                               Pair("web_search_tool_result block", 1)));
}

TEST(ClaudeCodeAnswer, TimesComeFromTheLinesAround) {
  Log log;
  log.user({"u1", ""}, "hi");                                              // second 0
  log.attachment({"h1", "u1"}, Json::object({{"type", "hook_success"}}));  // 1
  log.answer({"a1", "h1"}, "m1", {text("one")});                           // 2
  log.answer({"a2", "a1"}, "m1", {use("t1", "Read")});                     // 3
  log.user({"r1", "a2"}, blocks({result("t1", "x")}));                     // 4
  const SessionLog read = import(log);
  const SessionAnswer& answer = *answers(root(read)).at(0);
  EXPECT_EQ(answer.began, Log::time(1));
  EXPECT_EQ(answer.ended, Log::time(3));
  const auto& result = std::get<SessionToolResult>(root(read).items.at(2));
  EXPECT_EQ(result.began, Log::time(3));
  EXPECT_EQ(result.ended, Log::time(4));
  EXPECT_EQ(read.runs[0].time_source, "log");
}

TEST(ClaudeCodeAnswer, ImplausibleStartIsLeftOut) {
  Log log;
  log.user({"u1", ""}, "hi").set("timestamp", "2030-01-01T00:00:00Z");
  log.answer({"a1", "u1"}, "m1", {text("one")});
  EXPECT_FALSE(nth_answer(import(log)).began);
}

TEST(ClaudeCodeAnswer, OldVersionsTellDurationAndCost) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.line("system", {"s1", "u1"});
  log.line("system", {"s2", "s1"});
  log.answer({"a1", "s2"}, "m1", {text("one")}).set("durationMs", 1500).set("costUSD", 0.25);
  const SessionAnswer answer = nth_answer(import(log));
  EXPECT_EQ(answer.began, Log::time(3) - std::chrono::milliseconds(1500));
  EXPECT_EQ(answer.response.cost_usd, 0.25);
}

TEST(ClaudeCodeAnswer, WithoutTimesTheOrderIsAllThereIs) {
  Log log;
  log.user({"u1", ""}, "hi").erase("timestamp");
  log.answer({"a1", "u1"}, "m1", {text("one")}).erase("timestamp");
  const SessionLog read = import(log);
  EXPECT_EQ(read.runs[0].time_source, "order");
  EXPECT_FALSE(answers(root(read)).at(0)->ended);
}

// --- Calls that failed

TEST(ClaudeCodeFailure, ApiErrorIsAFailedCallWithoutTokens) {
  Log log;
  log.user({"u1", ""}, "hi");
  Json& line = log.answer({"a1", "u1"}, "e1", {text("API Error: 500 oops")});
  line.set("isApiErrorMessage", true).find("message")->set("model", "<synthetic>");
  log.user({"u2", "a1"}, "again");
  log.answer({"a2", "u2"}, "m1", {text("ok")});
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "failed call: API Error: 500 oops",
                                       "user: again", "answer: ok"));
  EXPECT_FALSE(answers(root(read)).at(0)->has_usage);
  EXPECT_EQ(root(read).model, "claude-x");
  EXPECT_THAT(context(read), ElementsAre("user: hi", "user: again", "assistant: ok"));
}

TEST(ClaudeCodeFailure, ApiErrorAtTheEndIsTheReason) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "e1", {text("Login expired")}).set("isApiErrorMessage", true);
  EXPECT_EQ(root_of(import(log)).exit_reason, "api error");
}

TEST(ClaudeCodeFailure, FillerMessagesAreBookkeeping) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "x", {text("No response requested.")})
      .find("message")
      ->set("model", "<synthetic>");
  log.user({"u2", "a1"}, "go on");
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "user: go on"));
  EXPECT_EQ(count(read.bookkeeping, "synthetic message"), 1u);
}

TEST(ClaudeCodeFailure, RetriesBelongToTheCallThatFollows) {
  Log log;
  log.user({"u1", ""}, "hi");  // second 0
  log.system({"s1", "u1"}, "api_error")
      .set("error",
           Json::object(
               {{"status", 529},
                {"error", Json::object({{"type", "error"},
                                        {"error", Json::object({{"type", "overloaded_error"},
                                                                {"message", "Overloaded"}})}})}}))
      .set("retryAttempt", 1);
  log.system({"s2", "s1"}, "api_error").set("cause", Json::object({{"code", "ConnectionRefused"}}));
  log.answer({"a1", "s2"}, "m1", {text("ok")});
  const SessionLog read = import(log);
  const SessionAnswer& answer = *answers(root(read)).at(0);
  ASSERT_EQ(answer.failures.size(), 2u);
  EXPECT_EQ(answer.failures[0].error, "529 overloaded_error: Overloaded");
  EXPECT_EQ(answer.failures[0].time, Log::time(1));
  EXPECT_EQ(answer.failures[1].error, "ConnectionRefused");
  EXPECT_EQ(answer.began, Log::time(0));
}

TEST(ClaudeCodeFailure, RetriesWithoutAnAnswerAreAFailedCall) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.system({"s1", "u1"}, "api_error").set("error", "first");
  log.system({"s2", "s1"}, "api_error").set("error", Json::object({{"message", "second"}}));
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "failed call: second"));
  EXPECT_EQ(answers(root(read)).at(0)->failures.size(), 1u);
  EXPECT_EQ(root(read).exit_reason, "api error");
}

// --- Users and tools

TEST(ClaudeCodeUser, ContentMayBeTextOrBlocks) {
  Log log;
  log.user({"u1", ""}, "plain");
  log.user({"u2", "u1"}, blocks({text("one"), text("two")}));
  EXPECT_THAT(story(import(log)), ElementsAre("user: plain", "user: one\ntwo"));
}

TEST(ClaudeCodeUser, NotesOfTheToolAreUserMessages) {
  Log log;
  log.user({"u1", ""}, "Caveat: …").set("isMeta", true);
  log.user({"u2", "u1"}, "<command-name>/model</command-name>");
  log.system({"s1", "u2"}, "local_command")
      .set("content", "<local-command-stdout>ok</local-command-stdout>");
  EXPECT_EQ(story(import(log)).size(), 3u);
}

TEST(ClaudeCodeUser, ImagesLeaveAPlaceholderAndAreCounted) {
  Log log;
  const Json image = Json::object(
      {{"type", "image"},
       {"source",
        Json::object({{"type", "base64"}, {"media_type", "image/png"}, {"data", "QUJDRA=="}})}});
  const Json link = Json::object(
      {{"type", "image"}, {"source", Json::object({{"type", "url"}, {"url", "https://x/y.png"}})}});
  log.user({"u1", ""}, blocks({image, text("what is this?"), link}));
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: [image image/png, 4 bytes]\nwhat is this?\n"
                                       "[image https://x/y.png]"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("image block", 2)));
}

TEST(ClaudeCodeUser, TextDocumentsAreTextAndOthersPlaceholders) {
  Log log;
  const auto document = [](const char* kind, const char* data) {
    return Json::object(
        {{"type", "document"},
         {"source",
          Json::object({{"type", kind}, {"media_type", "application/pdf"}, {"data", data}})}});
  };
  log.user({"u1", ""}, blocks({document("text", "words"), document("base64", "QUJD")}));
  EXPECT_THAT(story(import(log)), ElementsAre("user: words\n[document application/pdf, 3 bytes]"));
}

TEST(ClaudeCodeUser, ResultAndWordsOnOneLineKeepTheirOrder) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "file"), text("and stop there")}));
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "answer:  [Read]", "Read: file", "user: and stop there"));
}

TEST(ClaudeCodeUser, LinesWithoutWordsAreCounted) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.user({"u2", "u1"}, Json());
  log.user({"u3", "u2"}, 7);
  log.line("user", {"u4", "u3"});
  log.line("assistant", {"a1", "u4"}).set("message", "words");
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("assistant line without a message", 1),
                                               Pair("user line without a message", 1),
                                               Pair("user line without content", 2)));
}

TEST(ClaudeCodeTool, ResultsMayBeListsErrorsAndReferences) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "A"), use("t2", "B"), use("t3", "C")});
  log.user({"r1", "a1"}, blocks({result("t1", blocks({text("one"), text("two")}))}));
  log.user({"r2", "r1"}, blocks({result("t2", "no", true)}));
  log.user({"r3", "r2"},
           blocks({result(
               "t3", blocks({Json::object({{"type", "tool_reference"}, {"tool_name", "X"}})}))}));
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer:  [A] [B] [C]", "A: one\ntwo",
                                       "B failed: no", "C: [tool_reference X]"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("tool_reference block", 1)));
}

TEST(ClaudeCodeTool, ResultBelongsToTheNearestOpenCallOfItsId) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("same", "First")});
  log.user({"r1", "a1"}, blocks({result("same", "one")}));
  log.answer({"a2", "r1"}, "m2", {use("same", "Second")});
  log.user({"r2", "a2"}, blocks({result("same", "two")}));
  EXPECT_THAT(story(import(log)), ElementsAre("user: hi", "answer:  [First]", "First: one",
                                              "answer:  [Second]", "Second: two"));
}

TEST(ClaudeCodeTool, ResultWithoutACallStaysInTheContextAndIsCounted) {
  Log log;
  log.user({"r0", "lost"}, blocks({result("t0", "from before")}));
  log.answer({"a1", "r0"}, "m1", {text("ok")});
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("tool: from before", "answer: ok"));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("tool result without a call", 1)));
}

TEST(ClaudeCodeTool, SecondResultOfACallIsNotCountedTwice) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "x")}));
  log.user({"r2", "r1"}, blocks({result("t1", "x")}));
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "answer:  [Read]", "Read: x"));
  EXPECT_EQ(count(read.bookkeeping, "repeated tool result"), 1u);
}

// --- Attachments and notes

TEST(ClaudeCodeAttachment, WhatTheModelGotIsCarried) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.attachment({"h1", "u1"},
                 Json::object({{"type", "hook_additional_context"},
                               {"content", blocks({Json("be kind"), Json("be brief")})}}));
  log.attachment({"h2", "h1"},
                 Json::object({{"type", "queued_command"}, {"prompt", "also tests"}}));
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: hi", "user: be kind\nbe brief", "user: also tests"));
}

TEST(ClaudeCodeAttachment, OutputOfHooksThatSpeakToTheModelIsCarried) {
  Log log;
  const auto hook = [](const char* event) {
    return Json::object({{"type", "hook_success"}, {"hookEvent", event}, {"content", event}});
  };
  log.attachment({"h1", ""}, hook("SessionStart"));
  log.user({"u1", "h1"}, "hi");
  log.attachment({"h2", "u1"}, hook("UserPromptSubmit"));
  log.attachment({"h3", "h2"}, hook("PostToolUse"));
  EXPECT_THAT(story(import(log)),
              ElementsAre("user: SessionStart", "user: hi", "user: UserPromptSubmit"));
}

TEST(ClaudeCodeAttachment, RenderedTextIsWhatTheModelGot) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.attachment({"h1", "u1"}, Json::object({{"type", "queued_command"}, {"prompt", "raw"}}))
      .set("rendered",
           blocks({Json::object({{"content", "<system-reminder>raw</system-reminder>"}})}));
  log.attachment({"h2", "h1"}, Json::object({{"type", "skill_listing"}, {"content", "unsent"}}))
      .set("rendered", Json::array());
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi", "user: <system-reminder>raw</system-reminder>"));
  EXPECT_EQ(count(read.bookkeeping, "attachment:skill_listing"), 1u);
}

TEST(ClaudeCodeAttachment, TheRestIsBookkeepingByType) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.attachment({"h1", "u1"},
                 Json::object({{"type", "task_reminder"}, {"content", Json::array()}}));
  log.attachment({"h2", "h1"}, "wrong");
  const SessionLog read = import(log);
  EXPECT_THAT(story(read), ElementsAre("user: hi"));
  EXPECT_EQ(count(read.bookkeeping, "attachment:task_reminder"), 1u);
  EXPECT_EQ(count(read.bookkeeping, "attachment:"), 1u);
}

TEST(ClaudeCodeAttachment, PromptSnapshotIsTheSystemPrompt) {
  Log log;
  const auto snapshot = [](const char* words) {
    return Json::object({{"type", "prompt_snapshot"},
                         {"systemPrompt", blocks({Json("You are Claude."), Json(words)})}});
  };
  log.attachment({"h1", ""}, snapshot("Be brief."));
  log.user({"u1", "h1"}, "hi");
  log.attachment({"h2", "u1"}, snapshot("Be brief."));
  log.attachment({"h3", "h2"}, snapshot("Be long."));
  const SessionLog read = import(log);
  EXPECT_EQ(root(read).system_prompt, "You are Claude.\n\nBe brief.");
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("change of the system prompt", 1)));
  Log without;
  without.user({"u1", ""}, "hi");
  EXPECT_FALSE(root_of(import(without)).system_prompt);
}

TEST(ClaudeCode, NotesOfTheProgramAreCountedByKind) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.line("progress", {"p1", "u1"}).set("data", Json::object({{"type", "hook_progress"}}));
  log.system({"s1", "p1"}, "turn_duration");
  log.line("system", {"s2", "s1"});
  log.line("queue-operation", {"-", "-"});
  log.system({"s3", "s2"}, "microcompact_boundary");
  const SessionLog read = import(log);
  EXPECT_THAT(read.bookkeeping,
              ElementsAre(Pair("progress:hook_progress", 1), Pair("queue-operation", 1),
                          Pair("system", 1), Pair("system:turn_duration", 1)));
  EXPECT_THAT(read.not_understood, ElementsAre(Pair("system:microcompact_boundary", 1)));
}

// --- The end

TEST(ClaudeCodeEnd, CompletedWhenTheLastAnswerLeavesNothingOpen) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("bye")});
  log.user({"u2", "a1"}, "<command-name>/exit</command-name>");
  EXPECT_EQ(root_of(import(log)).exit_reason, "completed");
}

TEST(ClaudeCodeEnd, LogEndedWhenACallHasNoResult) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  EXPECT_EQ(root_of(import(log)).exit_reason, "log ended");
}

TEST(ClaudeCodeEnd, LogEndedWhenNobodyAnsweredTheLastMessage) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("yes?")});
  log.user({"u2", "a1"}, "do it");
  EXPECT_EQ(root_of(import(log)).exit_reason, "log ended");
}

TEST(ClaudeCodeEnd, InterruptedWhenTheUserSaidSoLast) {
  Log log;
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {use("t1", "Read")});
  log.user({"r1", "a1"}, blocks({result("t1", "refused", true)}));
  log.user({"u2", "r1"}, blocks({text("[Request interrupted by user for tool use]")}));
  EXPECT_EQ(root_of(import(log)).exit_reason, "interrupted");
}

// --- What it was for

TEST(ClaudeCodeIntent, IsTheFirstThingAsked) {
  Log log;
  log.user({"u0", ""}, "Caveat: …").set("isMeta", true);
  log.user({"u1", "u0"}, "<command-name>/model</command-name>");
  log.user({"u2", "u1"}, "<local-command-stdout>set</local-command-stdout>");
  log.user({"u3", "u2"}, blocks({text("<ide_selection>lines</ide_selection>"),
                                 text("fix  the\nbug\n\nand more")}));
  EXPECT_EQ(root_of(import(log)).intent, "fix the bug");
}

TEST(ClaudeCodeIntent, ACommandThatTheModelAnswersIsAPrompt) {
  Log log;
  log.user({"u1", ""},
           "<command-message>review</command-message>\n<command-name>/review</command-name>\n"
           "<command-args>36</command-args>");
  log.user({"u2", "u1"}, "Review the pull request").set("isMeta", true);
  EXPECT_EQ(root_of(import(log)).intent, "/review 36");
}

TEST(ClaudeCodeIntent, IsATitleWhenNothingWasAsked) {
  Log log;
  log.user({"u1", ""}, "<bash-input>ls</bash-input>");
  log.line("summary", {"-", "-"}).set("summary", "of another").set("leafUuid", "elsewhere");
  log.line("summary", {"-", "-"}).set("summary", "of this one").set("leafUuid", "u1");
  EXPECT_EQ(root_of(import(log)).intent, "of this one");
  log.line("ai-title", {"-", "-"}).set("aiTitle", "A title");
  EXPECT_EQ(root_of(import(log)).intent, "A title");
  log.line("custom-title", {"-", "-"}).set("customTitle", "My title");
  EXPECT_EQ(root_of(import(log)).intent, "My title");
}

TEST(ClaudeCodeIntent, IsCutBetweenWordsAndCharacters) {
  Log log;
  std::string words;
  for (int i = 0; i < 100; ++i) words += "wörter ";
  log.user({"u1", ""}, words);
  const std::string intent = root_of(import(log)).intent;
  EXPECT_THAT(intent, testing::EndsWith("wörter..."));
  EXPECT_LE(intent.size(), 240u);
}

TEST(ClaudeCode, NamesComeFromTheLog) {
  Log log("session-7");
  log.user({"u1", ""}, "hi");
  log.answer({"a1", "u1"}, "m1", {text("ok")});
  const SessionLog read = import(log);
  EXPECT_EQ(read.format, "claude-code");
  EXPECT_EQ(read.runs[0].name, "session-7");
  EXPECT_EQ(root(read).name, "session-7");
  EXPECT_EQ(root(read).model, "claude-x");
  EXPECT_EQ(root(read).provider, "anthropic");
}

}  // namespace
}  // namespace agdb
