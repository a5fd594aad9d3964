#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/debug/import/claude_code_log.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using namespace claude;
using testing::ElementsAre;
using testing::Pair;

// Real sessions of several versions (fixtures/README.md has their rows). The numbers are those of
// the providers' own records, counted apart from the importer.

class DiskFiles final : public SessionFiles {
 public:
  Result<std::string> read(const std::string& path) override {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Code::kNotFound, path + " not found");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::vector<std::string> list(const std::string& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

SessionLog import_fixture(const std::string& name) {
  const std::string path = fixture_path(std::string("sessions/claude-code/") + name);
  DiskFiles files;
  const Result<std::string> text = files.read(path);
  EXPECT_TRUE(text) << path;
  if (!text) return {};
  Result<SessionLog> log = import_claude_code(*text, path, files);
  EXPECT_TRUE(log) << path;
  return log ? *std::move(log) : SessionLog{};
}

TEST(ClaudeCodeReal, Version1WithAnInlineSubAgent) {
  const SessionLog log = import_fixture("happy-task-inline-sidechain.jsonl");
  ASSERT_EQ(log.runs.size(), 1u);
  const std::vector<SessionProcess>& processes = log.runs[0].processes;
  ASSERT_EQ(processes.size(), 2u);
  EXPECT_EQ(processes[0].intent,
            "Show me a sample of using Task tool, I am testing this feature, run some web search "
            "with it.");
  EXPECT_EQ(processes[1].intent, "Search TypeScript 5.6 features");
  EXPECT_EQ(processes[1].parent, 0u);
  EXPECT_EQ(processes[1].spawn->answer, 1u);
  EXPECT_EQ(processes[1].model, "claude-sonnet-4-20250514");
  EXPECT_EQ(answers(processes[0]).size(), 2u);
  EXPECT_EQ(answers(processes[1]).size(), 3u);
  const LlmResponse& first = answers(processes[0])[0]->response;
  EXPECT_EQ(first.request_tokens, 4 + 6406 + 16245);
  EXPECT_EQ(first.response_tokens, 170);
  EXPECT_EQ(std::get<SessionToolResult>(processes[0].items.at(2)).child, 1u);
  EXPECT_THAT(log.not_understood, testing::IsEmpty());
}

TEST(ClaudeCodeReal, CutAfterACall) {
  const SessionLog log = import_fixture("entire-cli-4c02af2759b6-0.jsonl");
  ASSERT_EQ(log.runs.size(), 1u);
  EXPECT_EQ(root(log).exit_reason, "log ended");
  EXPECT_EQ(root(log).items.size(), 2u);
  EXPECT_EQ(answers(root(log)).at(0)->response.request_tokens, 38395);
  EXPECT_THAT(log.bookkeeping, ElementsAre(Pair("file-history-snapshot", 1), Pair("summary", 1)));
}

TEST(ClaudeCodeReal, HooksAndOneTool) {
  const SessionLog log = import_fixture("entire-cli-397737088f0a-0.jsonl");
  const std::vector<std::string> items = story(log);
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[1], "answer: \n\n [Write]");
  EXPECT_EQ(root(log).exit_reason, "completed");
  EXPECT_EQ(answers(root(log)).at(1)->response.request_tokens, 1 + 212 + 26181);
}

TEST(ClaudeCodeReal, NobodyAnswered) {
  const SessionLog log = import_fixture("ccl-next-3680252d.jsonl");
  EXPECT_EQ(story(log).size(), 3u);
  EXPECT_EQ(root(log).exit_reason, "log ended");
  EXPECT_EQ(root(log).intent, "/model");
}

TEST(ClaudeCodeReal, OnlySnapshotsAndNothing) {
  EXPECT_THAT(import_fixture("ccl-only-snapshots-a95fea4a.jsonl").runs, testing::IsEmpty());
  EXPECT_THAT(import_fixture("ccl-empty-2c5941bd.jsonl").runs, testing::IsEmpty());
}

TEST(ClaudeCodeReal, SubAgentOfOneLine) {
  const SessionLog log = import_fixture("ccl-JSSoundRecorder-agent-3430b97e.jsonl");
  EXPECT_EQ(root(log).name, "3430b97e");
  EXPECT_EQ(answers(root(log)).at(0)->response.request_tokens, 1138);
}

}  // namespace
}  // namespace agdb
