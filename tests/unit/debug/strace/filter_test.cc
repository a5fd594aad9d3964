#include "debug/strace/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Event call(std::string name, Json args = {}, Json result = {}) {
  return {Pid{1}, 1, 0ns, Syscall{std::move(name), std::move(args), std::move(result), {}}};
}

Event failed_call(std::string name, std::string err) {
  return {Pid{1}, 1, 0ns, Syscall{std::move(name), {}, {}, std::move(err)}};
}

Event open_call(std::string path, int fd = 3) {
  return call("Open", Json::object({{"path", std::move(path)}}), fd);
}

Event on_fd(std::string name, int fd = 3) {
  return call(std::move(name), Json::object({{"fd", fd}}));
}

Event answer(std::int64_t request, std::int64_t response, std::string content = {}) {
  LlmResponse llm{"m-1", request, response};
  llm.content = std::move(content);
  return {Pid{1}, 1, 0ns, llm};
}

Event context(std::int64_t tokens, std::string content = {}) {
  ContextChange change;
  change.tokens = tokens;
  change.messages = {std::make_shared<Message>(Message{"user", std::move(content)})};
  return {Pid{1}, 1, 0ns, change};
}

Event state(std::string from, std::string to) {
  return {Pid{1}, 1, 0ns, StateChange{std::move(from), std::move(to), "because"}};
}

Event alert() {
  return {Pid{1}, 1, 0ns, Alert{"budget", "warning"}};
}
Event gap() {
  return {Pid{1}, 1, 0ns, Gap{1, 1, "ring full"}};
}

Event taking(Event event, Nanoseconds duration) {
  if (auto* syscall = std::get_if<Syscall>(&event.payload)) syscall->duration = duration;
  if (auto* llm = std::get_if<LlmResponse>(&event.payload)) llm->time_to_last_token = duration;
  return event;
}

// Whether the filter lets the last of the events through, having seen them all.
bool lets(std::string_view expression, const std::vector<Event>& events) {
  const auto filter = Filter::parse(expression);
  EXPECT_TRUE(filter) << expression << ": " << (filter ? "" : filter.error().message);
  LiveSubjects subjects;
  bool through = false;
  for (const Event& event : events) through = filter->matches(subjects.subject(event));
  return through;
}
bool lets(std::string_view expression, const Event& event) {
  return lets(expression, std::vector{event});
}

Error error_of(std::string_view expression) {
  const auto filter = Filter::parse(expression);
  EXPECT_FALSE(filter) << expression;
  return filter ? Error{} : filter.error();
}

TEST(FilterTest, EmptyFilterLetsEverythingThrough) {
  LiveSubjects subjects;
  EXPECT_TRUE(Filter().matches(subjects.subject(call("Open"))));
  EXPECT_TRUE(Filter().matches_everything());
  EXPECT_TRUE(Filter::parse_all({})->matches_everything());
}

TEST(FilterTest, Names) {
  EXPECT_TRUE(lets("trace=Open", call("Open")));
  EXPECT_FALSE(lets("trace=Open", call("Close")));
  EXPECT_TRUE(lets("trace=Open,Close", call("Close")));
  EXPECT_FALSE(lets("trace=Open", call("OpenAll")));
}

TEST(FilterTest, NamesInAnyCaseAndWithoutTheKey) {
  EXPECT_TRUE(lets("open,READ", call("Read")));
  EXPECT_FALSE(lets("open", call("Read")));
  EXPECT_TRUE(lets("%ctx", call("CtxRead")));
}

TEST(FilterTest, NamesOfEventTypes) {
  EXPECT_TRUE(lets("trace=llm_response", answer(1, 1)));
  EXPECT_TRUE(lets("trace=gap", gap()));
  EXPECT_TRUE(lets("trace=syscall", call("Anything")));
  EXPECT_FALSE(lets("trace=syscall", answer(1, 1)));
}

