#include "debug/record/hash64.h"

#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // with wider registers where the processor has them
#endif

#include <new>

namespace agdb {

std::uint64_t xxh3_64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct Hasher64::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  ~State() { XXH3_freeState(xxh3); }
};

Hasher64::Hasher64() : state_(new State) {
  if (state_->xxh3 == nullptr) {
    delete state_;
    throw std::bad_alloc();
  }
  XXH3_64bits_reset(state_->xxh3);
}

Hasher64::~Hasher64() {
  delete state_;
}

void Hasher64::update(std::string_view bytes) {
  if (!bytes.empty()) XXH3_64bits_update(state_->xxh3, bytes.data(), bytes.size());
}

std::uint64_t Hasher64::take() {
  const std::uint64_t hash = XXH3_64bits_digest(state_->xxh3);
  XXH3_64bits_reset(state_->xxh3);
  return hash;
}

}  // namespace agdb
