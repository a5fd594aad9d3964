#include "runtime/events/bus.h"

#include <algorithm>
#include <utility>

#include "runtime/events/event_ring.h"

namespace agdb {
namespace {

// Events taken from one ring before the next one has its turn, so that no producer starves another.
constexpr int kBatch = 256;

}  // namespace

void Subscriber::on_view(const EventView& view) {
  on_event(view.event());
}

EventBus::Producer::Producer(const std::atomic<bool>* active, std::shared_ptr<EventRing> ring)
    : active_(active), ring_(std::move(ring)) {}

bool EventBus::Producer::emit(Event&& event) noexcept {
  return enabled() && ring_->push(std::move(event));
}

std::uint64_t EventBus::Producer::refused() const {
  return ring_ ? ring_->refused() : 0;
}
std::size_t EventBus::Producer::backlog() const {
  return ring_ ? static_cast<std::size_t>(ring_->pushed() - ring_->popped()) : 0;
}

EventBus::EventBus(std::size_t ring_bytes) : ring_bytes_(ring_bytes) {
  dispatcher_ = std::thread([this] { run(); });
}

EventBus::~EventBus() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  dispatcher_.join();
}

EventBus::Producer EventBus::make_producer() {
  auto ring = std::make_shared<EventRing>(ring_bytes_);
  const std::lock_guard lock(mutex_);
  rings_.push_back(ring);
  return Producer(&active_, std::move(ring));
}

void EventBus::add(Subscriber& subscriber) {
  const std::lock_guard dispatching(dispatch_mutex_);
  subscribers_.push_back(&subscriber);
  active_.store(true, std::memory_order_relaxed);
}

void EventBus::remove(Subscriber& subscriber) {
  const std::lock_guard dispatching(dispatch_mutex_);
  std::erase(subscribers_, &subscriber);
  active_.store(!subscribers_.empty(), std::memory_order_relaxed);
}

void EventBus::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = ++flush_wanted_;
  wake_.notify_all();
  flushed_.wait(lock, [&] { return flush_done_ >= wanted; });
}

// One round over all rings. A flush is done once every ring has been drained as far as it stood
// when the flush was seen.
bool EventBus::drain_once() {
  std::vector<std::shared_ptr<EventRing>> rings;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(rings_, [](const auto& ring) { return ring.use_count() == 1 && ring->empty(); });
    rings = rings_;
  }
  bool any = false;
  const std::lock_guard dispatching(dispatch_mutex_);
  const auto dispatch = [&](const EventView& view) {
    for (Subscriber* subscriber : subscribers_) subscriber->on_view(view);
  };
  rate_.refine();
  for (const auto& ring : rings) {
    for (int i = 0; i < kBatch && ring->take(rate_, dispatch); ++i) any = true;
  }
  return any;
}

void EventBus::run() {
  std::vector<std::pair<std::shared_ptr<EventRing>, std::uint64_t>> awaited;
  std::uint64_t flushing = 0;
  for (;;) {
    const bool any = drain_once();
    {
      const std::lock_guard dispatching(dispatch_mutex_);
      for (Subscriber* subscriber : subscribers_) subscriber->on_idle();
    }
    std::unique_lock lock(mutex_);
    std::erase_if(awaited, [](const auto& wait) { return wait.first->popped() >= wait.second; });
    if (awaited.empty() && flushing > flush_done_) {
      flush_done_ = flushing;
      flushed_.notify_all();
    }
    if (awaited.empty() && flush_wanted_ > flush_done_) {
      flushing = flush_wanted_;
      for (const auto& ring : rings_) awaited.emplace_back(ring, ring->pushed());
      continue;
    }
    if (any || !awaited.empty()) continue;
    if (stopping_) return;
    wake_.wait_for(lock, kPoll, [&] { return stopping_ || flush_wanted_ > flush_done_; });
  }
}

LiveQueue::LiveQueue(std::size_t capacity) : capacity_(capacity) {}

void LiveQueue::on_event(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (events_.size() >= capacity_) {
      ++lost_;
      return;
    }
    events_.push_back(event);
  }
  ready_.notify_one();
}

std::optional<Event> LiveQueue::pop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  ready_.wait_for(lock, timeout, [&] { return closed_ || !events_.empty(); });
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void LiveQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  ready_.notify_all();
}

std::uint64_t LiveQueue::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace agdb
