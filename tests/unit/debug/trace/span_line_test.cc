#include "debug/trace/span_line.h"

#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string line_of(const Span& span) {
  std::string line;
  append_span_line(line, span);
  return line;
}

Result<Span> read(std::string_view line) {
  return SpanLineReader().read(line);
}

std::string error_of(std::string_view line) {
  const Result<Span> span = read(line);
  return span ? "none" : span.error().message;
}

Span full_span() {
  Span span = make_span("s1", "s0", 1.25, 0.5);
  span.start += Nanoseconds(7);
  span.duration += Nanoseconds(11);
  span.pid = Pid{18'446'744'073'709'551'615u};
  span.kind = SpanKind::kToolCall;
  span.name = "ba\"sh\n→";
  span.syscall_count = 3;
  span.tokens_used = -4;
  span.status = SpanStatus::kTimeout;
  span.error = "took too long";
  span.attributes = Json::object({{"z", 1}, {"a", "text"}, {"nested", Json::object({{"x", 1.5}})}});
  return span;
}

TEST(SpanLineTest, HasTheReferencesKeysFirstAndInItsOrder) {
  Span span = make_span("s1", "", 0, 1.5);
  EXPECT_EQ(line_of(span),
            R"({"trace_id":"t1","span_id":"s1","parent_span_id":"","pid":1,"name":"s1",)"
            R"("start_time_ms":1772964000000,"end_time_ms":1772964001500,"duration_ms":1500,)"
            R"("syscall_count":0,"tokens_used":0,"status":"ok","kind":"process",)"
            R"("start_ns":1772964000000000000,"duration_ns":1500000000})"
            "\n");
}

TEST(SpanLineTest, ReadsWhatItWrites) {
  const Span span = full_span();
  const Result<Span> again = read(line_of(span));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, span);
}

TEST(SpanLineTest, AttributesAreWhatTheParserMakesOfThem) {
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"a":1,"b":"two","c":true,"d":false,"a":"again"})"),
        std::string(R"({"least":-9223372036854775808,"most":9223372036854775807})"),
        std::string(R"({"beyond":9223372036854775808,"far":123456789012345678901234567890})"),
        std::string(R"({"a":1,"b":1.5,"c":-0,"d":1e3,"e":null})"),
        std::string(R"({"a":1,"list":[1,{"x":[]}],"object":{"y":"z"},"behind":2})"),
        std::string(R"({"escaped \n key":"\u00e9\ud83e\udd8a\"","lone":"\ud800"})"),
        std::string(R"({"path":"\ufffd","path_base64":"/Q=="})"),
        std::string("{\"bytes\":\"\xff\"}"), std::string(" { \"blank\" : 1 } ")}) {
    const Result<Span> span = read(R"({"name":"n","attributes":)" + text + R"(,"pid":7})");
    ASSERT_TRUE(span) << text << ": " << span.error().message;
    EXPECT_EQ(span->attributes, *parse_json(text, nullptr, {.restore_base64 = true})) << text;
    EXPECT_EQ(span->pid, Pid{7}) << text;
  }
}

TEST(SpanLineTest, DamageInAttributesIsSaid) {
  for (const char* text : {"{\"a\":}", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":tru}", "{\"a\":01}",
                           "{\"a\":1", "{\"a\":\"x}", "{\"a\":1.5,\"b\":[}"})
    EXPECT_FALSE(read(std::string(R"({"name":"n","attributes":)") + text + R"(,"pid":7})")) << text;
}

TEST(SpanLineTest, EventsAndLinksAreReadBackToo) {
  Span span = full_span();
  span.events.push_back(
      {"retry", span.start + Nanoseconds(5), Nanoseconds(5), Json::object({{"attempt", 2}})});
  span.events.push_back({"plain", span.start, Nanoseconds(0), {}});
  span.links.push_back({"t2", "s9", Json::object({{"why", "resumed"}})});
  const Result<Span> again = read(line_of(span));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, span);
}

TEST(SpanLineTest, BytesThatAreNotUtf8AreKept) {
  Span span = full_span();
  span.name = "a\xff";
  span.error = "\xfe";
  span.attributes = Json::object({{"path", "\xfd"}});
  const Result<Span> again = read(line_of(span));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, span);
}

