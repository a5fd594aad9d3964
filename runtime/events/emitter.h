#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <type_traits>

#include "runtime/events/bus.h"
#include "runtime/events/clock.h"
#include "runtime/events/event.h"
#include "runtime/events/event_ring.h"
#include "runtime/events/raw_event.h"

namespace agdb {

// How a call ended: returned(17), returned(object(arg("bytes", 3))), returned(), failed("no such
// file").
struct NoResult {};
template <typename Value>
struct Returned {
  Value value;
};
struct Failed {
  std::string_view error;
};

inline NoResult returned() {
  return {};
}
template <typename T>
auto returned(const T& value) {
  const auto result = arg("", value);
  return Returned<std::remove_const_t<decltype(result.value)>>{result.value};
}
inline Failed failed(std::string_view error) {
  return {error};
}

// Emits the events of one process: numbers them and stamps them with the process's time. One per
// process, used from the thread of its producer.
//
//   const Ticks began = emitter.begin();
//   … the call …
//   emitter.call("Write", began, returned(size), arg("fd", fd), arg("data", text));
//
// A call costs about as much as reading the processor's counter and writing its bytes: it is
// encoded in the producer's ring, with names and keys as addresses, and becomes text on the other
// side. When nobody listens it costs a load and a branch (events are numbered all the same, so that
// a late listener sees true numbers).
class Emitter {
 public:
  // The process is born now. `producer` and `clock` outlive the emitter.
  Emitter(EventBus::Producer& producer, const Clock& clock, Pid pid);

  // The time since the process was created.
  Nanoseconds elapsed() const { return clock_->now() - created_; }
  // The moment at which a call begins. When nobody listens it is not read; the call then seems to
  // begin when it ends.
  Ticks begin() const { return producer_->enabled() ? clock_->ticks() : kNotRead; }
  // The number of the newest event.
  std::uint64_t last_n() const { return n_; }

  void start(ProcessStart start);
  // A call that began at `began` and ends now, as `outcome` says. Text and fields are borrowed for
  // the call.
  template <typename Outcome, typename... Values>
  void call(Key name, Ticks began, const Outcome& outcome, const Arg<Values>&... args) noexcept {
    ++n_;
    if (!producer_->enabled()) return;
    const std::size_t size =
        EventRing::kCallHead + raw_event::head_size(name) +
        (std::size_t{0} + ... + (raw_event::head_size(args.key) + raw_event::size(args.value))) +
        outcome_size(outcome);
    const auto fill = [&](std::byte* at) {
      raw_event::Writer out(at);
      out.head(RawTag::kNull, name);
      (raw_event::write(out, args.key, args.value), ...);
      write_outcome(out, outcome);
    };
    emit_call(head_of<Outcome>(size, sizeof...(Values), began), fill);
  }
  // The same where only the running program knows which arguments there are.
  void syscall(std::string_view name, Ticks began, Fields args, const Json& result);
  void failed_syscall(std::string_view name, Ticks began, Fields args, std::string_view err);
  void context(ContextChange change);
  void response(Ticks began, LlmResponse response);
  void state(std::string_view from, std::string_view to, std::string_view reason);
  void alert(Alert alert);
  void end(std::string_view exit_reason);
  // An event that happened elsewhere, at a time told by whoever saw it. REQUIRES: neither
  // ProcessStart nor ProcessEnd.
  void relay(Nanoseconds timestamp, Event::Payload payload) noexcept;

 private:
  static constexpr Ticks kNotRead{std::numeric_limits<std::uint64_t>::max()};

  static std::size_t outcome_size(NoResult) { return 0; }
  template <typename Value>
  static std::size_t outcome_size(const Returned<Value>& outcome) {
    return 8 + raw_event::size(outcome.value);
  }
  static std::size_t outcome_size(Failed outcome) { return 8 + raw_event::size(outcome.error); }
  static void write_outcome(raw_event::Writer&, NoResult) {}
  template <typename Value>
  static void write_outcome(raw_event::Writer& out, const Returned<Value>& outcome) {
    raw_event::write(out, "", outcome.value);
  }
  static void write_outcome(raw_event::Writer& out, Failed outcome) {
    raw_event::write(out, "", outcome.error);
  }

  template <typename Outcome>
  EventRing::CallHead head_of(std::size_t size, std::size_t arguments, Ticks began) const {
    const std::uint64_t now = agdb::raw(clock_->ticks());
    const std::uint64_t start = began == kNotRead ? now : agdb::raw(began);
    return {.size = size,
            .cpu_ticks = clock_->counts_cpu_ticks(),
            .has_result = !std::is_same_v<Outcome, NoResult> && !std::is_same_v<Outcome, Failed>,
            .has_error = std::is_same_v<Outcome, Failed>,
            .arguments = arguments,
            .pid = pid_,
            .n = n_,
            .timestamp = start - agdb::raw(created_ticks_),
            .duration = now - start};
  }

  template <typename Fill>
  void emit_call(const EventRing::CallHead& head, const Fill& fill) noexcept {
    if (head.size > EventRing::kLongestCall) [[unlikely]]
      return emit_long(head, fill);
    std::byte* at = producer_->ring_->begin_call(head);
    if (at == nullptr) return;
    fill(at);
    producer_->ring_->commit(head);
  }
  template <typename Fill>
  void emit_long(const EventRing::CallHead& head, const Fill& fill) noexcept {
    const std::unique_ptr<std::byte[]> memory(new std::byte[head.size]);
    fill(memory.get());
    push_long(head, memory.get());
  }
  template <typename Outcome>
  void emit_fields(std::string_view name, Ticks began, Fields args, const Outcome& outcome);
  void push_long(const EventRing::CallHead& head, const std::byte* encoded) noexcept;
  void push(Ticks began, Event::Payload payload) noexcept;

  EventBus::Producer* producer_;
  const Clock* clock_;
  Pid pid_;
  Nanoseconds created_;
  Ticks created_ticks_;
  std::uint64_t n_ = 0;
};

}  // namespace agdb
