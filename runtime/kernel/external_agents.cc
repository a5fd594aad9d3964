#include "runtime/kernel/external_agents.h"

#include <algorithm>
#include <utility>

#include "runtime/kernel/kernel_impl.h"

namespace agdb {
namespace {

std::string number(Pid pid) {
  return std::to_string(raw(pid));
}

// When a thing of that length began.
Nanoseconds beginning(const Process& p, Nanoseconds duration, std::optional<Nanoseconds> told) {
  const Nanoseconds now = p.emitter.elapsed();
  if (told) return std::clamp(*told, Nanoseconds(0), now);
  return std::max(Nanoseconds(0), now - std::max(duration, Nanoseconds(0)));
}

// How many messages the context and the new whole have in common at their beginning.
std::uint64_t common_beginning(const Context& context, const std::vector<Message>& messages) {
  const auto& old = context.messages();
  std::uint64_t count = 0;
  while (count < old.size() && count < messages.size() && *old[count] == messages[count]) ++count;
  return count;
}

GateAnswer refusal(const Process& p) {
  return {false, p.exit.reason};
}

}  // namespace

ExternalAgents::ExternalAgents(Kernel& kernel) : k_(kernel.impl_.get()) {}

Result<Process*> ExternalAgents::living(Pid pid) const {
  Process* p = k_->find(pid);
  if (p == nullptr) return std::unexpected(k_->unknown(pid));
  if (!p->external)
    return fail(Code::kInvalid, "process " + number(pid) + " lives here and reports by itself");
  if (!p->alive() || p->finishing)
    return fail(Code::kInvalid, "process " + number(pid) + " has ended: " + p->exit.reason);
  return p;
}

Result<Pid> ExternalAgents::adopt(AdoptRequest request) {
  Process* parent = nullptr;
  if (request.parent != kRuntimePid) {
    parent = k_->find(request.parent);
    if (parent == nullptr || !parent->alive())
      return fail(Code::kNotFound, "no living parent with pid " + number(request.parent));
  }
  AGDB_TRY(Process * p, k_->enter(parent));
  p->external = std::make_unique<ExternalLife>();
  p->intent = std::move(request.intent);
  p->model = std::move(request.model);
  p->budget = request.budget;
  p->max_steps = request.max_steps;
  p->policy = request.policy;
  if (!request.trace_id.empty()) {
    p->trace_id = std::move(request.trace_id);
    p->outer_span_id = std::move(request.outer_span_id);
  }
  k_->announce(*p, std::nullopt);
  k_->change_state(*p, ProcessState::kRunning, "");
  const Field fields[] = {{"intent", p->intent}};
  p->emitter.syscall("Spawn", p->emitter.begin(), fields, raw(p->pid));
  if (parent != nullptr) {
    const Field in_parent[] = {{"agent", ""}, {"intent", p->intent}};
    parent->emitter.syscall("Spawn", parent->emitter.begin(), in_parent, raw(p->pid));
  }
  return p->pid;
}

Status ExternalAgents::call(Pid pid, Syscall call, std::optional<Nanoseconds> began) {
  AGDB_TRY(Process * p, living(pid));
  const Nanoseconds at = beginning(*p, call.duration, began);
  p->emitter.relay(at, std::move(call));
  return {};
}

Status ExternalAgents::begin(Pid pid, std::uint64_t id, std::string name, Json args,
                             std::optional<Nanoseconds> began) {
  AGDB_TRY(Process * p, living(pid));
  auto& open = p->external->open_calls;
  if (open.size() >= kMaxOpenCalls)
    return fail(Code::kExhausted, "process " + number(pid) + " has begun " +
                                      std::to_string(open.size()) + " calls and ended none");
  const Nanoseconds at = beginning(*p, Nanoseconds(0), began);
  ExternalLife::OpenCall call{std::move(name), std::move(args), at};
  const bool is_new = open.try_emplace(id, std::move(call)).second;
  if (!is_new) return fail(Code::kInvalid, "call " + std::to_string(id) + " is under way already");
  return {};
}

Status ExternalAgents::end(Pid pid, std::uint64_t id, Json result, std::string error,
                           std::optional<Nanoseconds> ended) {
  AGDB_TRY(Process * p, living(pid));
  const auto found = p->external->open_calls.find(id);
  if (found == p->external->open_calls.end())
    return fail(Code::kInvalid, "call " + std::to_string(id) + " was not begun");
  ExternalLife::OpenCall open = std::move(found->second);
  p->external->open_calls.erase(found);
  const Nanoseconds end = std::max(open.began, beginning(*p, Nanoseconds(0), ended));
  p->emitter.relay(open.began, Syscall{.name = std::move(open.name),
                                       .args = std::move(open.args),
                                       .result = std::move(result),
                                       .err = std::move(error),
                                       .duration = end - open.began});
  return {};
}

// The time of a tool is the time of its Read, as with a tool here.
Status ExternalAgents::tool(Pid pid, ToolReport report, std::optional<Nanoseconds> began) {
  AGDB_TRY(Process * p, living(pid));
  constexpr int kFd = 4;  // 3 would be the model's
  const Nanoseconds at = beginning(*p, report.duration, began);
  const auto emit = [&](std::string name, Json args, Json result, Nanoseconds duration,
                        std::string err) {
    p->emitter.relay(at, Syscall{.name = std::move(name),
                                 .args = std::move(args),
                                 .result = std::move(result),
                                 .err = std::move(err),
                                 .duration = duration});
  };
  if (!report.error.empty()) p->tool_failed = true;
  const std::string path = "/dev/tool/" + device_name(report.name);
  std::string data = report.args.is_null() ? "{}" : dump(report.args);
  const std::uint64_t size = data.size();
  const std::uint64_t bytes = report.result.size();
  emit("Open", Json::object({{"flags", 2}, {"path", path}}), "FD(4)", Nanoseconds(0), "");
  emit("Write", Json::object({{"data", std::move(data)}, {"fd", kFd}, {"size", size}}), size,
       Nanoseconds(0), "");
  Json result;
  if (report.error.empty())
    result = Json::object({{"bytes", bytes}, {"data", std::move(report.result)}});
  emit("Read", Json::object({{"fd", kFd}, {"length", 65536}}), std::move(result), report.duration,
       std::move(report.error));
  emit("Close", Json::object({{"fd", kFd}}), nullptr, Nanoseconds(0), "");
  return {};
}

Status ExternalAgents::response(Pid pid, LlmResponse response, Nanoseconds duration,
                                std::optional<Nanoseconds> began) {
  AGDB_TRY(Process * p, living(pid));
  ++p->steps;
  if (!response.model.empty()) p->model = response.model;
  if (response.time_to_last_token == Nanoseconds(0)) response.time_to_last_token = duration;
  p->emitter.relay(beginning(*p, duration, began), response);
  k_->account(*p, response);
  if (p->max_steps != 0 && p->steps >= p->max_steps)
    k_->finish_later(*p, {3, exit_reason::kMaxSteps});
  return {};
}

Status ExternalAgents::context(Pid pid, ContextReport report) {
  AGDB_TRY(Process * p, living(pid));
  auto& contexts = p->external->contexts;
  auto found = contexts.find(report.ctx);
  const bool is_new = found == contexts.end();
  if (is_new) {
    if (contexts.size() >= kMaxContexts)
      return fail(Code::kExhausted, "process " + number(pid) + " has " +
                                        std::to_string(contexts.size()) + " contexts");
    found = contexts.try_emplace(report.ctx, CtxId{k_->next_ctx++}).first;
  }
  Context& context = found->second;
  const std::uint64_t size = context.messages().size();
  if (report.keep && *report.keep > size) {
    if (is_new) contexts.erase(found);
    return fail(Code::kInvalid, "keep is " + std::to_string(*report.keep) +
                                    ", but the context has " + std::to_string(size) + " messages");
  }
  if (is_new || (report.system_prompt && *report.system_prompt != context.system_prompt()))
    p->emitter.context(context.set_system_prompt(std::move(report.system_prompt).value_or("")));
  if (!report.messages) return {};
  std::vector<Message> messages = std::move(*report.messages);
  std::uint64_t keep = report.keep.value_or(0);
  if (!report.keep) {
    keep = common_beginning(context, messages);
    messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(keep));
    if (keep == size && messages.empty()) return {};
  }
  p->emitter.context(context.replace_from(keep, std::move(messages)));
  return {};
}

Status ExternalAgents::gate(Pid pid, bool wait, std::function<void(const GateAnswer&)> answer) {
  Process* p = k_->find(pid);
  if (p == nullptr && !k_->has_forgotten(pid)) return std::unexpected(k_->unknown(pid));
  if (p != nullptr && !p->external)
    return fail(Code::kInvalid, "process " + number(pid) + " lives here and has no gate");
  if (p == nullptr) {
    answer({false, "ended"});
  } else if (!p->alive() || p->finishing) {
    answer(refusal(*p));
  } else if (p->terminating) {
    answer({false, exit_reason::kTerminated});
  } else if (p->state.state() != ProcessState::kSuspended) {
    answer({});
  } else if (wait) {
    p->external->at_gate.push_back(std::move(answer));
  } else {
    answer({false, "suspended"});
  }
  return {};
}

Status ExternalAgents::close(Pid pid, ExitStatus status) {
  AGDB_TRY(Process * p, living(pid));
  if (p->terminating && status.code == 0) status = {143, exit_reason::kTerminated};
  k_->finish(*p, std::move(status));
  return {};
}

}  // namespace agdb
