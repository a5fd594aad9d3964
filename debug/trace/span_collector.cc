#include "debug/trace/span_collector.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/trace/span_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"

namespace agdb {
namespace {

// SplitMix64.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t mixed = state += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return mixed ^ mixed >> 31;
}

// W3C: 32 digits, never all zero.
std::string make_trace_id(std::uint64_t& state) {
  const std::uint64_t high = next_random(state);
  const std::uint64_t low = next_random(state);
  return fmt::format("{:016x}{:016x}", high, high == 0 && low == 0 ? 1 : low);
}

std::string text_of(SpanCollector::Id id) {
  return id == 0 ? std::string() : fmt::format("{:016x}", id);
}

void append_metadata(std::string& out, const Json& metadata) {
  if (!metadata.is_object() || metadata.empty()) return;
  std::string_view between = " (";
  for (const Json::Member& member : metadata.members()) {
    const auto text = member.value.to_string();
    out += between;
    append_printable(out, member.key, EscapeStyle::kPlain);
    out += '=';
    append_printable(out, text ? *text : dump(member.value), EscapeStyle::kPlain);
    between = ", ";
  }
  out += ')';
}

// The finished spans as an indented tree. Ids go up with starts, and a parent's is below its
// children's.
class SummaryPrinter {
 public:
  using Finished = SpanCollector::Finished;

  explicit SummaryPrinter(const std::deque<Finished>& finished) {
    for (const Finished& span : finished) spans_.push_back(&span);
    std::sort(spans_.begin(), spans_.end(),
              [](const Finished* a, const Finished* b) { return a->id < b->id; });
    children_.resize(spans_.size() + 1);
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (spans_[i]->parent == 0) total_ += spans_[i]->duration;
      children_[place_of(spans_[i]->parent)].push_back(i);
    }
  }

  std::string print() {
    std::string text =
        fmt::format("Trace: {} spans, {}ms total\n\n", spans_.size(), total_.count() / 1'000'000);
    open_children(spans_.size(), 0);
    while (!open_.empty()) {
      const Open at = open_.back();
      open_.pop_back();
      const Finished& span = *spans_[at.span];
      text.append(std::min(at.depth, kMaxDepth) * 2, ' ');
      text += kind_label(span.kind, span.name);
      text += ' ' + adaptive_duration(span.duration);
      if (span.more != nullptr) append_metadata(text, span.more->metadata);
      text += '\n';
      open_children(at.span, at.depth + 1);
    }
    return text;
  }

 private:
  static constexpr std::size_t kMaxDepth = 64;  // that is still indented

  struct Open {
    std::size_t span;
    std::size_t depth;
  };

  // Behind the last for a span that is not there: still open, taken, or none.
  std::size_t place_of(SpanCollector::Id id) const {
    const auto found =
        std::lower_bound(spans_.begin(), spans_.end(), id,
                         [](const Finished* span, SpanCollector::Id b) { return span->id < b; });
    const bool there = found != spans_.end() && (*found)->id == id;
    return there ? static_cast<std::size_t>(found - spans_.begin()) : spans_.size();
  }

  void open_children(std::size_t of, std::size_t depth) {
    for (auto child = children_[of].rbegin(); child != children_[of].rend(); ++child)
      open_.push_back({*child, depth});
  }

  std::vector<const Finished*> spans_;
  std::vector<std::vector<std::size_t>> children_;  // the last: those that stand on top
  Nanoseconds total_{0};
  std::vector<Open> open_;
};

}  // namespace

SpanCollector::SpanCollector(const Clock& clock, const Options& options)
    : clock_(clock), pid_(options.pid), random_state_(options.seed) {
  new_trace();
}

void SpanCollector::new_trace() {
  reset();
  last_id_ = 0;
  trace_id_ = make_trace_id(random_state_);
  epoch_wall_ = clock_.wall();
  epoch_ = clock_.now();
}

void SpanCollector::enable() {
  new_trace();
  enabled_ = true;
}

SpanCollector::UserTiming SpanCollector::start_user_timing(std::string_view name) {
  const Id parent = innermost();
  const Id id = begin(SpanKind::kUserTiming, name, parent, {});
  return {id, trace_id_, parent, epoch_wall_ + open_.back().start};
}

