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
  std::vector<std::string> feed(std::string_view bytes, std::size_t piece = 1u << 20) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
      const std::span<char> space = buffer.space();
      const std::size_t count = std::min({piece, space.size(), bytes.size()});
      std::copy_n(bytes.begin(), count, space.begin());
      bytes.remove_prefix(count);
      buffer.filled(count);
      while (const auto line = buffer.next())
        lines.push_back((line->too_long ? "TOO LONG " : "") + std::string(line->text));
    }
    return lines;
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

TEST_F(LineBufferTest, WhatALongLineNeededIsGivenBack) {
  LineBuffer large;
  const std::string line(std::size_t{4} << 20, 'x');
  std::string_view rest = line;
  while (!rest.empty()) {
    const std::span<char> space = large.space();
    const std::size_t count = std::min(space.size(), rest.size());
    std::copy_n(rest.begin(), count, space.begin());
    rest.remove_prefix(count);
    large.filled(count);
  }
  large.space().front() = '\n';
  large.filled(1);
  EXPECT_EQ(large.next()->text.size(), line.size());
  EXPECT_LE(large.space().size(), std::size_t{64} << 10);
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
