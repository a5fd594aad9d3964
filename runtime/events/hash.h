#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace agdb {

// An XXH3-128 hash in its canonical (big-endian) bytes.
struct Hash128 {
  std::array<unsigned char, 16> bytes = {};

  // 32 lower-case hex digits.
  std::string hex() const;
  bool operator==(const Hash128&) const = default;
};

Hash128 xxh3_128(std::string_view bytes);

// XXH3-128 over text that comes in pieces.
class Hasher128 {
 public:
  Hasher128();
  ~Hasher128();
  Hasher128(const Hasher128&) = delete;
  Hasher128& operator=(const Hasher128&) = delete;

  void update(std::string_view bytes);
  // The hash of everything so far; more may follow.
  Hash128 digest() const;

 private:
  struct State;
  State* state_;
};

// The first 8 bytes of the SHA-256 as 16 lower-case hex digits: how system prompts are named in
// diffs.
std::string prompt_hash(std::string_view text);

}  // namespace agdb
