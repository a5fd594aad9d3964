#include "debug/trace/span_csv.h"

#include <gtest/gtest.h>

#include "tests/unit/debug/trace/made_span.h"

namespace agdb {
namespace {

constexpr std::string_view kHeader =
    "trace_id,span_id,parent_span_id,pid,kind,name,start,start_ns,duration_ns,status,error,"
    "tokens_used,syscall_count,record_id,seq,attributes\r\n";

std::string rows(std::initializer_list<Span> spans) {
  std::string out;
  SpanCsv csv([&out](std::string_view text) { out += text; });
  for (const Span& span : spans) csv.on_span(span);
  EXPECT_EQ(csv.spans(), spans.size());
  EXPECT_EQ(out.substr(0, kHeader.size()), kHeader);
  return out.substr(kHeader.size());
}

Span call(std::string name) {
  return made_span(SpanKind::kToolCall, "00f067aa0ba902b7", "", std::move(name), 0, 1);
}

TEST(SpanCsvTest, WithoutSpansThereIsTheHeader) {
  EXPECT_EQ(rows({}), "");
}

TEST(SpanCsvTest, ARowHasEveryField) {
  Span span =
      made_span(SpanKind::kLlmCall, "00f067aa0ba902b7", "53995c3f42cd8ad8", "m-1", 250, 1250);
  span.tokens_used = 120;
  span.syscall_count = 3;
  span.status = SpanStatus::kTimeout;
  span.error = "too slow";
  span.attributes = Json::object({{"record_id", "7-1"}, {"seq", 12}});
  EXPECT_EQ(rows({span}),
            "0af7651916cd43dd8448eb211c80319c,00f067aa0ba902b7,53995c3f42cd8ad8,1,llm_call,m-1,"
            "2026-03-08T10:00:00.25Z,1772964000250000000,1000000000,timeout,too slow,120,3,7-1,12,"
            "\"{\"\"record_id\"\":\"\"7-1\"\",\"\"seq\"\":12}\"\r\n");
}

TEST(SpanCsvTest, CountsOfTheWholeRangeStayWhole) {
  Span span = call("a");
  span.pid = Pid{std::numeric_limits<std::uint64_t>::max()};
  span.syscall_count = std::numeric_limits<std::uint64_t>::max();
  span.tokens_used = std::numeric_limits<std::int64_t>::min();
  span.attributes = Json::object({{"seq", std::numeric_limits<std::uint64_t>::max()}});
  const std::string text = rows({span});
  EXPECT_NE(text.find(",,18446744073709551615,tool_call,"), std::string::npos) << text;
  EXPECT_NE(text.find(",-9223372036854775808,18446744073709551615,,18446744073709551615,"),
            std::string::npos)
      << text;
}

TEST(SpanCsvTest, ARowForEachSpanInTheOrderOfTheirEnds) {
  const std::string text = rows({call("a"), call("b"), call("c")});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_LT(text.find(",a,"), text.find(",b,"));
}

TEST(SpanCsvTest, TextsThatNeedItAreQuoted) {
  EXPECT_NE(rows({call("a,b")}).find(",\"a,b\","), std::string::npos);
  EXPECT_NE(rows({call("say \"x\"")}).find(",\"say \"\"x\"\"\","), std::string::npos);
  EXPECT_NE(rows({call("two\nlines")}).find(",\"two\nlines\","), std::string::npos);
  EXPECT_NE(rows({call("plain text")}).find(",plain text,"), std::string::npos);
}

TEST(SpanCsvTest, NoTextIsAFormula) {
  for (const char c : std::string("=+-@"))
    EXPECT_NE(rows({call(std::string(1, c) + "1")}).find(std::string(",'") + c + "1,"),
              std::string::npos);
  EXPECT_NE(rows({call("\t=1")}).find(",'\t=1,"), std::string::npos);
  EXPECT_NE(rows({call("=HYPERLINK(\"x\")")}).find(",\"'=HYPERLINK(\"\"x\"\")\","),
            std::string::npos);
  EXPECT_NE(rows({call("a=1")}).find(",a=1,"), std::string::npos);
}

TEST(SpanCsvTest, ASequenceNumberThatIsNoneIsLeftOut) {
  Span span = call("x");
  span.attributes = Json::object({{"seq", "=1"}});
  EXPECT_NE(rows({span}).find(",,,\"{"), std::string::npos);
}

}  // namespace
}  // namespace agdb
