#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "debug/replay/fork_context.h"
#include "debug/replay/replay_session.h"
#include "tools/agdb/command.h"

namespace agdb {

struct ReplayShellOptions {
  bool verbose = false;
  bool json = false;
};

// The commands of `agdb replay`, a line at a time: a replay session, and inside it the fork
// sub-mode. Results go to stdout, what went wrong to stderr. The recording outlives it.
class ReplayShell {
 public:
  ReplayShell(const Recording& recording, ReplayShellOptions options, Environment& env);

  void execute(const std::string& line);
  // No more lines come.
  void end_of_input();
  bool done() const { return done_; }
  // "replay> " or "fork> ".
  std::string prompt() const;
  // Commands that failed.
  std::uint64_t failures() const { return failures_; }

 private:
  struct Words;
  struct Entry;
  static const std::vector<Entry>& replay_commands();
  static const std::vector<Entry>& fork_commands();
  static std::string help_text(const std::vector<Entry>& commands);

  void next(const Words&);
  void prev(const Words&);
  void go_to(const Words&);
  void current(const Words&);
  void list(const Words&);
  void info(const Words&);
  void diff(const Words&);
  void context(const Words&);
  void find(const Words&);
  void find_back(const Words&);
  void fork(const Words&);
  void help(const Words&);
  void quit(const Words&);

  void set_prompt(const Words&);
  void append(const Words&);
  void remove(const Words&);
  void replace(const Words&);
  void show_fork(const Words&);
  void run_fork_on(const Words&);
  void fork_help(const Words&);
  void cancel(const Words&);

  void moved(const Result<RecordedEvent>& event);
  void search(SearchDirection direction, const Words& words);
  void print(std::string_view text);
  void print_json(const Json& json);
  void failed(std::string_view prefix, std::string_view message);
  bool in_fork() const { return fork_.has_value(); }

  const Recording& recording_;
  ReplaySession session_;
  const ReplayShellOptions options_;
  Environment& env_;
  std::optional<ForkContext> fork_;
  bool done_ = false;
  std::uint64_t failures_ = 0;
};

}  // namespace agdb