SpanCollector::Id SpanCollector::begin(SpanKind kind, std::string_view name, Id parent,
                                       std::vector<SpanLink> links) {
  Finished& span = open_.emplace_back();
  span.id = ++last_id_;
  span.parent = parent;
  span.kind = kind;
  span.name = name;
  if (!links.empty()) span.have_more().links = std::move(links);
  span.start = clock_.now() - epoch_;
  if (!sinks_.empty()) {
    const Span started = this->span(span);
    for (TraceSink* const sink : sinks_) sink->on_span_start(started);
  }
  return span.id;
}

SpanCollector::Finished* SpanCollector::find_open(Id id) {
  const auto found = std::find_if(open_.rbegin(), open_.rend(),
                                  [&](const Finished& span) { return span.id == id; });
  return found == open_.rend() ? nullptr : &*found;
}

const SpanCollector::Finished* SpanCollector::finish(Id id, SpanStatus status,
                                                     std::string_view error) {
  Finished* const span = find_open(id);
  if (span == nullptr) return nullptr;
  span->duration = clock_.now() - epoch_ - span->start;
  span->status = status;
  if (!error.empty()) span->have_more().error = error;
  const Finished& kept = finished_.emplace_back(std::move(*span));
  if (span == &open_.back()) {
    open_.pop_back();
  } else {
    open_.erase(open_.begin() + (span - open_.data()));
  }
  if (!sinks_.empty()) {
    const Span ended = this->span(kept);
    for (TraceSink* const sink : sinks_) sink->on_span(ended);
  }
  return &kept;
}

bool SpanCollector::set_metadata(Id id, std::string_view key, Json value) {
  Finished* const span = find_open(id);
  if (span == nullptr) return false;
  span->have_more().metadata.set(key, std::move(value));
  return true;
}

bool SpanCollector::attach_if_absent(Id id, std::string_view key, Json value) {
  if (id == 0) return false;
  Finished* span = find_open(id);
  if (span == nullptr) {
    const auto found = std::find_if(finished_.rbegin(), finished_.rend(),
                                    [&](const Finished& each) { return each.id == id; });
    if (found == finished_.rend()) return false;
    span = &*found;
  }
  Json& metadata = span->have_more().metadata;
  if (metadata.find(key) != nullptr) return false;
  metadata.set(key, std::move(value));
  return true;
}

bool SpanCollector::add_event(Id id, std::string_view name, Json attributes) {
  Finished* const span = find_open(id);
  if (span == nullptr) return false;
  std::vector<SpanEvent>& events = span->have_more().events;
  const Nanoseconds last = events.empty() ? Nanoseconds(0) : events.back().offset;
  const Nanoseconds offset = std::max(clock_.now() - epoch_ - span->start, last);
  events.push_back(
      {std::string(name), epoch_wall_ + span->start + offset, offset, std::move(attributes)});
  return true;
}

Span SpanCollector::span(const Finished& finished) const {
  Span span;
  span.trace_id = trace_id_;
  span.span_id = text_of(finished.id);
  span.parent_span_id = text_of(finished.parent);
  span.pid = pid_;
  span.kind = finished.kind;
  span.name = finished.name;
  span.start = epoch_wall_ + finished.start;
  span.duration = finished.duration;
  span.status = finished.status;
  if (finished.more == nullptr) return span;
  span.error = finished.more->error;
  span.attributes = finished.more->metadata;
  span.events = finished.more->events;
  span.links = finished.more->links;
  return span;
}

std::vector<Span> SpanCollector::peek() const {
  std::vector<Span> spans;
  spans.reserve(finished_.size());
  for (const Finished& each : finished_) spans.push_back(span(each));
  return spans;
}

std::vector<Span> SpanCollector::take() {
  std::vector<Span> spans = peek();
  finished_.clear();
  return spans;
}

void SpanCollector::reset() {
  open_.clear();
  finished_.clear();
}

std::string SpanCollector::summary() const {
  return finished_.empty() ? "No spans recorded." : SummaryPrinter(finished_).print();
}

void SpanCollector::subscribe(TraceSink& sink) {
  sinks_.push_back(&sink);
}

void SpanCollector::unsubscribe(TraceSink& sink) {
  std::erase(sinks_, &sink);
}

}  // namespace agdb
