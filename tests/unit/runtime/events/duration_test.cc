#include "runtime/events/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace agdb {
namespace {

using ::testing::HasSubstr;

std::string text_of(std::int64_t nanoseconds) {
  return format_duration(Nanoseconds{nanoseconds});
}

TEST(FormatDuration, PicksTheUnitBySize) {
  EXPECT_EQ(text_of(0), "0s");
  EXPECT_EQ(text_of(1), "1ns");
  EXPECT_EQ(text_of(999), "999ns");
  EXPECT_EQ(text_of(1'000), "1µs");
  EXPECT_EQ(text_of(100'000), "100µs");
  EXPECT_EQ(text_of(1'200'000), "1.2ms");
  EXPECT_EQ(text_of(5'000'000), "5ms");
  EXPECT_EQ(text_of(1'500'000'000), "1.5s");
  EXPECT_EQ(text_of(60'000'000'000), "1m0s");
  EXPECT_EQ(text_of(3'661'500'000'000), "1h1m1.5s");
  EXPECT_EQ(text_of(3'600'000'000'000), "1h0m0s");
}

TEST(FormatDuration, NeverRoundsAndHasNoTrailingZeros) {
  EXPECT_EQ(text_of(1'999), "1.999µs");
  EXPECT_EQ(text_of(999'999), "999.999µs");
  EXPECT_EQ(text_of(999'999'999), "999.999999ms");
  EXPECT_EQ(text_of(59'999'999'999), "59.999999999s");
  EXPECT_EQ(text_of(1'000'000'010), "1.00000001s");
}

TEST(FormatDuration, NegativeAndTheLimits) {
  EXPECT_EQ(text_of(-1'500), "-1.5µs");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::max()), "2562047h47m16.854775807s");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::min()), "-2562047h47m16.854775808s");
}

std::int64_t read(std::string_view text) {
  const Result<Nanoseconds> duration = parse_duration(text);
  EXPECT_TRUE(duration) << text;
  return duration ? duration->count() : -1;
}

TEST(ParseDuration, EveryUnit) {
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("0s"), 0);
  EXPECT_EQ(read("7ns"), 7);
  EXPECT_EQ(read("7us"), 7'000);
  EXPECT_EQ(read("7\u00b5s"), 7'000);
  EXPECT_EQ(read("7\u03bcs"), 7'000);
  EXPECT_EQ(read("850ms"), 850'000'000);
  EXPECT_EQ(read("2s"), 2'000'000'000);
  EXPECT_EQ(read("3m"), 180'000'000'000);
  EXPECT_EQ(read("1h"), 3'600'000'000'000);
}

TEST(ParseDuration, SumsAndFractions) {
  EXPECT_EQ(read("1h1m1.5s"), 3'661'500'000'000);
  EXPECT_EQ(read("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(read(".5s"), 500'000'000);
  EXPECT_EQ(read("5.s"), 5'000'000'000);
  EXPECT_EQ(read("0.1us"), 100);
  // What is smaller than a nanosecond is cut.
  EXPECT_EQ(read("1.0000000019s"), 1'000'000'001);
  EXPECT_EQ(read("0.33333333333333333333h"), 1'199'999'999'999);
}

TEST(ParseDuration, TheLargest) {
  EXPECT_EQ(read("9223372036854775807ns"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read("2562047h47m16.854775807s"), std::numeric_limits<std::int64_t>::max());
}

struct BadDuration {
  std::string_view text;
  std::string_view why;
};

TEST(ParseDuration, SaysWhatIsWrong) {
  const BadDuration cases[] = {{"", "empty"},
                               {"-1s", "negative"},
                               {"5", "unit"},
                               {"5x", "unit"},
                               {"5 s", "unit"},
                               {"s", "number"},
                               {".s", "number"},
                               {"1.2.3s", "unit"},
                               {"1s ", "number"},
                               {"+1s", "number"},
                               {"1e3s", "unit"},
                               {"9223372036854775808ns", "too long"},
                               {"2562047h47m16.854775808s", "too long"},
                               {"9999999999h", "too long"},
                               {"99999999999999999999999999s", "too long"}};
  for (const BadDuration& bad : cases) {
    const Result<Nanoseconds> duration = parse_duration(bad.text);
    ASSERT_FALSE(duration) << bad.text;
    EXPECT_EQ(duration.error().code, Code::kInvalid);
    EXPECT_THAT(duration.error().message, HasSubstr(bad.why)) << bad.text;
    EXPECT_FALSE(duration.error().hint.empty());
  }
}

TEST(ParseDuration, HostileTextIsShownShort) {
  const Result<Nanoseconds> duration = parse_duration(std::string(1 << 20, '\xff'));
  ASSERT_FALSE(duration);
  EXPECT_LT(duration.error().message.size(), 300u);
}

TEST(DurationRandom, ReadsBackWhatItWrote) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5000; ++round) {
    const auto value = static_cast<std::int64_t>(random() >> (1 + random() % 63));
    EXPECT_EQ(read(text_of(value)), value);
  }
}

}  // namespace
}  // namespace agdb
