#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/trace/span.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

// Spans by hand, nested, from one thread of execution:
//
//   SpanCollector spans(clock, {.seed = seed});
//   spans.enable();
//   const auto outer = spans.start(SpanKind::kPipeline, "build");
//   const auto inner = spans.start(SpanKind::kFnCall, "compile");  // within outer
//   spans.end(inner);
//   spans.end(outer);
//   write(spans.take());
//
// Not enabled, start gives id 0 at the price of a branch, and every call on id 0 does nothing. Each
// enabling begins anew: ids from 1, another trace id, another epoch. One thread at a time.
class SpanCollector {
 public:
  using Id = std::uint64_t;

  struct Options {
    Pid pid{};               // whose spans they are
    std::uint64_t seed = 0;  // of the trace ids: collectors of one seed make the same ones
  };

  // A finished span as it is kept: numbers, of which `span` makes texts.
  struct Finished {
    Id id = 0;
    Id parent = 0;  // 0: none
    SpanKind kind = SpanKind::kFnCall;
    SpanStatus status = SpanStatus::kOk;
    Nanoseconds start{0};  // since the collector's epoch
    Nanoseconds duration{0};
    std::string name;
    // What most spans have nothing of; nullptr then.
    struct More {
      std::string error;
      Json metadata;  // an object, or null
      std::vector<SpanEvent> events;
      std::vector<SpanLink> links;
    };
    std::unique_ptr<More> more;

    More& have_more() {
      if (more == nullptr) more = std::make_unique<More>();
      return *more;
    }
  };

  // The clock outlives it. Durations come from its monotonic time alone; its wall time is read
  // once, at the epoch.
  explicit SpanCollector(const Clock& clock) : SpanCollector(clock, Options()) {}
  SpanCollector(const Clock& clock, const Options& options);
  SpanCollector(const SpanCollector&) = delete;
  SpanCollector& operator=(const SpanCollector&) = delete;

  void enable();
  void disable() { enabled_ = false; }
  bool enabled() const { return enabled_; }
  const std::string& trace_id() const { return trace_id_; }

  // The parent is the innermost open span. Links are causes beside it, in any trace.
  Id start(SpanKind kind, std::string_view name) {
    if (!enabled_ && kind != SpanKind::kUserTiming) return 0;
    return begin(kind, name, innermost(), {});
  }
  Id start(SpanKind kind, std::string_view name, std::vector<SpanLink> links) {
    if (!enabled_ && kind != SpanKind::kUserTiming) return 0;
    return begin(kind, name, innermost(), std::move(links));
  }
  // Without a parent. What is started next is within it all the same.
  Id start_detached(SpanKind kind, std::string_view name, std::vector<SpanLink> links) {
    if (!enabled_ && kind != SpanKind::kUserTiming) return 0;
    return begin(kind, name, 0, std::move(links));
  }
  // How a script measures itself: recorded enabled or not.
  struct UserTiming {
    Id id = 0;
    std::string trace_id;
    Id parent = 0;
    WallTime start{};
  };
  UserTiming start_user_timing(std::string_view name);

  // The finished span, valid until the next call that is not const; nullptr when none of that id is
  // open. Spans may end in any order.
  const Finished* end(Id id, SpanStatus status = SpanStatus::kOk, std::string_view error = {}) {
    return id == 0 ? nullptr : finish(id, status, error);
  }
  // Sets a member of an open span's metadata; false when it is not open.
  bool set_metadata(Id id, std::string_view key, Json value);
  // The same, on open spans and, the newest first, on finished ones; never overwrites. False: there
  // is no such span, or it has that member.
  bool attach_if_absent(Id id, std::string_view key, Json value);
  // False: not attached, the span is not open.
  bool add_event(Id id, std::string_view name, Json attributes = {});

  // Finished spans in the order in which they ended: all of them, which are then forgotten; or a
  // copy.
  std::vector<Span> take();
  std::vector<Span> peek() const;
  std::size_t finished() const { return finished_.size(); }
  // Forgets all spans, open ones too.
  void reset();
  Span span(const Finished& finished) const;
  // "Trace: 3 spans, 120ms total" (those without a parent), then the finished ones as a tree.
  std::string summary() const;

  // Tells of each start and end from now on, with the ids that take() gives. The sink outlives its
  // subscription.
  void subscribe(TraceSink& sink);
  void unsubscribe(TraceSink& sink);

 private:
  Id innermost() const { return open_.empty() ? 0 : open_.back().id; }
  Id begin(SpanKind kind, std::string_view name, Id parent, std::vector<SpanLink> links);
  const Finished* finish(Id id, SpanStatus status, std::string_view error);
  Finished* find_open(Id id);
  void new_trace();

  const Clock& clock_;
  const Pid pid_;
  bool enabled_ = false;
  std::uint64_t random_state_;
  std::string trace_id_;
  WallTime epoch_wall_{};
  Nanoseconds epoch_{0};
  Id last_id_ = 0;
  std::vector<Finished> open_;  // the innermost last; durations not known yet
  std::deque<Finished> finished_;
  std::vector<TraceSink*> sinks_;
};

}  // namespace agdb
