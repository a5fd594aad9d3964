#include "runtime/events/emitter.h"

#include <string>
#include <utility>

namespace agdb {

Emitter::Emitter(EventBus::Producer& producer, const Clock& clock, Pid pid)
    : producer_(&producer),
      clock_(&clock),
      pid_(pid),
      created_(clock.now()),
      created_ticks_(clock.ticks()) {}

void Emitter::syscall(std::string_view name, Ticks began, Fields args, const Json& result) {
  if (result.is_null()) return emit_fields(name, began, args, returned());
  emit_fields(name, began, args, returned(result));
}

void Emitter::failed_syscall(std::string_view name, Ticks began, Fields args,
                             std::string_view err) {
  emit_fields(name, began, args, failed(err));
}

template <typename Outcome>
void Emitter::emit_fields(std::string_view name, Ticks began, Fields args, const Outcome& outcome) {
  ++n_;
  if (!producer_->enabled()) return;
  const Key key(name);
  std::size_t size = EventRing::kCallHead + raw_event::head_size(key) + outcome_size(outcome);
  for (const Field& field : args)
    size += raw_event::head_size(field.key) + raw_event::size(field.value);
  emit_call(head_of<Outcome>(size, args.size(), began), [&](std::byte* at) {
    raw_event::Writer out(at);
    out.head(RawTag::kNull, key);
    for (const Field& field : args) raw_event::write(out, field.key, field.value);
    write_outcome(out, outcome);
  });
}

// The same record in memory of its own, made a value there.
void Emitter::push_long(const EventRing::CallHead& head, const std::byte* encoded) noexcept {
  const std::uint64_t ticks = head.timestamp;
  Event event{head.pid, head.n, Nanoseconds(static_cast<std::int64_t>(ticks)),
              to_syscall(EventRing::read_call_body(head, encoded))};
  producer_->ring_->push(std::move(event), head.cpu_ticks ? &ticks : nullptr);
}

void Emitter::push(Ticks began, Event::Payload payload) noexcept {
  const Ticks start = began == kNotRead ? clock_->ticks() : began;
  const std::uint64_t since = agdb::raw(start) - agdb::raw(created_ticks_);
  Event event{pid_, n_, Nanoseconds(static_cast<std::int64_t>(since)), std::move(payload)};
  producer_->ring_->push(std::move(event), clock_->counts_cpu_ticks() ? &since : nullptr);
}

void Emitter::start(ProcessStart start) {
  if (!producer_->enabled()) return;
  producer_->ring_->push(Event{pid_, 0, elapsed(), std::move(start)});
}

void Emitter::context(ContextChange change) {
  ++n_;
  if (producer_->enabled()) push(kNotRead, std::move(change));
}

void Emitter::response(Ticks began, LlmResponse response) {
  ++n_;
  if (producer_->enabled()) push(began, std::move(response));
}

void Emitter::state(std::string_view from, std::string_view to, std::string_view reason) {
  ++n_;
  if (producer_->enabled())
    push(kNotRead, StateChange{std::string(from), std::string(to), std::string(reason)});
}

void Emitter::alert(Alert alert) {
  ++n_;
  if (producer_->enabled()) push(kNotRead, std::move(alert));
}

void Emitter::relay(Nanoseconds timestamp, Event::Payload payload) noexcept {
  ++n_;
  if (producer_->enabled()) producer_->ring_->push(Event{pid_, n_, timestamp, std::move(payload)});
}

void Emitter::end(std::string_view exit_reason) {
  if (!producer_->enabled()) return;
  producer_->ring_->push(Event{pid_, 0, elapsed(), ProcessEnd{std::string(exit_reason), n_}});
}

}  // namespace agdb