TEST(FilterTest, ToolsByName) {
  const std::vector<Event> bash = {open_call("/dev/tool/Bash"), on_fd("Read")};
  EXPECT_TRUE(lets("tool=Bash", bash));
  EXPECT_TRUE(lets("tool=bash,Read", bash));
  EXPECT_FALSE(lets("tool=Read", bash));
  EXPECT_FALSE(lets("tool=Bas", bash));
  EXPECT_TRUE(lets("tool=!Read", bash));
  EXPECT_TRUE(lets("tool=bash", open_call("/dev/tool/Bash/job1")));
  EXPECT_TRUE(lets("tool=shell", open_call("/dev/shell/1")));
  EXPECT_TRUE(lets("tool=grep", call("DriverToolCall", Json::object({{"tool", "Grep"}}))));
}

TEST(FilterTest, WhatIsNoToolsCallHasNoTool) {
  EXPECT_FALSE(lets("tool=claude", open_call("/dev/llm/claude")));
  EXPECT_FALSE(lets("tool=x", answer(1, 1, "x")));
  EXPECT_FALSE(lets("tool=x", open_call("/dev/tool/")));
  EXPECT_TRUE(lets("tool=!x", answer(1, 1)));
}

TEST(FilterTest, NegatedNamesLetAllOthersThrough) {
  EXPECT_FALSE(lets("trace=!Open,%ctx", call("Open")));
  EXPECT_FALSE(lets("trace=!Open,%ctx", call("CtxWrite")));
  EXPECT_TRUE(lets("trace=!Open,%ctx", call("Close")));
  EXPECT_TRUE(lets("!Open", answer(1, 1)));
}

TEST(FilterTest, AllAndNone) {
  EXPECT_TRUE(lets("trace=all", gap()));
  EXPECT_FALSE(lets("trace=none", call("Open")));
  EXPECT_TRUE(lets("trace=none,Open", call("Open")));
}

TEST(FilterTest, SetOfTheModel) {
  EXPECT_TRUE(lets("%llm", answer(1, 1)));
  EXPECT_TRUE(lets("%llm", call("ConfigResolve")));
  EXPECT_TRUE(lets("%llm", call("DriverThinking")));
  EXPECT_TRUE(lets("%llm", open_call("/dev/llm/scripted")));
  EXPECT_TRUE(lets("%llm", {open_call("/dev/llm/scripted"), on_fd("Write")}));
  EXPECT_TRUE(lets("%llm", {open_call("/dev/llm/scripted"), on_fd("Close")}));
  EXPECT_TRUE(lets("%llm", call("Read", Json::object({{"path", "tcp:/dev/llm/x"}}))));
  EXPECT_FALSE(lets("%llm", {open_call("/dev/tool/ls"), on_fd("Write")}));
  EXPECT_FALSE(lets("%llm", on_fd("Write"))) << "nobody knows what it is";
  EXPECT_FALSE(lets("%llm", context(1)));
}

TEST(FilterTest, SetOfTools) {
  EXPECT_TRUE(lets("%tool", open_call("/dev/tool/ls")));
  EXPECT_TRUE(lets("%tool", {open_call("/dev/tool/ls"), on_fd("Read")}));
  EXPECT_TRUE(lets("%tool", {open_call("/dev/tool/ls"), on_fd("Close")}));
  EXPECT_TRUE(lets("%tool", call("DriverToolCall")));
  EXPECT_FALSE(lets("%tool", {open_call("/dev/tool/ls"), on_fd("Close"), on_fd("Read")}));
  EXPECT_FALSE(lets("%tool", open_call("/dev/fs/tool")));
}

TEST(FilterTest, SetOfFiles) {
  EXPECT_TRUE(lets("%file", open_call("/dev/fs/notes.md")));
  EXPECT_TRUE(lets("%file", {open_call("/home/a.txt"), on_fd("Write")}));
  EXPECT_TRUE(lets("%file", call("Mount")));
  EXPECT_FALSE(lets("%file", open_call("/dev/llm/x")));
  EXPECT_FALSE(lets("%file", open_call("/dev/tool/x")));
  EXPECT_FALSE(lets("%file", on_fd("Read")));
}

