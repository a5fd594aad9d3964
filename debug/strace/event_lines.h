#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "debug/strace/strace_line.h"
#include "runtime/events/event.h"

namespace agdb {

// Turns a stream of live events into lines. Remembers of each process what a single event does not
// tell (when it was created, how long its contexts were), and forgets it when the process ends.
// Feed it every event, also those whose line is not wanted. One thread at a time.
class EventLines {
 public:
  explicit EventLines(StraceOptions options);

  // Without a line end. With TimeStyle::kSincePrevious the time counts from the line before.
  // `path`: what a system call is about, as FdTable::track tells.
  std::string line(const Event& event, std::string_view path = {});
  // For an event that is not shown.
  void skip(const Event& event);
  // For a view whose own queue has lost events: says how many, in the place where they are missing.
  std::string lost_line(std::uint64_t lost, const Stamp& stamp) const;

 private:
  struct Process {
    WallTime wall_start{};
    std::map<CtxId, std::uint64_t> message_counts;
  };
  std::optional<std::uint64_t> message_count(Pid pid, CtxId ctx) const;
  void remember(const Event& event);

  StraceOptions options_;
  std::map<Pid, Process> processes_;
  std::optional<Nanoseconds> previous_;  // since 1970
};

}  // namespace agdb
