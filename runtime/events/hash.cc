#include "runtime/events/hash.h"

#include <openssl/sha.h>
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // with wider registers where the processor has them
#endif

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

namespace agdb {
namespace {

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Hash128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Hash128 out;
  static_assert(sizeof(bytes.digest) == sizeof(out.bytes));
  std::memcpy(out.bytes.data(), bytes.digest, out.bytes.size());
  return out;
}

}  // namespace

std::string Hash128::hex() const {
  return to_hex(bytes);
}

Hash128 xxh3_128(std::string_view bytes) {
  return canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

struct Hasher128::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  ~State() { XXH3_freeState(xxh3); }
};

Hasher128::Hasher128() : state_(new State) {
  if (state_->xxh3 == nullptr) {
    delete state_;
    throw std::bad_alloc();
  }
  XXH3_128bits_reset(state_->xxh3);
}

Hasher128::~Hasher128() {
  delete state_;
}

void Hasher128::update(std::string_view bytes) {
  if (!bytes.empty()) XXH3_128bits_update(state_->xxh3, bytes.data(), bytes.size());
}

Hash128 Hasher128::digest() const {
  return canonical(XXH3_128bits_digest(state_->xxh3));
}

std::string prompt_hash(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return to_hex(std::span(digest).first(8));
}

}  // namespace agdb
