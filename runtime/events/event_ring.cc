#include "runtime/events/event_ring.h"

#include <memory>
#include <new>
#include <utility>

namespace agdb {
namespace {

constexpr std::size_t kReadyHead = 2 * 8;
constexpr std::size_t kReadySize = kReadyHead + (sizeof(Event) + 7) / 8 * 8;
static_assert(alignof(Event) <= 8);

std::uint64_t word_of(const std::byte* record, std::size_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, record + index * 8, sizeof word);
  return word;
}

Nanoseconds span(std::uint64_t count, bool cpu_ticks, const TickRate& rate) {
  return cpu_ticks ? rate.span(count) : Nanoseconds(static_cast<std::int64_t>(count));
}

Event* event_in(std::byte* record) {
  return std::launder(reinterpret_cast<Event*>(record + kReadyHead));
}

}  // namespace

bool EventRing::push(Event&& event, const std::uint64_t* ticks) noexcept {
  std::byte* at = ring_.reserve(kReadySize);
  if (at == nullptr) {
    refuse();
    return false;
  }
  raw_event::Writer out(at);
  const std::uint8_t flags = ticks != nullptr ? kCpuTicks : 0;
  out.word(kReadySize | std::uint64_t{kReady} << 32 | std::uint64_t{flags} << 40);
  out.word(ticks != nullptr ? *ticks : 0);
  new (out.at()) Event(std::move(event));
  ring_.commit(kReadySize);
  return true;
}

bool EventRing::is_call(const std::byte* record) {
  return ((word_of(record, 0) >> 32) & 0xff) == kCall;
}

EventRing::Call EventRing::read_call(const std::byte* record, const TickRate& rate) {
  const std::uint64_t word = word_of(record, 0);
  const auto flags = static_cast<std::uint8_t>(word >> 40);
  const CallHead head{.size = static_cast<std::uint32_t>(word),
                      .cpu_ticks = (flags & kCpuTicks) != 0,
                      .has_result = (flags & kHasResult) != 0,
                      .has_error = (flags & kHasError) != 0,
                      .arguments = word >> 48,
                      .pid = static_cast<Pid>(word_of(record, 2)),
                      .n = word_of(record, 3),
                      .timestamp = word_of(record, 1),
                      .duration = word_of(record, 4)};
  Call call{head.pid, head.n, span(head.timestamp, head.cpu_ticks, rate),
            read_call_body(head, record + kCallHead)};
  call.syscall.duration = span(head.duration, head.cpu_ticks, rate);
  return call;
}

RawSyscall EventRing::read_call_body(const CallHead& head, const std::byte* at) {
  const RawValue name(at);
  RawSyscall call{.name = name.key(),
                  .args = RawFields(name.end(), head.arguments),
                  .result = RawValue(),
                  .err = {},
                  .duration = Nanoseconds(static_cast<std::int64_t>(head.duration))};
  if (!head.has_result && !head.has_error) return call;
  at = name.end();
  for (std::size_t left = head.arguments; left > 0; --left) at = RawValue(at).end();
  if (head.has_error) {
    call.err = RawValue(at).text();
  } else {
    call.result = RawValue(at);
  }
  return call;
}

const Event& EventRing::read_ready(std::byte* record, const TickRate& rate) {
  Event* event = event_in(record);
  const bool cpu_ticks = ((word_of(record, 0) >> 40) & kCpuTicks) != 0;
  if (!cpu_ticks) return *event;
  event->timestamp = rate.span(word_of(record, 1));
  if (auto* call = std::get_if<Syscall>(&event->payload))
    call->duration = rate.span(static_cast<std::uint64_t>(call->duration.count()));
  return *event;
}

void EventRing::drop(std::byte* record) {
  if (!is_call(record)) std::destroy_at(event_in(record));
  ring_.pop();
}

EventRing::~EventRing() {
  while (std::byte* record = ring_.front()) drop(record);
}

}  // namespace agdb
