#include "ipc/api/schema.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

std::string why_not(std::string_view json, const Json& schema,
                    const Json& components = Json::object()) {
  const Status fits = check_schema(*parse_json(json), schema, components, "body");
  return fits ? "fits" : fits.error().message;
}

TEST(Schema, TypesAreChecked) {
  EXPECT_EQ(why_not("\"a\"", schema::text()), "fits");
  EXPECT_EQ(why_not("1", schema::text()), "body: expected a string");
  EXPECT_EQ(why_not("1", schema::integer()), "fits");
  EXPECT_EQ(why_not("1.5", schema::integer()), "body: expected an integer");
  EXPECT_EQ(why_not("1.5", schema::number()), "fits");
  EXPECT_EQ(why_not("1", schema::number()), "fits");
  EXPECT_EQ(why_not("true", schema::boolean()), "fits");
  EXPECT_EQ(why_not("null", schema::boolean()), "body: expected a boolean");
  EXPECT_EQ(why_not("{}", schema::list(schema::any())), "body: expected an array");
  EXPECT_EQ(why_not("[]", schema::object({})), "body: expected an object");
  EXPECT_EQ(why_not("[null, {}, 1]", schema::list(schema::any())), "fits");
}

TEST(Schema, IntegersHaveBounds) {
  const Json schema = schema::integer(1, 10);
  EXPECT_EQ(why_not("1", schema), "fits");
  EXPECT_EQ(why_not("10", schema), "fits");
  EXPECT_EQ(why_not("0", schema), "body: expected at least 1");
  EXPECT_EQ(why_not("11", schema), "body: expected at most 10");
  EXPECT_EQ(why_not("18446744073709551615", schema), "body: expected at most 10");
  EXPECT_EQ(why_not("9223372036854775808", schema::integer(1, INT64_MAX)),
            "body: expected at most 9223372036854775807");
}

TEST(Schema, TextsAreCountedByCharacters) {
  const Json schema =
      schema::bounded(schema::bounded(schema::text(), "minLength", 1), "maxLength", 2);
  EXPECT_EQ(why_not("\"\u00e4\u00e4\"", schema), "fits");
  EXPECT_EQ(why_not("\"\"", schema), "body: expected at least 1 characters");
  EXPECT_EQ(why_not("\"abc\"", schema), "body: expected at most 2 characters");
}

TEST(Schema, WordsAreThoseOfTheList) {
  EXPECT_EQ(why_not("\"b\"", schema::one_of({"a", "b"})), "fits");
  EXPECT_EQ(why_not("\"c\"", schema::one_of({"a", "b"})), "body: expected one of a, b");
}

TEST(Schema, ListsAreCheckedItemByItem) {
  const Json schema = schema::bounded(schema::list(schema::integer()), "maxItems", 2);
  EXPECT_EQ(why_not("[1, 2]", schema), "fits");
  EXPECT_EQ(why_not("[1, \"2\"]", schema), "body[1]: expected an integer");
  EXPECT_EQ(why_not("[1, 2, 3]", schema), "body: expected at most 2 items");
}

TEST(Schema, MembersAreThoseThatAreDeclared) {
  const Json schema = schema::object({{"a", schema::integer()}}, {{"b", schema::text()}});
  EXPECT_EQ(why_not(R"({"a": 1})", schema), "fits");
  EXPECT_EQ(why_not(R"({"a": 1, "b": "x"})", schema), "fits");
  EXPECT_EQ(why_not(R"({"b": "x"})", schema), "body.a is missing");
  EXPECT_EQ(why_not(R"({"a": 1, "b": 2})", schema), "body.b: expected a string");
  EXPECT_EQ(why_not(R"({"a": 1, "c": 2})", schema), "body.c: nobody asked for this member");
  EXPECT_EQ(why_not(R"({"a": 1, "a": 2})", schema), "body.a is given several times");
  EXPECT_EQ(why_not(R"({"a": 2, "\u0061": 2})", schema), "body.a is given several times");
}

TEST(Schema, MapsTakeAnyName) {
  EXPECT_EQ(why_not(R"({"x": 1, "y": 2})", schema::map(schema::integer())), "fits");
  EXPECT_EQ(why_not(R"({"x": 1, "y": "2"})", schema::map(schema::integer())),
            "body.y: expected an integer");
}

TEST(Schema, ComponentsStandForThemselves) {
  const Json components = Json::object(
      {{"Tree", schema::object({{"n", schema::integer()}}, {{"next", schema::ref("Tree")}})}});
  EXPECT_EQ(why_not(R"({"n": 1, "next": {"n": 2}})", schema::ref("Tree"), components), "fits");
  EXPECT_EQ(why_not(R"({"n": 1, "next": {"n": "2"}})", schema::ref("Tree"), components),
            "body.next.n: expected an integer");
}

TEST(Schema, HostileNamesAreShortAndPrintable) {
  const std::string why = why_not("{\"" + std::string(1000, 'x') + "\": 1}", schema::object({}));
  EXPECT_LT(why.size(), 200U);
  EXPECT_EQ(why_not(R"({"\u001b[2J": 1})", schema::object({})).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace agdb
