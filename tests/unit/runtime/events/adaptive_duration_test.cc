#include "runtime/events/adaptive_duration.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace agdb {
namespace {

TEST(AdaptiveDurationTest, ChangesItsUnitWithTheSize) {
  const std::pair<std::int64_t, const char*> cases[] = {{0, "0µs"},
                                                        {1, "0µs"},
                                                        {999, "0µs"},
                                                        {1'000, "1µs"},
                                                        {999'999, "999µs"},
                                                        {1'000'000, "1ms"},
                                                        {1'999'999, "1ms"},
                                                        {999'999'999, "999ms"},
                                                        {1'000'000'000, "1.00s"},
                                                        {1'500'000'000, "1.50s"},
                                                        {12'500'000'000, "12.50s"},
                                                        {25'300'000'000, "25.30s"},
                                                        {60'000'000'000, "60.00s"}};
  for (const auto& [ns, text] : cases) EXPECT_EQ(adaptive_duration(Nanoseconds(ns)), text) << ns;
}

}  // namespace
}  // namespace agdb
