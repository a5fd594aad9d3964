#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "debug/strace/fd_table.h"
#include "debug/strace/strace_line.h"
#include "runtime/events/event.h"
#include "runtime/events/result.h"

namespace agdb {

struct FilterCondition;

// What a filter looks at: one event, live or recorded. Exactly the payload that `type` names is
// set; it is borrowed.
struct FilterSubject {
  Pid pid{};
  std::string_view type;  // "syscall", "context_snapshot", …, as recordings name it
  const Syscall* syscall = nullptr;
  const LlmResponse* llm = nullptr;
  const ContextView* context = nullptr;
  const StateChange* state = nullptr;
  const Alert* alert = nullptr;
  const Gap* gap = nullptr;
  // The path that a system call is about, as FdTable::track tells.
  std::string_view path = {};
};

// Filter expressions, in strace's form. One expression is one condition; several are all required.
//
//   expression = [ "trace=" ] [ "!" ] name { "," name }
//              | "status=" [ "!" ] ( "failed" | "successful" )
//              | "tool=" [ "!" ] tool { "," tool }
//              | "pid=" [ "!" ] number { "," number }
//              | "text~" pattern
//              | ( "duration" | "tokens" ) ( "=" range | ( ">" | "<" | ">=" | "<=" ) value )
//   range      = value | value ".." | ".." value | value ".." value        (both ends included)
//   name       = a system call, in any case of letters | an event type, as llm_response
//              | "%llm" | "%tool" | "%ctx" | "%file" | "%process" | "%alert" | "all" | "none"
//   value      = "1.5ms", "2s", … for duration; a whole number for tokens
//   pattern    = RE2, unanchored, up to the end of the expression
//
// "!" turns the condition round: trace=!Open is everything but Open, context changes included.
//
// tool      of calls on the device of that tool (/dev/tool/NAME; shell is /dev/shell/), and of
//           DriverToolCall; in any case of letters.
// status    of system calls and model answers; nothing else has one.
// text      any one text of the event: name, path, strings in arguments and result, error, a
//           model's answer and calls, messages added to a context, its new prompt, states, reasons.
// duration  of system calls, and of model answers where it is known.
// tokens    request + response of a model's answer; the size of a context at its snapshots.
//
// The sets: %llm: llm_response, ConfigResolve, the Driver… events, and calls on /dev/llm/. %tool:
// calls on /dev/tool/ and /dev/shell/, DriverToolCall. %ctx: the Ctx… calls, ToolResultDropped,
// context_snapshot. %file: Open, Read, Write, Close on any other path, Mount, Unmount. %process:
// everything about processes, signals, messages, groups and threads, and state_change. %alert:
// alert.
class Filter {
 public:
  // Matches everything.
  Filter() = default;

  // An error names the expression, the column (in characters, from 1) and what was expected there.
  static Result<Filter> parse(std::string_view expression);
  static Result<Filter> parse_all(std::span<const std::string> expressions);

  // Requires this too.
  void require(const Filter& other);

  // Any thread.
  bool matches(const FilterSubject& subject) const;
  bool matches_everything() const;

  // Names in trace= that agdb does not know, in order, each once. They may be an agent's own calls,
  // so they are no error, but worth a warning: a misspelt name matches nothing.
  std::vector<std::string> unknown_names() const;

 private:
  std::vector<std::shared_ptr<const FilterCondition>> conditions_;
};

// A live event as a subject, where the path of a system call is known already. `context` is made to
// hold what a context change tells. Valid as long as the three.
FilterSubject subject_of(const Event& event, std::string_view path, ContextView& context);

// Live events as subjects. Feed every event, in order (descriptors are followed). One thread at a
// time.
class LiveSubjects {
 public:
  // Valid until the next call, and as long as the event.
  FilterSubject subject(const Event& event);
  const FdTable& descriptors() const { return fds_; }

 private:
  FdTable fds_;
  ContextView context_;
};

}  // namespace agdb
