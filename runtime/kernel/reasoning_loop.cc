#include "runtime/kernel/reasoning_loop.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/kernel/system_calls.h"

namespace agdb {
namespace {

// The turn whose answer the context's message at `at` is, and the calls of it that have no result
// yet.
struct OpenCalls {
  std::uint64_t turn = 0;
  std::vector<std::pair<std::size_t, ToolCall>> calls;  // index in the answer, call
};

// The calls of the last answer that the messages behind it do not answer: a context that was
// restored in the middle of a step goes on with them. A result belongs to the earliest open call of
// its id.
OpenCalls open_calls(const std::vector<MessagePtr>& messages) {
  OpenCalls open;
  std::size_t at = messages.size();
  while (at > 0 && messages[at - 1]->role == "tool") --at;
  if (at == 0 || messages[at - 1]->role != "assistant") return open;
  const Message& answer = *messages[at - 1];
  open.turn = answer.turn;
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i)
    open.calls.emplace_back(i, answer.tool_calls[i]);
  for (; at < messages.size(); ++at) {
    const auto found = std::find_if(open.calls.begin(), open.calls.end(), [&](const auto& call) {
      return call.second.id == messages[at]->tool_call_id;
    });
    if (found != open.calls.end()) open.calls.erase(found);
  }
  return open;
}

std::string spawn_intent(const ToolCall& call) {
  for (const char* key : {"intent", "description", "prompt"})
    if (const std::string_view text = call.arguments.text(key); !text.empty())
      return std::string(text);
  return {};
}

class Reasoning {
 public:
  Reasoning(Kernel::Impl& kernel, Process& process)
      : k_(kernel), p_(process), sys_(kernel, process) {}

  Task<void> live();

 private:
  Task<void> take_in_outside();
  Task<bool> step();
  Task<void> apply(ContextEdit edit, std::uint64_t turn);
  Task<void> do_calls(std::uint64_t turn, std::vector<std::pair<std::size_t, ToolCall>> calls);
  Task<void> do_call(std::uint64_t turn, std::size_t index, ToolCall call, std::size_t& running,
                     WaitPoint& done);
  Task<Result<std::string>> perform(std::uint64_t turn, std::size_t index, const ToolCall& call);
  Task<Result<std::string>> use_tool(std::uint64_t turn, std::size_t index, const ToolCall& call);
  Task<Result<std::string>> use_device(ScriptDevice device);
  Task<Result<std::string>> wait_for(Pid child, std::optional<std::string> text);
  Task<Result<std::string>> send(ScriptSend action);
  Task<Result<std::string>> receive(ScriptRecv action);
  Task<Result<std::string>> signal(ScriptSignal action);
  const ScriptAction* action_of(std::uint64_t turn, std::size_t index, const ToolCall& call) const;
  Result<Pid> target(const std::string& to) const;

  void step_event(Ticks began, std::string_view action, std::string_view tools, const Json& result);
  void failed_step(Ticks began, std::string_view err);
  bool stop(int code, const char* reason);

