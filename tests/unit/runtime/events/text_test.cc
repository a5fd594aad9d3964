#include "runtime/events/text.h"

#include <gtest/gtest.h>

#include <random>

namespace agdb {
namespace {

TEST(Utf8, TakesEveryLengthAndTheBoundaries) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("\x7f \u0080 \u07ff \u0800 \ud7ff \ue000 \uffff \U00010000 \U0010ffff"));
}

TEST(Utf8, RefusesOverlongSurrogateTooHighAndCut) {
  for (const char* bad :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\x80", "\xe2\x82", "\xc3"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

std::string mended(std::string_view text, std::uint64_t expected_bad) {
  std::uint64_t bad = 0;
  std::string out = to_utf8(text, &bad);
  EXPECT_EQ(bad, expected_bad) << text;
  return out;
}

TEST(ToUtf8, KeepsWhatIsGood) {
  EXPECT_EQ(mended("", 0), "");
  EXPECT_EQ(mended("a\u00e9\u20ac\U0001f600", 0), "a\u00e9\u20ac\U0001f600");
}

TEST(ToUtf8, ReplacesEachMaximalBadSequenceOnce) {
  EXPECT_EQ(mended("a\xff"
                   "b",
                   1),
            "a\ufffdb");
  EXPECT_EQ(mended("\xff\xff", 2), "\ufffd\ufffd");
  // The beginning of a character that is cut counts as one sequence of its bytes.
  EXPECT_EQ(mended("\xe2\x82", 2), "\ufffd");
  EXPECT_EQ(mended("\xf0\x9f\x98"
                   "A",
                   3),
            "\ufffdA");
  // The example of the Unicode standard (table 3-8 there).
  EXPECT_EQ(mended("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 9),
            "a\ufffd\ufffd\ufffd"
            "b\ufffd"
            "c\ufffd\ufffd"
            "d");
  // No byte of a surrogate's would-be form begins a character.
  EXPECT_EQ(mended("\xed\xa0\x80", 3), "\ufffd\ufffd\ufffd");
}

TEST(ToUtf8, AddsToTheCount) {
  std::uint64_t bad = 40;
  to_utf8("\xff", &bad);
  to_utf8("\xfe\xfe", &bad);
  EXPECT_EQ(bad, 43u);
  EXPECT_EQ(to_utf8("\xff"), "\ufffd");
}

TEST(Characters, LengthByFirstByteAndOneForABadByte) {
  const std::string text = "a\u00e9\u20ac\U0001f600\xff\xe2\x82";
  EXPECT_EQ(character_length(text, 0), 1u);
  EXPECT_EQ(character_length(text, 1), 2u);
  EXPECT_EQ(character_length(text, 2), 1u);  // inside a character
  EXPECT_EQ(character_length(text, 3), 3u);
  EXPECT_EQ(character_length(text, 6), 4u);
  EXPECT_EQ(character_length(text, 10), 1u);
  EXPECT_EQ(character_length(text, 11), 1u);  // cut at the end of the text
}

TEST(Characters, CountEachBadByteAsOne) {
  EXPECT_EQ(count_characters(""), 0u);
  EXPECT_EQ(count_characters("a\u00e9\u20ac\U0001f600"), 4u);
  EXPECT_EQ(count_characters("a\xff\xe2\x82"), 4u);
}

TEST(Prefix, OfBytesNeverSplitsACharacter) {
  const std::string text = "ab\u20ac\U0001f600";
  EXPECT_EQ(prefix_of_bytes("", 3), "");
  EXPECT_EQ(prefix_of_bytes(text, 0), "");
  EXPECT_EQ(prefix_of_bytes(text, 2), "ab");
  EXPECT_EQ(prefix_of_bytes(text, 3), "ab");
  EXPECT_EQ(prefix_of_bytes(text, 4), "ab");
  EXPECT_EQ(prefix_of_bytes(text, 5), "ab\u20ac");
  EXPECT_EQ(prefix_of_bytes(text, 8), "ab\u20ac");
  EXPECT_EQ(prefix_of_bytes(text, 9), text);
  EXPECT_EQ(prefix_of_bytes(text, 100), text);
  EXPECT_EQ(prefix_of_bytes("\xff\xff\xff\xff", 2), "\xff\xff");
}

TEST(Prefix, OfCharacters) {
  const std::string text = "a\u20ac\U0001f600z";
  EXPECT_EQ(prefix_of_characters(text, 0), "");
  EXPECT_EQ(prefix_of_characters(text, 2), "a\u20ac");
  EXPECT_EQ(prefix_of_characters(text, 4), text);
  EXPECT_EQ(prefix_of_characters(text, 5), text);
}

TEST(Truncate, OnlyWhatIsLonger) {
  EXPECT_EQ(truncate("short", 10), "short");
  EXPECT_EQ(truncate("short", 5), "short");
  EXPECT_EQ(truncate("hello world test", 5), "hello...");
  EXPECT_EQ(truncate("", 0), "");
  EXPECT_EQ(truncate("a", 0), "...");
}

TEST(Truncate, CountsCodePoints) {
  EXPECT_EQ(truncate("\u4f60\u597d\u4e16\u754c", 4), "\u4f60\u597d\u4e16\u754c");
  EXPECT_EQ(truncate("\u4f60\u597d\u4e16\u754c", 2), "\u4f60\u597d...");
}

TEST(Base64, TheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* bad : {"Zg=", "Zg", "Z", "Zg==Zg==", "=", "====", "Z===", "Zm=v", "Zm9v\n",
                          "Zm 9", "Zm9-", "Zm9_", "Zh==", "Zm9=", "\xff\xff\xff\xff"})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(Base64, GivesBackRandomBytes) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
}

TEST(LowerAscii, LeavesOtherCharactersAlone) {
  EXPECT_EQ(to_lower_ascii("AZaz09-\u00c9"), "azaz09-\u00c9");
}

// Random bytes: the functions agree with each other.
TEST(TextRandom, CharactersCoverTheTextAndMendingIsStable) {
  std::mt19937 random(11);
  const std::string_view pieces[] = {"a",    "\u00e9", "\u20ac",   "\U0001f600",
                                     "\xe2", "\x82",   "\xf0\x9f", "\xff"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    while (text.size() < random() % 24) text += pieces[random() % std::size(pieces)];
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += character_length(text, at)) ++count;
    EXPECT_EQ(count_characters(text), count);
    const std::string good = to_utf8(text);
    EXPECT_TRUE(is_utf8(good));
    EXPECT_EQ(good == text, is_utf8(text));
    for (std::size_t cut = 0; cut <= good.size(); ++cut) {
      EXPECT_TRUE(is_utf8(prefix_of_bytes(good, cut)));
      EXPECT_LE(cut - prefix_of_bytes(good, cut).size(), 3u);
    }
  }
}

}  // namespace
}  // namespace agdb
