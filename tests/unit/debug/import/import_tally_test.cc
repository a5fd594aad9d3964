#include "debug/import/import_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ImportTallyTest : public ::testing::Test {
 protected:
  SessionLog log_;
  ImportTally tally_{log_};
};

TEST_F(ImportTallyTest, CountsByKind) {
  tally_.not_understood("image block");
  tally_.not_understood("image block", 2);
  tally_.bookkeeping("verdict");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("image block", 3)));
  EXPECT_THAT(log_.bookkeeping, ElementsAre(Pair("verdict", 1)));
}

TEST_F(ImportTallyTest, NothingIsNoKind) {
  tally_.not_understood("image block", 0);
  EXPECT_THAT(log_.not_understood, IsEmpty());
}

TEST_F(ImportTallyTest, UnknownFieldsThatSaySomething) {
  const Json object = Json::object({{"known", 1},
                                    {"new", 2},
                                    {"also", 0},
                                    {"no", nullptr},
                                    {"off", false},
                                    {"none", ""},
                                    {"empty", Json::array()}});
  tally_.unknown_fields(object, "a known also", "field ");
  tally_.unknown_fields(Json(17), "", "field ");
  EXPECT_THAT(log_.not_understood, ElementsAre(Pair("field new", 1)));
}

TEST_F(ImportTallyTest, AFieldIsKnownByItsWholeNameOnly) {
  const Json object = Json::object({{"now", 1}, {"known a", 1}, {"kno", 1}});
  tally_.unknown_fields(object, "known another", "");
  EXPECT_EQ(log_.not_understood.size(), 3);
}

TEST_F(ImportTallyTest, HostileKindsAreCutAndLimited) {
  for (int i = 0; i < 1000; ++i)
    tally_.not_understood(std::to_string(i) + std::string(1000, 'x') + "\xff");
  EXPECT_EQ(log_.not_understood.size(), ImportTally::kMaxKinds + 1);
  EXPECT_EQ(log_.not_understood.at(std::string(ImportTally::kOtherKinds)),
            1000 - ImportTally::kMaxKinds);
  for (const auto& [kind, times] : log_.not_understood)
    EXPECT_LE(kind.size(), ImportTally::kMaxKindBytes);
}

TEST(CountedText, OneIsSaidAsItIs) {
  EXPECT_EQ(counted_text({}), "");
  EXPECT_EQ(counted_text({{"line not JSON", 1}, {"tool result without its call", 1}}),
            "1 line not JSON, 1 tool result without its call");
}

TEST(CountedText, OfManyTheNounIsInThePlural) {
  const auto two = [](const char* kind) { return counted_text({{kind, 2}}); };
  EXPECT_EQ(two("line not JSON"), "2 lines not JSON");
  EXPECT_EQ(two("invalid UTF-8 byte"), "2 invalid UTF-8 bytes");
  EXPECT_EQ(two("token count that cannot be read"), "2 token counts that cannot be read");
  EXPECT_EQ(two("parent not in the file"), "2 parents not in the file");
  EXPECT_EQ(two("tool result without its call"), "2 tool results without their call");
  EXPECT_EQ(two("list element that is no span"), "2 list elements that are no spans");
  EXPECT_EQ(two("span that stands there twice"), "2 spans that stand there twice");
  EXPECT_EQ(two("model call told by several spans"), "2 model calls told by several spans");
  EXPECT_EQ(two("image block"), "2 image blocks");
}

TEST(CountedText, NamesFromTheFileStay) {
  const auto two = [](const char* kind) { return counted_text({{kind, 2}}); };
  EXPECT_EQ(two("ai-title"), "2 ai-title");
  EXPECT_EQ(two("line type message"), "2 lines of type message");
  EXPECT_EQ(two("message field error"), "2 message fields error");
  EXPECT_EQ(two("field in"), "2 fields in");
  EXPECT_EQ(two("attachment:task_reminder"), "2 attachment:task_reminder");
  EXPECT_EQ(two("messages kept by a compaction"), "2 messages kept by a compaction");
  EXPECT_EQ(two(""), "2 ");
  EXPECT_EQ(two("of "), "2 of ");
}

}  // namespace
}  // namespace agdb
