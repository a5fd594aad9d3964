#include "runtime/kernel/system_calls.h"

#include <utility>

namespace agdb {
namespace {

constexpr std::uint64_t kReadLength = 65536;

Json file_descriptor(int fd) {
  return "FD(" + std::to_string(fd) + ")";
}

}  // namespace

CallScope::~CallScope() {
  if (!returned_) fails("interrupted: " + process_->exit.reason);
}

void CallScope::returns(const Json& result) {
  returned_ = true;
  process_->emitter.syscall(name_, began_, fields_, result);
}

void CallScope::fails(std::string_view err) {
  returned_ = true;
  process_->emitter.failed_syscall(name_, began_, fields_, err);
}

Task<void> SystemCalls::boundary() {
  k_->pace();
  if (p_->terminating && p_->state.state() == ProcessState::kRunning) {
    k_->finish_later(*p_, {143, exit_reason::kTerminated});
    WaitPoint never(*k_->scheduler);
    co_await never.wait();
  }
  while (p_->state.state() == ProcessState::kSuspended) co_await p_->resumed.wait();
}

Task<Result<int>> SystemCalls::open(std::string path, OpenMode mode, ToolSite site) {
  co_await boundary();
  CallScope call(*p_, "Open", Field("flags", static_cast<int>(mode)), Field("path", path));
  Result<Vfs::Found> found = k_->vfs.find(path);
  if (!found) {
    call.fails(found.error().message);
    co_return std::unexpected(found.error());
  }
  OpenRequest request{.path = found->rest,
                      .mode = mode,
                      .caller = p_->caller(),
                      .call_id = std::move(site.call_id),
                      .turn = site.turn,
                      .index = site.index};
  Result<std::unique_ptr<OpenFile>> file = found->device->open(request);
  if (!file) {
    call.fails(file.error().message);
    co_return std::unexpected(file.error());
  }
  int fd = 3;
  while (p_->open.contains(fd)) ++fd;
  p_->open.emplace(fd, OpenDevice{path, found->device, std::move(*file)});
  call.returns(file_descriptor(fd));
  co_return fd;
}

Task<Result<std::uint64_t>> SystemCalls::write(int fd, std::string data) {
  co_await boundary();
  const std::uint64_t size = data.size();
  CallScope call(*p_, "Write", Field("data", data), Field("fd", fd), Field("size", size));
  const auto at = p_->open.find(fd);
  if (at == p_->open.end()) {
    call.fails("bad file descriptor");
    co_return fail(Code::kInvalid, "bad file descriptor");
  }
  Pending<std::uint64_t> pending(*k_->scheduler);
  at->second.file->write(data, pending.reply());
  Result<std::uint64_t> written = co_await pending;
  if (written) {
    call.returns(*written);
  } else {
    call.fails(written.error().message);
  }
  co_return written;
}

Task<Result<std::string>> SystemCalls::read(int fd, std::uint64_t length) {
  co_await boundary();
  CallScope call(*p_, "Read", Field("fd", fd), Field("length", length));
  const auto at = p_->open.find(fd);
  if (at == p_->open.end()) {
    call.fails("bad file descriptor");
    co_return fail(Code::kInvalid, "bad file descriptor");
  }
  Pending<std::string> pending(*k_->scheduler);
  at->second.file->read(length, pending.reply());
  Result<std::string> data = co_await pending;
  if (data) {
    call.returns(Json::object({{"bytes", data->size()}, {"data", *data}}));
  } else {
    call.fails(data.error().message);
  }
  co_return data;
}

Task<void> SystemCalls::close(int fd) {
  co_await boundary();
  CallScope call(*p_, "Close", Field("fd", fd));
  if (p_->open.erase(fd) == 0) {
    call.fails("bad file descriptor");
  } else {
    call.returns(nullptr);
  }
}

// The request to a model is the context, so its bytes are counted and not carried.
Task<Result<std::uint64_t>> SystemCalls::write_context() {
  {
    CallScope call(*p_, "CtxRead", Field("cid", raw(p_->context->id())),
                   Field("op", "BuildPrompt"));
    call.returns(p_->context->messages().size());
  }
  const std::uint64_t size = p_->context->bytes();
  CallScope call(*p_, "Write", Field("fd", p_->model_fd), Field("model", p_->agent->model),
                 Field("size", size));
  call.returns(size);
  co_return size;
}

Task<Result<ModelAnswer>> SystemCalls::ask_model() {
  co_await boundary();
  co_await write_context();
  const Ticks began = p_->emitter.begin();
  const Nanoseconds asked_at = p_->emitter.elapsed();
  CallScope call(*p_, "Read", Field("fd", p_->model_fd), Field("length", kReadLength));
  Pending<ModelAnswer> pending(*k_->scheduler);
  const ModelRequest request{p_->caller(), p_->context.get(), p_->agent->model};
  p_->open.at(p_->model_fd).device->model()->call(request, pending.reply());
  Result<ModelAnswer> answer = co_await pending;
  if (!answer) {
    call.fails(answer.error().message);
    if (answer.error().code != Code::kExhausted) {
      LlmResponse failed;
      failed.model = p_->agent->model;
      failed.error = answer.error().message;
      p_->emitter.response(began, std::move(failed));
    }
    co_return answer;
  }
  call.returns(Json::object({{"bytes", answer->response.content.size()}}));
  for (Nanoseconds& start : answer->response.attempt_starts) start += asked_at;
  report(*answer, began);
  co_return answer;
}

void SystemCalls::report(const ModelAnswer& answer, Ticks began) {
  for (const ModelAnswer::Failure& failure : answer.failures) {
    const Field fields[] = {{"description", failure.error}, {"subtype", "retry"}};
    p_->emitter.syscall("DriverEvent", began, fields, nullptr);
  }
  if (!answer.thinking.empty()) {
    const Field fields[] = {{"content", answer.thinking}};
    p_->emitter.syscall("DriverThinking", began, fields, nullptr);
  }
  p_->emitter.response(began, answer.response);
}

Task<void> SystemCalls::append_message(Message message) {
  co_await boundary();
  const std::string role = message.role;
  CallScope call(*p_, "CtxWrite", Field("cid", raw(p_->context->id())),
                 Field("op", "AppendMessage"), Field("role", role));
  ContextChange change = p_->context->append(std::move(message));
  call.returns(nullptr);
  p_->emitter.context(std::move(change));
}

Task<void> SystemCalls::append_tool_result(Message message, std::string tool) {
  co_await boundary();
  CallScope call(*p_, "CtxWrite", Field("cid", raw(p_->context->id())),
                 Field("op", "AppendToolResult"), Field("tool", tool));
  ContextChange change = p_->context->append(std::move(message));
  call.returns(nullptr);
  p_->emitter.context(std::move(change));
}

Task<void> SystemCalls::compact(std::uint64_t keep, std::vector<Message> messages) {
  co_await boundary();
  const std::uint64_t count = messages.size();
  CallScope call(*p_, "CtxWrite", Field("cid", raw(p_->context->id())), Field("keep", keep),
                 Field("messages", count), Field("op", "Compact"));
  ContextChange change = p_->context->replace_from(keep, std::move(messages));
  call.returns(nullptr);
  p_->emitter.context(std::move(change));
}

Task<void> SystemCalls::set_system_prompt(std::string prompt) {
  co_await boundary();
  CallScope call(*p_, "CtxWrite", Field("cid", raw(p_->context->id())),
                 Field("op", "SetSystemPrompt"));
  ContextChange change = p_->context->set_system_prompt(std::move(prompt));
  call.returns(nullptr);
  p_->emitter.context(std::move(change));
}

Task<Result<Pid>> SystemCalls::spawn(std::string agent, std::string intent) {
  co_await boundary();
  CallScope call(*p_, "Spawn", Field("agent", agent));
  SpawnRequest request;
  request.script = p_->script;
  request.agent = agent;
  request.intent = intent;
  request.parent = p_->pid;
  Result<Process*> child = k_->spawn(std::move(request));
  // Where the call names none it is the agent's own.
  call.add(Field("intent", child ? (*child)->intent : intent));
  if (!child) {
    call.fails(child.error().message);
    co_return std::unexpected(child.error());
  }
  call.returns(raw((*child)->pid));
  co_return (*child)->pid;
}

Task<Result<ExitStatus>> SystemCalls::wait(Pid child) {
  co_await boundary();
  CallScope call(*p_, "Wait", Field("pid", raw(child)));
  Process* process = k_->find(child);
  if (process == nullptr || process->parent != p_->pid) {
    call.fails("no such child");
    co_return fail(Code::kNotFound, "no child with pid " + std::to_string(raw(child)));
  }
  while (process->alive()) co_await process->ended.wait();
  ExitStatus status = process->exit;
  call.returns(Json::object({{"code", status.code}, {"reason", status.reason}}));
  if (process->state.state() == ProcessState::kZombie) k_->reap(*process);
  co_return status;
}

Task<Status> SystemCalls::send(Pid target, std::string text) {
  co_await boundary();
  const std::uint64_t size = text.size();
  const std::uint64_t seq = ++p_->mail_sent;
  CallScope call(*p_, "Send", Field("msg_seq", seq), Field("msg_size", size),
                 Field("target_pid", raw(target)));
  Process* receiver = k_->find(target);
  if (receiver == nullptr || !receiver->alive()) {
    const std::string why = "no such process: " + std::to_string(raw(target));
    call.fails(why);
    co_return fail(Code::kNotFound, why);
  }
  receiver->mailbox.push_back({p_->pid, seq, std::move(text)});
  receiver->mail_came.wake();
  call.returns(nullptr);
  co_return Status();
}

Task<Result<Mail>> SystemCalls::recv(std::optional<Nanoseconds> timeout) {
  co_await boundary();
  CallScope call(*p_, "Recv");
  // Another Recv of the same answer may take the message that woke this one.
  const Clock& clock = k_->scheduler->clock();
  const Nanoseconds asked_at = clock.now();
  while (p_->mailbox.empty()) {
    std::optional<Nanoseconds> left;
    if (timeout) left = *timeout - (clock.now() - asked_at);
    if (left && *left <= Nanoseconds(0)) break;
    co_await p_->mail_came.wait(left);
  }
  if (p_->mailbox.empty()) {
    call.fails("no message came in time");
    co_return fail(Code::kTimeout, "no message came in time");
  }
  Mail mail = std::move(p_->mailbox.front());
  p_->mailbox.pop_front();
  const std::uint64_t size = mail.text.size();
  call.add(Field("from_pid", raw(mail.from)));
  call.add(Field("msg_seq", mail.seq));
  call.add(Field("msg_size", size));
  call.returns(Json(mail.text));
  co_return mail;
}

Task<Status> SystemCalls::kill(Pid target, Signal signal) {
  co_await boundary();
  CallScope call(*p_, "Kill", Field("pid", raw(target)), Field("signal", name_of(signal)));
  Status status = k_->signal(target, signal);
  if (status) {
    call.returns(nullptr);
  } else {
    call.fails(status.error().message);
  }
  co_return status;
}

Task<void> SystemCalls::pass(Nanoseconds delay) {
  co_await boundary();
  if (delay <= Nanoseconds(0)) co_return;
  WaitPoint never(*k_->scheduler);
  co_await never.wait(delay);
}

}  // namespace agdb
