#include "ipc/wire/rpc_message.h"

#include <gmock/gmock.h>

namespace agdb {
namespace {

using ::testing::HasSubstr;
using Kind = RpcMessage::Kind;

RpcMessage only(std::string_view line) {
  RpcLine read = parse_rpc_line(line);
  EXPECT_FALSE(read.batch);
  EXPECT_EQ(read.messages.size(), 1U);
  return std::move(read.messages.at(0));
}

TEST(RpcMessage, ARequest) {
  const RpcMessage message = only(R"({"jsonrpc":"2.0","id":7,"method":"a.b","params":{"x":1}})");
  EXPECT_EQ(message.kind, Kind::kRequest);
  EXPECT_EQ(message.method, "a.b");
  EXPECT_EQ(message.params.integer("x"), 1);
  EXPECT_EQ(message.id, Json(7));
}

TEST(RpcMessage, IdsAreNumbersTextsOrNull) {
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":"a","method":"m"})").id, Json("a"));
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":null,"method":"m"})").kind, Kind::kRequest);
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":1.5,"method":"m"})").id, Json(1.5));
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":{},"method":"m"})").error->code,
            RpcCode::kInvalidRequest);
}

TEST(RpcMessage, WithoutAnIdItIsANotification) {
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","method":"m","params":[1,2]})").kind, Kind::kNotification);
}

TEST(RpcMessage, AnAnswer) {
  const RpcMessage good = only(R"({"jsonrpc":"2.0","id":1,"result":{"a":[]}})");
  EXPECT_EQ(good.kind, Kind::kResponse);
  EXPECT_EQ(dump(good.result), R"({"a":[]})");
  const RpcMessage bad = only(
      R"({"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no","data":{"hint":"try"}}})");
  EXPECT_EQ(bad.kind, Kind::kResponse);
  EXPECT_EQ(to_error(*bad.error), (Error{Code::kNotFound, "no", "try"}));
}

TEST(RpcMessage, WhatIsNoJsonIsAParseErrorWithItsPlace) {
  for (const char* line : {"{", "garbage", "\"open", "{\"a\":}", "\xff\xfe", "[1,"}) {
    const RpcMessage message = only(line);
    EXPECT_EQ(message.kind, Kind::kInvalid) << line;
    EXPECT_EQ(message.error->code, RpcCode::kParseError) << line;
  }
  EXPECT_THAT(only("{\"a\":}").error->message, HasSubstr("1:6"));
}

TEST(RpcMessage, WhatIsNoRequestIsSaidWithItsId) {
  EXPECT_THAT(only("7").error->message, HasSubstr("object"));
  const RpcMessage old = only(R"({"id":3,"method":"m"})");
  EXPECT_EQ(old.error->code, RpcCode::kInvalidRequest);
  EXPECT_EQ(old.id, Json(3));
  EXPECT_THAT(only(R"({"jsonrpc":"2.0","id":3})").error->message, HasSubstr("method"));
  EXPECT_THAT(only(R"({"jsonrpc":"2.0","id":3,"method":4})").error->message, HasSubstr("method"));
  EXPECT_THAT(only(R"({"jsonrpc":"2.0","id":3,"method":"m","params":4})").error->message,
              HasSubstr("params"));
}

TEST(RpcMessage, ABatchIsItsMembers) {
  const RpcLine line =
      parse_rpc_line(R"([{"jsonrpc":"2.0","method":"m"},5,{"jsonrpc":"2.0","id":1,"method":"n"}])");
  EXPECT_TRUE(line.batch);
  ASSERT_EQ(line.messages.size(), 3U);
  EXPECT_EQ(line.messages[0].kind, Kind::kNotification);
  EXPECT_EQ(line.messages[1].kind, Kind::kInvalid);
  EXPECT_EQ(line.messages[2].kind, Kind::kRequest);
  EXPECT_EQ(only("[]").error->code, RpcCode::kInvalidRequest);
}

TEST(RpcMessage, NestingIsBounded) {
  const std::string deep = R"({"jsonrpc":"2.0","id":1,"method":"m","params":)" +
                           std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_EQ(only(deep).error->code, RpcCode::kParseError);
}

TEST(RpcMessage, ParamsAreAListOrAnObjectOrNotThere) {
  EXPECT_TRUE(only(R"({"jsonrpc":"2.0","id":1,"method":"m"})").params.is_null());
  for (const char* params : {"null", "true", "1", "\"text\""}) {
    const RpcMessage message =
        only(std::string(R"({"jsonrpc":"2.0","id":1,"method":"m","params":)") + params + "}");
    EXPECT_EQ(message.error->code, RpcCode::kInvalidRequest) << params;
    EXPECT_EQ(message.id, Json(1));
  }
}

