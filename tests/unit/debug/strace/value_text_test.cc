#include "debug/strace/value_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace agdb {
namespace {

TEST(ValueTextTest, Scalars) {
  EXPECT_EQ(value_text(Json()), "<nil>");
  EXPECT_EQ(value_text(true), "true");
  EXPECT_EQ(value_text(false), "false");
  EXPECT_EQ(value_text("FD(3)"), "FD(3)");
  EXPECT_EQ(value_text(""), "");
}

TEST(ValueTextTest, IntegersArePlainToTheLastDigit) {
  EXPECT_EQ(value_text(0), "0");
  EXPECT_EQ(value_text(1'000'000), "1000000");
  EXPECT_EQ(value_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(value_text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(ValueTextTest, IntegralDoublesArePlainToo) {
  EXPECT_EQ(value_text(1e6), "1000000");
  EXPECT_EQ(value_text(-3.0), "-3");
}

TEST(ValueTextTest, OtherDoublesAreShortest) {
  EXPECT_EQ(value_text(0.1), "0.1");
  EXPECT_EQ(value_text(999999.5), "999999.5");
  EXPECT_EQ(value_text(1234567.5), "1.2345675e+06");
  EXPECT_EQ(value_text(0.0001), "0.0001");
  EXPECT_EQ(value_text(0.00001), "1e-05");
  EXPECT_EQ(value_text(1e300), "1e+300");
}

TEST(ValueTextTest, ListsAndMaps) {
  EXPECT_EQ(value_text(Json::array()), "[]");
  EXPECT_EQ(value_text(Json::Array{1, "b", nullptr}), "[1 b <nil>]");
  EXPECT_EQ(value_text(Json::object()), "map[]");
  EXPECT_EQ(value_text(Json::object({{"b", 1}, {"a", Json::Array{2}}})), "map[a:[2] b:1]");
}

TEST(ValueTextTest, OfMembersWithOneNameTheLastCounts) {
  const Json twice(Json::Object{{"a", 1}, {"b", 2}, {"a", 3}});
  EXPECT_EQ(value_text(twice), "map[a:3 b:2]");
}

TEST(ValueTextTest, StopsSoonAfterTheLimit) {
  Json list = Json::array();
  for (int i = 0; i < 100'000; ++i) list.push_back("some text");
  const std::string text = value_text(list, 50);
  EXPECT_GT(text.size(), 50u);
  EXPECT_LT(text.size(), 100u);
  EXPECT_LT(value_text(std::string(1 << 20, 'x'), 50).size(), 60u);
  EXPECT_EQ(value_text(std::string(50, 'x'), 50).size(), 50u);
}

TEST(ValueTextTest, DeepNestingIsWritten) {
  Json deep = 1;
  for (int i = 0; i < 500; ++i) deep = Json::Array{deep};
  EXPECT_EQ(value_text(deep).size(), 1001u);
}

TEST(QuotedTextTest, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(quoted_text(""), "\"\"");
  EXPECT_EQ(quoted_text("say \"hi\"\n"), "\"say \\\"hi\\\"\\n\"");
  EXPECT_EQ(quoted_text("a\\b\x01\xff"), "\"a\\\\b\\x01\\xff\"");
}

TEST(CutTest, PlainTextOfTheLimitIsWhole) {
  EXPECT_EQ(printable_within(std::string(50, 'x'), 50), std::string(50, 'x'));
  EXPECT_EQ(printable_within(std::string(51, 'x'), 50), std::string(47, 'x') + "...");
}

TEST(CutTest, QuotedTextOfTheLimitIsWhole) {
  EXPECT_EQ(quoted_within(std::string(50, 'y'), 50), "\"" + std::string(50, 'y') + "\"");
  EXPECT_EQ(quoted_within(std::string(51, 'y'), 50), "\"" + std::string(48, 'y') + "...\"");
}

TEST(CutTest, FallsBetweenCharactersAndEscapes) {
  const std::string accents = "x" + std::string(23, 'y') + "éééééééééééééé";  // é takes two bytes
  EXPECT_EQ(printable_within(accents, 50), "x" + std::string(23, 'y') + "ééééééééééé...");
  EXPECT_EQ(quoted_within(std::string(47, 'y') + "\n\n\n", 50),
            "\"" + std::string(47, 'y') + "...\"");
}

TEST(CutTest, TinyLimitsLeaveTheDots) {
  for (const std::size_t limit : {0u, 1u, 2u, 3u}) {
    EXPECT_EQ(printable_within("abcdef", limit), "...") << limit;
  }
  EXPECT_EQ(quoted_within("abcdef", 0), "\"...\"");
  EXPECT_EQ(quoted_within("abcdef", 3), "\"a...\"");
}

TEST(SortedMembersTest, NothingFromWhatIsNoObject) {
  EXPECT_TRUE(sorted_members(Json()).empty());
  EXPECT_TRUE(sorted_members(Json::Array{1}).empty());
}

}  // namespace
}  // namespace agdb
