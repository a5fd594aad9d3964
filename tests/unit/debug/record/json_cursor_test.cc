#include "debug/record/json_cursor.h"

#include <gtest/gtest.h>

#include <string>
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

TEST(JsonCursor, IntegersUpToEighteenDigits) {
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
  EXPECT_FALSE(read(digits + "9", value));
  for (const char* text : {"", "-", "- 1", "01", "00", "x", "\"1\""})
    EXPECT_FALSE(read(text, value)) << text;
  EXPECT_TRUE(read("0", value));
}

TEST(JsonCursor, ACountIsNotNegative) {
  const Text held("-1");
  std::uint64_t value = 0;
  EXPECT_FALSE(held.cursor().count(value));
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
