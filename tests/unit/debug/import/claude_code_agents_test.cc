#include "tests/unit/debug/import/claude_code_log.h"

namespace agdb {
namespace {

using namespace claude;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kSubagents = "/p/sess/subagents/";

// A session whose second record runs a sub-agent; it gets "found it".
Log parent(Json use_result = Json()) {
  Log log;
  log.user({"u1", ""}, "go");
  log.answer(
      {"a1", "u1"}, "m1",
      {use("t1", "Task", Json::object({{"description", "look"}, {"prompt", "look there"}}))});
  log.user({"r1", "a1"}, blocks({result("t1", "found it")})).set("toolUseResult", use_result);
  log.answer({"a2", "r1"}, "m2", {text("done")});
  return log;
}
Json ran(const char* agent) {
  return Json::object({{"agentId", agent}, {"status", "completed"}});
}

Log child(std::string agent, std::string prompt = "look there") {
  Log log;
  log.agent(agent);
  log.user({agent + "-u", ""}, prompt);
  log.answer({agent + "-a", agent + "-u"}, agent + "-m", {text("found by " + agent)}, 5);
  return log;
}

// "look < sess at 1/0: …" of each process but the root.
std::vector<std::string> children(const SessionLog& log) {
  std::vector<std::string> out;
  const std::vector<SessionProcess>& processes = log.runs.at(0).processes;
  for (std::size_t i = 1; i < processes.size(); ++i) {
    const SessionProcess& process = processes[i];
    std::string line = process.name + " < " + processes.at(process.parent.value_or(99)).name;
    if (process.spawn)
      line += " at " + std::to_string(process.spawn->answer) + "/" +
              std::to_string(process.spawn->call);
    out.push_back(line);
  }
  return out;
}

TEST(ClaudeCodeAgents, InlineSidechainIsLinkedByItsPrompt) {
  Log log = parent();
  log.line("user", {"s1", ""})
      .set("isSidechain", true)
      .set("message", Json::object({{"content", "look there"}}));
  log.line("assistant", {"s2", "s1"})
      .set("isSidechain", true)
      .set("message", Json::object({{"id", "sm"}, {"model", "small"}, {"content", "seen"}}));
  const SessionLog read = import(log);
  EXPECT_THAT(story(read),
              ElementsAre("user: go", "answer:  [Task]", "Task: found it", "answer: done"));
  EXPECT_THAT(children(read), ElementsAre("s1 < sess at 1/0"));
  const SessionProcess& process = read.runs[0].processes[1];
  EXPECT_THAT(story(process), ElementsAre("user: look there", "answer: seen"));
  EXPECT_EQ(process.intent, "look");
  EXPECT_EQ(process.model, "small");
  EXPECT_EQ(std::get<SessionToolResult>(root(read).items.at(2)).child, 1u);
}

TEST(ClaudeCodeAgents, InlineSidechainsAreToldApartByTheirRoots) {
  Log log;
  log.user({"u1", ""}, "go");
  for (const char* name : {"s", "t"}) {
    const std::string n = name;
    log.line("user", {n + "1", ""})
        .set("isSidechain", true)
        .set("message", Json::object({{"content", n}}));
    log.line("assistant", {n + "2", n + "1"})
        .set("isSidechain", true)
        .set("message", Json::object({{"id", n}, {"content", n}}));
  }
  EXPECT_THAT(children(import(log)), ElementsAre("s1 < sess", "t1 < sess"));
}

TEST(ClaudeCodeAgents, FileBesideTheSessionIsLinkedByAgentId) {
  MemoryFiles files;
  files.files["/p/agent-x1.jsonl"] = child("x1", "other words");
  const SessionLog read = import(parent(ran("x1")), files);
  EXPECT_THAT(children(read), ElementsAre("x1 < sess at 1/0"));
  EXPECT_THAT(read.companion_files, ElementsAre("/p/agent-x1.jsonl"));
}

TEST(ClaudeCodeAgents, FilesOfOtherSessionsAreNotRead) {
  MemoryFiles files;
  Log other("another session");
  other.agent("x2");
  other.user({"o1", ""}, "hello");
  files.files["/p/agent-x2.jsonl"] = other;
  Log no_agent;
  no_agent.user({"n1", ""}, "names the session, but is nobody's sub-agent");
  files.files["/p/agent-x3.jsonl"] = no_agent;
  files.files["/p/other.jsonl"] = child("x4");
  const SessionLog read = import(parent(), files);
  EXPECT_THAT(children(read), IsEmpty());
  EXPECT_THAT(read.companion_files, IsEmpty());
}

TEST(ClaudeCodeAgents, FolderOfTheSession) {
  MemoryFiles files;
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = child("x1", "a");
  files.files[std::string(kSubagents) + "agent-x1.meta.json"] =
      R"({"description":"The look","toolUseId":"t1"})";
  files.files[std::string(kSubagents) + "agent-x2.jsonl"] = child("x2", "b");
  files.files[std::string(kSubagents) + "workflows/wf_1/agent-x3.jsonl"] = child("x3", "c");
  files.files[std::string(kSubagents) + "workflows/wf_1/journal.jsonl"] = "{}";
  const SessionLog read = import(parent(), files);
  EXPECT_THAT(children(read), ElementsAre("x1 < sess at 1/0", "x2 < sess", "x3 < sess"));
  EXPECT_EQ(read.runs[0].processes[1].intent, "The look");
  EXPECT_EQ(read.companion_files.size(), 3u);
}

TEST(ClaudeCodeAgents, FolderIsFoundForARenamedFileToo) {
  MemoryFiles files;
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = child("x1");
  EXPECT_THAT(children(import(parent(), files, "/p/copy-of-it.jsonl")),
              ElementsAre("x1 < sess at 1/0"));
}

TEST(ClaudeCodeAgents, ChildrenOfChildrenAreLinkedByTheTextOfTheResult) {
  MemoryFiles files;
  Log middle;
  middle.agent("mid");
  middle.user({"mu", ""}, "delegate");
  middle.answer({"ma", "mu"}, "mm", {use("t2", "Agent", Json::object({{"prompt", "deeper"}}))});
  middle.user(
      {"mr", "ma"},
      blocks({result("t2", blocks({text("ok"), text("agentId: leaf (use SendMessage)")}))}));
  // The leaf's name comes first: parents stand before their children all the same.
  files.files[std::string(kSubagents) + "agent-aleaf.jsonl"] = child("leaf", "unlike the prompt");
  files.files[std::string(kSubagents) + "agent-mid.jsonl"] = middle;
  const SessionLog read = import(parent(ran("mid")), files);
  EXPECT_THAT(children(read), ElementsAre("mid < sess at 1/0", "leaf < mid at 1/0"));
}

TEST(ClaudeCodeAgents, AgentsThatClaimToHaveRunEachOtherHangUnderTheRoot) {
  MemoryFiles files;
  for (const auto& [name, other] : {std::pair("x", "y"), std::pair("y", "x")}) {
    const std::string n = name;
    Log log;
    log.agent(n);
    log.user({n + "u", ""}, n);
    log.answer({n + "a", n + "u"}, n + "m", {use("t" + n, "Task")});
    log.user({n + "r", n + "a"}, blocks({result("t" + n, "ok")})).set("toolUseResult", ran(other));
    files.files[std::string(kSubagents) + "agent-" + n + ".jsonl"] = log;
  }
  const SessionLog read = import(parent(), files);
  ASSERT_EQ(read.runs[0].processes.size(), 3u);
  EXPECT_EQ(read.runs[0].processes[1].parent, 0u);
}

// A record of a sub-agent, mirrored into its parent.
void mirror(Log& log, const std::string& agent, const Json& record) {
  log.line("progress", {"p" + std::to_string(log.size()), "a1"})
      .set("parentToolUseID", "t1")
      .set("data",
           Json::object({{"type", "agent_progress"}, {"agentId", agent}, {"message", record}}));
}

TEST(ClaudeCodeAgents, MirroredRecordsAreTheAgentWhenItsFileIsNotThere) {
  Log log = parent();
  Log own = child("x1", "unlike the prompt");
  mirror(log, "x1", own.at(0));
  mirror(log, "x1", own.at(1));
  mirror(log, "x1", own.at(1));
  const SessionLog read = import(log);
  EXPECT_THAT(children(read), ElementsAre("x1 < sess at 1/0"));
  EXPECT_EQ(answers(read.runs[0].processes[1]).size(), 1u);
  EXPECT_EQ(count(read.bookkeeping, "progress:agent_progress"), 0u);
}

TEST(ClaudeCodeAgents, MirroredRecordsAreNotCountedBesideTheFile) {
  MemoryFiles files;
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = child("x1");
  Log log = parent();
  Log own = child("x1");
  mirror(log, "x1", own.at(0));
  mirror(log, "x1", own.at(1));
  const SessionLog read = import(log, files);
  EXPECT_EQ(read.runs[0].processes.size(), 2u);
  EXPECT_EQ(answers(read.runs[0].processes[1]).size(), 1u);
  EXPECT_EQ(count(read.bookkeeping, "progress:agent_progress"), 2u);
}

TEST(ClaudeCodeAgents, MirroredRecordWithoutAMessageIsCounted) {
  Log log = parent();
  mirror(log, "x1", Json("nothing"));
  EXPECT_EQ(count(import(log).not_understood, "agent_progress without a message"), 1u);
}

TEST(ClaudeCodeAgents, AgentFileAloneIsItsOwnRoot) {
  Log log = child("x1");
  const SessionLog read = import(log, {}, "/p/agent-x1.jsonl");
  EXPECT_THAT(story(read), ElementsAre("user: look there", "answer: found by x1"));
  EXPECT_EQ(root(read).name, "x1");
  EXPECT_EQ(root(read).intent, "look there");
}

TEST(ClaudeCodeAgents, AgentFileMayBeginWithAnAnswer) {
  Log log;
  log.agent("x1");
  log.answer({"a1", ""}, "m1", {text("ready")});
  const SessionLog read = import(log, {}, "/p/agent-x1.jsonl");
  EXPECT_THAT(story(read), ElementsAre("answer: ready"));
  EXPECT_EQ(root(read).intent, "");
}

TEST(ClaudeCodeAgents, AgentFileTakesOnlyItsOwnChildrenAlong) {
  MemoryFiles files;
  Log middle;
  middle.agent("mid");
  middle.user({"mu", ""}, "delegate");
  middle.answer({"ma", "mu"}, "mm", {use("t2", "Agent", Json::object({{"prompt", "deeper"}}))});
  files.files["/p/s/subagents/agent-mid.jsonl"] = middle;
  files.files["/p/s/subagents/agent-mine.jsonl"] = child("mine", "deeper");
  files.files["/p/s/subagents/agent-other.jsonl"] = child("other", "something else");
  const SessionLog read = import(middle, files, "/p/s/subagents/agent-mid.jsonl");
  EXPECT_THAT(children(read), ElementsAre("mine < mid at 1/0"));
  EXPECT_THAT(read.companion_files, ElementsAre("/p/s/subagents/agent-mine.jsonl"));
}

TEST(ClaudeCodeAgents, InheritedConversationIsContextAndNotCountedAgain) {
  MemoryFiles files;
  Log log = parent(ran("fork"));
  Log fork;
  fork.agent("fork");
  for (std::size_t i = 0; i < 2; ++i) {
    fork.line("user", {"-", "-"}) = log.at(i);
    fork.at(i).set("isSidechain", true).set("agentId", "fork");
  }
  fork.user({"f1", "a1"}, "look there");
  fork.answer({"f2", "f1"}, "fm", {text("seen")});
  files.files[std::string(kSubagents) + "agent-fork.jsonl"] = fork;
  const SessionLog read = import(log, files);
  const SessionProcess& process = read.runs[0].processes.at(1);
  EXPECT_EQ(answers(process).size(), 1u);
  EXPECT_THAT(context(process),
              ElementsAre("user: go", "assistant:  [Task]", "user: look there", "assistant: seen"));
  EXPECT_EQ(count(read.bookkeeping, "inherited line"), 2u);
}

TEST(ClaudeCodeAgents, ParentTellsHowAnUnfinishedTranscriptEnded) {
  MemoryFiles files;
  Log cut;
  cut.agent("x1");
  cut.user({"c1", ""}, "look there");
  cut.answer({"c2", "c1"}, "cm", {use("t9", "Read")});
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = cut;
  EXPECT_EQ(import(parent(ran("x1")), files).runs[0].processes[1].exit_reason, "completed");
  EXPECT_EQ(import(parent(), files).runs[0].processes[1].exit_reason, "log ended");
}

TEST(ClaudeCodeAgents, FileThatCannotBeReadIsCounted) {
  class Broken final : public SessionFiles {
   public:
    Result<std::string> read(const std::string& path) override { return fail(Code::kIo, path); }
    std::vector<std::string> list(const std::string&) override { return {"agent-x1.jsonl"}; }
  } files;
  const auto read = import_claude_code(parent().text(), kPath, files);
  ASSERT_TRUE(read);
  EXPECT_GE(count(read->not_understood, "sub-agent file that cannot be read"), 1u);
}

TEST(ClaudeCodeAgents, DescriptionThatIsNoJsonIsCounted) {
  MemoryFiles files;
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = child("x1");
  files.files[std::string(kSubagents) + "agent-x1.meta.json"] = "{";
  EXPECT_EQ(count(import(parent(), files).not_understood, "sub-agent description not JSON"), 1u);
}

TEST(ClaudeCodeAgents, DamagedAgentFileStillCounts) {
  MemoryFiles files;
  files.files[std::string(kSubagents) + "agent-x1.jsonl"] = child("x1").text() + "garbage\n";
  const SessionLog read = import(parent(), files);
  EXPECT_EQ(read.runs[0].processes.size(), 2u);
  EXPECT_EQ(count(read.not_understood, "line not JSON"), 1u);
}

TEST(ClaudeCodeAgents, StandardInputHasNoCompanions) {
  MemoryFiles files;
  files.files["agent-x1.jsonl"] = child("x1");
  EXPECT_THAT(import(parent(), files, "-").companion_files, IsEmpty());
  EXPECT_THAT(import(parent(), files, "sess.jsonl").companion_files, ElementsAre("agent-x1.jsonl"));
}

}  // namespace
}  // namespace agdb
