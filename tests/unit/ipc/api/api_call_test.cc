#include "ipc/api/api_call.h"

#include <gtest/gtest.h>

#include "ipc/api/schema.h"

namespace agdb {
namespace {

Route route() {
  using enum Parameter::Type;
  return {
      .method = "GET",
      .path = "/things/{id}",
      .id = "getThing",
      .tag = "things",
      .summary = "a thing",
      .parameters = {{.name = "id",
                      .description = "its number",
                      .in = Parameter::In::kPath,
                      .type = kInteger,
                      .least = 1},
                     {.name = "limit", .description = "", .type = kInteger, .least = 1, .most = 10},
                     {.name = "deep", .description = "", .type = kBoolean},
                     {.name = "word", .description = "", .words = {"a", "b"}},
                     {.name = "text", .description = "", .least = 1, .most = 5},
                     {.name = "e", .description = "", .repeated = true}},
      .answers = {{}}};
}

HttpRequest request(std::vector<QueryPart> query, const std::string& id = "7") {
  return {.method = "GET",
          .target = {.path = {"things", id}, .query = std::move(query)},
          .names = {{"id", id}}};
}

std::string why_not(const Route& of, const HttpRequest& asked) {
  const Result<ApiCall> call = ApiCall::check(of, asked, Json::object());
  return call ? "taken" : call.error().message;
}

TEST(ApiCall, ValuesAreThoseOfTheRequest) {
  const Route of = route();
  const HttpRequest asked = request(
      {{"limit", "10"}, {"deep", "true"}, {"word", "b"}, {"e", "x"}, {"text", "abc"}, {"e", "y"}});
  const ApiCall call = *ApiCall::check(of, asked, Json::object());
  EXPECT_EQ(call.integer("id"), 7);
  EXPECT_EQ(call.integer("limit", 5), 10);
  EXPECT_TRUE(call.boolean("deep"));
  EXPECT_EQ(call.text("word"), "b");
  EXPECT_EQ(call.texts("e"), (std::vector<std::string>{"x", "y"}));
}

TEST(ApiCall, WhatIsMissingIsTheDefault) {
  const Route of = route();
  const HttpRequest asked = request({});
  const ApiCall call = *ApiCall::check(of, asked, Json::object());
  EXPECT_FALSE(call.has("limit"));
  EXPECT_EQ(call.integer("limit", 5), 5);
  EXPECT_EQ(call.text("word", "a"), "a");
  EXPECT_EQ(call.optional_text("text"), std::nullopt);
  EXPECT_EQ(call.optional_boolean("deep"), std::nullopt);
  EXPECT_TRUE(call.texts("e").empty());
}

TEST(ApiCall, WrongValuesSayWhatWasExpected) {
  const Route of = route();
  EXPECT_EQ(why_not(of, request({{"limit", "0"}})), "limit: expected an integer from 1 to 10");
  EXPECT_EQ(why_not(of, request({{"limit", "11"}})), "limit: expected an integer from 1 to 10");
  for (const char* const text : {"", " 1", "1 ", "1.0", "0x1", "+1", "99999999999999999999", "one"})
    EXPECT_EQ(why_not(of, request({{"limit", text}})), "limit: expected an integer from 1 to 10");
  EXPECT_EQ(why_not(of, request({{"deep", "1"}})), "deep: expected true or false");
  EXPECT_EQ(why_not(of, request({{"word", "c"}})), "word: expected one of a, b");
  EXPECT_EQ(why_not(of, request({{"text", ""}})), "text: expected a text that is not empty");
  EXPECT_EQ(why_not(of, request({{"text", "abcdef"}})), "text: expected at most 5 bytes");
  EXPECT_EQ(why_not(of, request({}, "0")), "id: expected an integer of at least 1");
}

TEST(ApiCall, WhatNobodyAskedForIsRefused) {
  const Route of = route();
  EXPECT_EQ(why_not(of, request({{"limits", "1"}})), "there is no parameter \"limits\"");
  EXPECT_EQ(why_not(of, request({{"id", "8"}})), "there is no parameter \"id\"");
  EXPECT_EQ(why_not(of, request({{"limit", "1"}, {"limit", "2"}})), "limit is given several times");
}

TEST(ApiCall, RequiredParametersMustBeThere) {
  Route of = route();
  of.parameters.push_back({.name = "q", .description = "", .required = true});
  EXPECT_EQ(why_not(of, request({})), "q is missing");
}

TEST(ApiCall, BodiesAreAsTheirSchemaSays) {
  Route of = route();
  of.body = RequestBody{.schema = schema::object({{"n", schema::integer()}})};
  HttpRequest asked = request({});
  EXPECT_EQ(why_not(of, asked), "a body is missing");
  asked.body = R"({"n": 1})";
  const ApiCall call = *ApiCall::check(of, asked, Json::object());
  EXPECT_EQ(call.body().integer("n"), 1);
  asked.body = R"({"n": "1"})";
  EXPECT_EQ(why_not(of, asked), "body.n: expected an integer");
  asked.body = "{";
  EXPECT_TRUE(why_not(of, asked).starts_with("the body is no JSON: "));
  asked.body = std::string(100, '[') + std::string(100, ']');
  EXPECT_TRUE(why_not(of, asked).starts_with("the body is no JSON: "));
  for (const char* const text : {"{\"n\xff\": 1}", R"({"n": "\ud800"})"}) {
    asked.body = text;
    EXPECT_EQ(why_not(of, asked), "the body is no UTF-8") << text;
  }
  asked.body = R"({"n": 1})";
  asked.headers = {{"content-encoding", "gzip"}};
  EXPECT_EQ(why_not(of, asked), "Content-Encoding: the body must come as it is");
}

}  // namespace
}  // namespace agdb
