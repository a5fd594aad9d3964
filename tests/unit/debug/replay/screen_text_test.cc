#include "debug/replay/screen_text.h"

#include <gtest/gtest.h>

#include "runtime/events/json.h"

namespace agdb {
namespace {

TEST(ScreenLine, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(screen_line(""), "");
  EXPECT_EQ(screen_line("héllo 分析 \"x\" \\"), "héllo 分析 \"x\" \\");
}

TEST(ScreenLine, ShowsControlCharactersInsteadOfObeyingThem) {
  EXPECT_EQ(screen_line("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(screen_line("\x1b[2J\x07\x7f"), "\\x1b[2J\\a\\x7f");
  EXPECT_EQ(screen_line("\xc2\x9b[m"), "\\u009b[m");
  EXPECT_EQ(screen_line(std::string_view("\0", 1)), "\\x00");
}

TEST(ScreenLine, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(screen_line("a\xff."), "a\\xff.");
}

TEST(ScreenLine, CutsByWholeCharacters) {
  EXPECT_EQ(screen_line("分析代码", 4), "分析代码");
  EXPECT_EQ(screen_line("分析代码吗", 4), "分析代…");
  EXPECT_EQ(screen_line(std::string(1000, 'x'), 3), "xx…");
  EXPECT_EQ(screen_line("abc", 1), "…");
}

TEST(ScreenLine, CutsAfterEscapingSoThatTheWidthHolds) {
  EXPECT_EQ(screen_line("\x1b\x1b\x1b", 6), "\\x1b\\…");
}

TEST(ScreenLine, SaysThatALongTextOfBadBytesWasCut) {
  EXPECT_EQ(screen_line(std::string(100, '\xf0'), 5), "\\xf0…");
}

TEST(ScreenText, KeepsLinesAndTabs) {
  EXPECT_EQ(screen_text("a\n\tb\x1b\r"), "a\n\tb\\x1b\\r");
}

TEST(ScreenMessage, ShowsTheFirstLineAndHowManyFollow) {
  EXPECT_EQ(screen_message({.role = "user", .content = "Hello"}), "[user] Hello");
  EXPECT_EQ(screen_message({.role = "user", .content = "one\ntwo"}), "[user] one (+1 line)");
  EXPECT_EQ(screen_message({.role = "user", .content = "one\ntwo\nthree\n\n"}),
            "[user] one (+2 lines)");
  EXPECT_EQ(screen_message({.role = "user", .content = "\n\none"}), "[user] one");
  EXPECT_EQ(screen_message({.role = "user", .content = ""}), "[user]");
}

TEST(ScreenMessage, ShowsToolCalls) {
  const Message message{.role = "assistant",
                        .content = "",
                        .tool_calls = {{"c1", "read_file", Json::object({{"path", "a"}})},
                                       {"c2", "shell", Json("not { json")}}};
  EXPECT_EQ(screen_message(message),
            "[assistant] → read_file({\"path\":\"a\"}) → shell(not { json)");
  EXPECT_EQ(screen_message(message, 20), "[assistant] → read_…");
}

TEST(MessageText, HasALineForEachToolCall) {
  const Message message{
      .role = "assistant", .content = "Looking.", .tool_calls = {{"c1", "ls", Json::object()}}};
  EXPECT_EQ(message_text(message), "[assistant] Looking.\n→ ls({})");
  EXPECT_EQ(message_text({.role = "user", .content = "a\nb"}), "[user] a\nb");
}

}  // namespace
}  // namespace agdb
