#include "runtime/events/printable.h"

#include <gtest/gtest.h>

#include <random>

#include "runtime/events/text.h"

namespace agdb {
namespace {

std::string in_quotes(std::string_view text, std::size_t max_size = std::string::npos) {
  std::string out;
  append_printable(out, text, EscapeStyle::kQuoted, max_size);
  return out;
}

TEST(PrintableTest, NothingStaysNothing) {
  EXPECT_EQ(printable(""), "");
}

TEST(PrintableTest, PlainTextStandsAsItIs) {
  EXPECT_EQ(printable("a \"b\" \\c"), "a \"b\" \\c");
  EXPECT_EQ(printable("größe 漢字 é → 🙂"), "größe 漢字 é → 🙂");
}

TEST(PrintableTest, ControlCharactersBecomeEscapes) {
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable("\a\b\f\v"), "\\a\\b\\f\\v");
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, C1ControlsBecomeEscapesToo) {
  EXPECT_EQ(printable("\u009b31m"), "\\u009b31m");
}

TEST(PrintableTest, CharactersThatReorderOrHideBecomeEscapes) {
  EXPECT_EQ(printable("a\u202eb"), "a\\u202eb");
  EXPECT_EQ(printable("a\u200bb"), "a\\u200bb");
  EXPECT_EQ(printable("\u2028"), "\\u2028");
  EXPECT_EQ(printable("\U000e0041"), "\\U000e0041");
}

TEST(PrintableTest, BytesThatAreNotUtf8BecomeEscapes) {
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // an overlong slash
}

TEST(PrintableTest, ReplacementCharacterIsACharacterLikeOthers) {
  EXPECT_EQ(printable("\ufffd"), "\ufffd");
}

TEST(PrintableTest, QuotesAndBackslashesAreEscapedWithinQuotes) {
  EXPECT_EQ(in_quotes("a \"b\" \\c"), "a \\\"b\\\" \\\\c");
}

TEST(PrintableTest, BlanksOfOtherScriptsAreEscapedWithinQuotesOnly) {
  EXPECT_EQ(printable("a\u3000b\u00a0c"), "a\u3000b\u00a0c");
  EXPECT_EQ(in_quotes("a\u3000b\u00a0c"), "a\\u3000b\\u00a0c");
}

TEST(PrintableTest, CutFallsBetweenCharacters) {
  EXPECT_EQ(in_quotes("aé", 1), "a");
  EXPECT_EQ(in_quotes("aé", 2), "a");
  EXPECT_EQ(in_quotes("aé", 3), "aé");
  EXPECT_EQ(in_quotes("漢字", 5), "漢");
  EXPECT_EQ(in_quotes("🙂", 3), "");
}

TEST(PrintableTest, CutFallsBetweenEscapes) {
  EXPECT_EQ(in_quotes("a\x1b", 4), "a");
  EXPECT_EQ(in_quotes("a\x1b", 5), "a\\x1b");
  EXPECT_EQ(in_quotes("\"\"", 3), "\\\"");
}

TEST(PrintableTest, TellsHowMuchWasTaken) {
  std::string out = "in front ";
  EXPECT_EQ(append_printable(out, "a\nb", EscapeStyle::kPlain, out.size() + 2), 1u);
  EXPECT_EQ(out, "in front a");
  EXPECT_EQ(append_printable(out, "abc", EscapeStyle::kPlain, 3), 0u) << "no room at all";
}

TEST(PrintableTest, LongRunsOfBadBytesAndOfOtherScriptsAreTakenWhole) {
  EXPECT_EQ(printable(std::string(100'000, '\xff')).size(), 400'000u);
  std::string han;
  for (int i = 0; i < 10'000; ++i) han += "漢";
  EXPECT_EQ(printable(han), han);
}

// Whatever the bytes, what comes out is valid UTF-8 without control characters, and cutting it
// anywhere gives a prefix of it.
TEST(PrintableTest, AnyBytesAreMadeFit) {
  std::mt19937 random(20260308);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 256);
    const std::string whole = in_quotes(bytes);
    EXPECT_TRUE(is_utf8(whole));
    for (const char byte : whole) EXPECT_GE(static_cast<unsigned char>(byte), 0x20);
    const std::size_t limit = random() % 60;
    const std::string cut = in_quotes(bytes, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_TRUE(whole.starts_with(cut));
  }
}

}  // namespace
}  // namespace agdb
