#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/events/event.h"
#include "runtime/events/ticks.h"

namespace agdb {

class EventRing;  // runtime/events/event_ring.h
class EventView;  // runtime/events/event_view.h
class Emitter;    // runtime/events/emitter.h

// Receives events on the bus's dispatcher thread. Keep it short: what is slow belongs behind a
// queue of its own (LiveQueue).
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // The events of one process come in order. `event` is valid during the call.
  virtual void on_event(const Event& event) = 0;
  // As the bus calls it. Whoever can use a call as it stands in its ring replaces this; the event
  // as a value costs the dispatcher some allocations.
  virtual void on_view(const EventView& view);
  // Called after each batch and, while nothing happens, about every EventBus::kPoll: the place to
  // hand buffers to the system.
  virtual void on_idle() {}
};

// Carries events from the threads that make them to whoever subscribed.
//
//   producer thread ──emit──► its own ring ──► the dispatcher thread ──► every Subscriber
//
// emit never blocks, locks, throws or wakes anybody; a full ring refuses the event and counts it.
// The dispatcher polls the rings, so an event reaches subscribers about kPoll after it was emitted
// at the latest when they keep up.
//
// Allowed: two subscribers see every event, each in order. Impossible: a slow LiveQueue reader
// making a producer wait, or another subscriber lose events.
class EventBus {
 public:
  // How long the dispatcher sleeps when all rings are empty: well within the 5 ms after which a
  // recorder must have handed an event to the system, at well under 1 % of a core.
  static constexpr std::chrono::milliseconds kPoll{2};
  // What one producing thread may be ahead of the dispatcher, in bytes. A virtual processor may
  // stand still for 25 ms; 400,000 events of 350 bytes a second are 4 MB then, with their heads. A
  // ring belongs to a thread, so ten thousand processes of one runtime share one.
  static constexpr std::size_t kRingBytes = std::size_t{8} << 20;

  // One thread's way in. Move-only; use it from one thread at a time. The bus outlives it.
  class Producer {
   public:
    Producer() = default;
    // Whether anybody listens: a load. Ask before building an event.
    bool enabled() const { return active_ != nullptr && active_->load(std::memory_order_relaxed); }
    // False: nobody listens, or the ring was full and the event is lost (and counted in refused()).
    bool emit(Event&& event) noexcept;
    // Events that a full ring refused so far.
    std::uint64_t refused() const;
    // Bytes waiting in the ring.
    std::size_t backlog() const;

   private:
    friend class EventBus;
    friend class Emitter;
    Producer(const std::atomic<bool>* active, std::shared_ptr<EventRing> ring);
    const std::atomic<bool>* active_ = nullptr;  // the bus's
    std::shared_ptr<EventRing> ring_;
  };

  explicit EventBus(std::size_t ring_bytes = kRingBytes);
  // Dispatches what is still in the rings, then ends the dispatcher. All subscribers are gone
  // before.
  ~EventBus();
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  // Any thread. A ring lives until its producer is gone and it is empty.
  Producer make_producer();

  // Any thread but the dispatcher's. The subscriber is borrowed: after remove returns, no call into
  // it is under way or follows.
  void add(Subscriber& subscriber);
  void remove(Subscriber& subscriber);

  // Returns once every event emitted before the call is with all subscribers and they have been
  // told on_idle. Any thread but the dispatcher's.
  void flush();

 private:
  void run();
  bool drain_once();

  const std::size_t ring_bytes_;
  std::atomic<bool> active_{false};
  std::mutex mutex_;  // rings_, subscribers_, flush counters
  std::condition_variable flushed_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<EventRing>> rings_;
  std::vector<Subscriber*> subscribers_;
  std::uint64_t flush_wanted_ = 0;
  std::uint64_t flush_done_ = 0;
  bool stopping_ = false;
  // Held while subscribers are called; add and remove take it, so that they meet no call under way.
  std::mutex dispatch_mutex_;
  TickRate rate_;  // the dispatcher's
  std::thread dispatcher_;
};

// A live view's own bounded queue: its reader may be slow, and then loses its own events only, the
// newest first to go (what is queued stays in order). Losses are counted.
class LiveQueue final : public Subscriber {
 public:
  explicit LiveQueue(std::size_t capacity = 4096);

  void on_event(const Event& event) override;

  // The next event; nothing after `timeout`, or when closed and empty. Any one thread.
  std::optional<Event> pop(std::chrono::milliseconds timeout);
  // Lets pop return at once when empty. Any thread.
  void close();
  // Events lost so far because the reader was behind. Any thread.
  std::uint64_t lost() const;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_;
  std::uint64_t lost_ = 0;
  bool closed_ = false;
};

}  // namespace agdb
