#include "debug/import/log_time.h"

#include <gtest/gtest.h>

#include <limits>

namespace agdb {
namespace {

std::string shown(const std::optional<WallTime>& time) {
  return time ? format_wall_time(*time) : "none";
}

TEST(LogTime, IsoTextWithZone) {
  bool zone_missing = false;
  EXPECT_EQ(shown(read_log_time("2025-08-01T16:20:43.5+02:00", &zone_missing)),
            "2025-08-01T14:20:43.5Z");
  EXPECT_FALSE(zone_missing);
}

TEST(LogTime, IsoTextWithoutZoneIsUtcAndSaysSo) {
  bool zone_missing = false;
  EXPECT_EQ(shown(read_log_time("2025-08-01T16:20:43.824977", &zone_missing)),
            "2025-08-01T16:20:43.824977Z");
  EXPECT_TRUE(zone_missing);
}

TEST(LogTime, UnixTimeInAnyUnit) {
  for (const Json& value : {Json(1757015025), Json(1757015025000), Json(1757015025000000),
                            Json(1757015025000000000), Json(1757015025.0)})
    EXPECT_EQ(shown(read_log_time(value)), "2025-09-04T19:43:45Z") << dump(value);
}

TEST(LogTime, IntegersKeepTheirNanoseconds) {
  EXPECT_EQ(shown(read_log_time(Json(1757015025123456789))), "2025-09-04T19:43:45.123456789Z");
}

TEST(LogTime, FractionsAreRoundedToMicroseconds) {
  EXPECT_EQ(shown(read_log_time(Json(1757015025.9723232))), "2025-09-04T19:43:45.972323Z");
  EXPECT_EQ(shown(read_log_time(Json(0.9999999))), "1970-01-01T00:00:01Z");
}

TEST(LogTime, WhatIsNoTimeIsNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Json& value :
       {Json(), Json(true), Json("yesterday"), Json(""), Json(-1), Json(-0.5), Json(1e300),
        Json(infinity), Json(-infinity), Json(std::numeric_limits<double>::quiet_NaN()),
        Json(std::numeric_limits<std::uint64_t>::max()), Json("1969-12-31T23:59:59Z"),
        Json::object()})
    EXPECT_EQ(read_log_time(value), std::nullopt) << dump(value);
}

TEST(LogTime, TheLastTimeThatFits) {
  EXPECT_EQ(shown(read_log_time(Json(std::numeric_limits<std::int64_t>::max() - 999'999'999))),
            "2262-04-11T23:47:15.854775808Z");
}

TEST(LogSeconds, ASpan) {
  EXPECT_EQ(read_log_seconds(Json(4.65870213508606)), Nanoseconds(4'658'702'000));
  EXPECT_EQ(read_log_seconds(Json(0)), Nanoseconds(0));
}

TEST(LogSeconds, WhatIsNoSpanIsNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Json& value : {Json(), Json("1"), Json(-1), Json(1e12), Json(nan)})
    EXPECT_EQ(read_log_seconds(value), std::nullopt) << dump(value);
}

}  // namespace
}  // namespace agdb
