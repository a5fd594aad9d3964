// System calls: tools, children, messages, the steps of an agent.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "debug/record/event_facts.h"
#include "debug/trace/span_attributes.h"
#include "debug/trace/span_deriver.h"
#include "debug/trace/span_id.h"

namespace agdb {
namespace {

constexpr std::string_view kModels = "/dev/llm/";
constexpr std::string_view kTools = "/dev/tool/";

// A call that takes less is not worth a span of its own.
constexpr Nanoseconds kWorthASpan{100'000};

// The tool that a path stands for; empty: none.
std::string_view tool_at(std::string_view path) {
  if (path.starts_with(kTools)) return path.substr(kTools.size());
  constexpr std::string_view kServers = "/dev/mcp/";
  if (path.starts_with(kServers)) return path.substr(kServers.size());
  for (const std::string_view device :
       {std::string_view("/dev/shell"), std::string_view("/dev/fs")}) {
    if (path == device || (path.starts_with(device) && path[device.size()] == '/'))
      return device.substr(std::string_view("/dev/").size());
  }
  return {};
}

// As the runtime names a tool's device.
std::string device_of(std::string_view tool) {
  std::string name(tool.empty() ? "_" : tool);
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return name;
}

// Behind these an agent goes on by itself.
bool goes_on(std::string_view action) {
  constexpr std::array<std::string_view, 5> kActions = {"tool_call", "plan", "spawn", "replan",
                                                        "specialize"};
  return std::ranges::find(kActions, action) != kActions.end();
}

// Version 1 tells of these in the middle of a step.
bool is_within_a_step(std::string_view action) {
  constexpr std::array<std::string_view, 4> kActions = {"native_tool_call", "fallback", "paused",
                                                        "resumed"};
  return std::ranges::find(kActions, action) != kActions.end();
}

}  // namespace

void SpanDeriver::take_call(const TraceEvent& event) {
  const std::string_view name = event.name;
  const bool of_the_model = name.starts_with("Driver");
  // No answer came of a request that was read to its end.
  if (model_call_ && model_call_->read_at && !of_the_model) end_model_call(nullptr, true);
  const bool built = std::exchange(prompt_was_built_, false);
  if (name == "Read" || name == "Write") {
    prompt_was_built_ = built;
    const bool taken = take_transfer(event);
    prompt_was_built_ = false;
    if (taken) return;
  } else if (name == "CtxRead" && event.op == "BuildPrompt") {
    request_is_due(event);
    prompt_was_built_ = true;
    return count_call();
  }
  if (name == "Open") return take_open(event);
  if (name == "Close") return take_close(event);
  count_call();
  if (name == "CtxWrite") {
    take_context_write(event);
  } else if (name == "ReasonStep") {
    take_reason_step(event);
  } else if (name == "Spawn") {
    take_spawn(event);
  } else if (name == "Wait") {
    take_wait(event);
  } else if (name == "Send") {
    take_send(event);
  } else if (name == "Recv") {
    take_recv(event);
  } else if (of_the_model && name != "DriverToolCall") {
    take_driver_event(event);
  } else if (name == "ConfigResolve") {
    provider_ = event.provider;
    if (process_.model.empty()) process_.model = event.model;
  } else if (name == "SetBudget") {
    process_.context_budget = event.budget.value_or(process_.context_budget);
  } else if (name == "Signal") {
    Json::Object attributes;
    put(attributes, "action", event.action);
    instant(event, std::string(event.signal.empty() ? "signal" : event.signal), "signal",
            Json(std::move(attributes)));
  } else {
    take_other(event, event.path);
  }
}

void SpanDeriver::take_open(const TraceEvent& event) {
  const std::string_view tool = tool_at(event.path);
  const bool failed = !event.err.empty() || !event.fd;
  if (failed) {
    count_call();
    if (tool.empty()) return take_other(event, event.path);
    Open call = open(SpanKind::kToolCall, std::string(tool), event, around());
    put(call.span.attributes.members(), "tool", tool);
    ToolUse unnamed;
    match_tool(unnamed, tool, std::nullopt, true);
    put(call.span.attributes.members(), "tool_call_id", unnamed.id);
    return emit(std::move(call), event);
  }
  if (descriptors_.size() >= kMaxDescriptors) end_open_things();
  Descriptor& descriptor = descriptors_[*event.fd];
  // Its Close was lost.
  if (descriptor.use == Descriptor::Use::kTool) end_tool(descriptor.tool, event.timestamp, false);
  descriptor = Descriptor();
  count_call();
  if (event.path.starts_with(kModels)) {
    descriptor.use = Descriptor::Use::kModel;
    descriptor.path = event.path.substr(kModels.size());
  } else if (tool.empty()) {
    descriptor.path = prefix_of_bytes(event.path, kMaxErrorBytes);
    take_other(event, event.path);
  } else {
    descriptor.use = Descriptor::Use::kTool;
    ToolUse& use = descriptor.tool;
    static_cast<Open&>(use) = open(SpanKind::kToolCall, std::string(tool), event, around());
    use.step_number = step_ ? step_->number : 0;
    use.end = add_up(event.timestamp, event.duration);
    use.span.syscall_count = 1;
    match_tool(use, tool, std::nullopt, false);
    begin(use);
  }
}

// Read and Write. False: it is about nothing that is known.
bool SpanDeriver::take_transfer(const TraceEvent& event) {
  const auto found = event.fd ? descriptors_.find(*event.fd) : descriptors_.end();
  const bool is_write = event.name == "Write";
  if (found == descriptors_.end()) {
    // The device was opened before the first event that is known.
    const bool asks = is_write && (prompt_was_built_ || !event.model.empty());
    if (!asks || !event.fd || descriptors_.size() >= kMaxDescriptors) {
      count_call();
      take_other(event, {});
      return true;
    }
    Descriptor& device = descriptors_[*event.fd];
    device.use = Descriptor::Use::kModel;
    device.path = provider_;
    return take_model_transfer(event, device);
  }
  Descriptor& descriptor = found->second;
  switch (descriptor.use) {
    case Descriptor::Use::kModel:
      return take_model_transfer(event, descriptor);
    case Descriptor::Use::kFile:
      count_call();
      take_other(event, descriptor.path);
      return true;
    case Descriptor::Use::kTool:
      break;
  }
  ToolUse& tool = descriptor.tool;
  ++whole_.span.syscall_count;
  if (step_ && step_->number == tool.step_number) ++step_->span.syscall_count;
  ++tool.span.syscall_count;
  tool.end = std::max(tool.end, add_up(event.timestamp, std::max(Nanoseconds(0), event.duration)));
  if (!event.err.empty()) set_error(tool.span, event.err);
  if (is_write) {
    tool.argument_bytes = add_up(tool.argument_bytes, event.size);
    match_tool(tool, tool.span.name, event.arguments_hash, false);
  } else {
    tool.result_bytes = add_up(tool.result_bytes, event.result_bytes);
  }
  return true;
}

void SpanDeriver::take_close(const TraceEvent& event) {
  const auto found = event.fd ? descriptors_.find(*event.fd) : descriptors_.end();
  if (found == descriptors_.end() || found->second.use != Descriptor::Use::kTool) {
    count_call();
    take_other(event, found == descriptors_.end() ? std::string_view() : found->second.path);
  } else {
    ToolUse& tool = found->second.tool;
    ++whole_.span.syscall_count;
    if (step_ && step_->number == tool.step_number) ++step_->span.syscall_count;
    ++tool.span.syscall_count;
    end_tool(tool, add_up(event.timestamp, std::max(Nanoseconds(0), event.duration)), true);
  }
  if (found != descriptors_.end()) descriptors_.erase(found);
}

void SpanDeriver::end_tool(ToolUse& tool, Nanoseconds at, bool complete) {
  match_tool(tool, tool.span.name, std::nullopt, true);
  tool.end = std::max(tool.end, at);
  Json::Object& attributes = tool.span.attributes.members();
  put(attributes, "tool", tool.span.name);
  put(attributes, "tool_call_id", tool.id);
  put(attributes, "argument_bytes", tool.argument_bytes);
  put(attributes, "result_bytes", tool.result_bytes);
  close(tool, complete);
}

void SpanDeriver::ask_for_tools(const TraceEvent& response) {
  asked_.clear();
  for (const TraceToolCall& call : response.tool_calls)
    asked_.push_back({std::string(call.id), device_of(call.name), call.arguments_hash, false});
}

// Which of the calls that the model asked for it is: the only one of its name, else the first with
// these arguments, else (when it must be known) the first at all.
void SpanDeriver::match_tool(ToolUse& tool, std::string_view device,
                             std::optional<std::uint64_t> arguments_hash, bool must) {
  if (!tool.id.empty()) return;
  AskedTool* first = nullptr;
  AskedTool* same = nullptr;
  std::size_t count = 0;
  for (AskedTool& asked : asked_) {
    if (asked.used || asked.device != device) continue;
    ++count;
    if (first == nullptr) first = &asked;
    if (same == nullptr && arguments_hash == asked.arguments_hash) same = &asked;
  }
  AskedTool* const chosen = same != nullptr ? same : (must || count == 1 ? first : nullptr);
  if (chosen == nullptr) return;
  chosen->used = true;
  tool.id = chosen->id;
}

void SpanDeriver::take_spawn(const TraceEvent& event) {
  // Like fork(2), it appears in both: this is the child's own.
  if (event.result_pid == raw(process_.pid)) return;
  Open call = open(SpanKind::kSpawn, std::string(event.intent), event, around());
  if (event.result_pid) {
    put(call.span.attributes.members(), "pid", *event.result_pid);
    if (!process_.run_id.empty())
      call.span.links.push_back({process_.trace_id, process_id(*event.result_pid), nullptr});
  }
  emit(std::move(call), event);
}

void SpanDeriver::take_wait(const TraceEvent& event) {
  Open call = open(SpanKind::kWait, fmt::format("wait for PID {}", event.pid), event, around());
  Json::Object& attributes = call.span.attributes.members();
  put(attributes, "pid", event.pid);
  put(attributes, "exit_code", event.exit_code);
  put(attributes, "exit_reason", event.exit_reason);
  if (!process_.run_id.empty())
    call.span.links.push_back({process_.trace_id, process_id(event.pid), nullptr});
  emit(std::move(call), event);
}

// A message is known by its sender and its number, which both sides are told; so the receiver can
// name the sender's span.
void SpanDeriver::take_send(const TraceEvent& event) {
  Open call =
      open(SpanKind::kChannelEmit, fmt::format("send to PID {}", event.pid), event, around());
  if (event.msg_seq > last_sent_) {
    last_sent_ = event.msg_seq;
    call.span.span_id = message_span_id(id_, event.msg_seq);
  }
  emit(std::move(call), event);
}

void SpanDeriver::take_recv(const TraceEvent& event) {
  Open call =
      open(SpanKind::kChannelMatch,
           event.pid == 0 ? std::string("receive") : fmt::format("receive from PID {}", event.pid),
           event, around());
  if (event.pid != 0 && event.msg_seq != 0 && !process_.run_id.empty())
    call.span.links.push_back(
        {process_.trace_id, message_span_id(process_id(event.pid), event.msg_seq), nullptr});
  emit(std::move(call), event);
}

void SpanDeriver::take_context_write(const TraceEvent& event) {
  if (event.role == "user") {
    users_message_ = event.timestamp;
    if (stopped_at_ && step_) end_step(*stopped_at_, true);
    if (stopped_at_ && event.timestamp > *stopped_at_) {
      Open wait = open(SpanKind::kWait, "wait for user", event, id_);
      wait.start = *stopped_at_;
      wait.span.start = wall(wait.start);
      begin(wait);
      close(wait, true);
    }
    stopped_at_.reset();
  }
  take_other(event, {});
}

SpanDeriver::Step& SpanDeriver::begin_step(const TraceEvent& event) {
  stopped_at_.reset();
  Step step;
  step.step = steps_ + 1;
  static_cast<Open&>(step) = open(SpanKind::kStep, fmt::format("step {}", step.step), event, id_);
  step_ = std::move(step);
  begin(*step_);
  return *step_;
}

void SpanDeriver::request_is_due(const TraceEvent& event) {
  if (model_call_ && model_call_->read_at) end_model_call(nullptr, true);
  if (step_ && step_->asked) end_step(event.timestamp, true);
  if (!step_) begin_step(event);
}

void SpanDeriver::end_step(Nanoseconds at, bool complete) {
  if (model_call_) {
    model_call_->end = std::max(model_call_->end, at);
    end_model_call(nullptr, false);
  }
  step_->end = std::max(at, step_->start);
  Step& step = *step_;
  steps_ = step.step;
  step.span.name = fmt::format("step {}", step.step);
  close(step, complete);
  step_.reset();
}

void SpanDeriver::take_reason_step(const TraceEvent& event) {
  if (is_within_a_step(event.action)) return take_other(event, {});
  if (!step_) {
    begin_step(event);
    step_->span.syscall_count = 1;
  }
  Step& step = *step_;
  if (event.step != 0) step.step = event.step;
  Json::Object& attributes = step.span.attributes.members();
  put(attributes, "step", step.step);
  put(attributes, "action", event.action);
  put(attributes, "tool", event.tool);
  set_error(step.span, event.err);
  if (event.err.empty() && event.action == "error") set_error(step.span, "error");
  const bool stops = !goes_on(event.action);
  const Nanoseconds at = add_up(event.timestamp, std::max(Nanoseconds(0), event.duration));
  end_step(at, true);
  if (stops) stopped_at_ = at;
}

// An attempt that failed before the answer.
void SpanDeriver::take_driver_event(const TraceEvent& event) {
  if (event.name != "DriverEvent" || event.subtype != "retry" || !model_call_) return;
  model_call_->failed_attempts.emplace_back(prefix_of_bytes(event.description, kMaxErrorBytes));
}

void SpanDeriver::take_other(const TraceEvent& event, std::string_view path) {
  if (event.duration < kWorthASpan && event.err.empty()) return;
  Open call = open(SpanKind::kFnCall, std::string(event.name), event, innermost());
  put(call.span.attributes.members(), "path", path);
  emit(std::move(call), event);
}

}  // namespace agdb
