#include "runtime/events/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "runtime/events/text.h"

namespace agdb {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kMaxInt = std::numeric_limits<std::int64_t>::max();
constexpr auto kMinInt = std::numeric_limits<std::int64_t>::min();
constexpr auto kMaxUint = std::numeric_limits<std::uint64_t>::max();

Json parsed(std::string_view text, const ParseOptions& options = {}) {
  Result<Json> json = parse_json(text, nullptr, options);
  EXPECT_TRUE(json) << text << ": " << (json ? "" : json.error().message);
  return json ? *std::move(json) : Json();
}

std::string error_of(std::string_view text, const ParseOptions& options = {}) {
  const Result<Json> json = parse_json(text, nullptr, options);
  if (json) return "no error";
  EXPECT_EQ(json.error().code, Code::kCorrupt);
  return json.error().message;
}

std::string as_string(std::string_view text) {
  std::string out;
  dump_string_to(out, text);
  return out;
}

// ---- values

TEST(JsonValue, IntegersAreUintOnlyAboveInt64) {
  EXPECT_EQ(Json(5u).type(), Json::Type::kInt);
  EXPECT_EQ(Json(std::uint64_t{kMaxInt}).type(), Json::Type::kInt);
  EXPECT_EQ(Json(std::uint64_t{kMaxInt} + 1).type(), Json::Type::kUint);
  EXPECT_EQ(Json(7ull), Json(7));
}

TEST(JsonValue, ConversionsAnswerOnlyWhatFits) {
  EXPECT_EQ(Json(true).to_bool(), true);
  EXPECT_EQ(Json(1).to_bool(), std::nullopt);
  EXPECT_EQ(Json(-3).to_int(), -3);
  EXPECT_EQ(Json(kMaxUint).to_int(), std::nullopt);
  EXPECT_EQ(Json(kMaxUint).to_uint(), kMaxUint);
  EXPECT_EQ(Json(-3).to_uint(), std::nullopt);
  EXPECT_EQ(Json("3").to_int(), std::nullopt);
  EXPECT_EQ(Json(3).to_double(), 3.0);
  EXPECT_EQ(Json(nullptr).to_double(), std::nullopt);
  EXPECT_EQ(Json("x").to_string(), "x");
  EXPECT_EQ(Json(3).to_string(), std::nullopt);
}

TEST(JsonValue, IntegralDoublesConvertWithinRange) {
  EXPECT_EQ(Json(3.0).to_int(), 3);
  EXPECT_EQ(Json(-0.0).to_uint(), 0u);
  EXPECT_EQ(Json(3.5).to_int(), std::nullopt);
  EXPECT_EQ(Json(-3.0).to_uint(), std::nullopt);
  EXPECT_EQ(Json(-9223372036854775808.0).to_int(), kMinInt);
  EXPECT_EQ(Json(9223372036854775808.0).to_int(), std::nullopt);
  EXPECT_EQ(Json(9223372036854775808.0).to_uint(), std::uint64_t{1} << 63);
  EXPECT_EQ(Json(18446744073709551616.0).to_uint(), std::nullopt);
  for (const double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_EQ(Json(odd).to_int(), std::nullopt);
    EXPECT_EQ(Json(odd).to_uint(), std::nullopt);
  }
}

TEST(JsonValue, MembersAreFoundAndOfSeveralTheLast) {
  const Json json = parsed(R"({"a":1,"b":{"c":"x"},"a":2,"n":null,"t":true})");
  EXPECT_EQ(json.integer("a"), 2);
  EXPECT_EQ(json["b"].text("c"), "x");
  EXPECT_EQ(json.text("a", "no text"), "no text");
  EXPECT_EQ(json.integer("b", 9), 9);
  EXPECT_TRUE(json.boolean("t"));
  EXPECT_TRUE(json.boolean("missing", true));
  EXPECT_TRUE(json["x"]["y"]["z"].is_null());
  EXPECT_EQ(json.find("x"), nullptr);
  ASSERT_NE(json.find("n"), nullptr);
  EXPECT_EQ(Json(5).find("a"), nullptr);
  EXPECT_EQ(Json::array()["a"], Json());
}

TEST(JsonValue, SetReplacesOrAppendsAndEraseTakesAll) {
  Json json;
  json.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(dump(json, {.sorted = false}), R"({"a":3,"b":2})");
  json.members().push_back({"a", 4});
  json.erase("a");
  json.erase("missing");
  EXPECT_EQ(dump(json), R"({"b":2})");
  *json.find("b") = Json::array();
  json.find("b")->push_back(1).push_back("x");
  EXPECT_EQ(dump(json), R"({"b":[1,"x"]})");
  Json list;
  list.push_back(nullptr);
  EXPECT_EQ(dump(list), "[null]");
}

TEST(JsonValue, SizeCountsElementsAndMembers) {
  EXPECT_EQ(Json().size(), 0u);
  EXPECT_EQ(Json("text").size(), 0u);
  EXPECT_TRUE(Json::array().empty());
  EXPECT_EQ(parsed("[1,2]").size(), 2u);
  EXPECT_EQ(parsed(R"({"a":1,"a":2})").size(), 2u);
}

TEST(JsonEquality, IsByTypeAndContent) {
  EXPECT_EQ(Json(), Json(nullptr));
  EXPECT_NE(Json(1), Json(1.0));
  EXPECT_NE(Json(0.0), Json(-0.0));
  EXPECT_EQ(Json(std::nan("")), Json(std::nan("")));
  EXPECT_NE(Json("1"), Json(1));
  EXPECT_NE(Json::array(), Json::object());
  EXPECT_NE(parsed("[1,2]"), parsed("[2,1]"));
}

TEST(JsonEquality, ObjectsWithoutRegardToOrder) {
  EXPECT_EQ(parsed(R"({"a":1,"b":[{"c":1,"d":2}]})"), parsed(R"({"b":[{"d":2,"c":1}],"a":1})"));
  EXPECT_NE(parsed(R"({"a":1,"b":2})"), parsed(R"({"a":2,"b":1})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"a":1,"b":2})"));
  EXPECT_NE(parsed(R"({"a":1,"b":2})"), parsed(R"({"a":1,"c":2})"));
  // The order of members of one name counts: the last is the one that is found.
  EXPECT_NE(parsed(R"({"a":1,"b":0,"a":2})"), parsed(R"({"b":0,"a":2,"a":1})"));
  EXPECT_EQ(parsed(R"({"a":1,"b":0,"a":2})"), parsed(R"({"b":0,"a":1,"a":2})"));
}

// ---- writing

TEST(JsonDump, Scalars) {
  EXPECT_EQ(dump(Json()), "null");
  EXPECT_EQ(dump(true), "true");
  EXPECT_EQ(dump(false), "false");
  EXPECT_EQ(dump(kMinInt), "-9223372036854775808");
  EXPECT_EQ(dump(kMaxUint), "18446744073709551615");
  EXPECT_EQ(dump(""), R"("")");
}

TEST(JsonDump, DoublesInShortestForm) {
  EXPECT_EQ(dump(1.0), "1");
  EXPECT_EQ(dump(0.1), "0.1");
  EXPECT_EQ(dump(-2.5), "-2.5");
  EXPECT_EQ(dump(1e22), "1e+22");
  EXPECT_EQ(dump(5e-324), "5e-324");
  EXPECT_EQ(dump(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(dump(-0.0), "-0.0");
  EXPECT_EQ(dump(std::nan("")), "null");
  EXPECT_EQ(dump(HUGE_VAL), "null");
  EXPECT_EQ(dump(-HUGE_VAL), "null");
}

TEST(JsonDump, EscapesOnlyWhatMustBe) {
  EXPECT_EQ(as_string("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(as_string(std::string_view("\0\x01\x1f", 3)), R"("\u0000\u0001\u001f")");
  EXPECT_EQ(as_string("/\x7f</script>\u2028\u00e9\U0001f600"),
            "\"/\x7f</script>\u2028\u00e9\U0001f600\"");
}

TEST(JsonDump, FindsEscapesAtEveryPlaceOfARun) {
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char special : {'"', '\\', '\n', '\x01', '\x1f'}) {
        std::string text(size, '!');
        text[at] = special;
        EXPECT_EQ(parsed(as_string(text)).string(), text);
      }
    }
    const std::string high(size, '\x7f');
    EXPECT_EQ(as_string(high), "\"" + high + "\"");
  }
}

TEST(JsonDump, BytesThatAreNotUtf8AreReplaced) {
  std::string out;
  EXPECT_FALSE(dump_string_to(out, "a\xff\n"));
  EXPECT_EQ(out, "\"a\ufffd\\n\"");
  out.clear();
  EXPECT_TRUE(dump_string_to(out, "a"));
}

TEST(JsonDump, SortedWritesTheLastOfEachName) {
  const Json json = parsed(R"({"b":1,"a":{"z":1,"y":2},"b":2,"":0,"B":3})");
  EXPECT_EQ(dump(json), R"({"":0,"B":3,"a":{"y":2,"z":1},"b":2})");
  EXPECT_EQ(dump(json, {.sorted = false}), R"({"b":1,"a":{"z":1,"y":2},"b":2,"":0,"B":3})");
}

TEST(JsonDump, SortedOfAlreadySortedDuplicates) {
  EXPECT_EQ(dump(parsed(R"({"a":1,"a":2,"b":3})")), R"({"a":2,"b":3})");
}

TEST(JsonDump, Indented) {
  EXPECT_EQ(dump(parsed(R"({"b":[1,[],{}],"a":{"c":null}})"), {.sorted = true, .indent = 2}),
            "{\n  \"a\": {\n    \"c\": null\n  },\n  \"b\": [\n    1,\n    [],\n    {}\n  ]\n}");
  EXPECT_EQ(dump(Json::array(), {.indent = 2}), "[]");
}

TEST(JsonDump, KeepBytesAddsASiblingBehindItsKey) {
  const Json json =
      Json::object({{"b", "x"}, {"a_", 1}, {"a", "\xff"}, {"c", Json::object({{"d", "\xfe"}})}});
  EXPECT_EQ(dump(json, {.keep_bytes = true}),
            "{\"a\":\"\ufffd\",\"a_base64\":\"/w==\",\"a_\":1,\"b\":\"x\","
            "\"c\":{\"d\":\"\ufffd\",\"d_base64\":\"/g==\"}}");
  EXPECT_EQ(dump(json), "{\"a\":\"\ufffd\",\"a_\":1,\"b\":\"x\",\"c\":{\"d\":\"\ufffd\"}}");
}

TEST(JsonDump, TextMember) {
  std::string out;
  dump_text_member_to(out, "k", "v");
  EXPECT_EQ(out, R"("k":"v")");
  out.clear();
  dump_text_member_to(out, "k", "v\xff");
  EXPECT_EQ(out, "\"k\":\"v\ufffd\",\"k_base64\":\"dv8=\"");
}

// ---- reading

TEST(JsonParse, Scalars) {
  EXPECT_EQ(parsed("null"), Json());
  EXPECT_EQ(parsed(" true\r\n\t "), Json(true));
  EXPECT_EQ(parsed("false"), Json(false));
  EXPECT_EQ(parsed("\"x\""), Json("x"));
  EXPECT_EQ(parsed("-1"), Json(-1));
  EXPECT_EQ(parsed("0"), Json(0));
}

TEST(JsonParse, IntegersKeepAllBits) {
  EXPECT_EQ(parsed("9223372036854775807"), Json(kMaxInt));
  EXPECT_EQ(parsed("-9223372036854775808"), Json(kMinInt));
  EXPECT_EQ(parsed("9223372036854775808").type(), Json::Type::kUint);
  EXPECT_EQ(parsed("18446744073709551615"), Json(kMaxUint));
}

TEST(JsonParse, IntegersBeyondBecomeDoubles) {
  EXPECT_EQ(parsed("18446744073709551616"), Json(18446744073709551616.0));
  EXPECT_EQ(parsed("-9223372036854775809"), Json(-9223372036854775809.0));
  EXPECT_EQ(parsed("[1" + std::string(300, '0') + "]"), Json(Json::Array{1e300}));
}

TEST(JsonParse, DoublesStayDoubles) {
  EXPECT_EQ(parsed("1.0"), Json(1.0));
  EXPECT_EQ(parsed("1e2"), Json(100.0));
  EXPECT_EQ(parsed("-0.0"), Json(-0.0));
  EXPECT_EQ(parsed("1e-400"), Json(0.0));
  EXPECT_EQ(parsed("2.2250738585072011e-308"), Json(2.2250738585072011e-308));
  EXPECT_EQ(parsed("-0"), Json(0));
}

TEST(JsonParse, StringsWithEscapes) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00")").string(),
            "\"\\/\b\f\n\r\t\u00e9\U0001f600");
  EXPECT_EQ(parsed(R"("a\u0000b")").string(), std::string("a\0b", 3));
}

