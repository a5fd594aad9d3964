#include "runtime/events/token_estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace agdb {
namespace {

TEST(TokenEstimate, AsciiCountsTwoSevenths) {
  EXPECT_EQ(estimate_tokens(""), 0);
  EXPECT_EQ(estimate_tokens("a"), 1);
  EXPECT_EQ(estimate_tokens("hello"), 2);
  EXPECT_EQ(estimate_tokens("aaaaaaa"), 2);
  EXPECT_EQ(estimate_tokens("aaaaaaaa"), 3);
  EXPECT_EQ(estimate_tokens(std::string(350, 'x')), 100);
}

TEST(TokenEstimate, OthersCountTwoThirds) {
  EXPECT_EQ(estimate_tokens("\u00e9"), 1);
  EXPECT_EQ(estimate_tokens("\u4f60\u597d\u4e16"), 2);
  EXPECT_EQ(estimate_tokens("\u4f60\u597d\u4e16\u754c"), 3);
  EXPECT_EQ(estimate_tokens("aaaaaaa\u4f60\u597d\u4e16"), 4);
}

TEST(TokenEstimate, EachBadByteIsACharacter) {
  EXPECT_EQ(estimate_tokens("\xff\xff\xff"), 2);
  EXPECT_EQ(estimate_tokens("\xe2\x82\xff\xff"), 3);
}

TEST(TokenEstimate, IsTheFormulaRoundedUp) {
  for (int ascii = 0; ascii < 60; ++ascii) {
    for (int others = 0; others < 30; ++others) {
      std::string text(static_cast<std::size_t>(ascii), 'a');
      for (int i = 0; i < others; ++i) text += "\u20ac";
      EXPECT_EQ(estimate_tokens(text), std::llround(std::ceil(ascii / 3.5 + others / 1.5 - 1e-9)))
          << ascii << " " << others;
    }
  }
}

}  // namespace
}  // namespace agdb
