#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

#include "runtime/events/bus.h"
#include "runtime/events/event.h"

namespace agdb {

struct Field;

// The value of one named argument, borrowed for the call: text, numbers, a nested object, or a
// ready value. Producers never build JSON; what becomes of the fields is the emitter's business.
using FieldValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view,
                                std::span<const Field>, const Json*>;

struct Field {
  std::string_view key;
  FieldValue value;

  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, int v) : key(k), value(std::int64_t{v}) {}
  Field(std::string_view k, std::int64_t v) : key(k), value(v) {}
  Field(std::string_view k, std::uint64_t v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, std::span<const Field> v) : key(k), value(v) {}
  Field(std::string_view k, const Json& v) : key(k), value(&v) {}
};

using Fields = std::span<const Field>;

// Emits the events of one process: numbers them and stamps them with the process's time. One per
// process, used from the thread of its producer. When nobody listens a call costs a load and a
// branch (events are numbered all the same, so that a late listener sees true numbers).
class Emitter {
 public:
  // `producer` and `clock` outlive the emitter; `created` is the clock's time at the process's
  // birth.
  Emitter(EventBus::Producer& producer, const Clock& clock, Pid pid, Nanoseconds created);

  // The time since the process was created.
  Nanoseconds elapsed() const { return clock_->now() - created_; }
  // The number of the newest event.
  std::uint64_t last_n() const { return n_; }

  void start(ProcessStart start);
  // A call that began at `began` (as elapsed() told it) and returns now.
  void syscall(std::string_view name, Nanoseconds began, Fields args, Json result);
  void failed_syscall(std::string_view name, Nanoseconds began, Fields args, std::string_view err);
  void context(ContextChange change);
  void response(Nanoseconds began, LlmResponse response);
  void state(std::string_view from, std::string_view to, std::string_view reason);
  void alert(Alert alert);
  void end(std::string_view exit_reason);

 private:
  void emit(Nanoseconds timestamp, Event::Payload payload);

  EventBus::Producer* producer_;
  const Clock* clock_;
  Pid pid_;
  Nanoseconds created_;
  std::uint64_t n_ = 0;
};

// The fields as a JSON object; null when there are none.
Json to_json(Fields fields);

}  // namespace agdb
