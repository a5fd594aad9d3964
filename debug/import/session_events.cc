#include "debug/import/session_events.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "debug/import/session_context.h"
#include "debug/import/session_steps.h"

namespace agdb {
namespace {

// What the runtime asks for in a read, and how it opens devices (read and write).
constexpr int kReadLength = 65536;
constexpr int kReadWrite = 2;
constexpr int kFirstDescriptor = 3;

// A span of the process's own time.
struct Span {
  Nanoseconds began{0};
  Nanoseconds ended{0};

  Nanoseconds duration() const { return ended - began; }
};

std::optional<WallTime> time_of(const SessionItem& item) {
  if (const auto* edit = std::get_if<SessionEdit>(&item)) return edit->time;
  if (const auto* answer = std::get_if<SessionAnswer>(&item))
    return answer->began ? answer->began : answer->ended;
  const auto& result = std::get<SessionToolResult>(item);
  return result.began ? result.began : result.ended;
}

WallTime first_time(const SessionProcess& process) {
  if (process.began) return *process.began;
  for (const SessionItem& item : process.items)
    if (const auto time = time_of(item)) return *time;
  return {};
}

std::string device_of(const std::string& tool) {
  std::string path = "/dev/tool/" + (tool.empty() ? "_" : tool);
  for (std::size_t i = path.size() - std::max<std::size_t>(tool.size(), 1); i < path.size(); ++i)
    if (path[i] == '/' || static_cast<unsigned char>(path[i]) < 0x20) path[i] = '_';
  return path;
}

// As the runtime's: 0 = it did what it was asked for.
int exit_code(const std::string& reason) {
  return reason == "completed" ? 0 : 1;
}

// The events of one process. Times that the log lacks are the last ones known.
class EventWriter {
 public:
  EventWriter(const SessionRun& run, const RunAgents& agents, std::size_t index, Pid first_pid,
              const std::function<void(Event&&)>& sink)
      : run_(run),
        agents_(agents),
        process_(run.processes.at(index)),
        index_(index),
        first_pid_(raw(first_pid)),
        pid_(pid_of(index)),
        sink_(sink),
        start_(first_time(process_)),
        calls_(run, agents, index),
        context_(CtxId{raw(pid_)}) {}

  void write(const std::string& run_id, const std::string& trace_id) {
    send_start(run_id, trace_id);
    send_state("created", "running", {});
    make_context();
    bool in_steps = false;
    for (std::size_t i = 0; i < process_.items.size(); ++i) {
      if (!in_steps && !std::holds_alternative<SessionEdit>(process_.items[i])) {
        in_steps = true;
        enter_steps();
      }
      item_ = i;
      std::visit([this](const auto& item) { play(item); }, process_.items[i]);
      if (step_.open && calls_.end_of_step(step_.item) == i) end_step();
    }
    if (!in_steps) enter_steps();
    send_end();
  }

 private:
  struct Step {
    bool open = false;
    std::size_t item = 0;  // its answer
    Nanoseconds began{0};
  };

  Pid pid_of(std::size_t process) const { return Pid{first_pid_ + process}; }
  Json cid() const { return Json(raw(pid_)); }

  Nanoseconds elapsed_at(WallTime time) const {
    if (time <= start_) return Nanoseconds{0};
    // Damaged logs may be centuries long: more than fits.
    const auto since = static_cast<std::uint64_t>(time.time_since_epoch().count()) -
                       static_cast<std::uint64_t>(start_.time_since_epoch().count());
    return Nanoseconds(std::min<std::uint64_t>(since, std::numeric_limits<std::int64_t>::max()));
  }
  Nanoseconds at(const std::optional<WallTime>& time) const {
    return time ? elapsed_at(*time) : now_;
  }
  // With only one end known the span is that moment.
  Span span_of(const std::optional<WallTime>& began, const std::optional<WallTime>& ended) const {
    Span span;
    span.ended = at(ended ? ended : began);
    span.began = std::min(at(began ? began : ended), span.ended);
    return span;
  }