TEST(JsonParse, ContainersKeepOrderAndDuplicates) {
  const Json json = parsed(R"({"b":[1,[2,{}]],"a":{},"b":3})");
  ASSERT_EQ(json.members().size(), 3u);
  EXPECT_EQ(json.members()[0].key, "b");
  EXPECT_EQ(json.members()[0].value, Json(Json::Array{1, Json(Json::Array{2, Json::object()})}));
  EXPECT_EQ(json.members()[2].value, Json(3));
}

TEST(JsonParse, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(parsed("\xef\xbb\xbf[1]"), parsed("[1]"));
  EXPECT_EQ(error_of("\xef\xbb\xbf"), "1:1: the text is empty");
}

TEST(JsonParse, FromAnUnpaddedViewIntoALargerText) {
  const std::string text = R"([1,2]garbage)";
  EXPECT_EQ(parsed(std::string_view(text).substr(0, 5)), parsed("[1,2]"));
}

struct BadJson {
  std::string text;
  std::string message;
};

TEST(JsonParse, ErrorsSayWhereAndWhat) {
  const BadJson cases[] = {
      {"", "1:1: the text is empty"},
      {" \n ", "1:1: the text is empty"},
      {"[1,", "1:4: unexpected end of input; expected a value"},
      {"[1,]", "1:4: unexpected ']'; expected a value"},
      {"[1 2]", "1:4: unexpected number literal; expected ',' or ']'"},
      {"[1 20000]", "1:4: unexpected number literal; expected ',' or ']'"},
      {"[1 \"abc\"]", "1:4: unexpected string literal; expected ',' or ']'"},
      {"[1}", "1:3: unexpected '}'; expected ',' or ']'"},
      {"[true\n  false]", "2:3: unexpected false literal; expected ',' or ']'"},
      {"[true true]", "1:7: unexpected true literal; expected ',' or ']'"},
      {"[true null]", "1:7: unexpected null literal; expected ',' or ']'"},
      {"{\"a\":1", "1:7: unexpected end of input; expected ',' or '}'"},
      {"{\"a\" 1}", "1:6: unexpected number literal; expected ':'"},
      {"{1:2}", "1:2: unexpected number literal; expected a string"},
      {"{\"a\":1,}", "1:8: unexpected '}'; expected a string"},
      {"\n\n[1] x", "3:5: invalid literal; expected the end of the text"},
      {"[1]]", "1:4: unexpected ']'; expected the end of the text"},
      {"nul", "1:4: invalid literal"},
      {"[\"abc", "1:6: invalid string: missing closing quote"},
      {"[\"\\x\"]", "1:3: invalid string: forbidden character after backslash"},
      {"[\"\\u12g4\"]", "1:7: invalid string: '\\u' must be followed by 4 hex digits"},
      {"[-]", "1:3: invalid number; expected digit after '-'"},
      {"[1.]", "1:4: invalid number; expected digit after '.'"},
      {"[1e]", "1:4: invalid number; expected '+', '-', or digit after exponent"},
      {"01", "1:2: unexpected number literal; expected the end of the text"},
      {"[1e999]", "1:2: the number 1e999 is out of range"},
      {"[-1e999]", "1:2: the number -1e999 is out of range"},
      {"[NaN]", "1:2: invalid literal"},
      {"\xff", "1:1: invalid literal"},
      {"[1,\xff]", "1:4: invalid literal"},
      {std::string("[1\0]", 4), "1:3: a NUL byte"},
      {std::string("[1]\0", 4), "1:4: a NUL byte"},
      {std::string("[\"\0\"]", 5), "1:3: a NUL byte"},
      {std::string("\0", 1), "1:1: a NUL byte"},
      {std::string("[1,] \0", 6), "1:4: unexpected ']'; expected a value"},
  };
  for (const BadJson& bad : cases) EXPECT_EQ(error_of(bad.text), bad.message) << bad.text;
  EXPECT_THAT(error_of("[\"a\nb\"]"), StartsWith("1:4: invalid string: control character U+000A"));
  EXPECT_THAT(error_of("/* no */ 1"), StartsWith("1:1: invalid literal"));
}

