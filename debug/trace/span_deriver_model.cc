// Model calls, with their attempts and phases.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "debug/record/event_facts.h"
#include "debug/trace/span_attributes.h"
#include "debug/trace/span_deriver.h"
#include "debug/trace/span_id.h"

namespace agdb {
namespace {

// Which part of a model call a phase is, for its id.
constexpr std::uint32_t kSetup = 1;
constexpr std::uint32_t kFirstToken = 2;
constexpr std::uint32_t kSampling = 3;
constexpr std::uint32_t kAttempts = 4;

constexpr double kPerSecond = 1e9;

}  // namespace

SpanDeriver::ModelCall& SpanDeriver::begin_model_call(const TraceEvent& event) {
  request_is_due(event);
  step_->asked = true;
  ModelCall call;
  call.model = event.model.empty() ? process_.model : std::string(event.model);
  call.provider = provider_;
  call.context_tokens = context_tokens_;
  static_cast<Open&>(call) = open(SpanKind::kLlmCall, call.model, event, step_->span.span_id);
  model_call_ = std::move(call);
  begin(*model_call_);
  return *model_call_;
}

bool SpanDeriver::take_model_transfer(const TraceEvent& event, Descriptor& device) {
  const bool is_write = event.name == "Write";
  const bool answers = !is_write && model_call_ && model_call_->fd == *event.fd;
  if (!answers) {
    if (model_call_) end_model_call(nullptr, false);
    ModelCall& call = begin_model_call(event);
    call.fd = *event.fd;
    if (!device.path.empty()) call.provider = device.path;
  }
  count_call();
  ModelCall& call = *model_call_;
  call.end = std::max(call.end, add_up(event.timestamp, std::max(Nanoseconds(0), event.duration)));
  set_error(call.span, event.err);
  if (is_write) {
    call.request_bytes = event.size;
    if (!event.err.empty()) end_model_call(nullptr, true);
  } else {
    call.read_at = event.timestamp;
  }
  return true;
}

void SpanDeriver::take_response(const TraceEvent& event) {
  if (!model_call_) {
    // Agents that live elsewhere tell of the answer alone.
    begin_model_call(event);
    model_call_->end = add_up(event.timestamp, std::max(Nanoseconds(0), event.time_to_last_token));
    whole_.end = std::max(whole_.end, model_call_->end);
  } else if (!model_call_->read_at) {
    model_call_->end =
        std::max(model_call_->end,
                 add_up(event.timestamp, std::max(Nanoseconds(0), event.time_to_last_token)));
  }
  const std::int64_t tokens = add_up(event.request_tokens, event.response_tokens);
  whole_.span.tokens_used = add_up(whole_.span.tokens_used, tokens);
  step_->span.tokens_used = add_up(step_->span.tokens_used, tokens);
  model_call_->span.tokens_used = tokens;
  const Nanoseconds ended = model_call_->end;
  end_model_call(&event, true);
  ask_for_tools(event);
  if (process_.context_budget > 0) {
    const std::int64_t spent = add_up(tokens_before_, whole_.span.tokens_used);
    const double left = static_cast<double>(process_.context_budget) - static_cast<double>(spent);
    counter(CounterPoint::Kind::kBudgetLeft, ended, left);
  }
  const bool stops = event.tool_calls.empty() && event.err.empty();
  stopped_at_ = stops ? std::optional(ended) : std::nullopt;
}

void SpanDeriver::end_model_call(const TraceEvent* response, bool complete) {
  ModelCall call = *std::move(model_call_);
  model_call_.reset();
  Json::Object& attributes = call.span.attributes.members();
  if (response != nullptr) {
    if (!response->model.empty()) call.span.name = call.model = response->model;
    set_error(call.span, response->err);
  }
  put(attributes, "model", call.model);
  put(attributes, "provider", call.provider);
  if (response != nullptr) describe_answer(*response, attributes);
  put(attributes, "request_bytes", call.request_bytes);
  put(attributes, "context_tokens", call.context_tokens);
  if (response != nullptr) {
    put(attributes, "time_to_first_token", response->time_to_first_token);
    put(attributes, "time_to_last_token", response->time_to_last_token);
    put(attributes, "request_setup", response->request_setup);
    emit_phases(call, *response, call.read_at.value_or(response->timestamp));
  }
  close(call, complete);
}

void SpanDeriver::describe_answer(const TraceEvent& response, Json::Object& attributes) {
  put(attributes, "request_tokens", response.request_tokens);
  put(attributes, "response_tokens", response.response_tokens);
  put(attributes, "cache_read_tokens", response.cache_read_tokens);
  put(attributes, "cache_creation_tokens", response.cache_creation_tokens);
  put(attributes, "stop_reason", response.stop_reason);
  put(attributes, "attempts", static_cast<std::int64_t>(response.attempt_starts.size()));
  if (response.cost_usd) attributes.push_back({"cost_usd", *response.cost_usd});
}

// `began`: the call's start. Times to tokens and the set-up count from the start of the attempt
// that succeeded, and no phase reaches beyond the call.
void SpanDeriver::emit_phases(const ModelCall& call, const TraceEvent& response,
                              Nanoseconds began) {
  const auto within = [&](Nanoseconds time) {
    return std::clamp(time, std::min(began, call.end), call.end);
  };
  const std::vector<Nanoseconds>& starts = response.attempt_starts;
  const Nanoseconds last_start = starts.empty() ? began : within(starts.back());
  const Nanoseconds setup_end =
      within(add_up(last_start, std::max(Nanoseconds(0), response.request_setup)));
  const std::string& id = call.span.span_id;
  if (setup_end > began || starts.size() > 1) {
    const std::string setup_id = span_id_in(id_, SpanKind::kPhase, call.number, kSetup);
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      const std::string error =
          i < call.failed_attempts.size() ? call.failed_attempts[i] : std::string("failed");
      const Nanoseconds from = within(starts[i]);
      emit_phase(call, kAttempts + static_cast<std::uint32_t>(i),
                 fmt::format("Attempt {} (retry)", i + 1), from,
                 std::max(from, within(starts[i + 1])), setup_id, {}, error);
    }
    Json::Object attributes;
    put(attributes, "attempts", static_cast<std::int64_t>(starts.size()));
    emit_phase(call, kSetup, "Request Setup", began, setup_end, id, std::move(attributes), {});
  }
  const Nanoseconds first = response.time_to_first_token;
  if (first <= Nanoseconds(0)) return;
  const Nanoseconds first_end = within(add_up(setup_end, first));
  emit_phase(call, kFirstToken, "First Token", setup_end, first_end, id, {}, {});
  const Nanoseconds last = response.time_to_last_token;
  const Nanoseconds sampled = within(add_up(last_start, std::max(Nanoseconds(0), last)));
  if (sampled > first_end) emit_phase(call, kSampling, "Sampling", first_end, sampled, id, {}, {});
  const Nanoseconds sampling = last - std::min(first, last);
  if (sampling <= Nanoseconds(0) || response.response_tokens <= 0) return;
  const double seconds = static_cast<double>(sampling.count()) / kPerSecond;
  counter(CounterPoint::Kind::kTokensPerSecond, first_end,
          static_cast<double>(response.response_tokens) / seconds);
  counter(CounterPoint::Kind::kTokensPerSecond, call.end, 0);
}

void SpanDeriver::emit_phase(const ModelCall& call, std::uint32_t part, std::string name,
                             Nanoseconds start, Nanoseconds end, const std::string& parent,
                             Json::Object attributes, const std::string& error) {
  Open phase;
  phase.start = start;
  phase.end = end;
  Span& span = phase.span;
  span.trace_id = process_.trace_id;
  span.span_id = span_id_in(id_, SpanKind::kPhase, call.number, part);
  span.parent_span_id = parent;
  span.pid = process_.pid;
  span.kind = SpanKind::kPhase;
  span.name = std::move(name);
  span.start = wall(start);
  span.attributes = std::move(attributes);
  set_error(span, error);
  begin(phase);
  close(phase, true);
}

}  // namespace agdb
