#include "debug/record/json_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace agdb {
namespace {

// In memory of exactly that size, so that a look behind it does not go unnoticed.
class Text {
 public:
  explicit Text(std::string_view text, std::size_t behind = 0)
      : bytes_(text.begin(), text.end()), size_(text.size()) {
    bytes_.resize(size_ + behind, '"');
  }
  JsonCursor cursor() const { return {{bytes_.data(), size_}, bytes_.size()}; }

 private:
  std::vector<char> bytes_;
  std::size_t size_;
};

bool skips(std::string_view text) {
  for (const std::size_t behind : {0u, 1u, 16u, 100u}) {
    const Text held(text, behind);
    JsonCursor at = held.cursor();
    const bool good = at.skip() && at.at_end();
    const Text alone(text);
    JsonCursor again = alone.cursor();
    EXPECT_EQ(again.skip() && again.at_end(), good) << text << ": with " << behind << " behind";
    if (!good) return false;
  }
  return true;
}

TEST(JsonCursor, SkipsEveryKindOfValue) {
  for (const char* text :
       {"null", "true", "false", "0", "-0", "12", "-3.5", "1e9", "2.5E-7", "\"\"", "\"a\"",
        R"("a\"b\\")", "{}", "[]", R"([1,{"a":[]},"]"])", " \t\r\n{ \"a\" : \"}\" } "})
    EXPECT_TRUE(skips(text)) << text;
}

TEST(JsonCursor, RefusesWhatIsBroken) {
  for (const char* text :
       {"",   " ",   "nul",   "truth",   "01",       "-", "1.", "1e",        ".5",   "+1", "x",
        "\"", "\"a", "\"a\\", R"("a\")", "\"a\nb\"", "{", "[",  R"({"a":1)", "[\"]", "}"})
    EXPECT_FALSE(skips(text)) << text;
}

TEST(JsonCursor, StringsOfEveryLengthEndWhereTheyEnd) {
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string plain(size, 'x');
    EXPECT_TRUE(skips('"' + plain + '"')) << size;
    EXPECT_FALSE(skips('"' + plain)) << size;
    EXPECT_TRUE(skips('"' + plain + R"(\"y")")) << size;
    EXPECT_FALSE(skips('"' + plain + "\x01\"")) << size;
    const Text held('"' + plain + "\":", 100);
    JsonCursor at = held.cursor();
    std::string_view text;
    EXPECT_TRUE(at.text(text)) << size;
    EXPECT_EQ(text, plain);
    EXPECT_FALSE(at.at_end());
  }
}

TEST(JsonCursor, NestedTooDeepIsLeftToOthers) {
  EXPECT_TRUE(skips(std::string(200, '[') + std::string(200, ']')));
  EXPECT_FALSE(skips(std::string(300, '[') + std::string(300, ']')));
}

TEST(JsonCursor, MembersComeOneAfterTheOther) {
  const Text held(R"( { "a" : 1 , "b":{"a":2},"c":"x" } )");
  JsonCursor at = held.cursor();
  std::string keys;
  EXPECT_TRUE(at.each([&](std::string_view key) {
    keys += key;
    return at.skip();
  }) && at.at_end());
  EXPECT_EQ(keys, "abc");
}

TEST(JsonCursor, MembersThatAreNotPlainStopIt) {
  for (const char* text : {"[]", "{", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({"a":1 "b":2})",
                           R"({a:1})", R"({"\u0061":1})", R"({"a":1)"}) {
    const Text held(text);
    JsonCursor at = held.cursor();
    EXPECT_FALSE(at.each([&](std::string_view) { return at.skip(); })) << text;
  }
}

TEST(JsonCursor, IntegersUpToTheirLimits) {
  const auto read = [](std::string_view text, auto& value) {
    const Text held(text);
    JsonCursor at = held.cursor();
    if constexpr (std::is_signed_v<std::decay_t<decltype(value)>>)
      return at.integer(value) && at.at_end();
    else
      return at.count(value) && at.at_end();
  };
  std::int64_t value = 0;
  EXPECT_TRUE(read("9223372036854775807", value));
  EXPECT_EQ(value, std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(read("-9223372036854775807", value));
  EXPECT_EQ(value, -std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(read("9223372036854775808", value));
  EXPECT_FALSE(read("12345678901234567890", value));
  std::uint64_t count = 0;
  EXPECT_TRUE(read("9999999999999999999", count));
  EXPECT_EQ(count, 9'999'999'999'999'999'999U);
  EXPECT_FALSE(read("10000000000000000000", count));
}

TEST(JsonCursor, IntegersOfEveryLength) {
  const auto read = [](std::string_view text, std::int64_t& value) {
    const Text held(text);
    JsonCursor at = held.cursor();
    return at.integer(value) && at.at_end();
  };
  std::string digits;
  for (int size = 1; size <= 18; ++size) {
    digits += static_cast<char>('0' + size % 10);
    std::int64_t value = 0;
    EXPECT_TRUE(read(digits, value)) << digits;
    EXPECT_EQ(value, std::stoll(digits));
    EXPECT_TRUE(read("-" + digits, value)) << digits;
    EXPECT_EQ(value, -std::stoll(digits));
    EXPECT_FALSE(read(digits + ".0", value)) << digits;
    EXPECT_FALSE(read(digits + "e1", value)) << digits;
    EXPECT_FALSE(read(digits + ":", value)) << digits;
    EXPECT_FALSE(read(digits + "/", value)) << digits;
  }
  std::int64_t value = 0;
  for (const char* text : {"", "-", "- 1", "01", "00", "x", "\"1\""})
    EXPECT_FALSE(read(text, value)) << text;
  EXPECT_TRUE(read("0", value));
}

TEST(JsonCursor, ACountIsNotNegative) {
  const Text held("-1");
  std::uint64_t value = 0;
  EXPECT_FALSE(held.cursor().count(value));
}

TEST(JsonCursor, NumbersOfEveryForm) {
  const auto read = [](std::string_view text, double& value) {
    const Text held(text);
    JsonCursor at = held.cursor();
    return at.number(value) && at.at_end();
  };
  double value = 0;
  EXPECT_TRUE(read(" 12", value));
  EXPECT_EQ(value, 12);
  EXPECT_TRUE(read("-0.0625", value));
  EXPECT_EQ(value, -0.0625);
  EXPECT_TRUE(read("25E-1", value));
  EXPECT_EQ(value, 2.5);
  for (const char* text : {"", "-", ".5", "1.", "1e", "01", "1e999", "null", "\"1\""})
    EXPECT_FALSE(read(text, value)) << text;
}

TEST(JsonCursor, TrueAndFalse) {
  bool value = false;
  EXPECT_TRUE(Text(" true").cursor().boolean(value));
  EXPECT_TRUE(value);
  EXPECT_TRUE(Text("false").cursor().boolean(value));
  EXPECT_FALSE(value);
  for (const char* text : {"", "t", "fals", "null", "1"})
    EXPECT_FALSE(Text(text).cursor().boolean(value)) << text;
}

TEST(JsonCursor, NullIsSteppedOverAndNothingElse) {
  const Text held(R"( null , "x")");
  JsonCursor at = held.cursor();
  EXPECT_EQ(at.peek(), 'n');
  EXPECT_TRUE(at.null());
  EXPECT_EQ(at.peek(), ',');
  const Text other(R"("x")");
  JsonCursor text = other.cursor();
  EXPECT_FALSE(text.null());
  EXPECT_TRUE(text.skip() && text.at_end());
  EXPECT_EQ(text.peek(), '\0');
  EXPECT_FALSE(Text("nul").cursor().null());
}

TEST(JsonCursor, ItemsComeOneAfterTheOther) {
  const auto sum = [](std::string_view text) {
    const Text held(text);
    JsonCursor at = held.cursor();
    std::int64_t all = 0;
    const bool good = at.each_item([&] {
      std::int64_t item = 0;
      const bool read = at.integer(item);
      all += item;
      return read;
    });
    return good && at.at_end() ? all : -1;
  };
  EXPECT_EQ(sum("[]"), 0);
  EXPECT_EQ(sum(" [ 1 , 20,300 ] "), 321);
  for (const char* text : {"", "{}", "[", "[1", "[1,]", "[1 2]", "[\"a\"]"})
    EXPECT_EQ(sum(text), -1) << text;
}

TEST(JsonCursor, TextsWithEscapesStandInTheRoom) {
  const Text held(R"(["plain","a\"b\\","\u00e9\ud83d\ude00\n"])");
  JsonCursor at = held.cursor();
  std::string room;
  room.reserve(64);
  std::vector<std::string_view> texts;
  EXPECT_TRUE(at.each_item([&] { return at.text(texts.emplace_back(), room); }) && at.at_end());
  EXPECT_THAT(texts, testing::ElementsAre("plain", "a\"b\\", "\u00e9\U0001f600\n"));
  EXPECT_EQ(room, "a\"b\\\u00e9\U0001f600\n");
}

TEST(JsonCursor, EscapesThatAreNoneStopIt) {
  for (const char* text : {R"("\x")", R"("\u12")", R"("\u12g4")", R"("\u-123")", R"("\ud800")",
                           R"("\ud800\n")", R"("\ud800\u0041")", R"("\udc00")", R"("\")"}) {
    const Text held(text);
    std::string room;
    room.reserve(64);
    std::string_view value;
    EXPECT_FALSE(held.cursor().text(value, room)) << text;
  }
}

TEST(JsonCursor, AValueIsGivenAsItStands) {
  const Text held(R"( {"a" : [1, 2]} , 12 ,"x")");
  JsonCursor at = held.cursor();
  std::string_view value;
  EXPECT_TRUE(at.value(value));
  EXPECT_EQ(value, R"({"a" : [1, 2]})");
  EXPECT_FALSE(at.value(value));
}

TEST(JsonCursor, AnObjectIsGivenAsItStands) {
  const Text held(R"(  {"a":[1,"}"]} ,)");
  JsonCursor at = held.cursor();
  std::string_view object;
  EXPECT_TRUE(at.object(object));
  EXPECT_EQ(object, R"({"a":[1,"}"]})");
  EXPECT_FALSE(Text("[1]").cursor().object(object));
}

}  // namespace
}  // namespace agdb
