#include "debug/context/tool_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/context/profile.h"

namespace agdb {
namespace {

using testing::ElementsAre;

Message tool(std::string content, std::string id = {}, std::string name = {}) {
  return {"tool", std::move(content), std::move(name), std::move(id)};
}

Message asking(std::initializer_list<std::pair<const char*, const char*>> id_and_name) {
  Message message{"assistant", ""};
  for (const auto& [id, name] : id_and_name)
    message.tool_calls.push_back({id, name, Json::object()});
  return message;
}

std::vector<std::string> names(const std::vector<Message>& messages) {
  return tool_names(borrow(std::span<const Message>(messages)));
}

TEST(ToolNamesTest, OnlyToolMessagesHaveOne) {
  EXPECT_THAT(names({}), ElementsAre());
  EXPECT_THAT(names({{"user", "read the file"}, {"assistant", "bash"}}), ElementsAre("", ""));
}

TEST(ToolNamesTest, MessagesOwnNameCountsMost) {
  EXPECT_THAT(names({asking({{"c1", "grep"}}), tool("already written", "c1", "search")}),
              ElementsAre("", "search"));
}

TEST(ToolNamesTest, TheCallOfItsIdTells) {
  EXPECT_THAT(names({asking({{"c1", "grep"}, {"c2", "Bash"}}), tool("already", "c2"),
                     tool("already", "c1")}),
              ElementsAre("", "Bash", "grep"));
}

TEST(ToolNamesTest, IdsThatComeAgainMeanTheNearestOpenCall) {
  EXPECT_THAT(names({asking({{"c", "first"}}), tool("x", "c"), asking({{"c", "second"}}),
                     tool("x", "c"), tool("x", "c")}),
              ElementsAre("", "first", "", "second", "c"));
}

TEST(ToolNamesTest, GuessTakesTheFirstOfItsListThatOccurs) {
  EXPECT_THAT(
      names({tool("I READ_FILE then grep"), tool("already written"), tool("a Glob and a Grep")}),
      ElementsAre("read_file", "read", "glob"));
}

TEST(ToolNamesTest, TheStartOfTheIdIsBetterThanNothing) {
  EXPECT_THAT(names({tool("xyz", "call_0123456789"), tool("xyz", "short"), tool("xyz")}),
              ElementsAre("call_0123456", "short", "unknown"));
  EXPECT_THAT(names({tool("xyz", "éééééxéé")}), ElementsAre("éééééx")) << "cut between characters";
}

}  // namespace
}  // namespace agdb
