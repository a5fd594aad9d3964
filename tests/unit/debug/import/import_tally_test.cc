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

}  // namespace
}  // namespace agdb
