#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// A bounded queue of events between one producing thread and one draining thread. Neither side ever
// waits; a full ring refuses and counts.
//
// The cursors count events since the beginning and never wrap in practice; slot = cursor & mask.
// Each side writes one cursor and keeps a copy of the other's, on cache lines of their own, so that
// the two threads touch a common line only when a copy runs out.
class EventRing {
 public:
  // `capacity` is rounded up to a power of two.
  explicit EventRing(std::size_t capacity);
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  // Producer: takes the event, or leaves it alone, counts it as refused and answers false.
  bool push(Event&& event) noexcept;
  // Drainer: the oldest event, or false.
  bool pop(Event& event) noexcept;

  // Any thread; a moment's value.
  std::size_t size() const;
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // How many events were ever pushed: what a flush waits for.
  std::uint64_t pushed() const { return write_.load(std::memory_order_acquire); }
  std::uint64_t popped() const { return read_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kCacheLine = 64;

  std::vector<Event> slots_;
  const std::uint64_t mask_;

  alignas(kCacheLine) std::atomic<std::uint64_t> write_{0};
  alignas(kCacheLine) std::uint64_t cached_read_ = 0;  // producer's
  std::atomic<std::uint64_t> refused_{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> read_{0};
  alignas(kCacheLine) std::uint64_t cached_write_ = 0;  // drainer's
};

}  // namespace agdb
