#include "ipc/otlp/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

constexpr std::size_t kLimit = 1'000'000;

std::string packed(std::string_view text) {
  Result<std::string> bytes = gzip(text);
  EXPECT_TRUE(bytes);
  return bytes.value_or("");
}

TEST(GunzipTest, BringsBackWhatWasPacked) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(4096, 'x'), std::string(4097, 'y'),
        std::string("\0\xff\n", 3), std::string(999'999, 'z')})
    EXPECT_EQ(gunzip(packed(text), kLimit), text);
}

TEST(GunzipTest, MembersBehindEachOtherAreOneText) {
  EXPECT_EQ(gunzip(packed("one ") + packed("") + packed("two"), kLimit), "one two");
}

TEST(GunzipTest, TheLimitIsExact) {
  const std::string bytes = packed(std::string(5000, 'x'));
  EXPECT_EQ(gunzip(bytes, 5000)->size(), 5000u);
  const Result<std::string> more = gunzip(bytes, 4999);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::kExhausted);
  EXPECT_EQ(gunzip(packed("x"), 0).error().code, Code::kExhausted);
}

TEST(GunzipTest, ABombEndsAtTheLimit) {
  const std::string bomb = packed(std::string(std::size_t{200} << 20, '\0'));
  EXPECT_LT(bomb.size(), std::size_t{2} << 20);
  EXPECT_EQ(gunzip(bomb, kLimit).error().code, Code::kExhausted);
}

TEST(GunzipTest, DamageIsAnError) {
  const std::string whole = packed("a text that is packed, and then cut or changed");
  EXPECT_FALSE(gunzip("", kLimit));
  EXPECT_FALSE(gunzip("no gzip at all", kLimit));
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(gunzip(std::string_view(whole).substr(0, size), kLimit)) << size;
  EXPECT_FALSE(gunzip(whole + "behind", kLimit));
  // Its sum tells that a byte of the text is another.
  std::string changed = whole;
  changed[whole.size() - 6] = static_cast<char>(changed[whole.size() - 6] ^ 1);
  EXPECT_EQ(gunzip(changed, kLimit).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace agdb
