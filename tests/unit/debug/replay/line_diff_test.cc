#include "debug/replay/line_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agdb {
namespace {

using testing::ElementsAre;

// "-old +new  kept ~3": the changes as a person would write them.
std::vector<std::string> diff(std::string_view from, std::string_view to, std::size_t context = 1) {
  std::vector<std::string> lines;
  for (const LineChange& change : diff_lines(from, to, context)) {
    switch (change.kind) {
      case LineChange::Kind::kKept:
        lines.push_back(" " + change.text);
        break;
      case LineChange::Kind::kRemoved:
        lines.push_back("-" + change.text);
        break;
      case LineChange::Kind::kAdded:
        lines.push_back("+" + change.text);
        break;
      case LineChange::Kind::kSkipped:
        lines.push_back("~" + std::to_string(change.skipped));
        break;
    }
  }
  return lines;
}

TEST(SplitLines, CountsAFinalLineFeedAsOneMoreLine) {
  EXPECT_THAT(split_lines(""), ElementsAre());
  EXPECT_THAT(split_lines("a"), ElementsAre("a"));
  EXPECT_THAT(split_lines("a\n"), ElementsAre("a", ""));
  EXPECT_THAT(split_lines("\na\n\nb"), ElementsAre("", "a", "", "b"));
}

TEST(LineDiff, OfEqualTextsIsEmpty) {
  EXPECT_TRUE(diff("", "").empty());
  EXPECT_TRUE(diff("a\nb", "a\nb").empty());
}

TEST(LineDiff, ShowsWhatWasRemovedThenWhatWasAdded) {
  EXPECT_THAT(diff("a\nb\nc", "a\nB\nc"), ElementsAre(" a", "-b", "+B", " c"));
}

TEST(LineDiff, OfATextAgainstNothing) {
  EXPECT_THAT(diff("", "a\nb"), ElementsAre("+a", "+b"));
  EXPECT_THAT(diff("a\nb", ""), ElementsAre("-a", "-b"));
}

TEST(LineDiff, ShowsThatALineFeedAtTheEndCameOrWent) {
  EXPECT_THAT(diff("a", "a\n"), ElementsAre(" a", "+"));
  EXPECT_THAT(diff("a\n", "a"), ElementsAre(" a", "-"));
}

TEST(LineDiff, CountsTheEqualLinesFarFromAnyChange) {
  EXPECT_THAT(diff("1\n2\n3\nx\n5\n6\n7\n8\ny\n9", "1\n2\n3\nX\n5\n6\n7\n8\nY\n9"),
              ElementsAre("~2", " 3", "-x", "+X", " 5", "~2", " 8", "-y", "+Y", " 9"));
}

TEST(LineDiff, ShowsNoEqualLineWithoutContext) {
  EXPECT_THAT(diff("1\n2\nx", "1\n2\nX", 0), ElementsAre("~2", "-x", "+X"));
}

TEST(LineDiff, DoesNotShowAKeptLineTwiceBetweenTwoChanges) {
  EXPECT_THAT(diff("a\nk\nb", "A\nk\nB"), ElementsAre("-a", "+A", " k", "-b", "+B"));
}

TEST(LineDiff, KeepsCarriageReturnsAndBytesThatAreNotText) {
  EXPECT_THAT(diff("a\r\nb", "a\nb"), ElementsAre("-a\r", "+a", " b"));
  EXPECT_THAT(diff("\xff", "\xfe"), ElementsAre("-\xff", "+\xfe"));
}

TEST(LineDiff, DoesNotTakeApartWhatNobodyReads) {
  const std::string endless(kMaxDiffLines / 2, '\n');
  EXPECT_TRUE(diff(endless, endless + "\n").empty());
  EXPECT_FALSE(diff("a", endless.substr(0, kMaxDiffLines - 2)).empty());
}

TEST(LineDiff, TellsProgramsTheSame) {
  EXPECT_EQ(to_json(diff_lines("1\n2\n3\na", "1\n2\n3\nb")),
            Json(Json::Array{Json::object({{"op", "skipped"}, {"skipped", 2}}),
                             Json::object({{"op", " "}, {"text", "3"}}),
                             Json::object({{"op", "-"}, {"text", "a"}}),
                             Json::object({{"op", "+"}, {"text", "b"}})}));
}

TEST(Similarity, IsOneForEqualTextsAndZeroForForeignOnes) {
  EXPECT_DOUBLE_EQ(similarity("", ""), 1);
  EXPECT_DOUBLE_EQ(similarity("abc", "abc"), 1);
  EXPECT_DOUBLE_EQ(similarity("abc", "xyz"), 0);
  EXPECT_DOUBLE_EQ(similarity("abc", ""), 0);
}

TEST(Similarity, CountsTheCommonStartAndEnd) {
  EXPECT_DOUBLE_EQ(similarity("the cat sat", "the dog sat"), 16.0 / 22.0);
}

TEST(Similarity, CountsCommonLinesWhereverTheyStand) {
  EXPECT_GT(similarity("x\nsame line one\nsame line two\ny", "q\nsame line two\nsame line one\nr"),
            0.7);
}

TEST(Similarity, OfLongTextsLooksAtTheirEndsAlone) {
  const std::string lines(std::size_t{1} << 20, '\n');
  EXPECT_DOUBLE_EQ(similarity("a" + lines + "a", "b" + lines + "b"), 0);
  EXPECT_GT(similarity("a" + lines, "b" + lines), 0.9);
}

TEST(Similarity, NeverExceedsOne) {
  EXPECT_LE(similarity("\n\n\n\n", "\n\n\n\n\n"), 1);
  EXPECT_LE(similarity("a\na\na", "b\na\na\na\nb"), 1);
}

}  // namespace
}  // namespace agdb
