#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/events/bus.h"
#include "runtime/kernel/kernel.h"

namespace agdb {

// Keeps every event, by process.
class Witness final : public Subscriber {
 public:
  void on_event(const Event& event) override {
    all.push_back(event);
    by_pid[event.pid].push_back(event);
  }

  std::vector<Event> all;
  std::map<Pid, std::vector<Event>> by_pid;
};

// A runtime on a simulated clock with a witness. The vocabulary below builds scripts.
class RuntimeTest : public ::testing::Test {
 protected:
  RuntimeTest() { bus.add(witness); }
  ~RuntimeTest() override { bus.remove(witness); }

  static ScriptTurn says(std::string text) {
    ScriptTurn turn;
    turn.answer.text = std::move(text);
    turn.answer.usage = ScriptUsage{.request_tokens = 100, .response_tokens = 10};
    return turn;
  }
  static ScriptCall call(std::string id, std::string name, std::string result) {
    ScriptCall made;
    made.call = {std::move(id), std::move(name), Json::object({{"x", 1}})};
    made.action = ScriptResult{std::move(result), {}};
    return made;
  }
  static ScriptCall call(std::string id, std::string name, ScriptAction action) {
    ScriptCall made;
    made.call = {std::move(id), std::move(name), Json::object()};
    made.action = std::move(action);
    return made;
  }
  static ScriptTurn calls(std::vector<ScriptCall> list) {
    ScriptTurn turn = says("");
    turn.answer.calls = std::move(list);
    return turn;
  }
  static std::shared_ptr<const Script> script(std::vector<ScriptTurn> turns) {
    auto made = std::make_shared<Script>();
    made->agents["main"] = agent(std::move(turns));
    return made;
  }
  static ScriptAgent agent(std::vector<ScriptTurn> turns) {
    ScriptAgent made;
    made.intent = "a task";
    made.system_prompt = "be brief";
    made.turns = std::move(turns);
    return made;
  }

  Pid start(std::shared_ptr<const Script> what, std::int64_t budget = 0,
            std::int64_t max_steps = 0) {
    SpawnRequest request;
    request.script = std::move(what);
    request.budget = budget;
    request.max_steps = max_steps;
    const Result<Pid> pid = kernel.spawn(std::move(request));
    EXPECT_TRUE(pid.has_value()) << pid.error().message;
    return pid.value_or(Pid{0});
  }
  ExitStatus run(std::shared_ptr<const Script> what, std::int64_t budget = 0,
                 std::int64_t max_steps = 0) {
    const Pid pid = start(std::move(what), budget, max_steps);
    finish();
    return kernel.info(pid)->exit;
  }
  void finish() {
    kernel.run();
    bus.flush();
  }

  // The system calls of a process: "Open(/dev/tool/ls)", "CtxWrite(AppendMessage)", …
  std::vector<std::string> call_names(Pid pid) {
    std::vector<std::string> names;
    for (const Event& event : witness.by_pid[pid]) {
      const auto* syscall = std::get_if<Syscall>(&event.payload);
      if (syscall == nullptr) continue;
      std::string what;
      for (const char* key : {"path", "op", "action"})
        if (what.empty()) what = syscall->args.text(key);
      names.push_back(what.empty() ? syscall->name : syscall->name + "(" + what + ")");
    }
    return names;
  }
  template <typename Payload>
  std::vector<Payload> payloads(Pid pid) {
    std::vector<Payload> found;
    for (const Event& event : witness.by_pid[pid])
      if (const auto* payload = std::get_if<Payload>(&event.payload)) found.push_back(*payload);
    return found;
  }
  std::vector<Syscall> syscalls(Pid pid, std::string_view name) {
    std::vector<Syscall> found;
    for (Syscall& syscall : payloads<Syscall>(pid))
      if (syscall.name == name) found.push_back(std::move(syscall));
    return found;
  }
  std::vector<std::string> states(Pid pid) {
    std::vector<std::string> found;
    for (const StateChange& change : payloads<StateChange>(pid)) found.push_back(change.to_state);
    return found;
  }
  // What the process knew at its end, by replaying the changes of its context.
  std::vector<std::string> final_messages(Pid pid) {
    std::vector<std::string> texts;
    for (const ContextChange& change : payloads<ContextChange>(pid)) {
      texts.resize(change.keep);
      for (const MessagePtr& message : change.messages)
        texts.push_back(message->role + ": " + message->content);
    }
    return texts;
  }

  EventBus bus;
  Witness witness;
  std::unique_ptr<Scheduler> scheduler = make_sim_scheduler();
  Kernel kernel{*scheduler, bus};
};

}  // namespace agdb