TEST(JsonParse, PositionsAreThoseOfTheTextAsItStood) {
  // Bad bytes, DELs and lone surrogates before the error are mended to other lengths.
  EXPECT_THAT(error_of("[\"\xff\xff\", 1 2]"), StartsWith("1:10: unexpected number"));
  EXPECT_THAT(error_of("[\"\x7f\\u007f\", 1 2]"), StartsWith("1:15: unexpected number"));
  EXPECT_THAT(error_of("[\"\\ud800\",\n x]"), StartsWith("2:2: invalid literal"));
  EXPECT_THAT(error_of("[\"\xff\x7f\xe2\x82"),
              StartsWith("1:7: invalid string: missing closing quote"));
}

TEST(JsonParse, LongTokensAreShownShort) {
  EXPECT_LT(error_of("[1 \"" + std::string(1 << 16, 'x') + "\"]").size(), 200u);
  EXPECT_LT(error_of("[\"" + std::string(1 << 16, 'x')).size(), 200u);
  EXPECT_LT(error_of("[1" + std::string(1 << 16, '0') + "]").size(), 200u);
  // Text that looks like the parser's own words does not lead astray.
  EXPECT_EQ(error_of(R"([1 "; expected '}' - x; last read: '"])"),
            "1:4: unexpected string literal; expected ',' or ']'");
  EXPECT_EQ(error_of(R"(["; expected ':')"), "1:17: invalid string: missing closing quote");
}

std::string nested(std::size_t depth, char open = '[', char close = ']') {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(JsonDepth, TheLimitIsAllowedAndOneMoreRefused) {
  EXPECT_EQ(dump(parsed(nested(512))), nested(512));
  EXPECT_EQ(error_of(nested(513)), "1:513: nested deeper than 512 levels");
  EXPECT_EQ(error_of("[[],[[]]]", {.max_depth = 2}), "1:6: nested deeper than 2 levels");
  EXPECT_EQ(dump(parsed(R"([[1],{"a":2}])", {.max_depth = 2})), R"([[1],{"a":2}])");
  EXPECT_EQ(error_of("[[[1]]]", {.max_depth = 2}), "1:3: nested deeper than 2 levels");
  EXPECT_EQ(parsed("7", {.max_depth = 0}), Json(7));
  EXPECT_EQ(error_of("[]", {.max_depth = 0}), "1:1: nested deeper than 0 levels");
  EXPECT_EQ(error_of("[]", {.max_depth = -1}), "1:1: nested deeper than -1 levels");
}

TEST(JsonDepth, BracketsInStringsDoNotCount) {
  EXPECT_EQ(error_of("[\"[[[\\\"[[\",\n[[1]]]", {.max_depth = 2}),
            "2:2: nested deeper than 2 levels");
}

TEST(JsonDepth, HostileDepthIsRefusedOnEveryPath) {
  for (const std::size_t depth : {std::size_t{10'000}, std::size_t{10'000'000}}) {
    EXPECT_THAT(error_of(nested(depth)), HasSubstr("nested deeper"));
    EXPECT_THAT(error_of(std::string(depth, '[')), HasSubstr("nested deeper"));
  }
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(error_of(objects), "1:2561: nested deeper than 512 levels");
  EXPECT_THAT(error_of("[\"\xff\"," + nested(10'000) + "]"), HasSubstr("nested deeper"));
}

// ---- what can be read but not kept as it stood

struct Mended {
  Json json;
  ParseNotes notes;
};

Mended mended(std::string_view text) {
  Mended out;
  Result<Json> json = parse_json(text, &out.notes);
  EXPECT_TRUE(json) << text << ": " << (json ? "" : json.error().message);
  if (json) out.json = *std::move(json);
  return out;
}

TEST(JsonMend, BadBytesStayInTheStrings) {
  const Mended value = mended(
      "{\"k\xff\":\"a\xfe\x80"
      "b\u00e9\"}");
  EXPECT_EQ(value.json, Json::object({{"k\xff",
                                       "a\xfe\x80"
                                       "b\u00e9"}}));
  EXPECT_EQ(value.notes, (ParseNotes{.invalid_utf8 = 3, .lone_surrogates = 0}));
}

TEST(JsonMend, EveryBadByteComesBack) {
  for (int byte = 0x80; byte < 0x100; ++byte) {
    const std::string text = {'a', static_cast<char>(byte), 'b'};
    EXPECT_EQ(mended("\"" + text + "\"").json.string(), text);
  }
}

TEST(JsonMend, TheMarkItselfSurvives) {
  EXPECT_EQ(mended("[\"\x7f\\u007f\\u007F"
                   "0\x7f"
                   "0\xff\x7f\"]")
                .json.items()[0]
                .string(),
            "\x7f\x7f\x7f"
            "0\x7f"
            "0\xff\x7f");
  EXPECT_EQ(mended("[\"\xff\\\\u007f\"]").json.items()[0].string(), "\xff\\u007f");
  // Code points that look like the other half of a mark.
  EXPECT_EQ(mended("[\"\x7f\u00ff\xff\u00ff\"]").json.items()[0].string(), "\x7f\u00ff\xff\u00ff");
}

TEST(JsonMend, LoneSurrogatesBecomeTheReplacementCharacter) {
  const Mended value =
      mended(R"(["\ud800","\udc00","\ud800\ud83d\ude00","\uDFFF\uD800x","\ud800\u0041"])");
  EXPECT_EQ(value.json,
            Json(Json::Array{"\ufffd", "\ufffd", "\ufffd\U0001f600", "\ufffd\ufffdx", "\ufffdA"}));
  EXPECT_EQ(value.notes, (ParseNotes{.invalid_utf8 = 0, .lone_surrogates = 6}));
}

TEST(JsonMend, AnEscapedBackslashBeginsNoEscape) {
  const Mended value = mended(R"(["\\ud800","\\\ud800"])");
  EXPECT_EQ(value.json, Json(Json::Array{"\\ud800", "\\\ufffd"}));
  EXPECT_EQ(value.notes.lone_surrogates, 1u);
}

TEST(JsonMend, CountsAddUpAndOnlyOnSuccess) {
  ParseNotes notes{.invalid_utf8 = 10, .lone_surrogates = 20};
  EXPECT_TRUE(parse_json("\"\xff\\udc00\"", &notes));
  EXPECT_FALSE(parse_json("[\"\xff\",", &notes));
  EXPECT_TRUE(parse_json("[18446744073709551616]", &notes));
  EXPECT_EQ(notes, (ParseNotes{.invalid_utf8 = 11, .lone_surrogates = 21}));
}

TEST(JsonMend, SurrogatesWrittenAsBytesAreBadBytes) {
  const Mended value = mended("\"\xed\xa0\x80\"");
  EXPECT_EQ(value.json.string(), "\xed\xa0\x80");
  EXPECT_EQ(value.notes.invalid_utf8, 3u);
}

// ---- base64 siblings

Json restored(std::string_view text) {
  return parsed(text, {.restore_base64 = true});
}

TEST(JsonRestore, TakesTheBytesAndTheSiblingGoes) {
  EXPECT_EQ(restored("{\"a\":\"x\ufffd\",\"a_base64\":\"eP8=\",\"b\":1}"),
            Json::object({{"a", "x\xff"}, {"b", 1}}));
  EXPECT_EQ(restored("[{\"a\":{\"a\":\"\ufffd\",\"a_base64\":\"/w==\"}}]"),
            Json(Json::Array{Json::object({{"a", Json::object({{"a", "\xff"}})}})}));
}

TEST(JsonRestore, NotUnlessAsked) {
  EXPECT_EQ(parsed("{\"a\":\"\ufffd\",\"a_base64\":\"/w==\"}").size(), 2u);
}

TEST(JsonRestore, LeavesForeignMembersAlone) {
  for (const char* text :
       {R"({"a":"other","a_base64":"/w=="})", R"({"a_base64":"/w=="})",
        R"({"a":5,"a_base64":"/w=="})", R"({"a":"x","a_base64":7})",
        R"({"a":"hi","a_base64":"aGk="})", R"({"a":"hi","a_base64":"!"})", R"({"_base64":"/w=="})"})
    EXPECT_EQ(restored(text), parsed(text)) << text;
}

TEST(JsonRestore, PairsEachTextWithTheSiblingBehindIt) {
  const Json json(Json::Object{{"a", "\xff"}, {"a", "\xfe"}, {"a_base64", "/w=="}, {"b", "x"}});
  EXPECT_EQ(restored(dump(json, {.sorted = false, .keep_bytes = true})), json);
}

TEST(JsonRestore, ManySiblingsAreNotQuadratic) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += "\"k_base64\":\"/w==\",";
  text += "\"z\":1}";
  EXPECT_EQ(restored(text).size(), 100'001u);
}

// ---- random values

class RandomJson {
 public:
  explicit RandomJson(std::uint32_t seed) : random_(seed) {}

  Json value(int depth = 0) {
    switch (random_() % (depth < 5 ? 9 : 7)) {
      case 0:
        return {};
      case 1:
        return random_() % 2 == 0;
      case 2:
        return static_cast<std::int64_t>(random_() << (random_() % 40)) - (1 << 20);
      case 3:
        return std::uint64_t{1} << 63 | random_();
      case 4:
        return number();
      case 5:
      case 6:
        return text();
      case 7: {
        Json out = Json::array();
        for (std::uint64_t i = random_() % 6; i > 0; --i) out.push_back(value(depth + 1));
        return out;
      }
      default: {
        Json out = Json::object();
        for (std::uint64_t i = random_() % 6; i > 0; --i) out.set(text(), value(depth + 1));
        return out;
      }
    }
  }

  std::string text() {
    constexpr std::string_view pieces[] = {"a",    "key",  " ",      "\"",     "\\",         "\n",
                                           "\x01", "\x7f", "\u00e9", "\u20ac", "\U0001f600", "[",
                                           "}",    ",",    "\\u00",  "_base64"};
    std::string out;
    for (std::uint64_t i = random_() % 9; i > 0; --i) out += pieces[random_() % std::size(pieces)];
    return out;
  }

 private:
  // Not integral: that would be read back as an integer.
  double number() {
    while (true) {
      const double value = std::bit_cast<double>(random_());
      if (std::isfinite(value) && std::trunc(value) != value) return value;
    }
  }

  std::mt19937_64 random_;
};

TEST(JsonRandom, ReadsBackWhatItWrote) {
  RandomJson random(1);
  for (int round = 0; round < 3000; ++round) {
    const Json json = random.value();
    for (const bool sorted : {true, false}) {
      for (const int indent : {0, 1, 3}) {
        const std::string text = dump(json, {.sorted = sorted, .indent = indent});
        const Result<Json> back = parse_json(text);
        ASSERT_TRUE(back) << text;
        ASSERT_EQ(*back, json) << text;
        ASSERT_EQ(dump(*back, {.sorted = sorted, .indent = indent}), text);
      }
    }
    const auto end = end_of_first_document("[" + dump(json) + "] 7");
    ASSERT_EQ(end, dump(json).size() + 2);
  }
}

// What the quick path and the thorough path make of a document: an integer beyond 64 bits beside it
// forces the latter.
struct BothPaths {
  Result<Json> quick;
  Result<Json> thorough;
};

BothPaths both_paths(const std::string& document) {
  return {parse_json("[0," + document + "]"),
          parse_json("[36893488147419103232," + document + "]")};
}

void expect_agreement(const std::string& document) {
  const BothPaths paths = both_paths(document);
  ASSERT_EQ(paths.quick.has_value(), paths.thorough.has_value()) << document;
  if (!paths.quick) return;
  ASSERT_EQ(paths.thorough->items().size(), paths.quick->items().size()) << document;
  for (std::size_t i = 1; i < paths.quick->items().size(); ++i)
    ASSERT_EQ(paths.quick->items()[i], paths.thorough->items()[i]) << document;
}

TEST(JsonPaths, AgreeOnGoodDocuments) {
  RandomJson random(2);
  for (int round = 0; round < 2000; ++round) expect_agreement(dump(random.value()));
  for (const char* text : {"-0", "-0.0", "1e-400", "1E+2", "123456789012345678901234567890.5e-10",
                           "0.1e1", "4.9406564584124654e-324", "1.7976931348623157e308", "-1e-5"})
    expect_agreement(text);
}

TEST(JsonPaths, AgreeOnDamagedDocuments) {
  RandomJson random(3);
  std::mt19937 damage(4);
  constexpr std::string_view bytes = "[]{},:\"\\0123456789.eE+-tfn u\n\t\x7f\x01\xff\xe2\x82";
  for (int round = 0; round < 5'000; ++round) {
    std::string text = dump(random.value(3));
    for (auto i = damage() % 3 + 1; i > 0 && !text.empty(); --i) {
      const std::size_t at = damage() % text.size();
      const char byte = bytes[damage() % bytes.size()];
      switch (damage() % 3) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1);
          break;
      }
    }
    expect_agreement(text);
  }
}

TEST(JsonPaths, AgreeOnEveryShortText) {
  constexpr std::string_view bytes = "[]{},:\"\\01.e-tn ";
  for (const char a : bytes) {
    for (const char b : bytes) {
      for (const char c : bytes) expect_agreement({a, b, c});
    }
  }
}

// ---- the end of the first document

TEST(FirstDocument, EndsBehindItsLastBracket) {
  EXPECT_EQ(end_of_first_document("{}"), 2u);
  EXPECT_EQ(end_of_first_document("[]{}"), 2u);
  EXPECT_EQ(end_of_first_document(" \t\r\n{\"a\":[1,{}]}{\"b\":2}"), 16u);
  EXPECT_EQ(end_of_first_document("{\"a\":\"}\"} x"), 9u);
  EXPECT_EQ(end_of_first_document(R"({"a\"}":"\\"} x)"), 13u);
  EXPECT_EQ(end_of_first_document("\xef\xbb\xbf[]"), 5u);
}

TEST(FirstDocument, NoneWhenIncompleteOrNoContainer) {
  for (const char* text : {"", "  ", "1", "\"a\"", "null {}", "]", "}", "[", "{\"a\":", "[}", "{]",
                           "[[}]", "[\"abc", "[\"abc\\\"]", "[\"a\nb\"]", ",[]", "[\"\\"})
    EXPECT_EQ(end_of_first_document(text), std::nullopt) << text;
}

TEST(FirstDocument, HostileDepthIsOnlyCounted) {
  EXPECT_EQ(end_of_first_document(nested(1'000'000)), 2'000'000u);
  EXPECT_EQ(end_of_first_document(std::string(1'000'000, '[')), std::nullopt);
}

}  // namespace
}  // namespace agdb
