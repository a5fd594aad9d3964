#include "runtime/events/byte_ring.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace agdb {
namespace {

constexpr std::size_t kSmallest = std::size_t{64} << 10;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::byte* allocate(std::size_t bytes) {
  auto* memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kHugePage}));
  // A lap through small pages misses the processor's table of them again and again. Where the
  // system says no, it is only slower.
  if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
  for (std::size_t at = 0; at < bytes; at += kPage) memory[at] = std::byte{0};
  return memory;
}

}  // namespace

void ByteRing::Free::operator()(std::byte* memory) const {
  ::operator delete(memory, std::align_val_t{kHugePage});
}

ByteRing::ByteRing(std::size_t bytes)
    : capacity_(std::bit_ceil(std::max(bytes, kSmallest))),
      mask_(capacity_ - 1),
      memory_(allocate(capacity_)) {}

std::byte* ByteRing::front() {
  if (reading_ == written_copy_) {
    written_copy_ = written_.load(std::memory_order_acquire);
    if (reading_ == written_copy_) return nullptr;
  }
  std::byte* record = memory_.get() + (reading_ & mask_);
  std::uint32_t size = 0;
  std::memcpy(&size, record, sizeof size);
  if (size != 0) return record;
  // The rest of the lap is empty; a record follows at the beginning, for both were handed over as
  // one.
  reading_ += capacity_ - (reading_ & mask_);
  return memory_.get();
}

void ByteRing::pop() {
  std::uint32_t size = 0;
  std::memcpy(&size, memory_.get() + (reading_ & mask_), sizeof size);
  // The lines of records that wait are in the producer's cache: ask for those some hundred
  // nanoseconds ahead, but never for one that the producer may be writing.
  if (written_copy_ - reading_ > kAhead + size) {
    for (std::size_t ahead = kAhead; ahead < kAhead + size; ahead += kCacheLine)
      __builtin_prefetch(memory_.get() + ((reading_ + ahead) & mask_), 0);
  }
  reading_ += size;
  read_.store(reading_, std::memory_order_release);
}

}  // namespace agdb
