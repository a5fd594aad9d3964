#include "debug/store/export.h"

#include "runtime/events/json.h"
#include "store_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Export : public StoreTest {
 protected:
  Export() : store(open()) {}
  std::string exported(ExportFormat format, const RunFilter& filter = {}) {
    std::string text;
    const Status done = export_traces(store, format, filter, [&](std::string_view piece) {
      text += piece;
      ++pieces;
      return true;
    });
    EXPECT_TRUE(done);
    return text;
  }

  TraceStore store;
  int pieces = 0;
};

RunTrace a_full_run() {
  RunTrace run = a_run("deploy, \"now\"", RunStatus::kFailed, 1500);
  run.steps_executed = 3;
  run.tokens_input = 100;
  run.tokens_output = 20;
  run.anchor_checks = 2;
  run.anchor_breaches = 1;
  run.errors = 4;
  run.retries = 5;
  run.source_file = "a.json";
  run.backend = "prov/m";
  run.client_key = "ann";
  run.events = {{"step", 7, "plan", "go"}, {"end", 9, "", ""}};
  return run;
}

TEST_F(Export, FormatNamesInAnyCase) {
  for (const char* name : {"jsonl", "JSON", "Jsonl"})
    EXPECT_EQ(export_format_of(name), ExportFormat::kJsonl);
  EXPECT_EQ(export_format_of("CSV"), ExportFormat::kCsv);
  for (const char* name : {"prometheus", "Prom"})
    EXPECT_EQ(export_format_of(name), ExportFormat::kPrometheus);
  for (const char* name : {"", "xml", "csv "}) EXPECT_FALSE(export_format_of(name)) << name;
}

TEST_F(Export, JsonlIsASpanALine) {
  ASSERT_TRUE(store.record(a_full_run()));
  EXPECT_EQ(exported(ExportFormat::kJsonl),
            R"({"trace_id":"axt-1","name":"deploy, \"now\"","start_time_unix_secs":1700000000,)"
            R"("duration_ms":1500,"status":"failed","resource":{"service_name":"agdb",)"
            R"("service_version":")" AGDB_VERSION R"(","source_file":"a.json","backend":"prov/m",)"
            R"("client_key":"ann"},"attributes":{"steps_executed":3,"tokens_input":100,)"
            R"("tokens_output":20,"tokens_total":120,"anchor_checks":2,"anchor_breaches":1,)"
            R"("errors":4,"retries":5},"events":[{"name":"step","offset_ms":7,"attributes":)"
            R"({"step":"plan","detail":"go"}},{"name":"end","offset_ms":9,"attributes":{}}]})"
            "\n");
}

TEST_F(Export, CsvQuotesAndHasTheReferencesColumns) {
  ASSERT_TRUE(store.record(a_full_run()));
  EXPECT_EQ(exported(ExportFormat::kCsv),
            "trace_id,timestamp,flow_name,status,steps_executed,latency_ms,tokens_input,"
            "tokens_output,anchor_checks,anchor_breaches,errors,retries,source_file,backend,"
            "client_key,event_count\r\n"
            "1,1700000000,\"deploy, \"\"now\"\"\",failed,3,1500,100,20,2,1,4,5,a.json,prov/m,ann,2"
            "\r\n");
}

TEST_F(Export, CsvMakesFormulasHarmless) {
  const std::pair<const char*, const char*> cells[] = {
      {"=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""},
      {"+1", "\"'+1\""},
      {"-1", "\"'-1\""},
      {"@SUM(A1)", "\"'@SUM(A1)\""},
      {"\tx", "\"'\tx\""},
      {"a\nb", "\"a\nb\""},
      {"a=b", "a=b"},
      {"", ""}};
  for (const auto& [text, cell] : cells) {
    std::string line;
    append_csv(line, a_run(text));
    EXPECT_EQ(line, std::string("0,0,") + cell + ",success,0,100,0,0,0,0,0,0,,,,0\r\n");
  }
}

TEST_F(Export, PrometheusCountsSinceTheStoreBegan) {
  ASSERT_TRUE(store.record(a_full_run()));
  ASSERT_TRUE(store.clear());
  ASSERT_TRUE(store.record(a_run("a")));
  const std::string text = exported(ExportFormat::kPrometheus);
  for (const char* line :
       {"\nagdb_traces_total 2\n", "\nagdb_traces_stored 1\n",
        "\nagdb_trace_latency_avg_seconds 0.8\n", "\nagdb_trace_latency_max_seconds 1.5\n",
        "\nagdb_tokens_total{type=\"input\"} 100\n", "\nagdb_tokens_total{type=\"output\"} 20\n",
        "\nagdb_retries_total 5\n", "\nagdb_anchor_breaches_total 1\n",
        "\nagdb_traces_by_status_total{status=\"failed\"} 1\n",
        "\n# TYPE agdb_errors_total counter\n", "\n# HELP agdb_steps_total "})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, StartsWith("# HELP "));
}

TEST_F(Export, AnEmptyStoreHasHeadsOnly) {
  EXPECT_EQ(exported(ExportFormat::kJsonl), "");
  EXPECT_EQ(exported(ExportFormat::kCsv), csv_header());
  EXPECT_THAT(exported(ExportFormat::kPrometheus), HasSubstr("agdb_traces_total 0\n"));
}

TEST_F(Export, ManyComeInPiecesAndAFilterHolds) {
  std::vector<RunTrace> runs(2000, a_full_run());
  for (std::size_t i = 0; i < runs.size(); i += 2) runs[i].status = RunStatus::kSuccess;
  ASSERT_TRUE(store.record_all(runs));
  const std::string text = exported(ExportFormat::kJsonl, RunFilter{.status = RunStatus::kSuccess});
  EXPECT_EQ(std::ranges::count(text, '\n'), 1000);
  EXPECT_GT(pieces, 3);
}

TEST_F(Export, EndsWhenNoMoreIsWanted) {
  std::vector<RunTrace> runs(2000, a_full_run());
  ASSERT_TRUE(store.record_all(runs));
  int taken = 0;
  EXPECT_TRUE(export_traces(store, ExportFormat::kCsv, {}, [&](std::string_view) {
    ++taken;
    return false;
  }));
  EXPECT_EQ(taken, 1);
}

TEST_F(Export, HostileNamesStayWithinTheirPlace) {
  ASSERT_TRUE(store.record(a_run("x\"},{\"y\n\x01")));
  const std::string text = exported(ExportFormat::kJsonl);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  const Result<Json> line = parse_json(text);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text("name"), "x\"},{\"y\n\x01");
}

}  // namespace
}  // namespace agdb
