#include "debug/record/record_id.h"

#include <algorithm>

#include "record_fixture.h"

namespace agdb {
namespace {

TEST(RecordId, TakesWhatRecordersMake) {
  for (const char* id : {"7-1700000000", "7-1700000000-2", "a", "A.b_c-9", "1--5"})
    EXPECT_TRUE(check_record_id(id)) << id;
}

TEST(RecordId, RefusesWhatCouldLeaveTheFolderAndNamesIt) {
  for (const char* id :
       {"", ".", "..", "../x", "a/b", "/etc", ".hidden", "a b", "a\\b", "ä", "a\n"}) {
    const Status status = check_record_id(id);
    ASSERT_FALSE(status) << id;
    EXPECT_EQ(status.error().code, Code::kInvalid);
    EXPECT_NE(status.error().hint, "");
  }
  EXPECT_EQ(check_record_id("../x").error().message, "\"../x\" is no record id");
  EXPECT_FALSE(check_record_id(std::string("a\0b", 3)));
  EXPECT_FALSE(check_record_id(std::string(256, 'a')));
}

TEST(RecordId, NumbersAreComparedAsNumbers) {
  std::vector<std::string> ids = {"10-5",   "2-100", "2-20", "2-20-10",
                                  "2-20-2", "a",     "1-9",  "2-020"};
  std::sort(ids.begin(), ids.end(), natural_less);
  EXPECT_THAT(
      ids, testing::ElementsAre("1-9", "2-020", "2-20", "2-20-2", "2-20-10", "2-100", "10-5", "a"));
  EXPECT_FALSE(natural_less("7", "7"));
  EXPECT_TRUE(natural_less("99999999999999999999998", "99999999999999999999999"));
}

}  // namespace
}  // namespace agdb
