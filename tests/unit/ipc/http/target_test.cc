#include "ipc/http/target.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

using Texts = std::vector<std::string>;

std::string why_not(std::string_view text) {
  const Result<Target> target = parse_target(text);
  return target ? "taken" : target.error().message;
}

TEST(Target, TheRootHasNoSegments) {
  EXPECT_EQ(parse_target("/")->path, Texts{});
}

TEST(Target, SegmentsAndQueryAreDecoded) {
  const Target target = *parse_target("/v1/a%20b/%C3%A4?q=x+y%26z&q=2&empty=&bare");
  EXPECT_EQ(target.path, (Texts{"v1", "a b", "ä"}));
  EXPECT_EQ(target.query,
            (std::vector<QueryPart>{{"q", "x y&z"}, {"q", "2"}, {"empty", ""}, {"bare", ""}}));
}

TEST(Target, APlusIsABlankInTheQueryAlone) {
  EXPECT_EQ(parse_target("/a+b")->path, Texts{"a+b"});
}

TEST(Target, ADecodedSlashStaysWithinItsSegment) {
  EXPECT_EQ(parse_target("/a%2Fb/c")->path, (Texts{"a/b", "c"}));
}

TEST(Target, EmptySegmentsAreKept) {
  EXPECT_EQ(parse_target("/a//b/")->path, (Texts{"a", "", "b", ""}));
}

TEST(Target, EmptyQueryPartsArePassedOver) {
  EXPECT_EQ(parse_target("/?&&a=1&")->query, (std::vector<QueryPart>{{"a", "1"}}));
}

TEST(Target, TheAbsoluteFormNamesTheHost) {
  const Target target = *parse_target("HTTP://127.0.0.1:7475/v1?x=1");
  EXPECT_EQ(target.authority, "127.0.0.1:7475");
  EXPECT_EQ(target.path, Texts{"v1"});
  EXPECT_EQ(parse_target("http://h")->path, Texts{});
  EXPECT_EQ(why_not("http:///v1"), "the target names no host");
  EXPECT_EQ(why_not("http://h?x=1"), "the target is no path");
}

TEST(Target, TheAsteriskIsTheServer) {
  EXPECT_TRUE(parse_target("*")->asterisk);
  EXPECT_EQ(why_not("**"), "the target is no path");
}

TEST(Target, HostileBadEscapes) {
  for (const char* const text : {"/%", "/%1", "/%g0", "/%0g", "/a?%", "/a?b=%2"})
    EXPECT_EQ(why_not(text), "the target has a % without two hex digits behind it") << text;
}

TEST(Target, HostileControlCharacters) {
  for (const char* const text : {"/%00", "/a%0a", "/%7F", "/?x=%00", "/?%0d=1"})
    EXPECT_EQ(why_not(text), "the target holds a control character") << text;
}

TEST(Target, HostileBytesThatAreNoUtf8) {
  for (const char* const text : {"/%ff", "/%C3", "/%C0%AF", "/%ED%A0%80", "/?x=%F8"})
    EXPECT_EQ(why_not(text), "the target is not UTF-8") << text;
}

TEST(Target, HostileDots) {
  for (const char* const text : {"/..", "/a/../b", "/%2e%2e/etc", "/.", "/a/%2E"})
    EXPECT_EQ(why_not(text), "the target has a segment of dots") << text;
}

TEST(Target, RawBytesMustBeEscaped) {
  for (const char* const text : {"/ä", "/a b", "/a#b", "/a\tb"})
    EXPECT_EQ(why_not(text), "the target holds a character that must be written as %XX") << text;
}

TEST(Target, WhatIsNoPathIsRefused) {
  EXPECT_EQ(why_not(""), "the target is no path");
  EXPECT_EQ(why_not("v1"), "the target is no path");
  EXPECT_EQ(why_not("?x"), "the target is no path");
}

TEST(Target, CountsAreBounded) {
  std::string path;
  for (std::size_t i = 0; i < kMaxPathSegments; ++i) path += "/a";
  EXPECT_EQ(why_not(path), "taken");
  EXPECT_EQ(why_not(path + "/a"), "the target has too many segments");
  std::string query = "/?a";
  for (std::size_t i = 1; i < kMaxQueryParts; ++i) query += "&a";
  EXPECT_EQ(why_not(query), "taken");
  EXPECT_EQ(why_not(query + "&a"), "the target has too many query parameters");
}

}  // namespace
}  // namespace agdb
