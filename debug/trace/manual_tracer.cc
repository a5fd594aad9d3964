#include "debug/trace/manual_tracer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace agdb {

ManualTracer::ManualTracer(const Clock& clock, const Limits& limits)
    : clock_(clock), limits_(limits) {}

Json ManualTracer::Record::to_json() const {
  const auto started = std::chrono::floor<std::chrono::milliseconds>(started_at);
  Json json = Json::object({{"id", id},
                            {"name", name},
                            {"started_at", started.time_since_epoch().count()},
                            {"duration_ms", static_cast<double>(duration.count()) / 1e6},
                            {"attributes", attributes},
                            {"result", result}});
  if (evicted) json.set("evicted", true);
  return json;
}

// REQUIRES: fewer are open than there are ids.
ManualTracer::Id ManualTracer::next_id() {
  do {
    if (++last_id_ == 0) ++last_id_;
  } while (order_of_.contains(last_id_));
  return last_id_;
}

ManualTracer::Id ManualTracer::start(std::string_view name, Json attributes) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds now = clock_.now();
  evict_old(now);
  if (!open_.empty() && open_.size() >= limits_.open) close(open_.begin(), now, true);
  const Id id = next_id();
  order_of_[id] = ++last_order_;
  Open& open = open_[last_order_];
  open.start = now;
  open.record.id = id;
  open.record.name = name;
  open.record.started_at = clock_.wall();
  open.record.attributes = std::move(attributes);
  return id;
}

Result<ManualTracer::Record> ManualTracer::end(Id id, Json result) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds now = clock_.now();
  evict_old(now);
  const auto order = order_of_.find(id);
  if (order == order_of_.end()) return fail(Code::kNotFound, fmt::format("span not found: {}", id));
  const auto open = open_.find(order->second);
  open->second.record.result = std::move(result);
  return close(open, now, false);
}

ManualTracer::Record ManualTracer::instant(std::string_view name, Json attributes) {
  const std::lock_guard lock(mutex_);
  evict_old(clock_.now());
  Record record;
  record.id = next_id();
  record.name = name;
  record.started_at = clock_.wall();
  record.attributes = std::move(attributes);
  keep(record);
  return record;
}

ManualTracer::Flushed ManualTracer::flush() {
  const std::lock_guard lock(mutex_);
  evict_old(clock_.now());
  Flushed flushed;
  flushed.records.assign(std::make_move_iterator(finished_.begin()),
                         std::make_move_iterator(finished_.end()));
  flushed.dropped = std::exchange(dropped_, 0);
  finished_.clear();
  return flushed;
}

ManualTracer::Record ManualTracer::close(std::map<std::uint64_t, Open>::iterator open,
                                         Nanoseconds now, bool evicted) {
  Record record = std::move(open->second.record);
  record.duration = now - open->second.start;
  record.evicted = evicted;
  order_of_.erase(record.id);
  open_.erase(open);
  keep(record);
  return record;
}

void ManualTracer::keep(const Record& record) {
  finished_.push_back(record);
  if (finished_.size() <= limits_.finished) return;
  finished_.pop_front();
  ++dropped_;
}

void ManualTracer::evict_old(Nanoseconds now) {
  while (!open_.empty() && now - open_.begin()->second.start > limits_.open_time)
    close(open_.begin(), now, true);
}

}  // namespace agdb
