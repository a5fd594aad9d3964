#include "debug/strace/event_lines.h"

#include <utility>

namespace agdb {
namespace {

// Two runtimes' times may lie anywhere; what does not fit wraps, and is only shown.
Nanoseconds add(Nanoseconds a, Nanoseconds b) {
  return Nanoseconds(static_cast<std::int64_t>(static_cast<std::uint64_t>(a.count()) +
                                               static_cast<std::uint64_t>(b.count())));
}

Nanoseconds subtract(Nanoseconds a, Nanoseconds b) {
  return Nanoseconds(static_cast<std::int64_t>(static_cast<std::uint64_t>(a.count()) -
                                               static_cast<std::uint64_t>(b.count())));
}

}  // namespace

EventLines::EventLines(StraceOptions options) : options_(std::move(options)) {}

std::string EventLines::line(const Event& event, std::string_view path) {
  if (const auto* start = std::get_if<ProcessStart>(&event.payload))
    processes_[event.pid].wall_start = start->wall_start;
  const auto process = processes_.find(event.pid);
  Stamp stamp{event.pid, event.timestamp, event.n};
  if (process != processes_.end()) stamp.wall_start = process->second.wall_start;
  const Nanoseconds wall_start = stamp.wall_start.time_since_epoch();
  if (previous_) stamp.previous = subtract(*previous_, wall_start);

  std::string text = std::visit(
      [&](const auto& payload) {
        using Payload = std::decay_t<decltype(payload)>;
        if constexpr (std::is_same_v<Payload, ContextChange>) {
          return strace_line(view_of(payload, message_count(event.pid, payload.ctx_id)), stamp,
                             options_);
        } else if constexpr (std::is_same_v<Payload, Syscall>) {
          return strace_line(payload, stamp, options_, path);
        } else {
          return strace_line(payload, stamp, options_);
        }
      },
      event.payload);
  previous_ = add(wall_start, event.timestamp);
  remember(event);
  return text;
}

void EventLines::skip(const Event& event) {
  remember(event);
}

std::string EventLines::lost_line(std::uint64_t lost, const Stamp& stamp) const {
  return strace_line(Gap{lost, 0, "this view was too slow for them"}, stamp, options_);
}

std::optional<std::uint64_t> EventLines::message_count(Pid pid, CtxId ctx) const {
  const auto process = processes_.find(pid);
  if (process == processes_.end()) return std::nullopt;
  const auto count = process->second.message_counts.find(ctx);
  if (count == process->second.message_counts.end()) return std::nullopt;
  return count->second;
}

void EventLines::remember(const Event& event) {
  if (const auto* start = std::get_if<ProcessStart>(&event.payload)) {
    processes_[event.pid].wall_start = start->wall_start;
  } else if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    processes_[event.pid].message_counts[change->ctx_id] = change->keep + change->messages.size();
  } else if (std::holds_alternative<ProcessEnd>(event.payload)) {
    processes_.erase(event.pid);
  }
}

}  // namespace agdb