  void send(Nanoseconds timestamp, Event::Payload payload) {
    sink_(Event{.pid = pid_, .n = ++n_, .timestamp = timestamp, .payload = std::move(payload)});
  }
  void call(std::string name, Span span, Json args, Json result) {
    Syscall syscall;
    syscall.name = std::move(name);
    syscall.args = std::move(args);
    syscall.result = std::move(result);
    syscall.duration = span.duration();
    send(span.began, std::move(syscall));
  }
  void failed_call(std::string name, Span span, Json args, std::string err) {
    Syscall syscall;
    syscall.name = std::move(name);
    syscall.args = std::move(args);
    syscall.err = std::move(err);
    syscall.duration = span.duration();
    send(span.began, std::move(syscall));
  }
  void call_now(std::string name, Json args, Json result = nullptr) {
    call(std::move(name), {now_, now_}, std::move(args), std::move(result));
  }
  void send_state(std::string from, std::string to, std::string reason) {
    send(now_, StateChange{std::move(from), std::move(to), std::move(reason)});
  }

  void send_start(const std::string& run_id, const std::string& trace_id) {
    ProcessStart start;
    start.intent = process_.intent;
    start.parent = process_.parent ? pid_of(*process_.parent) : kRuntimePid;
    start.run_id = run_id;
    start.trace_id = trace_id;
    start.runtime = "imported";
    start.time_source = run_.time_source;
    start.model = process_.model;
    start.wall_start = start_;
    start.script =
        std::make_shared<const std::string>(script_to_json(session_script(run_, agents_, index_)));
    sink_(Event{.pid = pid_, .n = 0, .timestamp = Nanoseconds{0}, .payload = std::move(start)});
  }

  // A prompt that the log does not tell is not said to be set; the context is empty all the same.
  void make_context() {
    call_now("CtxAlloc", Json::object({{"size", 0}}), cid());
    if (process_.system_prompt)
      call_now("CtxWrite", Json::object({{"cid", cid()}, {"op", "SetSystemPrompt"}}));
    send(now_, context_.begin(process_.system_prompt.value_or(std::string())));
  }

  // From here on the agent thinks; what came before is what it was born with.
  void enter_steps() {
    call_now("ConfigResolve", Json::object({{"model", process_.model},
                                            {"model_source", "log"},
                                            {"provider", process_.provider},
                                            {"provider_source", "log"}}));
    model_fd_ = open("/dev/llm/" + process_.provider, now_);
    call_now("Spawn", Json::object({{"intent", process_.intent}}), raw(pid_));
  }

  void play(const SessionEdit& edit) {
    now_ = at(edit.time);
    std::vector<Message> messages = edit.messages;
    for (Message& message : messages) message.turn = turn_;
    if (edit.kind == SessionEdit::Kind::kCompact) {
      call_now("CtxWrite", Json::object({{"cid", cid()},
                                         {"keep", edit.keep},
                                         {"messages", messages.size()},
                                         {"op", "Compact"}}));
      send(now_, context_.compact(edit.keep, std::move(messages)));
      return;
    }
    for (Message& message : messages) append(std::move(message));
  }

  void append(Message message) {
    call_now("CtxWrite",
             Json::object({{"cid", cid()}, {"op", "AppendMessage"}, {"role", message.role}}));
    send(now_, context_.append(std::move(message)));
  }

  void play(const SessionAnswer& answer) {
    if (step_.open) end_step();
    ++steps_;
    const Span span = span_of(answer.began, answer.ended);
    ask(span);
    const bool failed = !answer.response.error.empty();
    const Json reading = Json::object({{"fd", model_fd_}, {"length", kReadLength}});
    if (failed) {
      failed_call("Read", span, reading, answer.response.error);
    } else {
      call("Read", span, reading, Json::object({{"bytes", answer.response.content.size()}}));
    }
    report(answer, span);
    now_ = span.ended;
    if (failed) {
      failed_call("ReasonStep", span, Json::object({{"action", "error"}, {"step", steps_}}),
                  answer.response.error);
      return;
    }
    turn_ = calls_.turn(item_);
    append(answer_message(answer, turn_));
    step_ = {true, item_, span.began};
    start_calls(answer);
  }

