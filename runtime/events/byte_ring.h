#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace agdb {

// A bounded queue of records of any size between one producing thread and one draining thread.
// Records are written and read in place; neither side ever waits, locks or allocates.
//
//   producer:  if (std::byte* at = ring.reserve(size)) { fill(at); ring.commit(size); }
//   drainer:   while (const std::byte* at = ring.front()) { use(at); ring.pop(); }
//
// A record begins with its size in bytes, as 32 bits, which the producer writes; sizes are
// multiples of 8, and so is every record's place. One that does not fit behind the last is put at
// the beginning; the rest of the lap then holds a size of 0.
//
// The cursors count bytes since the beginning and never wrap in practice; place = cursor & mask.
// Each side writes one cursor and keeps a copy of the other's, on cache lines of their own, so that
// the two threads touch a common line only when a copy runs out.
class ByteRing {
 public:
  // `bytes` is rounded up to a power of two, 64 KiB at least. The memory is touched at once, so
  // that no page fault falls into the first lap.
  explicit ByteRing(std::size_t bytes);
  ByteRing(const ByteRing&) = delete;
  ByteRing& operator=(const ByteRing&) = delete;

  // Records may have a quarter of the ring, so that one always fits into an empty ring.
  std::size_t max_record() const { return capacity_ / 4; }
  std::size_t capacity() const { return capacity_; }

  // Producer. The place of a record of that size, or nullptr when there is no room. REQUIRES: a
  // multiple of 8, at most max_record().
  std::byte* reserve(std::size_t size) {
    const std::size_t place = writing_ & mask_;
    const std::size_t rest = capacity_ - place;
    const std::size_t skipped = size <= rest ? 0 : rest;
    if (writing_ + skipped + size - read_copy_ > capacity_) {
      read_copy_ = read_.load(std::memory_order_acquire);
      if (writing_ + skipped + size - read_copy_ > capacity_) return nullptr;
    }
    if (skipped == 0) return memory_.get() + place;
    *reinterpret_cast<std::uint32_t*>(memory_.get() + place) = 0;
    writing_ += skipped;
    return memory_.get();
  }
  // Producer. Hands over the record that was reserved last.
  void commit(std::size_t size) {
    writing_ += size;
    written_.store(writing_, std::memory_order_release);
    // The drainer's core has had these lines since the last lap: ask for them before they are
    // written.
    for (std::size_t ahead = kAhead; ahead < kAhead + size; ahead += kCacheLine)
      __builtin_prefetch(memory_.get() + ((writing_ + ahead) & mask_), 1);
  }

  // Drainer. The oldest record, or nullptr; valid until pop().
  std::byte* front();
  // Drainer. Gives up the oldest record. REQUIRES: front() gave one.
  void pop();

  // Any thread; a moment's value. All bytes ever handed over, and ever given up (after use).
  std::uint64_t written() const { return written_.load(std::memory_order_acquire); }
  std::uint64_t popped() const { return read_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kCacheLine = 64;
  // How far ahead of the producer its cache lines are asked for: some hundred nanoseconds of
  // records.
  static constexpr std::size_t kAhead = 1024;

  struct Free {
    void operator()(std::byte* memory) const;
  };

  const std::size_t capacity_;
  const std::size_t mask_;
  const std::unique_ptr<std::byte, Free> memory_;

  alignas(kCacheLine) std::uint64_t writing_ = 0;  // producer's
  std::uint64_t read_copy_ = 0;                    // producer's
  alignas(kCacheLine) std::atomic<std::uint64_t> written_{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> read_{0};
  alignas(kCacheLine) std::uint64_t reading_ = 0;  // drainer's
  std::uint64_t written_copy_ = 0;                 // drainer's
};

}  // namespace agdb
