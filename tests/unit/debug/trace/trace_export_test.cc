#include "debug/trace/trace_export.h"

#include "tests/unit/debug/trace/recorded_runs.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Put together here, so that no file holds what looks like a key.
std::string key() {
  return std::string("sk-ant-") + "api03-" + "a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4";
}

class TraceExportTest : public RecordedRunsCase {
 protected:
  TraceSource recorded(const std::string& intent = "tidy") {
    const std::string id =
        record({.run_id = "run", .trace_id = std::string(kOne), .intent = intent});
    return *TraceSource::of_recording(places_, folder_of(id));
  }
  TraceSource kept() {
    keep(std::string(kTwo), "alone");
    return *TraceSource::named(places_, std::string(kTwo));
  }

  Result<ExportTotals> write(const TraceSource& source, std::string_view format,
                             ExportOptions options = {}) {
    written_.clear();
    options.write = [this](std::string_view piece) -> Status {
      written_ += piece;
      return {};
    };
    return export_trace(source, trace_format(format), options);
  }

  std::string written_;
};

TEST_F(TraceExportTest, FormatsHaveNamesOfTheirOwn) {
  ASSERT_FALSE(trace_formats().empty());
  for (const TraceFormat& format : trace_formats()) {
    EXPECT_EQ(&trace_format(format.name), &format);
    EXPECT_FALSE(format.extension.empty() || format.media_type.empty()) << format.name;
  }
}

TEST_F(TraceExportTest, EachFormatWritesARecordedRunAndAKeptTrace) {
  for (const TraceSource& source : {recorded(), kept()}) {
    for (const auto& [format, begin] : std::initializer_list<std::pair<const char*, const char*>>{
             {"perfetto", "{"}, {"otlp", "{\"resourceSpans\":["}, {"csv", "trace_id,span_id,"}}) {
      ASSERT_TRUE(write(source, format)) << format;
      EXPECT_THAT(written_, StartsWith(begin));
      EXPECT_THAT(written_, HasSubstr(source.runs().empty() ? "alone" : "Lint")) << format;
    }
    ASSERT_TRUE(write(source, "folded"));
    EXPECT_THAT(written_, HasSubstr(source.runs().empty() ? "alone " : "tidy;Lint "));
  }
}

TEST_F(TraceExportTest, TotalsSayWhatWasWritten) {
  const TraceSource source = recorded();
  EXPECT_EQ(write(source, "csv")->spans, 2U);
  const Result<ExportTotals> otlp = write(source, "otlp");
  EXPECT_EQ(otlp->spans, 2U);
  EXPECT_EQ(otlp->requests, 1U);
  EXPECT_THAT(written_, testing::EndsWith("}\n"));
  EXPECT_EQ(otlp->counts.recordings, 1U);
  EXPECT_EQ(write(source, "folded")->stacks, 2U);
  EXPECT_EQ(write(source, "folded", {.by_tokens = true})->stacks, 0U);
  const Result<ExportTotals> all = write(source, "perfetto");
  EXPECT_GT(all->events, 2U);
  EXPECT_EQ(all->dropped, 0U);
  for (std::int64_t i = 0; i < 100; ++i)
    keep("many", made_span(SpanKind::kToolCall, "s" + std::to_string(i), "", "ls", i, i + 1));
  const Result<TraceSource> many = TraceSource::named(places_, "many");
  EXPECT_GT(write(*many, "perfetto", {.limit = 20})->dropped, 0U);
}

TEST_F(TraceExportTest, TracksAreTheSameInWhateverOrderSpansAreKept) {
  for (std::int64_t i = 0; i < 300; ++i) {
    keep("on", made_span(SpanKind::kToolCall, "s", "", "ls", 10 * i, 10 * i + 5));
    keep("back", made_span(SpanKind::kToolCall, "s", "", "ls", 2990 - 10 * i, 2995 - 10 * i));
  }
  ASSERT_TRUE(write(*TraceSource::named(places_, "on"), "perfetto"));
  const std::string on = written_;
  ASSERT_TRUE(write(*TraceSource::named(places_, "back"), "perfetto"));
  EXPECT_EQ(written_, on);
}

