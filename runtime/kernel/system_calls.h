#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/kernel/device.h"
#include "runtime/kernel/kernel_impl.h"
#include "runtime/kernel/process.h"

namespace agdb {

// One call from its entry to its event. Lives in the coroutine's frame and borrows what its fields
// name from there. A frame that is destroyed before the call returned (its process was killed)
// leaves a call that was interrupted: that is an event too.
class CallScope {
 public:
  template <typename... F>
  CallScope(Process& process, std::string_view name, F... fields)
      : process_(&process),
        name_(name),
        fields_{std::move(fields)...},
        began_(process.emitter.begin()) {}
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope();

  Ticks began() const { return began_; }
  // A field that is known later than the entry.
  void add(Field field) { fields_.push_back(std::move(field)); }
  void returns(const Json& result);
  void fails(std::string_view err);

 private:
  Process* process_;
  std::string_view name_;
  std::vector<Field> fields_;
  Ticks began_;
  bool returned_ = false;
};

// What the reasoning loop of one process calls. Each call emits its event after it returned, with
// result or error and duration. At its beginning each waits while the process is suspended, and
// ends the process when it was asked to terminate.
class SystemCalls {
 public:
  SystemCalls(Kernel::Impl& kernel, Process& process) : k_(&kernel), p_(&process) {}

  struct ToolSite {
    std::string call_id;
    std::uint64_t turn = 0;
    std::size_t index = 0;
  };

  Task<Result<int>> open(std::string path, OpenMode mode, ToolSite site);
  Task<Result<std::uint64_t>> write(int fd, std::string data);
  Task<Result<std::string>> read(int fd, std::uint64_t length);
  Task<void> close(int fd);

  // CtxRead, Write and Read on the model's device, and the llm_response.
  Task<Result<ModelAnswer>> ask_model();

  Task<void> append_message(Message message);
  Task<void> append_tool_result(Message message, std::string tool);
  Task<void> compact(std::uint64_t keep, std::vector<Message> messages);
  Task<void> set_system_prompt(std::string prompt);

  Task<Result<Pid>> spawn(std::string agent, std::string intent);
  Task<Result<ExitStatus>> wait(Pid child);
  Task<Status> send(Pid target, std::string text);
  // kTimeout when none came in time.
  Task<Result<Mail>> recv(std::optional<Nanoseconds> timeout);
  Task<Status> kill(Pid target, Signal signal);
  // Lets time pass: how a script says that the outside world takes a while. Not a system call.
  Task<void> pass(Nanoseconds delay);

 private:
  Task<void> boundary();
  Task<Result<std::uint64_t>> write_context();
  void report(const ModelAnswer& answer, Ticks began);

  Kernel::Impl* k_;
  Process* p_;
};

}  // namespace agdb
