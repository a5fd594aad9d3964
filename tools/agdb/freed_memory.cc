#include "tools/agdb/freed_memory.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace agdb {
namespace {

// Blocks from this size on are mapped alone, and go back when they are freed; and as much at the
// end of the first heap stays. Where they are not set, glibc raises both to up to 64 MiB.
constexpr int kMapped = 4 << 20;
constexpr int kKeptAtEnd = 1 << 20;

constexpr std::chrono::seconds kEach{5};
// Less is not worth the moment for which the heaps are locked.
constexpr std::size_t kLeast = std::size_t{4} << 20;

bool is_worth_it() {
  const struct mallinfo2 heaps = ::mallinfo2();
  return heaps.fordblks > std::max(kLeast, heaps.uordblks / 4);
}

}  // namespace

FreedMemory::FreedMemory() {
  ::mallopt(M_MMAP_THRESHOLD, kMapped);
  ::mallopt(M_TRIM_THRESHOLD, kKeptAtEnd);
  thread_ = std::jthread([this](const std::stop_token& stop) { give_back_at_times(stop); });
}

void FreedMemory::give_back_at_times(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, stop, kEach, [&] { return stop.stop_requested(); })) {
    if (is_worth_it()) ::malloc_trim(0);
  }
}

}  // namespace agdb
