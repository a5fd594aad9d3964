#include "runtime/events/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace agdb {
namespace {

using ::testing::HasSubstr;

WallTime at(std::int64_t nanoseconds) {
  return WallTime(Nanoseconds{nanoseconds});
}

std::int64_t read(std::string_view text) {
  const Result<WallTime> time = parse_wall_time(text);
  EXPECT_TRUE(time) << text;
  return time ? time->time_since_epoch().count() : -1;
}

std::string error_of(std::string_view text) {
  const Result<WallTime> time = parse_wall_time(text);
  if (time) return "no error";
  EXPECT_EQ(time.error().code, Code::kInvalid);
  EXPECT_FALSE(time.error().hint.empty());
  return time.error().message;
}

TEST(FormatWallTime, FractionsAsFarAsTheyAreNotZero) {
  EXPECT_EQ(format_wall_time(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_wall_time(at(1'772'964'000'250'000'000)), "2026-03-08T10:00:00.25Z");
  EXPECT_EQ(format_wall_time(at(1)), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(format_wall_time(at(100'000'000)), "1970-01-01T00:00:00.1Z");
}

TEST(FormatWallTime, BeforeTheEpochAndTheLimits) {
  EXPECT_EQ(format_wall_time(at(-1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_wall_time(at(std::numeric_limits<std::int64_t>::max())),
            "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(format_wall_time(at(std::numeric_limits<std::int64_t>::min())),
            "1677-09-21T00:12:43.145224192Z");
}

TEST(ParseWallTime, UtcAndOffsets) {
  EXPECT_EQ(read("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(read("2026-03-08T10:00:00Z"), 1'772'964'000'000'000'000);
  EXPECT_EQ(read("2026-03-08T11:30:00+01:30"), 1'772'964'000'000'000'000);
  EXPECT_EQ(read("2026-03-07T23:00:00-11:00"), 1'772'964'000'000'000'000);
  EXPECT_EQ(read("2026-03-08T10:00:00-00:00"), 1'772'964'000'000'000'000);
  EXPECT_EQ(read("2026-03-08t10:00:00z"), 1'772'964'000'000'000'000);
  EXPECT_EQ(read("2026-03-08 10:00:00Z"), 1'772'964'000'000'000'000);
}

TEST(ParseWallTime, FractionsToTheNanosecond) {
  EXPECT_EQ(read("1970-01-01T00:00:00.5Z"), 500'000'000);
  EXPECT_EQ(read("1970-01-01T00:00:00.000000001Z"), 1);
  EXPECT_EQ(read("1970-01-01T00:00:00.1234567899Z"), 123'456'789);
  EXPECT_EQ(read("1970-01-01T00:00:00.123456+00:00"), 123'456'000);
}

TEST(ParseWallTime, LeapDayAndLeapSecond) {
  EXPECT_EQ(read("2024-02-29T00:00:00Z"), 1'709'164'800'000'000'000);
  EXPECT_EQ(read("2016-12-31T23:59:60Z"), read("2017-01-01T00:00:00Z"));
  EXPECT_THAT(error_of("2023-02-29T00:00:00Z"), HasSubstr("no such day"));
}

TEST(ParseWallTime, AMissingZoneIsUtcWhereTheCallerAsks) {
  bool zone_missing = false;
  ASSERT_TRUE(parse_wall_time("2026-03-08T10:00:00Z", &zone_missing));
  EXPECT_FALSE(zone_missing);
  const Result<WallTime> time = parse_wall_time("2026-03-08T10:00:00.5", &zone_missing);
  ASSERT_TRUE(time);
  EXPECT_EQ(format_wall_time(*time), "2026-03-08T10:00:00.5Z");
  EXPECT_TRUE(zone_missing);
  EXPECT_THAT(error_of("2026-03-08T10:00:00"), HasSubstr("zone is missing"));
}

TEST(ParseWallTime, WrongForm) {
  for (const char* bad :
       {"", "2026", "2026-03-08", "2026-3-8T10:00:00Z", "26-03-08T10:00:00Z",
        "2026/03/08T10:00:00Z", "2026-03-08T10:00Z", "2026-03-08T10:00:00.Z",
        "2026-03-08T10:00:00Zx", " 2026-03-08T10:00:00Z", "2026-03-08T10:00:00+01",
        "2026-03-08T10:00:00+0100", "2026-03-08T10:00:00+24:00", "2026-03-08T10:00:00+01:60",
        "2026-03-08T10:00:00,5Z", "-026-03-08T10:00:00Z", "2026-03-08T1\xff:00:00Z",
        "2026-03-08T10:00:00+", "12026-03-08T10:00:00Z"})
    EXPECT_THAT(error_of(bad), HasSubstr("RFC 3339")) << bad;
}

TEST(ParseWallTime, FieldsOutOfRange) {
  for (const char* bad : {"2026-00-08T10:00:00Z", "2026-13-08T10:00:00Z", "2026-03-00T10:00:00Z",
                          "2026-04-31T10:00:00Z", "2026-03-08T24:00:00Z", "2026-03-08T10:60:00Z",
                          "2026-03-08T10:00:61Z", "0000-01-01T00:00:00Z"})
    EXPECT_THAT(error_of(bad), HasSubstr("no such day or hour")) << bad;
}

TEST(ParseWallTime, YearsThatDoNotFit) {
  EXPECT_THAT(error_of(kUnsetWallTime), HasSubstr("1678"));
  EXPECT_THAT(error_of("9999-12-31T23:59:59.999999999Z"), HasSubstr("2262"));
  EXPECT_THAT(error_of("2262-04-12T00:00:00Z"), HasSubstr("2262"));
  EXPECT_EQ(read("2262-04-11T23:47:15Z"), 9'223'372'035'000'000'000);
  EXPECT_EQ(read("1678-01-01T00:00:00Z"), -9'214'560'000'000'000'000);
}

TEST(ParseWallTime, HostileTextIsShownShort) {
  EXPECT_LT(error_of(std::string(1 << 20, '\xff')).size(), 400u);
}

TEST(WallTimeRandom, ReadsBackWhatItWrote) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5000; ++round) {
    // 200 years around 2000, to every precision.
    auto value = static_cast<std::int64_t>(random() % 6'311'520'000'000'000'000u) -
                 2'208'988'800'000'000'000;
    for (std::uint64_t digits = random() % 10; digits > 0; --digits) value = value / 10 * 10;
    EXPECT_EQ(read(format_wall_time(at(value))), value);
  }
}

TEST(RealClock, NeverGoesBack) {
  const RealClock clock;
  const Nanoseconds first = clock.now();
  EXPECT_GE(clock.now(), first);
  EXPECT_GT(clock.wall(), at(read("2020-01-01T00:00:00Z")));
}

}  // namespace
}  // namespace agdb
