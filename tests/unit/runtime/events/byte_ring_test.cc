#include "runtime/events/byte_ring.h"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

namespace agdb {
namespace {

constexpr std::size_t kRing = std::size_t{64} << 10;

// A record of that size that holds `value` at its end; false when there is no room.
bool put(ByteRing& ring, std::size_t size, std::uint64_t value) {
  std::byte* at = ring.reserve(size);
  if (at == nullptr) return false;
  const auto head = static_cast<std::uint32_t>(size);
  std::memcpy(at, &head, sizeof head);
  std::memcpy(at + size - sizeof value, &value, sizeof value);
  ring.commit(size);
  return true;
}

// The value of the oldest record, which goes; 0 when there is none.
std::uint64_t take(ByteRing& ring) {
  const std::byte* at = ring.front();
  if (at == nullptr) return 0;
  std::uint32_t size = 0;
  std::memcpy(&size, at, sizeof size);
  std::uint64_t value = 0;
  std::memcpy(&value, at + size - sizeof value, sizeof value);
  ring.pop();
  return value;
}

TEST(ByteRing, SizesAreRoundedUpAndNeverTiny) {
  EXPECT_EQ(ByteRing(0).capacity(), kRing);
  EXPECT_EQ(ByteRing(kRing + 1).capacity(), 2 * kRing);
}

TEST(ByteRing, AnEmptyOneGivesNothing) {
  ByteRing ring(kRing);
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(ByteRing, KeepsTheOrderAndRefusesWhenFull) {
  ByteRing ring(kRing);
  std::uint64_t last = 0;
  while (put(ring, 1024, last + 1)) ++last;
  EXPECT_EQ(last, kRing / 1024);
  EXPECT_EQ(take(ring), 1u);
  EXPECT_TRUE(put(ring, 1024, last + 1));
  EXPECT_FALSE(put(ring, 1024, last + 2));
  for (std::uint64_t value = 2; value <= last + 1; ++value) EXPECT_EQ(take(ring), value);
  EXPECT_EQ(take(ring), 0u);
}

TEST(ByteRing, ARecordThatDoesNotFitAtTheEndGoesToTheBeginning) {
  ByteRing ring(kRing);
  // 65,536 = 3 x 16,384 + 16,384: the fourth leaves 8 bytes over.
  for (std::uint64_t value = 1; value <= 3; ++value) ASSERT_TRUE(put(ring, 16384, value));
  ASSERT_TRUE(put(ring, 16376, 4));
  EXPECT_FALSE(put(ring, 16, 5)) << "8 bytes are left at the end, none at the beginning";
  EXPECT_EQ(take(ring), 1u);
  ASSERT_TRUE(put(ring, 16, 5));
  for (std::uint64_t value = 2; value <= 5; ++value) EXPECT_EQ(take(ring), value);
  EXPECT_EQ(ring.written(), ring.popped());
}

TEST(ByteRing, TheLargestRecordAlwaysFitsIntoAnEmptyRing) {
  ByteRing ring(kRing);
  for (std::uint64_t value = 1; value <= 100; ++value) {
    ASSERT_TRUE(put(ring, 24, value));
    ASSERT_EQ(take(ring), value);
    ASSERT_TRUE(put(ring, ring.max_record(), value));
    ASSERT_EQ(take(ring), value);
  }
}

TEST(ByteRing, TwoThreadsLoseNothingThatWasTaken) {
  ByteRing ring(kRing);
  constexpr std::uint64_t kRecords = 200'000;
  std::thread producer([&] {
    for (std::uint64_t value = 1; value <= kRecords;)
      value += put(ring, 16 + value % 97 * 8, value) ? 1 : 0;
  });
  for (std::uint64_t expected = 1; expected <= kRecords;) {
    const std::uint64_t value = take(ring);
    if (value == 0) continue;
    ASSERT_EQ(value, expected);
    ++expected;
  }
  producer.join();
}

}  // namespace
}  // namespace agdb