TEST(SpanLineTest, OfTheReferencesLinesTheMillisecondsCount) {
  const Result<Span> span = read(
      R"({"trace_id":"t","span_id":"s","pid":2,"name":"n","start_time_ms":1000,)"
      R"("end_time_ms":1500,"duration_ms":499,"syscall_count":1,"tokens_used":2,"status":"error"})");
  ASSERT_TRUE(span);
  EXPECT_EQ(span->start, WallTime(std::chrono::seconds(1)));
  EXPECT_EQ(span->duration, std::chrono::milliseconds(499));
  EXPECT_EQ(span->kind, SpanKind::kProcess);
  EXPECT_EQ(span->status, SpanStatus::kError);
}

TEST(SpanLineTest, WithoutADurationItIsTheTimeBetween) {
  EXPECT_EQ(read(R"({"start_time_ms":1000,"end_time_ms":1500})")->duration,
            std::chrono::milliseconds(500));
  EXPECT_EQ(read(R"({"start_time_ms":1000})")->duration, Nanoseconds(0));
}

TEST(SpanLineTest, AnyOrderAnyCaseAnyBlanksAndUnknownKeys) {
  const Result<Span> span =
      read(R"( { "NAME" : "n" , "later" : [1,{}], "Trace_Id":"t", "pid":null } )");
  ASSERT_TRUE(span) << span.error().message;
  EXPECT_EQ(span->name, "n");
  EXPECT_EQ(span->trace_id, "t");
  EXPECT_EQ(span->pid, Pid{0});
}

TEST(SpanLineTest, OfAKeyThatStandsTwiceTheLastCounts) {
  EXPECT_EQ(read(R"({"name":"a","name":"b"})")->name, "b");
}

TEST(SpanLineTest, UnknownStatusIsOkAndUnknownKindACall) {
  const Result<Span> span = read(R"({"status":"great","kind":"dream"})");
  ASSERT_TRUE(span);
  EXPECT_EQ(span->status, SpanStatus::kOk);
  EXPECT_EQ(span->kind, SpanKind::kFnCall);
}

TEST(SpanLineTest, ATimeThatIsNotSetIsTheEpoch) {
  EXPECT_EQ(read(R"({"start_time_ms":-62135596800000})")->start, WallTime());
}

TEST(SpanLineTest, TheReferencesEventsAreTaken) {
  const Result<Span> span =
      read(R"({"events":[{"timestamp":1000,"name":"hit","attributes":{"k":"v"}}]})");
  ASSERT_TRUE(span);
  ASSERT_EQ(span->events.size(), 1u);
  EXPECT_EQ(span->events[0].name, "hit");
  EXPECT_EQ(span->events[0].time, WallTime(std::chrono::seconds(1)));
}

TEST(SpanLineTest, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(error_of("{"), HasSubstr("1:2: unexpected end"));
  EXPECT_THAT(error_of("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(error_of("null"), HasSubstr("expected an object"));
  EXPECT_THAT(error_of(R"({"pid":-1})"), AllOf(HasSubstr("pid"), HasSubstr("-1")));
  EXPECT_THAT(error_of(R"({"name":7})"), HasSubstr("name: expected a text"));
  EXPECT_THAT(error_of(R"({"attributes":[]})"), HasSubstr("attributes: expected an object"));
  EXPECT_THAT(error_of(R"({"links":[1]})"), HasSubstr("links"));
  EXPECT_THAT(error_of(R"({"links":[{"span_id":1}]})"), HasSubstr("links.span_id"));
  EXPECT_THAT(error_of(R"({"duration_ns":-1})"), HasSubstr("negative"));
  EXPECT_THAT(error_of(R"({"start_time_ms":9300000000000000})"), HasSubstr("beyond"));
  EXPECT_THAT(error_of(R"({"start_ns":9223372036854775807,"duration_ns":1})"), HasSubstr("beyond"));
  EXPECT_THAT(error_of(R"({"name":"a"} x)"), HasSubstr("1:14"));
}

}  // namespace
}  // namespace agdb