TEST_F(TraceExportTest, StacksAreTheSameInWhateverOrderSpansAreKept) {
  for (std::int64_t i = 299; i >= 0; --i)
    keep("back",
         made_span(SpanKind::kToolCall, "s" + std::to_string(i), "p", "ls", 10 * i, 10 * i + 5));
  keep("back", made_span(SpanKind::kProcess, "p", "", "root", 0, 3000));
  ASSERT_TRUE(write(*TraceSource::named(places_, "back"), "folded"));
  EXPECT_EQ(written_, "root 1500000\nroot;ls 1500000\n");
}

TEST_F(TraceExportTest, ManyLinesComeInFewPieces) {
  constexpr std::int64_t kMany = 2000;
  for (std::int64_t i = 0; i < kMany; ++i)
    keep("many", made_span(SpanKind::kToolCall, "s" + std::to_string(i), "",
                           "t" + std::to_string(i), i, i + 1));
  const Result<TraceSource> many = TraceSource::named(places_, "many");
  for (const char* const format : {"csv", "folded"}) {
    std::size_t pieces = 0;
    std::string text;
    ASSERT_TRUE(export_trace(*many, trace_format(format), {.write = [&](std::string_view piece) {
      ++pieces;
      text += piece;
      return Status();
    }}));
    EXPECT_LT(pieces, 10U) << format;
    EXPECT_GE(std::ranges::count(text, '\n'), kMany) << format;
    EXPECT_TRUE(text.ends_with('\n')) << format;
  }
}

TEST_F(TraceExportTest, SecretsAreMaskedAndCountedWhereThatIsWanted) {
  const TraceSource source = recorded("use " + key());
  for (const TraceFormat& format : trace_formats()) {
    MaskCounts masked;
    ASSERT_TRUE(write(source, format.name, {.masked = &masked}));
    EXPECT_THAT(written_, Not(HasSubstr(key()))) << format.name;
    EXPECT_GT(masked.of(SecretKind::kAnthropicKey), 0U) << format.name;
    ASSERT_TRUE(write(source, format.name));
    EXPECT_THAT(written_, HasSubstr(key())) << format.name;
  }
}

TEST_F(TraceExportTest, OfAKeptTraceThereIsNoContent) {
  const Result<ExportTotals> totals = write(kept(), "otlp", {.content = true});
  ASSERT_FALSE(totals);
  EXPECT_EQ(totals.error().code, Code::kInvalid);
  EXPECT_THAT(totals.error().message, HasSubstr("not their content"));
  EXPECT_EQ(written_, "");
  EXPECT_TRUE(write(recorded(), "otlp", {.content = true}));
}

TEST_F(TraceExportTest, AFailureToWriteEndsItAndIsTold) {
  for (const TraceSource& source : {recorded(), kept()}) {
    for (const TraceFormat& format : trace_formats()) {
      int calls = 0;
      const Result<ExportTotals> totals =
          export_trace(source, format, {.write = [&calls](std::string_view) -> Status {
                         ++calls;
                         return fail(Code::kIo, "the disk is full");
                       }});
      ASSERT_FALSE(totals) << format.name;
      EXPECT_EQ(totals.error().message, "the disk is full") << format.name;
      EXPECT_EQ(calls, 1) << format.name;
    }
  }
}

TEST_F(TraceExportTest, TheProgressMayEndIt) {
  for (const TraceFormat& format : trace_formats()) {
    const Result<ExportTotals> totals =
        export_trace(recorded(), format, {.write = [](std::string_view) { return Status(); }},
                     [](std::uint64_t, std::uint64_t) { return false; });
    ASSERT_FALSE(totals) << format.name;
    EXPECT_EQ(totals.error().code, Code::kCancelled) << format.name;
  }
}

}  // namespace
}  // namespace agdb