TEST(FilterTest, SetOfTheContext) {
  for (const char* name : {"CtxAlloc", "CtxRead", "CtxWrite", "CtxReclaim", "ToolResultDropped"})
    EXPECT_TRUE(lets("%ctx", call(name))) << name;
  EXPECT_TRUE(lets("%ctx", context(1)));
  EXPECT_FALSE(lets("%ctx", call("Open")));
}

TEST(FilterTest, SetOfProcesses) {
  for (const char* name : {"Spawn", "Wait", "Kill", "Signal", "Reparent", "Send", "Recv"})
    EXPECT_TRUE(lets("%process", call(name))) << name;
  EXPECT_TRUE(lets("%process", state("running", "zombie")));
  EXPECT_FALSE(lets("%process", call("ReasonStep")));
}

TEST(FilterTest, SetOfAlerts) {
  EXPECT_TRUE(lets("%alert", alert()));
  EXPECT_FALSE(lets("%alert", gap()));
}

TEST(FilterTest, DescriptorsAreForgottenWithTheirProcess) {
  EXPECT_FALSE(
      lets("%tool",
           {open_call("/dev/tool/ls"), {Pid{1}, 0, 0ns, ProcessEnd{"completed"}}, on_fd("Read")}));
}

TEST(FilterTest, UnknownNamesAreAcceptedAndTold) {
  const auto filter = Filter::parse("trace=Open,Opne,my.call,Opne");
  ASSERT_TRUE(filter);
  EXPECT_THAT(filter->unknown_names(), ElementsAre("Opne", "my.call"));
  EXPECT_TRUE(lets("trace=my.call", call("my.call")));
  EXPECT_TRUE(Filter::parse("trace=%llm,open,alert,gap")->unknown_names().empty());
}

TEST(FilterTest, Status) {
  EXPECT_TRUE(lets("status=failed", failed_call("Read", "no such file")));
  EXPECT_FALSE(lets("status=failed", call("Read")));
  EXPECT_TRUE(lets("status=successful", call("Read")));
  EXPECT_FALSE(lets("status=successful", failed_call("Read", "no such file")));
}

TEST(FilterTest, StatusOfModelAnswers) {
  Event bad = answer(1, 1);
  std::get<LlmResponse>(bad.payload).error = "overloaded";
  EXPECT_TRUE(lets("status=failed", bad));
  EXPECT_FALSE(lets("status=failed", answer(1, 1)));
}

TEST(FilterTest, WhatHasNoStatusMatchesNeither) {
  for (const Event& event : {context(1), state("a", "b"), alert(), gap()}) {
    EXPECT_FALSE(lets("status=failed", event));
    EXPECT_FALSE(lets("status=successful", event));
    EXPECT_TRUE(lets("status=!failed", event));
  }
}

TEST(FilterTest, Pid) {
  EXPECT_TRUE(lets("pid=1", call("Open")));
  EXPECT_TRUE(lets("pid=7,1", call("Open")));
  EXPECT_FALSE(lets("pid=11", call("Open")));
  EXPECT_FALSE(lets("pid=!1", call("Open")));
  EXPECT_TRUE(lets("pid=!2", call("Open")));
}

TEST(FilterTest, TextOfCalls) {
  EXPECT_TRUE(lets("text~^Op", call("Open")));
  EXPECT_TRUE(lets("text~notes\\.md$", open_call("/dev/fs/notes.md")));
  EXPECT_TRUE(lets("text~no such", failed_call("Read", "no such file")));
  EXPECT_TRUE(
      lets("text~needle",
           call("T", Json::object({{"a", Json::Array{1, Json::object({{"b", "needle"}})}}}))));
  EXPECT_TRUE(lets("text~needle", call("T", {}, Json::object({{"data", "hay needle hay"}}))));
  EXPECT_FALSE(lets("text~needle", call("T", Json::object({{"needle", 1}})))) << "keys are no text";
  EXPECT_TRUE(lets("text~/dev/tool/ls", {open_call("/dev/tool/ls"), on_fd("Read")}));
}

