#include "runtime/events/hash.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

TEST(Xxh3, KnownValues) {
  // As `xxhsum -H2` prints them.
  EXPECT_EQ(xxh3_128("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(xxh3_128("hello").hex(), "b5e9c1ad071b3e7fc779cfaa5e523818");
}

TEST(Xxh3, HexIsThirtyTwoDigitsOfTheBytesInOrder) {
  Hash128 hash;
  hash.bytes[0] = 0x01;
  hash.bytes[15] = 0xfe;
  EXPECT_EQ(hash.hex(), "010000000000000000000000000000fe");
}

TEST(Hasher, PiecesGiveTheHashOfTheWhole) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += static_cast<char>(i * 31);
  for (const std::size_t piece : {1u, 7u, 256u, 9'999u}) {
    Hasher128 hasher;
    for (std::size_t at = 0; at < text.size(); at += piece)
      hasher.update(std::string_view(text).substr(at, piece));
    EXPECT_EQ(hasher.digest(), xxh3_128(text)) << piece;
  }
}

TEST(Hasher, MoreMayFollowADigest) {
  Hasher128 hasher;
  EXPECT_EQ(hasher.digest(), xxh3_128(""));
  hasher.update("a");
  EXPECT_EQ(hasher.digest(), xxh3_128("a"));
  hasher.update({});
  hasher.update("b");
  EXPECT_EQ(hasher.digest(), xxh3_128("ab"));
}

TEST(PromptHash, FirstEightBytesOfSha256) {
  EXPECT_EQ(prompt_hash("hello"), "2cf24dba5fb0a30e");
  EXPECT_EQ(prompt_hash(""), "e3b0c44298fc1c14");
}

}  // namespace
}  // namespace agdb
