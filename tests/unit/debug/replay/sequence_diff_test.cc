#include "debug/replay/sequence_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace agdb {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids ids(std::string_view letters) {
  return Ids(letters.begin(), letters.end());
}

std::string common(std::string_view from, std::string_view to,
                   std::uint64_t max_pairs = kMaxMatchingPairs) {
  std::string text;
  for (const SequenceMatch& m : longest_common_subsequence(ids(from), ids(to), max_pairs).matches) {
    EXPECT_EQ(from[m.from], to[m.to]);
    text += from[m.from];
  }
  return text;
}

void expect_ascending(const std::vector<SequenceMatch>& matches) {
  for (std::size_t i = 1; i < matches.size(); ++i) {
    EXPECT_LT(matches[i - 1].from, matches[i].from);
    EXPECT_LT(matches[i - 1].to, matches[i].to);
  }
}

// The textbook table: slow and obviously right.
std::size_t length_by_table(const Ids& a, const Ids& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      table[i + 1][j + 1] =
          a[i] == b[j] ? table[i][j] + 1 : std::max(table[i][j + 1], table[i + 1][j]);
    }
  }
  return table[a.size()][b.size()];
}

TEST(Interner, GivesEqualTextsOneNumber) {
  Interner interner;
  EXPECT_EQ(interner.id("a"), 0u);
  EXPECT_EQ(interner.id("b"), 1u);
  EXPECT_EQ(interner.id("a"), 0u);
  EXPECT_EQ(interner.id(""), 2u);
}

TEST(CommonSubsequence, OfNothingIsNothing) {
  EXPECT_EQ(common("", ""), "");
  EXPECT_EQ(common("abc", ""), "");
  EXPECT_EQ(common("", "abc"), "");
}

TEST(CommonSubsequence, OfEqualSequencesIsAllOfThem) {
  EXPECT_EQ(common("abcab", "abcab"), "abcab");
}

TEST(CommonSubsequence, OfForeignSequencesIsNothing) {
  EXPECT_EQ(common("abc", "xyz"), "");
}

TEST(CommonSubsequence, SurvivesAnInsertionInTheMiddle) {
  EXPECT_EQ(common("abcd", "abXcd"), "abcd");
}

TEST(CommonSubsequence, SurvivesARemovalAtEachEnd) {
  EXPECT_EQ(common("abcd", "bc"), "bc");
}

TEST(CommonSubsequence, IsTheLongestNotTheFirst) {
  EXPECT_EQ(common("xabcdy", "yabcdx"), "abcd");
}

TEST(CommonSubsequence, CountsRepeatedElementsAsOftenAsBothHaveThem) {
  EXPECT_EQ(common("aaa", "aa"), "aa");
  EXPECT_EQ(common("xaaay", "zaaaaw"), "aaa");
}

TEST(CommonSubsequence, IsAsLongAsTheTableSaysForRandomSequences) {
  std::mt19937 random(20260308);
  for (int round = 0; round < 500; ++round) {
    const std::uint32_t letters = 1 + round % 12;
    Ids a(random() % 40);
    Ids b(random() % 40);
    for (auto& id : a) id = static_cast<std::uint32_t>(random() % letters);
    for (auto& id : b) id = static_cast<std::uint32_t>(random() % letters);
    const CommonSubsequence result = longest_common_subsequence(a, b);
    EXPECT_TRUE(result.longest);
    EXPECT_EQ(result.matches.size(), length_by_table(a, b)) << "round " << round;
    expect_ascending(result.matches);
    for (const SequenceMatch& m : result.matches) EXPECT_EQ(a[m.from], b[m.to]);
  }
}

TEST(CommonSubsequence, WithTooManyPairsIsStillCommon) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    Ids a(random() % 60);
    Ids b(random() % 60);
    for (auto& id : a) id = static_cast<std::uint32_t>(random() % 5);
    for (auto& id : b) id = static_cast<std::uint32_t>(random() % 5);
    const CommonSubsequence result = longest_common_subsequence(a, b, 20);
    expect_ascending(result.matches);
    for (const SequenceMatch& m : result.matches) EXPECT_EQ(a[m.from], b[m.to]);
  }
}

TEST(CommonSubsequence, WithTooManyPairsStillFindsWhatIsRareAndItsNeighbours) {
  // 16 pairs of "a" are too many; "r" anchors, and the a's beside it follow.
  EXPECT_EQ(common("xaaraay", "zaarawaq", 4), "aara");
  EXPECT_FALSE(longest_common_subsequence(ids("xaaraay"), ids("zaarawaq"), 4).longest);
}

TEST(CommonSubsequenceCost, OfTenThousandReplacedElementsIsLinear) {
  Ids a(10000);
  Ids b(10000);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    a[i] = i;
    b[i] = 10000 + i;
  }
  const CommonSubsequence result = longest_common_subsequence(a, b);
  EXPECT_TRUE(result.matches.empty());
  EXPECT_LE(result.steps, 20000u);
}

TEST(CommonSubsequenceCost, OfTenThousandReversedElementsIsNearlyLinear) {
  Ids a(10000);
  for (std::uint32_t i = 0; i < 10000; ++i) a[i] = i;
  const Ids b(a.rbegin(), a.rend());
  const CommonSubsequence result = longest_common_subsequence(a, b);
  EXPECT_EQ(result.matches.size(), 1u);
  EXPECT_LE(result.steps, 20000u + 10000u * 15);
}

TEST(CommonSubsequenceCost, OfTenThousandOftenRepeatedElementsIsBounded) {
  // Two elements only, in different order: 50 million pairs.
  Ids a(10000);
  Ids b(10000);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    a[i] = i % 2;
    b[i] = i % 3 == 0 ? 1 : 0;
  }
  const CommonSubsequence result = longest_common_subsequence(a, b);
  EXPECT_FALSE(result.longest);
  EXPECT_LE(result.steps, 20000u + kMaxMatchingPairs * 15);
  expect_ascending(result.matches);
}

TEST(Gaps, LieBetweenTheMatches) {
  const CommonSubsequence result = longest_common_subsequence(ids("abcd"), ids("xacdy"));
  EXPECT_THAT(gaps_between(result.matches, 4, 5),
              testing::ElementsAre(SequenceGap{0, 0, 0, 1}, SequenceGap{1, 2, 2, 2},
                                   SequenceGap{4, 4, 4, 5}));
}

TEST(Gaps, AreNoneInEqualSequences) {
  EXPECT_TRUE(gaps_between({{0, 0}, {1, 1}}, 2, 2).empty());
  EXPECT_TRUE(gaps_between({}, 0, 0).empty());
}

TEST(Gaps, AreOneWithoutMatches) {
  EXPECT_THAT(gaps_between({}, 2, 3), testing::ElementsAre(SequenceGap{0, 2, 0, 3}));
}

}  // namespace
}  // namespace agdb