TEST(FilterTest, TextOfOtherEvents) {
  EXPECT_TRUE(lets("text~(?i)HELLO", answer(1, 1, "say hello")));
  EXPECT_TRUE(lets("text~m-1", answer(1, 1)));
  EXPECT_TRUE(lets("text~größe", context(1, "die größe")));
  EXPECT_TRUE(lets("text~zombie", state("running", "zombie")));
  EXPECT_TRUE(lets("text~because", state("running", "zombie")));
  EXPECT_TRUE(lets("text~budget", alert()));
  EXPECT_TRUE(lets("text~ring", gap()));
  EXPECT_FALSE(lets("text~absent", gap()));
}

TEST(FilterTest, TextOfToolCallsAndPrompts) {
  Event asked = answer(1, 1);
  std::get<LlmResponse>(asked.payload).tool_calls = {
      {"c", "grep", Json::object({{"p", "needle"}})}};
  EXPECT_TRUE(lets("text~^grep$", asked));
  EXPECT_TRUE(lets("text~needle", asked));
  Event prompted = context(1);
  std::get<ContextChange>(prompted.payload).system_prompt =
      std::make_shared<std::string>("be brief");
  EXPECT_TRUE(lets("text~brief", prompted));
}

TEST(FilterTest, TextPatternMayHoldAnySign) {
  EXPECT_TRUE(lets("text~a=b~c<d", failed_call("T", "a=b~c<d")));
}

TEST(FilterTest, TextThatIsNotUtf8IsSearchedToo) {
  EXPECT_TRUE(lets("text~needle", failed_call("T", "\xff\xfe needle \xc3")));
}

TEST(FilterTest, Durations) {
  const Event second = taking(call("Read"), 1s);
  for (const char* yes : {"duration=1s..", "duration=..1s", "duration=1s", "duration=1ms..1m",
                          "duration>999ms", "duration<1.001s", "duration>=1s", "duration<=1000ms"})
    EXPECT_TRUE(lets(yes, second)) << yes;
  for (const char* no : {"duration=1001ms..", "duration=..999ms", "duration>1s", "duration<1s"})
    EXPECT_FALSE(lets(no, second)) << no;
}

TEST(FilterTest, DurationsOfModelAnswersWhereKnown) {
  EXPECT_TRUE(lets("duration>500ms", taking(answer(1, 1), 1s)));
  EXPECT_FALSE(lets("duration=0s..", answer(1, 1)));
  EXPECT_FALSE(lets("duration=0s..", context(1)));
}

TEST(FilterTest, Tokens) {
  EXPECT_TRUE(lets("tokens=1000..2000", answer(900, 100)));
  EXPECT_TRUE(lets("tokens=1000..2000", answer(1900, 100)));
  EXPECT_FALSE(lets("tokens=1000..2000", answer(1900, 101)));
  EXPECT_FALSE(lets("tokens>1000", answer(900, 100)));
  EXPECT_TRUE(lets("tokens>1000", context(1001)));
  EXPECT_FALSE(lets("tokens=0..", call("Open")));
}

TEST(FilterTest, LargestNumbersDoNotOverflow) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(lets("tokens>9223372036854775806", answer(kMax, kMax)));
  EXPECT_FALSE(lets("tokens>9223372036854775807", answer(kMax, kMax)));
}

TEST(FilterTest, SeveralExpressionsAreAllRequired) {
  const std::vector<std::string> both = {"trace=Read", "status=failed"};
  const auto filter = Filter::parse_all(both);
  ASSERT_TRUE(filter);
  LiveSubjects subjects;
  EXPECT_TRUE(filter->matches(subjects.subject(failed_call("Read", "x"))));
  EXPECT_FALSE(filter->matches(subjects.subject(call("Read"))));
  EXPECT_FALSE(filter->matches(subjects.subject(failed_call("Open", "x"))));
}

