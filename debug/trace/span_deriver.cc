#include "debug/trace/span_deriver.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "debug/record/event_facts.h"
#include "debug/trace/saturating.h"
#include "debug/trace/span_attributes.h"
#include "debug/trace/span_id.h"

namespace agdb {
namespace {

// What an agent that has failed or was ended did not set out to do. "log ended" tells of the log,
// not of the agent.
bool is_failure(std::string_view exit_reason) {
  constexpr std::array<std::string_view, 4> kGood = {"", "completed", "completed_with_tool_errors",
                                                     "log ended"};
  return std::ranges::find(kGood, exit_reason) == kGood.end();
}

}  // namespace

SpanDeriver::SpanDeriver(TracedProcess process, TraceSink& sink)
    : process_(std::move(process)),
      sink_(sink),
      id_(process_span_id(process_.trace_id, process_.run_id, process_.pid)) {
  Span& span = whole_.span;
  span.trace_id = process_.trace_id;
  span.span_id = id_;
  span.parent_span_id = process_.outer_span_id;
  if (span.parent_span_id.empty() && process_.parent != kRuntimePid)
    span.parent_span_id = process_id(raw(process_.parent));
  span.pid = process_.pid;
  span.kind = SpanKind::kProcess;
  span.name = process_.intent;
  span.start = process_.start;
  sink_.on_process(process_);
  begin(whole_);
}

void SpanDeriver::enter_recording(std::string record_id, const BeganLate* late) {
  if (begun_) end_open_things();
  process_.record_id = std::move(record_id);
  if (late == nullptr) return;
  const bool first = !begun_;
  if (first) {
    tokens_before_ = late->tokens_used;
    steps_ = static_cast<std::int64_t>(
        std::min<std::uint64_t>(late->steps, std::numeric_limits<std::int64_t>::max()));
    lost_ = late->lost_events;
    next_n_ = std::max(next_n_, late->n);
    whole_.span.start = wall(Nanoseconds(0));
  }
  TraceEvent here;
  here.timestamp = late->timestamp;
  Json::Object attributes;
  put(attributes, "first_n", late->n);
  put(attributes, "steps", late->steps);
  put(attributes, "tokens_used", late->tokens_used);
  put(attributes, "lost_events", late->lost_events);
  instant(here, first ? "recording began late" : "recording began again", "gap",
          Json(std::move(attributes)));
}

// Times come from outside, and what does not fit stays at the limit.
WallTime SpanDeriver::wall(Nanoseconds since_start) const {
  return WallTime(add_up(process_.start.time_since_epoch(), since_start));
}

std::string SpanDeriver::process_id(std::uint64_t pid) const {
  return process_span_id(process_.trace_id, process_.run_id, Pid{pid});
}

const std::string& SpanDeriver::around() const {
  return step_ ? step_->span.span_id : id_;
}

const std::string& SpanDeriver::innermost() const {
  return model_call_ ? model_call_->span.span_id : around();
}

// Live, an event's number in its recording is its own as long as none was lost.
std::uint64_t SpanDeriver::seq_of(const TraceEvent& event) const {
  if (event.seq != 0) return event.seq;
  return lost_ == 0 ? event.n : 0;
}

SpanDeriver::Open SpanDeriver::open(SpanKind kind, std::string name, const TraceEvent& event,
                                    const std::string& parent) const {
  Open open;
  open.number = event.number();
  open.start = event.timestamp;
  open.end = event.timestamp;
  Span& span = open.span;
  span.trace_id = process_.trace_id;
  span.span_id = span_id_in(id_, kind, open.number);
  span.parent_span_id = parent;
  span.pid = process_.pid;
  span.kind = kind;
  span.name = std::move(name);
  span.start = wall(open.start);
  Json::Object attributes;
  attributes.reserve(8);
  if (!process_.record_id.empty()) {
    put(attributes, "record_id", process_.record_id);
    put(attributes, "seq", seq_of(event));
  }
  span.attributes = std::move(attributes);
  return open;
}

void SpanDeriver::close(Open& open, bool complete) {
  Span& span = open.span;
  // Times from outside may lie at both ends of what 64 bits can hold.
  span.duration = std::max(Nanoseconds(0), saturating_difference(wall(open.end).time_since_epoch(),
                                                                 span.start.time_since_epoch()));
  if (!complete) span.attributes.members().push_back({"incomplete", true});
  if (span.attributes.empty()) span.attributes = nullptr;
  sink_.on_span(span);
}

void SpanDeriver::emit(Open open, const TraceEvent& event) {
  open.end = add_up(event.timestamp, event.duration);
  open.span.syscall_count = 1;
  set_error(open.span, event.err);
  begin(open);
  close(open, true);
}

void SpanDeriver::count_call() {
  ++whole_.span.syscall_count;
  if (step_) ++step_->span.syscall_count;
  if (model_call_) ++model_call_->span.syscall_count;
}

void SpanDeriver::instant(const TraceEvent& event, std::string name, std::string_view category,
                          Json attributes) {
  sink_.on_instant({.pid = process_.pid,
                    .name = std::move(name),
                    .category = std::string(category),
                    .time = wall(event.timestamp),
                    .attributes = attributes.empty() ? Json() : std::move(attributes)});
}

void SpanDeriver::counter(CounterPoint::Kind kind, Nanoseconds at, double value) {
  sink_.on_counter({.pid = process_.pid, .kind = kind, .time = wall(at), .value = value});
}

void SpanDeriver::take(const TraceEvent& event) {
  note_number(event);
  if (!begun_ && event.number() != 0) {
    begun_ = true;
    Json::Object attributes;
    if (!process_.record_id.empty()) {
      put(attributes, "record_id", process_.record_id);
      put(attributes, "seq", seq_of(event));
    }
    whole_.span.attributes = std::move(attributes);
  }
  const Nanoseconds duration = std::max(Nanoseconds(0), event.duration);
  whole_.end = std::max(whole_.end, add_up(event.timestamp, duration));
  if (users_message_ && event.type != TraceEvent::Type::kContext) tell_users_message(std::nullopt);
  switch (event.type) {
    case TraceEvent::Type::kCall:
      take_call(event);
      break;
    case TraceEvent::Type::kContext:
      take_context(event);
      break;
    case TraceEvent::Type::kResponse:
      take_response(event);
      break;
    case TraceEvent::Type::kState:
      take_state(event);
      break;
    case TraceEvent::Type::kAlert:
      take_alert(event);
      break;
    case TraceEvent::Type::kGap:
      take_gap(event);
      break;
    case TraceEvent::Type::kOther:
      break;
  }
}

// A hole in the process's own numbers is a loss, whether a gap event tells of it or not.
void SpanDeriver::note_number(const TraceEvent& event) {
  if (event.n == 0) return;
  if (event.n > next_n_) note_lost(event, event.n - next_n_, {});
  if (event.n < std::numeric_limits<std::uint64_t>::max()) next_n_ = std::max(next_n_, event.n + 1);
}

void SpanDeriver::note_lost(const TraceEvent& event, std::uint64_t lost, std::string_view reason) {
  lost_ = add_up(lost_, lost);
  Json::Object attributes;
  put(attributes, "lost_events", lost);
  put(attributes, "reason", reason);
  instant(event, fmt::format("{} events lost", lost), "gap", Json(std::move(attributes)));
}

void SpanDeriver::take_gap(const TraceEvent& event) {
  note_lost(event, event.lost, event.reason);
  if (event.first_lost != 0) next_n_ = std::max(next_n_, add_up(event.first_lost, event.lost));
}

void SpanDeriver::take_context(const TraceEvent& event) {
  if (users_message_) tell_users_message(event.newest_message_bytes);
  if (event.context_tokens == 0 && context_tokens_ == 0) return;
  context_tokens_ = event.context_tokens;
  counter(CounterPoint::Kind::kContextTokens, event.timestamp,
          static_cast<double>(context_tokens_));
}

void SpanDeriver::tell_users_message(std::optional<std::int64_t> bytes) {
  TraceEvent here;
  here.timestamp = *std::exchange(users_message_, std::nullopt);
  Json::Object attributes;
  put(attributes, "bytes", bytes.value_or(0));
  instant(here, "user message", "user", Json(std::move(attributes)));
}

void SpanDeriver::take_state(const TraceEvent& event) {
  if (suspension_) {
    suspension_->end = event.timestamp;
    suspension_id_ = suspension_->span.span_id;
    close(*suspension_, true);
    suspension_.reset();
  }
  if (event.to_state == "suspended") {
    suspension_ = open(SpanKind::kSuspension,
                       std::string(event.reason.empty() ? "suspended" : event.reason), event, id_);
    put(suspension_->span.attributes.members(), "reason", event.reason);
    begin(*suspension_);
  } else if (event.from_state == "suspended" && event.to_state == "running") {
    Open resumed = open(SpanKind::kResume, "resume", event, id_);
    if (!suspension_id_.empty())
      resumed.span.links.push_back({process_.trace_id, suspension_id_, nullptr});
    begin(resumed);
    close(resumed, true);
  }
  suspension_id_.clear();
  if (event.to_state == "zombie" || event.to_state == "dead") {
    ended_ = true;
    end_reason_ = event.reason;
  }
  Json::Object attributes;
  put(attributes, "from", event.from_state);
  put(attributes, "reason", event.reason);
  instant(event, std::string(event.to_state), "state", Json(std::move(attributes)));
}

void SpanDeriver::take_alert(const TraceEvent& event) {
  Json::Object attributes;
  put(attributes, "tokens_used", event.tokens_used);
  put(attributes, "context_budget", event.budget.value_or(0));
  if (event.remaining_pct != 0) attributes.push_back({"remaining_pct", event.remaining_pct});
  put(attributes, "step", event.step);
  instant(event, fmt::format("{} {}", event.alert_kind, event.alert_level), "alert",
          Json(std::move(attributes)));
}

// What lacks its end ends with the last that is known.
void SpanDeriver::end_open_things() {
  if (model_call_) {
    model_call_->end = std::max(model_call_->end, whole_.end);
    end_model_call(nullptr, false);
  }
  std::vector<std::int64_t> used;
  for (const auto& [fd, descriptor] : descriptors_)
    if (descriptor.use == Descriptor::Use::kTool) used.push_back(fd);
  std::ranges::sort(used, {}, [this](std::int64_t fd) { return descriptors_.at(fd).tool.number; });
  for (const std::int64_t fd : used) end_tool(descriptors_.at(fd).tool, whole_.end, false);
  descriptors_.clear();
  if (step_) end_step(whole_.end, false);
  if (suspension_) {
    suspension_->end = whole_.end;
    close(*suspension_, false);
    suspension_.reset();
  }
  asked_.clear();
  stopped_at_.reset();
  prompt_was_built_ = false;
}

void SpanDeriver::finish(const ProcessOutcome& outcome) {
  if (users_message_) tell_users_message(std::nullopt);
  TraceEvent last;
  last.timestamp = whole_.end;
  if (outcome.last_n >= next_n_) note_lost(last, outcome.last_n - next_n_ + 1, {});
  end_open_things();
  const std::string& reason = outcome.exit_reason.empty() ? end_reason_ : outcome.exit_reason;
  Span& span = whole_.span;
  if (is_failure(reason)) set_error(span, reason);
  if (!span.attributes.is_object()) span.attributes = Json::object();
  Json::Object& attributes = span.attributes.members();
  put(attributes, "intent", process_.intent);
  put(attributes, "exit_reason", reason);
  put(attributes, "run_id", process_.run_id);
  put(attributes, "model", process_.model);
  put(attributes, "budget", process_.context_budget);
  put(attributes, "steps", steps_);
  put(attributes, "lost_events", lost_);
  close(whole_, ended_ || outcome.ended);
}

}  // namespace agdb