  Kernel::Impl& k_;
  Process& p_;
  SystemCalls sys_;
};

bool Reasoning::stop(int code, const char* reason) {
  k_.finish_later(p_, {code, reason});
  return false;
}

Task<void> Reasoning::live() {
  OpenCalls open = open_calls(p_.context->messages());
  if (!open.calls.empty()) co_await do_calls(open.turn, std::move(open.calls));
  bool going = true;
  while (going) {
    if (p_.steps >= p_.max_steps) {
      stop(3, exit_reason::kMaxSteps);
      break;
    }
    co_await take_in_outside();
    going = co_await step();
  }
}

// What the script says that comes from outside before the next turn, or behind the last one: the
// user's words, a compaction.
Task<void> Reasoning::take_in_outside() {
  const ScriptPlace place = place_in(*p_.agent, p_.context->messages());
  std::uint64_t behind = 0;
  for (const MessagePtr& message : p_.context->messages())
    if (message->turn != 0) behind = message->turn;
  const std::vector<ContextEdit>& edits =
      place.next_turn == 0 ? p_.agent->closing : p_.agent->turns[place.next_turn - 1].before;
  for (std::size_t i = place.edits_done; i < edits.size(); ++i) co_await apply(edits[i], behind);
}

Task<void> Reasoning::apply(ContextEdit edit, std::uint64_t turn) {
  co_await sys_.pass(edit.delay);
  for (Message& message : edit.messages) message.turn = turn;
  switch (edit.kind) {
    case ContextEdit::Kind::kAppend:
      for (Message& message : edit.messages) co_await sys_.append_message(std::move(message));
      break;
    case ContextEdit::Kind::kCompact:
      co_await sys_.compact(edit.keep, std::move(edit.messages));
      break;
    case ContextEdit::Kind::kSetPrompt:
      co_await sys_.set_system_prompt(std::move(edit.prompt));
      break;
  }
}

// One turn of the model. False: the process is ending.
Task<bool> Reasoning::step() {
  ++p_.steps;
  const Ticks began = p_.emitter.begin();
  Result<ModelAnswer> answer = co_await sys_.ask_model();
  if (!answer) {
    failed_step(began, answer.error().message);
    co_return answer.error().code == Code::kExhausted ? stop(4, exit_reason::kScriptExhausted)
                                                      : stop(5, exit_reason::kModelFailed);
  }
  LlmResponse& response = answer->response;
  const bool affordable = k_.account(p_, response);
  p_.last_answer = response.content;
  std::vector<std::pair<std::size_t, ToolCall>> calls;
  std::string tools;
  for (std::size_t i = 0; i < response.tool_calls.size(); ++i) {
    calls.emplace_back(i, response.tool_calls[i]);
    tools += (i == 0 ? "" : ",") + response.tool_calls[i].name;
  }
  Message message{.role = "assistant",
                  .content = response.content,
                  .tool_calls = std::move(response.tool_calls),
                  .turn = answer->turn};
  co_await sys_.append_message(std::move(message));
  if (!affordable) {
    step_event(began, "budget_exceeded", {}, nullptr);
    co_return stop(2, exit_reason::kBudget);
  }
  if (!calls.empty()) {
    co_await do_calls(answer->turn, std::move(calls));
    step_event(began, "tool_call", tools, p_.last_answer);
    co_return true;
  }
  const bool more = place_in(*p_.agent, p_.context->messages()).next_turn != 0;
  step_event(began, more ? "text" : "complete", {}, p_.last_answer);
  if (more) co_return true;
  co_await take_in_outside();
  co_return p_.tool_failed ? stop(1, exit_reason::kToolErrors) : stop(0, exit_reason::kCompleted);
}

void Reasoning::step_event(Ticks began, std::string_view action, std::string_view tools,
                           const Json& result) {
  std::vector<Field> fields = {{"action", action}, {"step", p_.steps}};
  if (action == "budget_exceeded") {
    fields.push_back(Field("budget", p_.budget));
    fields.push_back(Field("tokens", p_.tokens_used));
  }
  if (!tools.empty()) fields.push_back(Field("tool", tools));
  p_.emitter.syscall("ReasonStep", began, fields, result);
}

void Reasoning::failed_step(Ticks began, std::string_view err) {
  const std::array fields = {Field("action", "error"), Field("step", p_.steps)};
  p_.emitter.failed_syscall("ReasonStep", began, fields, err);
}

const ScriptAction* Reasoning::action_of(std::uint64_t turn, std::size_t index,
                                         const ToolCall& call) const {
  const ScriptCall* scripted = find_script_call(*p_.agent, turn, index, call.name, call.id);
  return scripted == nullptr ? nullptr : &scripted->action;
}

// Children are born first, in order, so that they run beside each other and beside the tools; then
// all calls are under way at once, and results come in as they are ready.
Task<void> Reasoning::do_calls(std::uint64_t turn,
                               std::vector<std::pair<std::size_t, ToolCall>> calls) {
  for (const auto& [index, call] : calls) {
    const ScriptAction* action = action_of(turn, index, call);
    const auto* child = action == nullptr ? nullptr : std::get_if<ScriptSpawn>(action);
    if (child == nullptr || !child->error.empty()) continue;
    const Result<Pid> pid = co_await sys_.spawn(child->agent, spawn_intent(call));
    if (pid) {
      p_.spawned_by_call[call.id] = *pid;
    } else {
      p_.spawned_by_call.erase(call.id);
    }
  }
  std::size_t running = calls.size();
  WaitPoint done(*k_.scheduler);
  std::vector<Task<void>> tasks;
  for (auto& [index, call] : calls)
    tasks.push_back(do_call(turn, index, std::move(call), running, done));
  for (Task<void>& task : tasks) task.start();
  while (running > 0) co_await done.wait();
}

Task<void> Reasoning::do_call(std::uint64_t turn, std::size_t index, ToolCall call,
                              std::size_t& running, WaitPoint& done) {
  Result<std::string> result = co_await perform(turn, index, call);
  const bool interrupted = !result && result.error().code == Code::kCancelled;
  if (!interrupted) {
    if (!result) p_.tool_failed = true;
    Message message{.role = "tool",
                    .content = result ? std::move(*result) : result.error().message,
                    .name = call.name,
                    .tool_call_id = call.id};
    co_await sys_.append_tool_result(std::move(message), call.name);
  }
  --running;
  done.wake();
}

Task<Result<std::string>> Reasoning::perform(std::uint64_t turn, std::size_t index,
                                             const ToolCall& call) {
  const ScriptAction* action = action_of(turn, index, call);
  if (action == nullptr || std::holds_alternative<ScriptResult>(*action) ||
      std::holds_alternative<ScriptInterrupted>(*action))
    co_return co_await use_tool(turn, index, call);
  if (const auto* spawn = std::get_if<ScriptSpawn>(action)) {
    if (!spawn->error.empty()) co_return fail(Code::kUnavailable, spawn->error);
    const auto child = p_.spawned_by_call.find(call.id);
    if (child == p_.spawned_by_call.end())
      co_return fail(Code::kExhausted, "the child could not be spawned");
    if (spawn->background) co_return "spawned pid " + std::to_string(raw(child->second));
    co_return co_await wait_for(child->second, spawn->text);
  }
  if (const auto* wait = std::get_if<ScriptWait>(action)) {
    const Result<Pid> child = target(wait->child);
    if (!child) co_return std::unexpected(child.error());
    co_return co_await wait_for(*child, std::nullopt);
  }
  if (const auto* message = std::get_if<ScriptSend>(action)) co_return co_await send(*message);
  if (const auto* message = std::get_if<ScriptRecv>(action)) co_return co_await receive(*message);
  if (const auto* sent = std::get_if<ScriptSignal>(action)) co_return co_await signal(*sent);
  co_return co_await use_device(std::get<ScriptDevice>(*action));
}

Task<Result<std::string>> Reasoning::use_tool(std::uint64_t turn, std::size_t index,
                                              const ToolCall& call) {
  SystemCalls::ToolSite site{call.id, turn, index};
  const Result<int> fd = co_await sys_.open("/dev/tool/" + device_name(call.name),
                                            OpenMode::kReadWrite, std::move(site));
  if (!fd) co_return std::unexpected(fd.error());
  std::string arguments = call.arguments.is_null() ? "{}" : dump(call.arguments);
  const Result<std::uint64_t> written = co_await sys_.write(*fd, std::move(arguments));
  Result<std::string> result;
  if (written) {
    result = co_await sys_.read(*fd, 65536);
  } else {
    result = std::unexpected(written.error());
  }
  co_await sys_.close(*fd);
  co_return result;
}

Task<Result<std::string>> Reasoning::use_device(ScriptDevice device) {
  const OpenMode mode = device.data ? OpenMode::kWrite : OpenMode::kRead;
  SystemCalls::ToolSite none;
  const Result<int> fd = co_await sys_.open(device.path, mode, std::move(none));
  if (!fd) co_return std::unexpected(fd.error());
  Result<std::string> result;
  if (device.data) {
    const Result<std::uint64_t> written = co_await sys_.write(*fd, std::move(*device.data));
    if (written) {
      result = "wrote " + std::to_string(*written) + " bytes";
    } else {
      result = std::unexpected(written.error());
    }
  } else {
    result = std::string();
    for (;;) {
      Result<std::string> piece = co_await sys_.read(*fd, 65536);
      if (!piece) result = std::unexpected(piece.error());
      if (!piece || piece->empty()) break;
      *result += *piece;
    }
  }
  co_await sys_.close(*fd);
  co_return result;
}

Task<Result<std::string>> Reasoning::wait_for(Pid child, std::optional<std::string> text) {
  const Result<ExitStatus> status = co_await sys_.wait(child);
  if (!status) co_return std::unexpected(status.error());
  if (text) co_return std::move(*text);
  if (status->code > 1)
    co_return fail(Code::kUnavailable,
                   "pid " + std::to_string(raw(child)) + " ended: " + status->reason);
  co_return k_.find(child)->last_answer;
}

Result<Pid> Reasoning::target(const std::string& to) const {
  if (to == "parent") return p_.parent;
  if (const auto child = p_.spawned_by_call.find(to); child != p_.spawned_by_call.end())
    return child->second;
  std::uint64_t pid = 0;
  const auto [end, error] = std::from_chars(to.data(), to.data() + to.size(), pid);
  if (error == std::errc() && end == to.data() + to.size()) return Pid{pid};
  return fail(Code::kNotFound, "no child was spawned by the call " + to);
}

Task<Result<std::string>> Reasoning::send(ScriptSend action) {
  const Result<Pid> to = target(action.to);
  if (!to) co_return std::unexpected(to.error());
  const Status status = co_await sys_.send(*to, std::move(action.message));
  if (!status) co_return std::unexpected(status.error());
  co_return "sent to pid " + std::to_string(raw(*to));
}

Task<Result<std::string>> Reasoning::receive(ScriptRecv action) {
  Result<Mail> mail = co_await sys_.recv(action.timeout);
  if (!mail) co_return std::unexpected(mail.error());
  co_return std::move(mail->text);
}

Task<Result<std::string>> Reasoning::signal(ScriptSignal action) {
  const Result<Pid> to = target(action.to);
  if (!to) co_return std::unexpected(to.error());
  const std::optional<Signal> number = signal_from(action.signal);
  if (!number) co_return fail(Code::kInvalid, "no such signal: " + action.signal);
  const Status status = co_await sys_.kill(*to, *number);
  if (!status) co_return std::unexpected(status.error());
  co_return "sent " + action.signal + " to pid " + std::to_string(raw(*to));
}

}  // namespace

Task<void> reason(Kernel::Impl& kernel, Process& process) {
  Reasoning reasoning(kernel, process);
  co_await reasoning.live();
}

}  // namespace agdb
