#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/events/byte_ring.h"
#include "runtime/events/event_view.h"
#include "runtime/events/ticks.h"

namespace agdb {

// A bounded queue of events between one producing thread and one draining thread. Neither side ever
// waits; a full ring refuses and counts.
//
//   word 0   size in bytes | kind << 32 | flags << 40 | arguments << 48
//   word 1   timestamp since the process's creation (Ticks or nanoseconds, as the flags say)
//   kCall    pid, n, duration; the name as a null's key; the arguments; result and error, if any
//   kReady   an Event
class EventRing {
 public:
  // `bytes`: see ByteRing.
  explicit EventRing(std::size_t bytes) : ring_(bytes) {}
  // Destroys what nobody took.
  ~EventRing();
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  // A call's record, as its producer fills it.
  struct CallHead {
    std::size_t size = 0;    // of the whole record in bytes: kCallHead and all that follows
    bool cpu_ticks = false;  // what the times are
    bool has_result = false;
    bool has_error = false;
    std::size_t arguments = 0;
    Pid pid{};
    std::uint64_t n = 0;
    std::uint64_t timestamp = 0;  // since the process's creation
    std::uint64_t duration = 0;
  };
  static constexpr std::size_t kCallHead = 5 * 8;
  // Longer calls travel as ready events, whose texts are elsewhere.
  static constexpr std::size_t kLongestCall = std::size_t{16} << 10;

  // Producer: room for a call of head.size bytes; writes its head and gives where the name goes.
  // nullptr: the ring is full, and the event is counted as refused. REQUIRES: at most kLongestCall.
  std::byte* begin_call(const CallHead& head) noexcept {
    std::byte* at = ring_.reserve(head.size);
    if (at == nullptr) {
      refuse();
      return nullptr;
    }
    raw_event::Writer out(at);
    out.word(head.size | std::uint64_t{kCall} << 32 |
             static_cast<std::uint64_t>((head.cpu_ticks ? kCpuTicks : 0) |
                                        (head.has_result ? kHasResult : 0) |
                                        (head.has_error ? kHasError : 0))
                 << 40 |
             std::uint64_t{head.arguments} << 48);
    out.word(head.timestamp);
    out.word(raw(head.pid));
    out.word(head.n);
    out.word(head.duration);
    return out.at();
  }
  // The call that stands encoded at `at`, where its name begins; its duration counts as in `head`.
  static RawSyscall read_call_body(const CallHead& head, const std::byte* at);
  // Hands over the call that was begun.
  void commit(const CallHead& head) noexcept { ring_.commit(head.size); }

  // Producer: takes the event, or leaves it alone, counts it as refused and answers false. With
  // `ticks` its timestamp is that many steps of the processor's counter, and so is the duration of
  // a call.
  bool push(Event&& event, const std::uint64_t* ticks = nullptr) noexcept;

  // Drainer: calls `use(const EventView&)` with the oldest event and gives it up; false when there
  // is none.
  template <typename Use>
  bool take(const TickRate& rate, const Use& use) {
    std::byte* record = ring_.front();
    if (record == nullptr) return false;
    if (is_call(record)) {
      const Call call = read_call(record, rate);
      use(EventView(call.pid, call.n, call.timestamp, call.syscall));
    } else {
      use(EventView(read_ready(record, rate)));
    }
    drop(record);
    return true;
  }

  // Any thread; a moment's value.
  bool empty() const { return ring_.written() == ring_.popped(); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // How many bytes were ever pushed, and given up after use: what a flush waits for.
  std::uint64_t pushed() const { return ring_.written(); }
  std::uint64_t popped() const { return ring_.popped(); }

 private:
  enum Kind : std::uint8_t { kCall = 1, kReady };
  enum Flag : std::uint8_t { kCpuTicks = 1, kHasResult = 2, kHasError = 4 };
  struct Call {
    Pid pid;
    std::uint64_t n;
    Nanoseconds timestamp;
    RawSyscall syscall;
  };

  static bool is_call(const std::byte* record);
  static Call read_call(const std::byte* record, const TickRate& rate);
  static const Event& read_ready(std::byte* record, const TickRate& rate);
  void drop(std::byte* record);
  void refuse() {  // the producer alone writes it
    refused_.store(refused_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  ByteRing ring_;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace agdb
