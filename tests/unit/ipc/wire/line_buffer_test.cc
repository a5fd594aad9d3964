#include "ipc/wire/line_buffer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineBufferTest : public ::testing::Test {
 protected:
  // Feeds in pieces of at most `piece` bytes and takes the lines as they come.
  static std::vector<std::string> feed(LineBuffer& buffer, std::string_view bytes,
                                       std::size_t piece = 1u << 20) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
      const std::span<char> space = buffer.space();
      EXPECT_GE(space.size(), std::size_t{4} << 10);
      const std::size_t count = std::min({piece, space.size(), bytes.size()});
      std::copy_n(bytes.begin(), count, space.begin());
      bytes.remove_prefix(count);
      buffer.filled(count);
      while (const auto line = buffer.next()) lines.push_back(as_text(*line));
    }
    return lines;
  }
  std::vector<std::string> feed(std::string_view bytes, std::size_t piece = 1u << 20) {
    return feed(buffer, bytes, piece);
  }
  static std::string as_text(const LineBuffer::Line& line) {
    return (line.too_long ? "TOO LONG " : "") + std::string(line.text);
  }

  LineBuffer buffer{100};
};

TEST_F(LineBufferTest, NothingIsNoLine) {
  EXPECT_EQ(buffer.next(), std::nullopt);
}

TEST_F(LineBufferTest, LinesComeWithoutTheirEnds) {
  EXPECT_THAT(feed("one\ntwo\r\nthree"), ElementsAre("one", "two"));
  EXPECT_EQ(buffer.unfinished(), 5U);
  EXPECT_THAT(feed("\n"), ElementsAre("three"));
}

TEST_F(LineBufferTest, EmptyLinesAreLeftOut) {
  EXPECT_THAT(feed("\n\r\n\none\n\n"), ElementsAre("one"));
}

TEST_F(LineBufferTest, HoweverTheBytesArriveTheLinesAreTheSame) {
  const std::string text = "a\n\nbb\r\nccc\n" + std::string(100, 'd') + "\ne\n";
  const std::vector<std::string> whole = feed(text);
  ASSERT_EQ(whole.size(), 5U);
  for (std::size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(feed(text, piece), whole) << piece;
}

TEST_F(LineBufferTest, ALineAtTheLimitIsWhole) {
  EXPECT_THAT(feed(std::string(100, 'x') + "\r\n"), ElementsAre(std::string(100, 'x')));
}

TEST_F(LineBufferTest, ALongerOneIsToldOnceAndSkipped) {
  const std::string beginning = "TOO LONG " + std::string(80, 'x');
  EXPECT_THAT(feed(std::string(101, 'x') + "\nnext\n"), ElementsAre(beginning, "next"));
  EXPECT_THAT(feed(std::string(5000, 'x') + "\nnext\n", 7), ElementsAre(beginning, "next"));
  EXPECT_THAT(feed(std::string(5000, 'x'), 1000), ElementsAre(beginning));
  EXPECT_THAT(feed(std::string(5000, 'x'), 1000), IsEmpty());
  EXPECT_THAT(feed("\nnext\n"), ElementsAre("next"));
}

TEST_F(LineBufferTest, TooLongIsTheSameHoweverTheBytesArrive) {
  const std::string text = std::string(101, 'a') + "\r\n" + std::string(102, 'b') + "\n" +
                           std::string(300, 'c') + "\r\nshort\n" + std::string(100, 'd') + "\n";
  const std::vector<std::string> whole = feed(text);
  ASSERT_EQ(whole.size(), 5U);
  for (std::size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(feed(text, piece), whole) << piece;
}

TEST_F(LineBufferTest, TheLastLineMayLackItsEnd) {
  feed("one\ntw");
  feed("o\r");
  EXPECT_EQ(as_text(buffer.rest().value()), "two");
  EXPECT_FALSE(buffer.rest().has_value());
}

TEST_F(LineBufferTest, NothingRestsOfALineThatWasToldToBeTooLong) {
  feed(std::string(200, 'x'));
  EXPECT_FALSE(buffer.rest().has_value());
  EXPECT_THAT(feed("next\n"), ElementsAre("next"));
}

TEST_F(LineBufferTest, WhatALongLineNeededIsGivenBack) {
  LineBuffer large;
  const std::string line(std::size_t{4} << 20, 'x');
  EXPECT_THAT(feed(large, line), IsEmpty());
  EXPECT_GE(large.capacity(), line.size());
  // Also when the bytes never stop at a line's end.
  EXPECT_THAT(feed(large, "\nbegun"), ElementsAre(line));
  large.space();
  EXPECT_EQ(large.capacity(), std::size_t{64} << 10);
  EXPECT_THAT(feed(large, " and ended\n"), ElementsAre("begun and ended"));
}

TEST_F(LineBufferTest, ALineWithoutAnEndTakesNoMoreMemoryThanTheLongest) {
  constexpr std::size_t kLimit = std::size_t{1} << 20;
  LineBuffer bounded(kLimit);
  EXPECT_EQ(feed(bounded, std::string(kLimit, 'x')).size(), 0U);
  EXPECT_LE(bounded.capacity(), kLimit + (std::size_t{8} << 10));
  EXPECT_EQ(feed(bounded, std::string(10 * kLimit, 'x')).size(), 1U);
  EXPECT_LE(bounded.capacity(), kLimit + (std::size_t{8} << 10));
}

TEST_F(LineBufferTest, LinesMayBeTakenAfterMoreWasRead) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "line\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::span<char> space = buffer.space();
    const std::size_t count = std::min(space.size(), rest.size());
    std::copy_n(rest.begin(), count, space.begin());
    rest.remove_prefix(count);
    buffer.filled(count);
  }
  int lines = 0;
  while (const auto line = buffer.next()) {
    ASSERT_EQ(line->text, "line");
    ++lines;
  }
  EXPECT_EQ(lines, 40'000);
}

TEST_F(LineBufferTest, RandomPiecesOfRandomLines) {
  std::mt19937 random(7);  // the same every time
  for (int round = 0; round < 200; ++round) {
    std::string text;
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
      const std::string line(random() % 60, static_cast<char>('a' + random() % 26));
      text += line + (random() % 2 == 0 ? "\n" : "\r\n");
      if (!line.empty()) expected.push_back(line);
    }
    EXPECT_EQ(feed(text, 1 + random() % 70), expected);
  }
}

}  // namespace
}  // namespace agdb
