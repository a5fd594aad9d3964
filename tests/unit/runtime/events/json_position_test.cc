#include "runtime/events/json_position.h"

#include <gtest/gtest.h>

#include <vector>

namespace agdb {
namespace {

using Steps = std::vector<JsonStep>;

constexpr std::string_view kText = R"({
  "one": 1,
  "list": [ "a", {"in]side": "}"}, [3 , 4]],
  "tw\u006f words": {"x": null},
  "one": 2
})";

// What stands at the offset, up to `length` bytes.
std::string at(std::optional<std::size_t> offset, std::size_t length) {
  return offset ? std::string(kText.substr(*offset, length)) : "nothing";
}

TEST(JsonPosition, LineAndColumnCountFromOne) {
  EXPECT_EQ(position_at("", 0), (TextPosition{1, 1}));
  EXPECT_EQ(position_at("ab\ncd", 0), (TextPosition{1, 1}));
  EXPECT_EQ(position_at("ab\ncd", 2), (TextPosition{1, 3}));
  EXPECT_EQ(position_at("ab\ncd", 3), (TextPosition{2, 1}));
  EXPECT_EQ(position_at("ab\ncd", 5), (TextPosition{2, 3}));
  EXPECT_EQ(position_at("ab", 99), (TextPosition{1, 3}));
}

TEST(JsonPosition, RootIsTheFirstByteThatIsNotBlank) {
  EXPECT_EQ(offset_of_value(" \n [1]", Steps{}), 3u);
  EXPECT_EQ(offset_of_value("7", Steps{}), 0u);
}

TEST(JsonPosition, FindsMembersAndElements) {
  EXPECT_EQ(at(offset_of_value(kText, Steps{"list"}), 3), "[ \"");
  EXPECT_EQ(at(offset_of_value(kText, Steps{"list", 0u}), 3), "\"a\"");
  EXPECT_EQ(at(offset_of_value(kText, Steps{"list", 1u, "in]side"}), 3), "\"}\"");
  EXPECT_EQ(at(offset_of_value(kText, Steps{"list", 2u, 1u}), 1), "4");
}

TEST(JsonPosition, KeysMayBeEscaped) {
  EXPECT_EQ(at(offset_of_value(kText, Steps{"two words", "x"}), 4), "null");
}

TEST(JsonPosition, OfSeveralMembersOfOneNameTheLast) {
  EXPECT_EQ(at(offset_of_value(kText, Steps{"one"}), 1), "2");
}

TEST(JsonPosition, FindsTheKeyToo) {
  EXPECT_EQ(at(offset_of_key(kText, Steps{"list"}), 6), "\"list\"");
  EXPECT_EQ(at(offset_of_key(kText, Steps{"list", 1u, "in]side"}), 9), "\"in]side\"");
}

TEST(JsonPosition, NothingWhereNothingIs) {
  EXPECT_FALSE(offset_of_value(kText, Steps{"none"}));
  EXPECT_FALSE(offset_of_value(kText, Steps{"list", 3u}));
  EXPECT_FALSE(offset_of_value(kText, Steps{"one", "x"}));
  EXPECT_FALSE(offset_of_value(kText, Steps{0u}));
  EXPECT_FALSE(offset_of_value("[]", Steps{0u}));
  EXPECT_FALSE(offset_of_value("{}", Steps{"x"}));
}

TEST(JsonPosition, NeverLeavesATextThatIsNoJson) {
  for (const std::string_view text :
       {"", "{", "[", "{\"x", "{\"x\"", "{\"x\":", "{\"x\\", "[1,", "]"}) {
    offset_of_value(text, Steps{"x", 0u});
    offset_of_value(text, Steps{1u});
  }
}

TEST(JsonPosition, PathsReadAsPeopleWriteThem) {
  EXPECT_EQ(path_text(Steps{}), "");
  EXPECT_EQ(path_text(Steps{"agents", "coder", "turns", 3u, "usage"}),
            "agents.coder.turns[3].usage");
  EXPECT_EQ(path_text(Steps{"two words", "a\"b", ""}), R"(["two words"]["a\"b"][""])");
  EXPECT_EQ(path_text(Steps{std::string_view("a-b")}), R"(["a-b"])");
}

TEST(JsonPosition, LongNamesAreCutInPaths) {
  const std::string name(1000, 'x');
  EXPECT_EQ(path_text(Steps{name}), "[\"" + std::string(60, 'x') + "...\"]");
}

TEST(JsonPosition, FindsBadCharacters) {
  EXPECT_FALSE(offset_of_bad_character(""));
  EXPECT_FALSE(offset_of_bad_character(R"(["ä\ud83d\ude00 \\ud800 \n"])"));
  EXPECT_EQ(offset_of_bad_character("[\"a\xff\"]"), 3u);
  EXPECT_EQ(offset_of_bad_character(R"(["\ud800"])"), 2u);
  EXPECT_EQ(offset_of_bad_character(R"(["\ud800\n"])"), 2u);
  EXPECT_EQ(offset_of_bad_character(R"(["a\udc00"])"), 3u);
  EXPECT_EQ(offset_of_bad_character("\\ud800"), 0u);
}

}  // namespace
}  // namespace agdb
