#include "runtime/events/emitter.h"

#include <string>
#include <utility>

namespace agdb {
namespace {

Json to_json(const FieldValue& value) {
  struct Visitor {
    Json operator()(std::span<const Field> fields) const { return agdb::to_json(fields); }
    Json operator()(const Json* ready) const { return *ready; }
    Json operator()(bool b) const { return b; }
    Json operator()(std::int64_t n) const { return n; }
    Json operator()(std::uint64_t n) const { return n; }
    Json operator()(double d) const { return d; }
    Json operator()(std::string_view text) const { return text; }
  };
  return std::visit(Visitor{}, value);
}

}  // namespace

Json to_json(Fields fields) {
  if (fields.empty()) return nullptr;
  Json::Object members;
  members.reserve(fields.size());
  for (const Field& field : fields)
    members.push_back({std::string(field.key), to_json(field.value)});
  return members;
}

Emitter::Emitter(EventBus::Producer& producer, const Clock& clock, Pid pid, Nanoseconds created)
    : producer_(&producer), clock_(&clock), pid_(pid), created_(created) {}

void Emitter::emit(Nanoseconds timestamp, Event::Payload payload) {
  ++n_;
  if (!producer_->enabled()) return;
  producer_->emit(Event{pid_, n_, timestamp, std::move(payload)});
}

void Emitter::start(ProcessStart start) {
  if (producer_->enabled()) producer_->emit(Event{pid_, 0, elapsed(), std::move(start)});
}

void Emitter::syscall(std::string_view name, Nanoseconds began, Fields args, Json result) {
  if (!producer_->enabled()) {
    ++n_;
    return;
  }
  emit(began, Syscall{.name = std::string(name),
                      .args = to_json(args),
                      .result = std::move(result),
                      .err = {},
                      .duration = elapsed() - began,
                      .span_id = {}});
}

void Emitter::failed_syscall(std::string_view name, Nanoseconds began, Fields args,
                             std::string_view err) {
  if (!producer_->enabled()) {
    ++n_;
    return;
  }
  emit(began, Syscall{.name = std::string(name),
                      .args = to_json(args),
                      .result = nullptr,
                      .err = std::string(err),
                      .duration = elapsed() - began,
                      .span_id = {}});
}

void Emitter::context(ContextChange change) {
  emit(elapsed(), std::move(change));
}
void Emitter::response(Nanoseconds began, LlmResponse response) {
  emit(began, std::move(response));
}

void Emitter::state(std::string_view from, std::string_view to, std::string_view reason) {
  emit(elapsed(), StateChange{std::string(from), std::string(to), std::string(reason)});
}

void Emitter::alert(Alert alert) {
  emit(elapsed(), std::move(alert));
}

void Emitter::end(std::string_view exit_reason) {
  if (producer_->enabled())
    producer_->emit(Event{pid_, 0, elapsed(), ProcessEnd{std::string(exit_reason), n_}});
}

}  // namespace agdb
