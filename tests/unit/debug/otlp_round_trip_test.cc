#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"
#include "debug/trace/live_spans.h"
#include "debug/trace/otlp_export.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

// A run that goes out as OTLP and comes back in has the same spans: their places in the tree,
// kinds, names, times, tokens and failures. Not the messages, which are not in it, and not what is
// known from those alone.

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

class Spans final : public TraceSink {
 public:
  void on_span(const Span& span) override { spans.push_back(span); }
  std::vector<Span> spans;
};

SessionLog read_log(const std::string& path) {
  DiskFiles files;
  const std::string text = files.read(path).value_or("");
  EXPECT_FALSE(text.empty()) << path;
  const std::string_view format = detect_session_format(text);
  Result<SessionLog> log = format == "claude-code" ? import_claude_code(text, path, files)
                           : format == "otlp"      ? import_otlp(text, path)
                                                   : import_openai_chat(text, path);
  EXPECT_TRUE(log) << path;
  return log ? *std::move(log) : SessionLog{};
}

void derive(const SessionRun& run, TraceSink& sink) {
  const std::string trace_id =
      run.trace_id.empty() ? "0af7651916cd43dd8448eb211c80319c" : run.trace_id;
  LiveSpans live(sink);
  for (std::size_t i = 0; i < run.processes.size(); ++i)
    session_events(run, i, Pid{1}, "run", trace_id,
                   [&live](Event&& event) { live.on_event(event); });
  live.close();
}

std::string exported(const SessionRun& run) {
  std::string text;
  OtlpExport out([&text](std::string_view request) {
    text.append(request).append("\n");
    return Status();
  });
  derive(run, out);
  EXPECT_TRUE(out.finish());
  return text;
}

// What a span is, with those around it; times in nanoseconds.
std::vector<std::string> described(const SessionRun& run) {
  Spans derived;
  derive(run, derived);
  std::map<std::string, const Span*> by_id;
  for (const Span& span : derived.spans) by_id[span.span_id] = &span;
  const auto own = [](const Span& span) {
    return std::string(span_kind_name(span.kind)) + " '" + span.name + "' " +
           std::to_string(span.start.time_since_epoch().count()) + "+" +
           std::to_string(span.duration.count());
  };
  std::vector<std::string> lines;
  for (const Span& span : derived.spans) {
    // Made of calls that are not spans elsewhere: what the model thought, what a user said.
    if (span.kind == SpanKind::kFnCall || span.name == "wait for user") continue;
    std::string line;
    for (const Span* at = &span; at != nullptr;) {
      line = own(*at) + " / " + line;
      const auto parent = by_id.find(at->parent_span_id);
      at = parent == by_id.end() ? nullptr : parent->second;
    }
    line += std::to_string(span.tokens_used) + " tokens, " +
            std::string(span_status_name(span.status)) + " " + span.error;
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void check_round_trips(const std::string& path) {
  for (const SessionRun& run : read_log(path).runs) {
    const Result<SessionLog> back = import_otlp(exported(run), "export");
    ASSERT_TRUE(back) << path;
    ASSERT_EQ(back->runs.size(), 1u) << path;
    EXPECT_TRUE(back->not_understood.empty())
        << path << ": " << back->not_understood.begin()->first;
    EXPECT_EQ(described(back->runs[0]), described(run)) << path;
  }
}

class OtlpRoundTrip : public testing::TestWithParam<const char*> {};
TEST_P(OtlpRoundTrip, KeepsTheSpans) {
  check_round_trips(fixture_path(std::string("sessions/") + GetParam()));
}
INSTANTIATE_TEST_SUITE_P(RealSessions, OtlpRoundTrip,
                         testing::Values("claude-code/happy-task-inline-sidechain.jsonl",
                                         "claude-code/entire-cli-397737088f0a-0.jsonl",
                                         "claude-code/ccl-JSSoundRecorder-agent-3430b97e.jsonl",
                                         "openai-chat/litellm-claude-sonnet-4-call-1.json",
                                         "otlp/openai-agents-genai-resourceSpans.json",
                                         "otlp/live-google-adk.json",
                                         "otlp/openai-agents-2025-09-30.trace.json"));

TEST(OtlpRoundTripMade, KeepsFailuresAndAttempts) {
  const auto second = [](int s) { return WallTime(std::chrono::seconds(1'750'000'000 + s)); };
  SessionAnswer tried;
  tried.began = second(1);
  tried.ended = second(9);
  tried.failures = {{"overloaded", second(3)}, {"429", second(5)}};
  tried.response.model = "m-1";
  tried.response.request_tokens = 100;
  tried.response.response_tokens = 20;
  tried.response.cache_read_tokens = 60;
  tried.response.request_setup = std::chrono::milliseconds(20);
  tried.response.time_to_first_token = std::chrono::milliseconds(700);
  tried.response.tool_calls = {{"t1", "Bash", Json::object()}};
  SessionToolResult result;
  result.answer = 0;
  result.content = "no such file";
  result.is_error = true;
  result.began = second(9);
  result.ended = second(10);
  SessionAnswer failed;
  failed.began = second(11);
  failed.ended = second(12);
  failed.response.error = "400 bad request";
  SessionRun run;
  run.time_source = "log";
  run.processes.resize(1);
  run.processes[0].intent = "try";
  run.processes[0].provider = "bedrock";
  run.processes[0].model = "m-1";
  run.processes[0].exit_reason = "api error";
  run.processes[0].items = {tried, result, failed};
  const Result<SessionLog> back = import_otlp(exported(run), "export");
  ASSERT_TRUE(back);
  EXPECT_EQ(described(back->runs.at(0)), described(run));
  const SessionProcess& process = back->runs[0].processes.at(0);
  EXPECT_EQ(process.provider, "bedrock");
  EXPECT_EQ(std::get<SessionAnswer>(process.items.at(0)).failures.size(), 2u);
  EXPECT_EQ(std::get<SessionAnswer>(process.items[0]).response.cache_read_tokens, 60);
}

}  // namespace
}  // namespace agdb
