#pragma once

#include <cstdint>
#include <optional>

#include "runtime/events/event.h"
#include "runtime/events/raw_event.h"

namespace agdb {

// An event as a subscriber gets it: where it stands in its ring, so that whoever writes it on needs
// no copy, or as a value for whoever keeps it. Valid during Subscriber::on_view; one thread.
class EventView {
 public:
  // A call in place.
  EventView(Pid pid, std::uint64_t n, Nanoseconds timestamp, const RawSyscall& call)
      : pid_(pid), n_(n), timestamp_(timestamp), call_(call) {}
  // A ready event, borrowed.
  explicit EventView(const Event& event)
      : pid_(event.pid), n_(event.n), timestamp_(event.timestamp), event_(&event) {}
  EventView(const EventView&) = delete;
  EventView& operator=(const EventView&) = delete;

  Pid pid() const { return pid_; }
  std::uint64_t n() const { return n_; }
  Nanoseconds timestamp() const { return timestamp_; }

  // The call as it stands in the ring; nullptr when the event is another one, or came ready-made.
  const RawSyscall* raw_syscall() const { return call_ ? &*call_ : nullptr; }
  // The event as a value: made at the first asking, the same for all who ask.
  const Event& event() const;

 private:
  Pid pid_;
  std::uint64_t n_;
  Nanoseconds timestamp_;
  std::optional<RawSyscall> call_;
  mutable const Event* event_ = nullptr;
  mutable std::optional<Event> made_;
};

}  // namespace agdb