  // The request is the context, so its bytes are counted and not carried.
  void ask(const Span& span) {
    const Span moment{span.began, span.began};
    call("CtxRead", moment, Json::object({{"cid", cid()}, {"op", "BuildPrompt"}}), context_.size());
    call("Write", moment,
         Json::object({{"fd", model_fd_}, {"model", process_.model}, {"size", context_.bytes()}}),
         context_.bytes());
  }

  void report(const SessionAnswer& answer, const Span& span) {
    LlmResponse response = answer.response;
    response.tool_calls = calls_of(answer, calls_.turn(item_));
    if (response.model.empty()) response.model = process_.model;
    Nanoseconds last_start = span.began;
    if (!answer.failures.empty()) {
      const auto starts = attempt_starts(answer);
      for (const auto& start : starts) {
        if (start) last_start = std::clamp(elapsed_at(*start), last_start, span.ended);
        response.attempt_starts.push_back(last_start);
      }
      for (std::size_t i = 0; i < answer.failures.size(); ++i) {
        const Nanoseconds failed_at = response.attempt_starts[i + 1];
        call("DriverEvent", {failed_at, failed_at},
             Json::object({{"description", answer.failures[i].error}, {"subtype", "retry"}}),
             nullptr);
      }
    }
    for (const SessionAnswer::Thinking& thinking : answer.thinking) {
      Json args = Json::object({{"content", thinking.text}});
      if (!thinking.signature.empty()) args.set("signature", thinking.signature);
      call("DriverThinking", span, std::move(args), nullptr);
    }
    if (response.time_to_last_token == Nanoseconds{0})
      response.time_to_last_token = span.ended - last_start;
    send(span.began, std::move(response));
  }

  // Sub-agents are born when they are asked for. A tool whose result the log lacks was asked all
  // the same: its device stays open.
  void start_calls(const SessionAnswer& answer) {
    const std::vector<ToolCall> calls = calls_of(answer, turn_);
    const std::vector<CallFate>& fates = calls_.of(item_);
    for (const CallFate& fate : fates) {
      if (!fate.child) continue;
      call_now("Spawn",
               Json::object({{"agent", agents_.names[*fate.child]},
                             {"intent", run_.processes[*fate.child].intent}}),
               raw(pid_of(*fate.child)));
    }
    for (std::size_t i = 0; i < calls.size(); ++i)
      if (!fates[i].child && fates[i].result == nullptr) open_tool(calls[i], now_);
  }

  int open_tool(const ToolCall& tool, Nanoseconds when) {
    const int fd = open(device_of(tool.name), when);
    std::string data = tool.arguments.is_null() ? "{}" : dump(tool.arguments);
    const std::size_t size = data.size();
    call("Write", {when, when},
         Json::object({{"data", std::move(data)}, {"fd", fd}, {"size", size}}), size);
    return fd;
  }

  void play(const SessionToolResult& result) {
    const Span span = span_of(result.began, result.ended);
    const auto& answer = std::get<SessionAnswer>(process_.items[result.answer]);
    const ToolCall tool = call_of(answer, result.call, calls_.turn(result.answer));
    const CallFate& fate = calls_.of(result.answer)[result.call];
    if (fate.child) {
      wait_for(*fate.child, span);
    } else {
      use_tool(tool, result, span);
    }
    now_ = span.ended;
    call_now("CtxWrite",
             Json::object({{"cid", cid()}, {"op", "AppendToolResult"}, {"tool", tool.name}}));
    send(now_, context_.append(result_message(tool, result.content)));
  }

