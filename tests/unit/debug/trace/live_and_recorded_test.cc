// Spans of a run that is watched live are those of its recordings.

#include <atomic>
#include <memory>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"
#include "debug/record/recording_manager.h"
#include "debug/record/records_dir.h"
#include "debug/trace/recorded_trace.h"
#include "runtime/events/bus.h"
#include "runtime/kernel/kernel.h"
#include "tests/unit/debug/trace/derived_fixture.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

namespace fs = std::filesystem;

class NoFiles final : public SessionFiles {
 public:
  Result<std::string> read(const std::string& path) override { return fail(Code::kNotFound, path); }
  std::vector<std::string> list(const std::string&) override { return {}; }
};

class LiveAndRecordedTest : public testing::TestWithParam<std::string> {
 protected:
  LiveAndRecordedTest()
      : manager_(files_, clock_, {.records_dir = temp_ / "records"}, [](const std::string&) {}),
        live_(watched_, [this](Pid pid) { return manager_.record_id(pid).value_or(""); }) {}

  void take(const Event& event) {
    manager_.on_event(event);
    live_.on_event(event);
  }

  void run_script(const std::string& name) {
    const std::string text = read_text(fixture_path("scripts/" + name));
    const Result<Script> script = parse_script(text, name);
    ASSERT_TRUE(script) << script.error().message;
    const std::unique_ptr<Scheduler> scheduler = make_sim_scheduler();
    EventBus bus;
    bus.add(manager_);
    bus.add(live_);
    {
      KernelOptions options;
      options.seed = 7;
      options.pace = [&](std::size_t waiting) {
        if (waiting > EventBus::kRingBytes / 4) bus.flush();
      };
      Kernel kernel(*scheduler, bus, options);
      SpawnRequest request;
      request.script = std::make_shared<const Script>(*script);
      ASSERT_TRUE(kernel.spawn(std::move(request)));
      kernel.run();
    }
    bus.flush();
    bus.remove(live_);
    bus.remove(manager_);
  }

  void derive_again() {
    ASSERT_TRUE(manager_.close_all());
    const Result<RecordingList> list = list_recordings(temp_ / "records");
    ASSERT_TRUE(list);
    if (list->recordings.empty()) return;  // a log without runs
    const Result<RecordedRun> run =
        RecordedRun::of(temp_ / "records", list->recordings.front().folder);
    ASSERT_TRUE(run);
    const Result<DerivedCounts> counts = run->derive(recorded_);
    ASSERT_TRUE(counts) << counts.error().message;
    EXPECT_EQ(counts->damaged_lines, 0U);
    EXPECT_GT(counts->events, 0U);
  }

  void expect_equal() {
    const auto live = watched_.by_process();
    const auto recorded = recorded_.by_process();
    ASSERT_EQ(live.size(), recorded.size());
    for (const auto& [pid, spans] : live) {
      ASSERT_TRUE(recorded.contains(pid));
      const std::vector<Span>& again = recorded.at(pid);
      EXPECT_EQ(again.size(), spans.size());
      const auto [left, right] = std::ranges::mismatch(spans, again);
      if (left != spans.end() && right != again.end()) EXPECT_EQ(*left, *right);
    }
    EXPECT_EQ(watched_.begun.size(), recorded_.begun.size());
    EXPECT_EQ(watched_.counters.size(), recorded_.counters.size());
    EXPECT_EQ(watched_.instants.size(), recorded_.instants.size());
  }

  TempFolder temp_;
  FileSystem files_;
  RealClock clock_;
  RecordingManager manager_;
  SpanKeeper watched_;
  SpanKeeper recorded_;
  LiveSpans live_;
};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fixture_path(folder)))
    if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string name_of_test(const testing::TestParamInfo<std::string>& param) {
  std::string name = param.param;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

class ScriptTest : public LiveAndRecordedTest {};
TEST_P(ScriptTest, HasTheSameSpansLiveAndFromItsRecordings) {
  run_script(GetParam());
  derive_again();
  expect_equal();
}
INSTANTIATE_TEST_SUITE_P(All, ScriptTest, testing::ValuesIn(names_in("scripts")), name_of_test);

class SessionTest : public LiveAndRecordedTest {
 protected:
  void import_file(const std::string& name) {
    const std::string path = fixture_path("sessions/" + name);
    const std::string text = read_text(path);
    NoFiles none;
    const Result<SessionLog> log = name.starts_with("claude-code")
                                       ? import_claude_code(text, path, none)
                                       : import_openai_chat(text, path);
    ASSERT_TRUE(log) << log.error().message;
    if (log->runs.empty()) return;
    const SessionRun& run = log->runs.front();
    for (std::size_t i = 0; i < run.processes.size(); ++i)
      session_events(run, i, Pid{1}, "run", "", [this](Event&& event) { take(event); });
  }
};
TEST_P(SessionTest, HasTheSameSpansImportedAndFromItsRecordings) {
  import_file(GetParam());
  derive_again();
  expect_equal();
}
std::vector<std::string> sessions() {
  std::vector<std::string> names;
  for (const std::string folder : {"claude-code", "openai-chat"})
    for (const std::string& name : names_in("sessions/" + folder))
      if (!name.ends_with(".md") && !name.ends_with(".meta.json"))
        names.push_back(folder + "/" + name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(All, SessionTest, testing::ValuesIn(sessions()), name_of_test);

TEST_F(LiveAndRecordedTest, ATeamOfAgentsIsATreeWithItsCauses) {
  run_script("research-team.json");
  derive_again();
  const std::vector<Span> processes = recorded_.of_kind(SpanKind::kProcess);
  ASSERT_EQ(processes.size(), 3U);
  EXPECT_EQ(processes[0].name, "find out why the bridge was closed");
  EXPECT_EQ(processes[0].parent_span_id, "");
  EXPECT_EQ(processes[1].parent_span_id, processes[0].span_id);
  EXPECT_EQ(processes[2].parent_span_id, processes[0].span_id);
  // Each is linked to what caused it.
  const std::vector<Span> spawns = recorded_.of_kind(SpanKind::kSpawn);
  ASSERT_EQ(spawns.size(), 2U);
  EXPECT_EQ(spawns[0].links.at(0).span_id, processes[1].span_id);
  EXPECT_EQ(spawns[0].name, "read the council's notices");
  const std::vector<Span> sent = recorded_.of_kind(SpanKind::kChannelEmit);
  const std::vector<Span> received = recorded_.of_kind(SpanKind::kChannelMatch);
  ASSERT_EQ(sent.size(), 2U);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0].links.at(0).span_id, sent[1].span_id);
  EXPECT_EQ(received[1].links.at(0).span_id, sent[0].span_id);
  EXPECT_EQ(recorded_.of_kind(SpanKind::kWait).size(), 2U);
  for (const Span& span : recorded_.of_kind(SpanKind::kToolCall))
    EXPECT_EQ(span.attributes.text("tool"), span.name);
}

TEST_F(LiveAndRecordedTest, ARetriedCallTellsOfItsAttempts) {
  run_script("retry.json");
  derive_again();
  std::vector<std::string> phases;
  for (const Span& span : recorded_.of_kind(SpanKind::kPhase))
    phases.push_back(span.name + (span.failed() ? ": " + span.error : ""));
  EXPECT_THAT(phases, testing::IsSupersetOf({"Attempt 1 (retry): HTTP 529: overloaded",
                                             "Attempt 2 (retry): HTTP 529: overloaded",
                                             "Request Setup", "First Token", "Sampling"}));
}

}  // namespace
}  // namespace agdb
