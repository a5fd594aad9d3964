#include "runtime/events/event_ring.h"

#include <bit>
#include <utility>

namespace agdb {

EventRing::EventRing(std::size_t capacity)
    : slots_(std::bit_ceil(capacity == 0 ? 1 : capacity)), mask_(slots_.size() - 1) {}

bool EventRing::push(Event&& event) noexcept {
  const std::uint64_t write = write_.load(std::memory_order_relaxed);
  if (write - cached_read_ == slots_.size()) {
    cached_read_ = read_.load(std::memory_order_acquire);
    if (write - cached_read_ == slots_.size()) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  }
  slots_[write & mask_] = std::move(event);
  write_.store(write + 1, std::memory_order_release);
  return true;
}

bool EventRing::pop(Event& event) noexcept {
  const std::uint64_t read = read_.load(std::memory_order_relaxed);
  if (read == cached_write_) {
    cached_write_ = write_.load(std::memory_order_acquire);
    if (read == cached_write_) return false;
  }
  event = std::exchange(slots_[read & mask_], Event{});
  read_.store(read + 1, std::memory_order_release);
  return true;
}

std::size_t EventRing::size() const {
  const std::uint64_t read = read_.load(std::memory_order_acquire);
  const std::uint64_t write = write_.load(std::memory_order_acquire);
  return static_cast<std::size_t>(write - read);
}

}  // namespace agdb