TEST(RpcMessage, AnAnswerHasAnIdAndEitherAResultOrAnError) {
  for (const char* line : {R"({"jsonrpc":"2.0","result":1})",
                           R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}})",
                           R"({"jsonrpc":"2.0","id":1,"error":null})",
                           R"({"jsonrpc":"2.0","id":1,"error":{"message":"m"}})",
                           R"({"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"m"}})",
                           R"({"jsonrpc":"2.0","id":1,"error":{"code":1e12,"message":"m"}})",
                           R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":[]}})"})
    EXPECT_EQ(only(line).kind, Kind::kInvalid) << line;
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":null,"result":null})").kind, Kind::kResponse);
}

TEST(RpcMessage, IdsKeepAllTheirBits) {
  for (const char* id : {"9223372036854775807", "18446744073709551615", "-9223372036854775808",
                         "0.1", "\"\\u0000\"", "null"}) {
    const RpcMessage message =
        only(std::string(R"({"jsonrpc":"2.0","method":"m","id":)") + id + "}");
    EXPECT_EQ(result_text(message.id, "{}"),
              std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"result":{}})");
  }
}

TEST(RpcMessage, OfMembersOfOneNameTheLastCounts) {
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b"})").method, "b");
  EXPECT_EQ(only(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b"})").id, Json(2));
}

TEST(RpcMessage, ABatchIsBounded) {
  const auto batch_of = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "1" : ",1";
    return text + "]";
  };
  EXPECT_EQ(parse_rpc_line(batch_of(RpcLimits::kBatch)).messages.size(), RpcLimits::kBatch);
  const RpcMessage refused = only(batch_of(RpcLimits::kBatch + 1));
  EXPECT_EQ(refused.error->code, RpcCode::kInvalidRequest);
  EXPECT_THAT(refused.error->message, HasSubstr("1001 messages"));
}

TEST(RpcMessage, ValuesAreBounded) {
  const auto line_of = [](std::size_t count, std::string_view value) {
    std::string text = R"({"jsonrpc":"2.0","id":1,"method":"m","params":[0)";
    for (std::size_t i = 0; i < count; ++i) text.append(",").append(value);
    return text + "]}";
  };
  EXPECT_EQ(only(line_of(RpcLimits::kValues / 2, "[]")).error->code, RpcCode::kInvalidRequest);
  EXPECT_EQ(only(line_of(RpcLimits::kValues, "1")).error->code, RpcCode::kInvalidRequest);
  EXPECT_EQ(only(line_of(RpcLimits::kValues / 4, "12345")).kind, Kind::kRequest);
  // What looks like values within a text is none.
  const std::string text = '"' + std::string(2 * RpcLimits::kValues, ',') + "\\\",[{\"";
  EXPECT_EQ(only(line_of(1, text)).kind, Kind::kRequest);
}

TEST(RpcMessage, WithoutParamsThereAreNone) {
  EXPECT_EQ(request_line("1", "m", ""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}\n");
  EXPECT_EQ(notification_line("m", ""), "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n");
}

TEST(RpcMessage, NumbersOfOthersAreRead) {
  EXPECT_EQ(to_error({RpcCode::kMethodNotFound, "m"}).code, Code::kUnsupported);
  EXPECT_EQ(to_error({static_cast<RpcCode>(-1), "m"}).code, Code::kInvalid);
  EXPECT_EQ(name_of(static_cast<RpcCode>(-1)), "unknown");
  EXPECT_EQ(rpc_error({Code::kUnsupported, "m"}).code, RpcCode::kUnsupported);
}

TEST(RpcMessage, BytesThatAreNoUtf8AreTakenAndAnsweredAsUtf8) {
  const RpcMessage message = only("{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"m\"}");
  EXPECT_EQ(message.kind, Kind::kRequest);
  EXPECT_EQ(result_text(message.id, "1"), "{\"jsonrpc\":\"2.0\",\"id\":\"\uFFFD\",\"result\":1}");
}

TEST(RpcMessage, LinesReadBack) {
  const std::string request = request_line("4", "a.b", R"({"x":"y\n"})");
  EXPECT_EQ(request.back(), '\n');
  EXPECT_EQ(request.find('\n'), request.size() - 1);
  EXPECT_EQ(only(request).params.text("x"), "y\n");
  EXPECT_EQ(only(notification_line("n", "[]")).kind, Kind::kNotification);
  EXPECT_EQ(only(result_text(Json("i"), "[1]")).result.size(), 1U);
  const RpcMessage error = only(error_text({}, {RpcCode::kTooLong, "too \"long\"", "shorter"}));
  EXPECT_EQ(error.error->message, "too \"long\"");
  EXPECT_EQ(error.error->hint, "shorter");
}

TEST(RpcMessage, EveryCodeOfOursCrossesTheWire) {
  for (const Code code : {Code::kNotFound, Code::kInvalid, Code::kCorrupt, Code::kIo,
                          Code::kPermission, Code::kUnsupported, Code::kTimeout, Code::kExhausted,
                          Code::kUnavailable, Code::kCancelled}) {
    const Error error{code, "what", "hint"};
    EXPECT_EQ(to_error(rpc_error(error)), error);
    EXPECT_EQ(name_of(rpc_error(error).code), name_of(code));
  }
}

}  // namespace
}  // namespace agdb