TEST(FilterTest, RequiringItselfChangesNothing) {
  Filter filter = *Filter::parse("trace=Read");
  filter.require(filter);
  LiveSubjects subjects;
  EXPECT_TRUE(filter.matches(subjects.subject(call("Read"))));
  EXPECT_FALSE(filter.matches(subjects.subject(call("Open"))));
}

struct BadExpression {
  const char* text;
  const char* message;
};

TEST(FilterTest, ErrorsNameColumnAndExpectation) {
  const BadExpression cases[] = {
      {"", "filter \"\", column 1: a condition is missing"},
      {"trace=", "filter \"trace=\", column 7: expected a name or a set"},
      {"trace=Open,,Read", "column 12: expected a name or a set"},
      {"trace=Open,", "column 12: expected a name or a set"},
      {"!", "column 2: expected a name or a set"},
      {"trace=Open Read", "column 11: this does not belong into a name"},
      {"Open;Read", "column 5: this does not belong into a name"},
      {"trace=Open,%llms", "column 12: unknown set \"%llms\""},
      {"trace~Open", "column 6: expected \"=\" after \"trace\""},
      {"größe=3", "column 1: unknown condition \"größe\""},
      {"größe,äh!", "column 9: this does not belong"},
      {"tool=", "column 6: expected a tool's name"},
      {"tool=Bash,", "column 11: expected a tool's name"},
      {"tool~Bash", "column 5: expected \"=\" after \"tool\""},
      {"status=broken", "column 8: expected \"failed\" or \"successful\""},
      {"status=", "column 8: expected \"failed\" or \"successful\""},
      {"pid=", "column 5: expected a process number"},
      {"pid=1,x", "column 7: expected a process number"},
      {"pid=-1", "column 5: expected a process number"},
      {"pid=99999999999999999999", "column 5: expected a process number"},
      {"text=x", "column 5: expected \"~\" after \"text\""},
      {"text~", "column 6: expected a pattern"},
      {"text~ab(c", "column 6: not a regular expression: missing ): ab(c"},
      {"text~ab[z-a]", "column 9: not a regular expression: invalid character class range: z-a"},
      {"duration=1", "column 10: expected a duration with its unit"},
      {"duration=1s..x", "column 14: expected a duration with its unit"},
      {"duration=..", "column 10: expected a value on one side"},
      {"duration=2s..1s", "column 10: the range ends before it begins"},
      {"duration~1s", "column 9: expected \"=\", \"<\" or \">\""},
      {"duration>", "column 10: expected a duration with its unit"},
      {"tokens=1.5", "column 8: expected a whole number of tokens"},
      {"tokens>=", "column 9: expected a whole number of tokens"},
      {"tokens=1...2", "column 11: expected a whole number of tokens"},
  };
  for (const BadExpression& bad : cases) {
    const Error error = error_of(bad.text);
    EXPECT_THAT(error.message, HasSubstr(bad.message)) << bad.text;
    EXPECT_FALSE(error.hint.empty()) << bad.text;
    EXPECT_EQ(error.code, Code::kInvalid);
  }
}

TEST(FilterTest, ErrorOfOneOfSeveral) {
  const std::vector<std::string> expressions = {"trace=Read", "pid=x"};
  EXPECT_THAT(Filter::parse_all(expressions).error().message, HasSubstr("filter \"pid=x\""));
}

TEST(FilterTest, HostileExpressionsGiveOneTameLine) {
  for (const std::string& text :
       {std::string(1 << 20, 'x') + "=", "trace=" + std::string(1 << 20, '%'),
        "text~" + std::string(2000, '('), std::string("text~(?:(?:(?:a{1000}){1000}){1000})"),
        std::string("\x1b[2J=\n"), std::string("\xff\xfe=1")}) {
    const Error error = error_of(text);
    EXPECT_LT(error.message.size(), 10'000u);
    EXPECT_EQ(error.message.find_first_of("\x1b\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace agdb
