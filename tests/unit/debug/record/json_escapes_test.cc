#include "debug/record/json_escapes.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "runtime/events/json.h"

namespace agdb {
namespace {

std::optional<std::string> unescaped(std::string_view content) {
  std::string out = "before ";
  if (!append_unescaped(out, content)) return std::nullopt;
  EXPECT_TRUE(out.starts_with("before "));
  EXPECT_LE(out.size() - 7, content.size());
  return out.substr(7);
}

TEST(JsonEscapes, WhatHasNoneStaysAsItIs) {
  EXPECT_EQ(unescaped(""), "");
  EXPECT_EQ(unescaped("caf\xc3\xa9 /"), "caf\xc3\xa9 /");
}

TEST(JsonEscapes, EachMeansOneCharacter) {
  EXPECT_EQ(unescaped(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescaped(R"(a\nb\\n)"), "a\nb\\n");
  EXPECT_EQ(unescaped(R"(\u0000)"), std::string(1, '\0'));
  EXPECT_EQ(unescaped(R"(\u007F\u0080\u07ff\u0800\uFFFD)"), "\x7f\u0080\u07ff\u0800\ufffd");
  EXPECT_EQ(unescaped(R"(\ud800\udc00\uDBFF\uDFFFx)"), "\U00010000\U0010ffffx");
}

TEST(JsonEscapes, AnyCodePointIsReadAsAParserReadsIt) {
  for (unsigned code = 0; code < 0x10000; code += 0x3d) {
    constexpr const char* kHex = "0123456789abcdef";
    std::string escape = "\\u";
    for (const int shift : {12, 8, 4, 0}) escape += kHex[code >> shift & 15];
    const bool half = code >= 0xd800 && code < 0xe000;
    const std::optional<std::string> text = unescaped(escape);
    ASSERT_EQ(text.has_value(), !half) << escape;
    if (!half) EXPECT_EQ(*text, parse_json('"' + escape + '"')->string()) << escape;
  }
}

TEST(JsonEscapes, WhatIsNoneIsRefused) {
  for (const char* content :
       {R"(\)", R"(\x)", R"(\u)", R"(\u123)", R"(\u12g4)", R"(\u+123)", R"(\ud800)", R"(\ud800x)",
        R"(\ud800\n)", R"(\ud800\u)", R"(\ud800\ud800)", R"(\udc00\ud800)", R"(a\u 123)"})
    EXPECT_EQ(unescaped(content), std::nullopt) << content;
}

}  // namespace
}  // namespace agdb