  void wait_for(std::size_t child, const Span& span) {
    const std::string& reason = run_.processes[child].exit_reason;
    call("Wait", span, Json::object({{"pid", raw(pid_of(child))}}),
         Json::object({{"code", exit_code(reason)}, {"reason", reason}}));
  }

  void use_tool(const ToolCall& tool, const SessionToolResult& result, const Span& span) {
    const int fd = open_tool(tool, span.began);
    const Json reading = Json::object({{"fd", fd}, {"length", kReadLength}});
    if (result.is_error) {
      failed_call("Read", span, reading,
                  result.content.empty() ? "failed without a message" : result.content);
    } else {
      call("Read", span, reading,
           Json::object({{"bytes", result.content.size()}, {"data", result.content}}));
    }
    close(fd, span.ended);
  }

  void end_step() {
    const auto& response = std::get<SessionAnswer>(process_.items[step_.item]).response;
    Json args = Json::object({{"action", "tool_call"}, {"step", steps_}});
    if (response.tool_calls.empty()) {
      args.set("action", is_last_answer(step_.item) ? "complete" : "text");
    } else {
      std::string tools;
      for (const ToolCall& tool : response.tool_calls)
        tools += (tools.empty() ? "" : ",") + tool.name;
      args.set("tool", std::move(tools));
    }
    call("ReasonStep", {step_.began, std::max(now_, step_.began)}, std::move(args),
         response.content);
    step_.open = false;
  }

  bool is_last_answer(std::size_t item) const {
    return std::none_of(
        process_.items.begin() + static_cast<std::ptrdiff_t>(item) + 1, process_.items.end(),
        [](const SessionItem& later) { return std::holds_alternative<SessionAnswer>(later); });
  }

  // A descriptor is the lowest number that is free.
  int open(const std::string& path, Nanoseconds when) {
    int fd = kFirstDescriptor;
    while (open_.contains(fd)) ++fd;
    open_.insert(fd);
    call("Open", {when, when}, Json::object({{"flags", kReadWrite}, {"path", path}}),
         "FD(" + std::to_string(fd) + ")");
    return fd;
  }

  void close(int fd, Nanoseconds when) {
    open_.erase(fd);
    call("Close", {when, when}, Json::object({{"fd", fd}}), nullptr);
  }

  void send_end() {
    now_ = std::max(now_, at(process_.ended));
    while (!open_.empty()) close(*open_.begin(), now_);
    send_state("running", "zombie", process_.exit_reason);
    call_now("CtxReclaim", Json::object({{"cid", cid()}}));
    send_state("zombie", "dead", process_.exit_reason);
    ProcessEnd end{process_.exit_reason, n_};
    sink_(Event{.pid = pid_, .n = 0, .timestamp = now_, .payload = std::move(end)});
  }

  const SessionRun& run_;
  const RunAgents& agents_;
  const SessionProcess& process_;
  const std::size_t index_;
  const std::uint64_t first_pid_;
  const Pid pid_;
  const std::function<void(Event&&)>& sink_;
  const WallTime start_;
  const SessionCalls calls_;
  SessionContext context_;
  std::uint64_t n_ = 0;
  std::uint64_t turn_ = 0;  // of the last answer
  std::int64_t steps_ = 0;  // answers and calls that failed for good
  std::size_t item_ = 0;
  Step step_;
  Nanoseconds now_{0};
  int model_fd_ = 0;
  std::set<int> open_;
};

}  // namespace

void session_events(const SessionRun& run, std::size_t process, Pid first_pid,
                    const std::string& run_id, const std::string& trace_id,
                    const std::function<void(Event&&)>& sink) {
  session_events(run, RunAgents(run), process, first_pid, run_id, trace_id, sink);
}

void session_events(const SessionRun& run, const RunAgents& agents, std::size_t process,
                    Pid first_pid, const std::string& run_id, const std::string& trace_id,
                    const std::function<void(Event&&)>& sink) {
  EventWriter(run, agents, process, first_pid, sink).write(run_id, trace_id);
}

}  // namespace agdb
