#pragma once

#include <cstdint>
#include <string_view>

namespace agdb {

// XXH3-64, for sums of blocks and checks of our own small structures.
std::uint64_t xxh3_64(std::string_view bytes);

// XXH3-64 over text that comes in pieces.
class Hasher64 {
 public:
  Hasher64();
  ~Hasher64();
  Hasher64(const Hasher64&) = delete;
  Hasher64& operator=(const Hasher64&) = delete;

  void update(std::string_view bytes);
  // The hash of everything since the last take(), and begins anew.
  std::uint64_t take();

 private:
  struct State;
  State* state_;
};

}  // namespace agdb
