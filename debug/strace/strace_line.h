#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/event.h"

namespace agdb {

// Events as lines for people, one an event, without a line end:
//
//   [  0.012s] Open(flags=2, path="/dev/llm/scripted") → FD(3)    120µs  ← LLM call
//   [ERR] [  1.204s] Read(fd=4, length=65536) → err(no such file: notes.md)    85µs  ← cat failed
//   [  2.310s] LLM(model="m-1", request=1200, response=80, stop="tool_use") → "Hm." ls({})    1.10s
//   [  2.310s] Context(ctx=1, messages=5 (+1), tokens=~1234) → assistant "Hm."
//   [  9.001s] State(running → zombie) completed
//   [  8.750s] *** ALERT budget critical at step 14: 9100 of 9999 tokens spent, 9.0% left, … ***
//   [  9.000s] *** 12 events lost (#34-#45): ring full ***
//
// System calls follow the reference's forms; the others are agdb's. Whatever an agent, a model or a
// tool put into an event, no control or format character of it reaches the line as it is. All
// functions are pure; any thread.

enum class TimeStyle {
  kSinceStart,     // seconds since the process was created
  kWallClock,      // -t:  14:03:07
  kWallMicros,     // -tt: 14:03:07.123456
  kSincePrevious,  // -r:  seconds since the event printed before, with a sign: a call's time is
                   //      when it began, which may lie before that of the line above
};

struct StraceOptions {
  bool color = false;
  bool verbose = false;  // arguments and results in full
  // Longest argument in bytes (-s). Longer ones end in "...". Texts that the reference cuts
  // elsewhere (a step's brief at 80 characters, a driver's summary at 60) are only ever lengthened
  // by it.
  std::size_t string_limit = 50;
  TimeStyle time = TimeStyle::kSinceStart;
  bool show_pid = false;     // "[pid 7] " in front, for views of several processes
  bool show_number = false;  // "#012 " in front: the event's number within its process
  // What local time is ahead of UTC, for the wall-clock styles.
  std::chrono::seconds utc_offset{0};
};

// Whose event, and when.
struct Stamp {
  Pid pid{};
  Nanoseconds timestamp{0};  // since the process was created
  std::uint64_t n = 0;       // the number to show: the event's own, or its seq_num in a recording
  WallTime wall_start{};     // when the process was created; for the wall-clock styles
  // When the event printed before was, on this process's time line (kSincePrevious).
  std::optional<Nanoseconds> previous = {};
};

// What a line tells of a context: made from a live change or from a recorded snapshot.
struct ContextView {
  CtxId ctx_id{};
  std::uint64_t message_count = 0;
  // How many messages of the context before stay; absent where that is not known.
  std::optional<std::uint64_t> kept = {};
  // How many messages it had before; absent where that is not known.
  std::optional<std::uint64_t> previous_count = {};
  std::vector<const Message*> added = {};      // what follows the kept ones; borrowed
  const std::string* system_prompt = nullptr;  // set when it is new or has changed
  std::int64_t tokens = 0;
};
// `previous_count` where known. The view borrows from `change`.
ContextView view_of(const ContextChange& change, std::optional<std::uint64_t> previous_count = {});

// `path`: what the call is about, as FdTable::track tells. Only it says which tool a failed Read of
// a descriptor was.
std::string strace_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options,
                        std::string_view path = {});
std::string strace_line(const LlmResponse& response, const Stamp& stamp,
                        const StraceOptions& options);
std::string strace_line(const ContextView& context, const Stamp& stamp,
                        const StraceOptions& options);
std::string strace_line(const StateChange& change, const Stamp& stamp,
                        const StraceOptions& options);
std::string strace_line(const Alert& alert, const Stamp& stamp, const StraceOptions& options);
std::string strace_line(const Gap& gap, const Stamp& stamp, const StraceOptions& options);
std::string strace_line(const ProcessStart& start, const Stamp& stamp,
                        const StraceOptions& options);
std::string strace_line(const ProcessEnd& end, const Stamp& stamp, const StraceOptions& options);

}  // namespace agdb
