#include "debug/trace/otlp_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/debug/trace/made_span.h"

namespace agdb {
namespace {

using testing::ElementsAre;

class OtlpExportTest : public testing::Test {
 protected:
  Status take(std::string_view request) {
    auto json = parse_json(request);
    EXPECT_TRUE(json) << json.error().message;
    EXPECT_EQ(request.find('\n'), std::string_view::npos);
    requests_.push_back(json ? *std::move(json) : Json());
    return {};
  }
  OtlpExport exporter(OtlpOptions options = {}) {
    return OtlpExport([this](std::string_view request) { return take(request); },
                      std::move(options));
  }
  Json exported(const Span& span, OtlpOptions options = {}) {
    requests_.clear();
    OtlpExport out = exporter(std::move(options));
    out.on_span(span);
    EXPECT_TRUE(out.finish());
    return spans(0).at(0);
  }
  // Of a request.
  const Json::Array& spans(std::size_t request) const {
    return requests_.at(request)["resourceSpans"]
        .items()
        .at(0)["scopeSpans"]
        .items()
        .at(0)["spans"]
        .items();
  }

  std::vector<Json> requests_;
};

// The attribute's value; null when there is none.
Json attribute(const Json& holder, std::string_view key) {
  for (const Json& entry : holder["attributes"].items())
    if (entry.text("key") == key) return entry["value"];
  return {};
}
std::string text_of(const Json& holder, std::string_view key) {
  return std::string(attribute(holder, key).text("stringValue", "(none)"));
}
std::string int_of(const Json& holder, std::string_view key) {
  return std::string(attribute(holder, key).text("intValue", "(none)"));
}

Span model_call() {
  Span span = made_span(SpanKind::kLlmCall, "00f067aa0ba902b7", "53995c3f42cd8ad8", "m-1", 0, 1500);
  span.tokens_used = 1200;
  span.attributes = Json::object({{"model", "m-1"},
                                  {"provider", "bedrock"},
                                  {"request_tokens", 1000},
                                  {"response_tokens", 200},
                                  {"cache_read_tokens", 700},
                                  {"cache_creation_tokens", 50},
                                  {"stop_reason", "tool_use"},
                                  {"time_to_first_token", 250'000'000},
                                  {"seq", 12},
                                  {"record_id", "7-1"}});
  return span;
}

TEST_F(OtlpExportTest, WithoutSpansThereIsNoRequest) {
  OtlpExport out = exporter();
  EXPECT_TRUE(out.finish());
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(out.requests(), 0U);
}

TEST_F(OtlpExportTest, ARequestNamesServiceScopeAndConventions) {
  exported(model_call());
  const Json& resource = requests_.at(0)["resourceSpans"].items().at(0);
  EXPECT_EQ(text_of(resource["resource"], "service.name"), "agdb");
  EXPECT_EQ(resource.text("schemaUrl"), "https://opentelemetry.io/schemas/1.41.1");
  const Json& scope = resource["scopeSpans"].items().at(0);
  EXPECT_EQ(scope["scope"].text("name"), "agdb");
  EXPECT_EQ(scope["scope"].text("version"), AGDB_VERSION);
  EXPECT_EQ(scope.text("schemaUrl"), kOtlpSchemaUrl);
}

TEST_F(OtlpExportTest, IdsAndTimesAreInTheFormatsForm) {
  const Json span = exported(model_call());
  EXPECT_EQ(span.text("traceId"), kMadeTrace);
  EXPECT_EQ(span.text("spanId"), "00f067aa0ba902b7");
  EXPECT_EQ(span.text("parentSpanId"), "53995c3f42cd8ad8");
  EXPECT_EQ(span.text("startTimeUnixNano"), "1772964000000000000");
  EXPECT_EQ(span.text("endTimeUnixNano"), "1772964001500000000");
}

TEST_F(OtlpExportTest, ARootHasNoParent) {
  Span root = model_call();
  root.parent_span_id.clear();
  EXPECT_EQ(exported(root).find("parentSpanId"), nullptr);
}

TEST_F(OtlpExportTest, AModelCallIsAClientsChat) {
  const Json span = exported(model_call());
  EXPECT_EQ(span.text("name"), "chat m-1");
  EXPECT_EQ(span.integer("kind"), 3);
  EXPECT_EQ(text_of(span, "gen_ai.operation.name"), "chat");
  EXPECT_EQ(text_of(span, "gen_ai.provider.name"), "aws.bedrock");
  EXPECT_EQ(text_of(span, "gen_ai.request.model"), "m-1");
  EXPECT_EQ(text_of(span, "gen_ai.response.model"), "m-1");
  // Cached input is part of it.
  EXPECT_EQ(int_of(span, "gen_ai.usage.input_tokens"), "1000");
  EXPECT_EQ(int_of(span, "gen_ai.usage.output_tokens"), "200");
  EXPECT_EQ(int_of(span, "gen_ai.usage.cache_read.input_tokens"), "700");
  EXPECT_EQ(int_of(span, "gen_ai.usage.cache_creation.input_tokens"), "50");
  EXPECT_EQ(
      attribute(span, "gen_ai.response.finish_reasons")["arrayValue"]["values"].items().at(0).text(
          "stringValue"),
      "tool_use");
  EXPECT_EQ(attribute(span, "gen_ai.response.time_to_first_chunk")["doubleValue"].to_double(),
            0.25);
  EXPECT_EQ(span.find("status"), nullptr);
}

TEST_F(OtlpExportTest, AModelCallWithoutFactsSaysNoMoreThanItKnows) {
  Span span = model_call();
  span.name.clear();
  span.attributes = {};
  const Json json = exported(span);
  EXPECT_EQ(json.text("name"), "chat");
  EXPECT_EQ(text_of(json, "gen_ai.provider.name"), "_OTHER");
  EXPECT_TRUE(attribute(json, "gen_ai.usage.input_tokens").is_null());
  EXPECT_TRUE(attribute(json, "gen_ai.request.model").is_null());
}

TEST_F(OtlpExportTest, AToolCallNamesTheToolAndItsCall) {
  Span span = made_span(SpanKind::kToolCall, "00f067aa0ba902b7", "", "Bash", 0, 1);
  span.attributes = Json::object({{"tool", "Bash"}, {"tool_call_id", "toolu_1"}});
  const Json json = exported(span);
  EXPECT_EQ(json.text("name"), "execute_tool Bash");
  EXPECT_EQ(json.integer("kind"), 1);
  EXPECT_EQ(text_of(json, "gen_ai.operation.name"), "execute_tool");
  EXPECT_EQ(text_of(json, "gen_ai.tool.name"), "Bash");
  EXPECT_EQ(text_of(json, "gen_ai.tool.call.id"), "toolu_1");
}

TEST_F(OtlpExportTest, AProcessIsAnAgentAndItsIntentIsNoName) {
  const Json json =
      exported(made_span(SpanKind::kProcess, "00f067aa0ba902b7", "", "tidy the docs", 0, 1));
  EXPECT_EQ(json.text("name"), "invoke_agent");
  EXPECT_EQ(text_of(json, "gen_ai.operation.name"), "invoke_agent");
  EXPECT_EQ(text_of(json, "agdb.name"), "tidy the docs");
}

TEST_F(OtlpExportTest, OtherKindsKeepTheirNames) {
  const Json json = exported(made_span(SpanKind::kStep, "00f067aa0ba902b7", "", "step 3", 0, 1));
  EXPECT_EQ(json.text("name"), "step 3");
  EXPECT_EQ(json.integer("kind"), 1);
  EXPECT_TRUE(attribute(json, "gen_ai.operation.name").is_null());
}

TEST_F(OtlpExportTest, WhatIsOursComesBackWhole) {
  Span span = model_call();
  span.syscall_count = 4;
  const Json json = exported(span);
  EXPECT_EQ(text_of(json, "agdb.kind"), "llm_call");
  EXPECT_EQ(text_of(json, "agdb.name"), "m-1");
  EXPECT_EQ(int_of(json, "agdb.pid"), "1");
  EXPECT_EQ(int_of(json, "agdb.tokens_used"), "1200");
  EXPECT_EQ(int_of(json, "agdb.syscall_count"), "4");
  EXPECT_EQ(int_of(json, "agdb.seq"), "12");
  EXPECT_EQ(text_of(json, "agdb.record_id"), "7-1");
  EXPECT_EQ(text_of(json, "agdb.provider"), "bedrock");
}

TEST_F(OtlpExportTest, NoTwoAttributesHaveOneKey) {
  Span span = made_span(SpanKind::kWait, "00f067aa0ba902b7", "", "wait for PID 7", 0, 1);
  span.attributes = Json::object({{"pid", 7}, {"name", "x"}});
  const Json json = exported(span);
  EXPECT_EQ(int_of(json, "agdb.pid"), "1");
  EXPECT_EQ(int_of(json, "agdb.attribute.pid"), "7");
  EXPECT_EQ(text_of(json, "agdb.attribute.name"), "x");
}

TEST_F(OtlpExportTest, AFailureHasStatusMessageAndType) {
  Span span = made_span(SpanKind::kToolCall, "00f067aa0ba902b7", "", "Bash", 0, 1);
  span.status = SpanStatus::kError;
  span.error = "no such file";
  Json json = exported(span);
  EXPECT_EQ(json["status"].integer("code"), 2);
  EXPECT_EQ(json["status"].text("message"), "no such file");
  EXPECT_EQ(text_of(json, "error.type"), "tool_error");

  span.status = SpanStatus::kTimeout;
  json = exported(span);
  EXPECT_EQ(text_of(json, "error.type"), "timeout");
  EXPECT_EQ(text_of(json, "agdb.status"), "timeout");

  span.kind = SpanKind::kProcess;
  span.status = SpanStatus::kError;
  span.attributes = Json::object({{"exit_reason", "budget_exceeded"}});
  EXPECT_EQ(text_of(exported(span), "error.type"), "budget_exceeded");
  span.attributes = Json::object({{"exit_reason", "error: something With Detail 17"}});
  EXPECT_EQ(text_of(exported(span), "error.type"), "_OTHER");
}

TEST_F(OtlpExportTest, ForeignIdsAreHashedAndKept) {
  Span parent = model_call();
  parent.trace_id = "not hex";
  parent.span_id = std::string(32, 'a');  // the reference's
  parent.parent_span_id = "0000000000000000";
  const Json json = exported(parent);
  EXPECT_THAT(std::string(json.text("traceId")), testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(std::string(json.text("spanId")), testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_NE(json.text("parentSpanId"), "0000000000000000");
  EXPECT_EQ(text_of(json, "agdb.trace_id"), "not hex");
  EXPECT_EQ(text_of(json, "agdb.span_id"), std::string(32, 'a'));

  Span child = model_call();
  child.parent_span_id = parent.span_id;
  EXPECT_EQ(exported(child).text("parentSpanId"), json.text("spanId"));
}

TEST_F(OtlpExportTest, HexInCapitalsIsTheSameId) {
  Span span = model_call();
  span.span_id = "00F067AA0BA902B7";
  const Json json = exported(span);
  EXPECT_EQ(json.text("spanId"), "00f067aa0ba902b7");
  EXPECT_EQ(text_of(json, "agdb.span_id"), "00F067AA0BA902B7");
}

TEST_F(OtlpExportTest, EventsAndLinksGoWithTheirSpan) {
  Span span = model_call();
  span.events = {{"retry", at_ms(3), Nanoseconds(3'000'000), Json::object({{"status", 429}})}};
  span.links = {{std::string(kMadeTrace), "b7ad6b7169203331", Json::object({{"why", "wait"}})}};
  const Json json = exported(span);
  const Json& event = json["events"].items().at(0);
  EXPECT_EQ(event.text("name"), "retry");
  EXPECT_EQ(event.text("timeUnixNano"), "1772964000003000000");
  EXPECT_EQ(int_of(event, "status"), "429");
  const Json& link = json["links"].items().at(0);
  EXPECT_EQ(link.text("traceId"), kMadeTrace);
  EXPECT_EQ(link.text("spanId"), "b7ad6b7169203331");
  EXPECT_EQ(text_of(link, "why"), "wait");
}

TEST_F(OtlpExportTest, InstantsAreEventsOfTheirProcess) {
  OtlpExport out = exporter();
  out.on_instant({Pid{1}, "budget", "alert", at_ms(2), Json::object({{"level", "warning"}})});
  out.on_instant({Pid{2}, "other", "alert", at_ms(2), {}});
  out.on_span(made_span(SpanKind::kStep, "1111111111111111", "", "step 1", 0, 3));
  out.on_span(made_span(SpanKind::kProcess, "00f067aa0ba902b7", "", "tidy", 0, 4));
  ASSERT_TRUE(out.finish());
  EXPECT_EQ(spans(0).at(0).find("events"), nullptr);
  const Json& events = spans(0).at(1)["events"];
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.items()[0].text("name"), "budget");
  EXPECT_EQ(text_of(events.items()[0], "agdb.category"), "alert");
  EXPECT_EQ(text_of(events.items()[0], "level"), "warning");
}

TEST_F(OtlpExportTest, InstantsBeyondTheLimitCountAsDropped) {
  OtlpExport out = exporter();
  for (std::size_t i = 0; i < OtlpExport::kMaxInstants + 7; ++i)
    out.on_instant({Pid{1}, "signal", "signal", at_ms(1), {}});
  out.on_span(made_span(SpanKind::kProcess, "00f067aa0ba902b7", "", "tidy", 0, 4));
  ASSERT_TRUE(out.finish());
  EXPECT_EQ(spans(0).at(0)["events"].size(), OtlpExport::kMaxInstants);
  EXPECT_EQ(spans(0).at(0).integer("droppedEventsCount"), 7);
}

TEST_F(OtlpExportTest, RequestsEndAtTheirNumberOfSpans) {
  OtlpExport out = exporter({.spans_a_request = 2});
  for (int i = 0; i < 5; ++i) out.on_span(model_call());
  ASSERT_TRUE(out.finish());
  ASSERT_EQ(requests_.size(), 3U);
  EXPECT_EQ(spans(0).size(), 2U);
  EXPECT_EQ(spans(2).size(), 1U);
  EXPECT_EQ(out.spans(), 5U);
  EXPECT_EQ(out.requests(), 3U);
}

TEST_F(OtlpExportTest, RequestsEndWhenTheyAreLarge) {
  OtlpExport out = exporter({.bytes_a_request = 1});
  for (int i = 0; i < 3; ++i) out.on_span(model_call());
  ASSERT_TRUE(out.finish());
  EXPECT_EQ(requests_.size(), 3U);
}

TEST_F(OtlpExportTest, AfterAnErrorNothingMoreIsSent) {
  int sent = 0;
  OtlpExport out(
      [&sent](std::string_view) {
        ++sent;
        return Status(fail(Code::kIo, "disk full"));
      },
      {.spans_a_request = 1});
  for (int i = 0; i < 3; ++i) out.on_span(model_call());
  const Status status = out.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "disk full");
  EXPECT_EQ(sent, 1);
}

TEST_F(OtlpExportTest, AnyTextAndNumberStaysJson) {
  Span span = model_call();
  span.name = "bad \xff \"quoted\"\n";
  span.error = "\x01";
  span.status = SpanStatus::kError;
  span.attributes = Json::object({{"nan", std::nan("")},
                                  {"inf", -std::numeric_limits<double>::infinity()},
                                  {"half", 0.5},
                                  {"large", std::numeric_limits<std::uint64_t>::max()},
                                  {"yes", true},
                                  {"none", nullptr},
                                  {"list", Json::Array{Json(1), Json("a")}},
                                  {"map", Json::object({{"k", 1}})}});
  const Json json = exported(span);
  EXPECT_EQ(attribute(json, "agdb.nan").text("doubleValue"), "NaN");
  EXPECT_EQ(attribute(json, "agdb.inf").text("doubleValue"), "-Infinity");
  EXPECT_EQ(attribute(json, "agdb.half")["doubleValue"].to_double(), 0.5);
  EXPECT_EQ(text_of(json, "agdb.large"), "18446744073709551615");
  EXPECT_EQ(attribute(json, "agdb.yes")["boolValue"], Json(true));
  EXPECT_EQ(attribute(json, "agdb.none"), Json::object());
  EXPECT_EQ(attribute(json, "agdb.list")["arrayValue"]["values"].items().at(0).text("intValue"),
            "1");
  EXPECT_EQ(attribute(json, "agdb.map")["kvlistValue"]["values"].items().at(0).text("key"), "k");
}

TEST_F(OtlpExportTest, DeepValuesBecomeText) {
  Json deep = 1;
  for (int i = 0; i < 200; ++i) deep = Json(Json::Array{std::move(deep)});
  Span span = model_call();
  span.attributes = Json::object({{"deep", std::move(deep)}});
  exported(span);
}

TEST_F(OtlpExportTest, TimesStayWithinTheirNumbers) {
  Span span = model_call();
  span.start = WallTime(Nanoseconds(-5));
  span.duration = Nanoseconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(exported(span).text("startTimeUnixNano"), "0");
  span.start = at_ms(0);
  EXPECT_EQ(exported(span).text("endTimeUnixNano"), "9223372036854775807");
}

TEST_F(OtlpExportTest, CountsBeyondSignedNumbersStayAtTheLimit) {
  Span span = model_call();
  span.pid = Pid{std::numeric_limits<std::uint64_t>::max()};
  span.syscall_count = std::uint64_t{1} << 63;
  const Json json = exported(span);
  for (const char* const key : {"agdb.pid", "agdb.syscall_count"})
    EXPECT_EQ(attribute(json, key).text("intValue"), "9223372036854775807") << key;
}

class MadeContent final : public SpanContentSource {
 public:
  SpanContent content_of(const Span& span) override {
    ++asked;
    return span.kind == SpanKind::kLlmCall ? call : tool;
  }
  SpanContent call;
  SpanContent tool;
  int asked = 0;
};

TEST_F(OtlpExportTest, ContentComesOnlyWhenAskedFor) {
  EXPECT_TRUE(attribute(exported(model_call()), "gen_ai.input.messages").is_null());
}

TEST_F(OtlpExportTest, ContentIsInTheConventionsMessages) {
  MadeContent content;
  content.call.system_prompt = "Be brief.";
  content.call.input = {
      {.role = "user", .content = "Which files?"},
      {.role = "assistant", .tool_calls = {{"c1", "Bash", Json::object({{"cmd", "ls"}})}}},
      {.role = "tool", .content = "a b", .tool_call_id = "c1"}};
  content.call.output = Message{.role = "assistant", .content = "a and b"};
  Span span = model_call();
  span.attributes.set("stop_reason", "end_turn");
  const Json json = exported(span, {.content = &content});
  EXPECT_EQ(text_of(json, "gen_ai.system_instructions"),
            R"([{"type":"text","content":"Be brief."}])");
  EXPECT_EQ(
      text_of(json, "gen_ai.input.messages"),
      R"([{"role":"user","parts":[{"type":"text","content":"Which files?"}]},)"
      R"({"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"Bash","arguments":{"cmd":"ls"}}]},)"
      R"({"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"a b"}]}])");
  EXPECT_EQ(
      text_of(json, "gen_ai.output.messages"),
      R"([{"role":"assistant","parts":[{"type":"text","content":"a and b"}],"finish_reason":"stop"}])");
}

TEST_F(OtlpExportTest, AToolsContentIsItsArgumentsAndItsResult) {
  MadeContent content;
  content.tool.arguments = Json::object({{"cmd", "ls"}});
  content.tool.result = "a b";
  Span span = made_span(SpanKind::kToolCall, "00f067aa0ba902b7", "", "Bash", 0, 1);
  const Json json = exported(span, {.content = &content});
  EXPECT_EQ(text_of(json, "gen_ai.tool.call.arguments"), R"({"cmd":"ls"})");
  EXPECT_EQ(text_of(json, "gen_ai.tool.call.result"), "a b");
  exported(made_span(SpanKind::kStep, "00f067aa0ba902b7", "", "step 1", 0, 1),
           {.content = &content});
  EXPECT_EQ(content.asked, 1);
}

}  // namespace
}  // namespace agdb
