#include "tools/agdb/replay_shell.h"

#include <fmt/format.h>

#include <charconv>

#include "debug/replay/context_diff.h"
#include "debug/replay/context_json.h"
#include "debug/replay/replay_line.h"
#include "debug/replay/screen_text.h"
#include "debug/strace/value_text.h"
#include "tools/agdb/fork_run.h"
#include "tools/agdb/recorded_text.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

// Events before and behind the cursor that `list` shows.
constexpr std::size_t kListReach = 5;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

// A line: its first word, and what follows it as it was typed, blanks and all.
struct ReplayShell::Words {
  std::string_view command;
  std::string_view rest;

  static Words of(std::string_view line) {
    line = trimmed(line);
    const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
    return {line.substr(0, blank), trimmed(line.substr(blank))};
  }
  // The rest, split once more.
  Words shift() const { return of(rest); }
};

struct ReplayShell::Entry {
  std::string_view name;
  std::string_view short_name;
  std::string_view usage;
  std::string_view help;
  void (ReplayShell::*run)(const Words&);
};

const std::vector<ReplayShell::Entry>& ReplayShell::replay_commands() {
  static const std::vector<Entry> kCommands = {
      {"next", "n", "next, n", "go to the next event", &ReplayShell::next},
      {"prev", "p", "prev, p", "go to the event before", &ReplayShell::prev},
      {"goto", "g", "goto, g <seq>", "go to the event with that number", &ReplayShell::go_to},
      {"current", "c", "current, c", "show the event at the cursor", &ReplayShell::current},
      {"list", "l", "list, l", "show the events around the cursor", &ReplayShell::list},
      {"info", "i", "info, i", "show what the recording is", &ReplayShell::info},
      {"context", "x", "context, x", "show what the model knows at the cursor",
       &ReplayShell::context},
      {"diff", "d", "diff, d <a> [b]", "compare the contexts at two events (or from the cursor)",
       &ReplayShell::diff},
      {"find", "/", "find, / <expr>", "go forward to an event that matches (trace=%tool, text~…)",
       &ReplayShell::find},
      {"rfind", "?", "rfind, ? <expr>", "go backward to an event that matches",
       &ReplayShell::find_back},
      {"fork", "f", "fork, f", "restore the context at the cursor, to edit it and run on",
       &ReplayShell::fork},
      {"help", "h", "help, h", "show this text", &ReplayShell::help},
      {"quit", "q", "quit, q", "leave", &ReplayShell::quit}};
  return kCommands;
}

const std::vector<ReplayShell::Entry>& ReplayShell::fork_commands() {
  static const std::vector<Entry> kCommands = {
      {"set", "", "set prompt <text>", "replace the system prompt", &ReplayShell::set_prompt},
      {"append", "", "append <role> <text>", "add a message at the end", &ReplayShell::append},
      {"remove", "", "remove <n>", "remove the last n messages", &ReplayShell::remove},
      {"replace", "", "replace <text>", "replace the text of the last message",
       &ReplayShell::replace},
      {"show", "", "show", "show the fork as it stands", &ReplayShell::show_fork},
      {"continue", "go", "continue, go", "run on from it, recorded", &ReplayShell::run_fork_on},
      {"help", "h", "help, h", "show this text", &ReplayShell::fork_help},
      {"cancel", "q", "cancel, q", "back to replay", &ReplayShell::cancel}};
  return kCommands;
}

std::string ReplayShell::help_text(const std::vector<Entry>& commands) {
  std::string text;
  for (const Entry& entry : commands)
    text += fmt::format("  {:<20} - {}\n", entry.usage, entry.help);
  return text;
}

ReplayShell::ReplayShell(const Recording& recording, ReplayShellOptions options, Environment& env)
    : recording_(recording), session_(recording), options_(options), env_(env) {}

std::string ReplayShell::prompt() const {
  return in_fork() ? "fork> " : "replay> ";
}

void ReplayShell::execute(const std::string& line) {
  const Words words = Words::of(line);
  if (words.command.empty() || words.command.starts_with('#')) return;
  for (const Entry& entry : in_fork() ? fork_commands() : replay_commands()) {
    if (words.command != entry.name &&
        (entry.short_name.empty() || words.command != entry.short_name))
      continue;
    (this->*entry.run)(words);
    return;
  }
  failed(in_fork() ? "fork" : "replay",
         fmt::format("unknown command: {} (type 'help' for commands)",
                     in_fork() ? words.command : trimmed(line)));
}

void ReplayShell::end_of_input() {
  if (!options_.json) print("\n[replay] session ended.\n");
  done_ = true;
}

void ReplayShell::print(std::string_view text) {
  env_.console->print(text);
}
void ReplayShell::print_json(const Json& json) {
  env_.console->print_line(dump(json, {.sorted = false}));
}

void ReplayShell::failed(std::string_view prefix, std::string_view message) {
  ++failures_;
  if (options_.json) {
    print_json(Json::object({{"ok", false}, {"error", Json::object({{"message", message}})}}));
    return;
  }
  static_cast<void>(env_.console->finish());
  const std::string line = fmt::format("[{}] {}\n", prefix, screen_line(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void ReplayShell::moved(const Result<RecordedEvent>& event) {
  if (!event) {
    failed("replay", event.error().message);
    return;
  }
  const ReplayPosition at = session_.position();
  if (options_.json) {
    const Result<std::string> line = recording_.line_at(static_cast<std::size_t>(at.cursor));
    if (line) env_.console->print_line(*line);
    return;
  }
  print(replay_line(*event, {.verbose = options_.verbose, .width = env_.console->width()}));
  print(fmt::format("\n[{}/{}]\n", at.cursor + 1, at.total));
}

void ReplayShell::next(const Words&) {
  moved(session_.next());
}
void ReplayShell::prev(const Words&) {
  moved(session_.prev());
}
void ReplayShell::current(const Words&) {
  moved(session_.current());
}

void ReplayShell::go_to(const Words& words) {
  if (words.rest.empty()) {
    failed("replay", "usage: goto <seq_num>");
    return;
  }
  const Result<SeqNum> seq = parse_seq(std::string(words.rest));
  if (!seq) {
    failed("replay", fmt::format("invalid seq_num: {}", words.rest));
    return;
  }
  moved(session_.go_to(*seq));
}

void ReplayShell::list(const Words&) {
  const Result<std::vector<ReplayListItem>> items = session_.list(kListReach);
  if (!items) {
    failed("replay", items.error().message);
    return;
  }
  if (options_.json) {
    Json array = Json::array();
    for (const ReplayListItem& item : *items) {
      std::string line;
      const Result<EventEntry> found = recording_.fetch(item.event.seq_num, line);
      Result<Json> event = found ? parse_json(line) : Result<Json>(Json());
      array.push_back(
          Json::object({{"Event", event.value_or(Json())}, {"IsCursor", item.is_cursor}}));
    }
    print_json(array);
    return;
  }
  print(items->empty() ? "[replay] no events to display (use 'next' to start)"
                       : replay_list(*items, env_.console->width()));
  print("\n");
}

void ReplayShell::info(const Words&) {
  if (options_.json) {
    print_json(parse_json(metadata_to_json(recording_.metadata())).value_or(Json()));
    return;
  }
  print(replay_summary(recording_.metadata(), recording_.size()) + "\n");
  const ReplayPosition at = session_.position();
  if (at.cursor >= 0) print(fmt::format("Position:   {}/{}\n", at.cursor + 1, at.total));
}

void ReplayShell::context(const Words&) {
  const Result<RecordedEvent> event = session_.current();
  if (!event) {
    failed("replay", event.error().message);
    return;
  }
  const Result<RestoredContext> found = recording_.context_at(event->seq_num);
  if (!found) {
    failed("replay", found.error().message);
  } else if (options_.json) {
    print_json(context_json(*found));
  } else {
    print(context_text(*found));
  }
}

void ReplayShell::diff(const Words& words) {
  const Words operands = words.shift();
  if (operands.command.empty()) {
    failed("replay", "usage: diff <seq1> <seq2> or diff <seq>");
    return;
  }
  const Result<SeqNum> first = parse_seq(std::string(operands.command));
  if (operands.rest.empty() && !first) {
    failed("replay", fmt::format("invalid seq_num: {}", operands.command));
    return;
  }
  const Result<SeqNum> second =
      operands.rest.empty() ? first : parse_seq(std::string(operands.rest));
  if (!first || !second) {
    failed("replay", "usage: diff <seq1> <seq2> or diff <seq>");
    return;
  }
  const Result<ContextDiff> found =
      operands.rest.empty() ? session_.diff_from_cursor(*first) : session_.diff(*first, *second);
  if (!found) {
    failed("replay", found.error().message);
  } else if (options_.json) {
    print_json(to_json(*found));
  } else {
    print(diff_text(*found, {.width = env_.console->width()}));
  }
}

void ReplayShell::search(SearchDirection direction, const Words& words) {
  if (words.rest.empty()) {
    failed("replay", "usage: find <expr>, as in: find trace=Read status=failed");
    return;
  }
  std::vector<std::string> expressions;
  for (Words left = words.shift(); !left.command.empty(); left = left.shift()) {
    // text~ takes the rest of the line, blanks and all.
    if (left.command.starts_with("text~")) {
      expressions.emplace_back(left.command.data(),
                               words.rest.data() + words.rest.size() - left.command.data());
      break;
    }
    expressions.emplace_back(left.command);
  }
  const Result<Filter> filter = Filter::parse_all(expressions);
  if (!filter) {
    failed("replay", filter.error().message);
    return;
  }
  for (const std::string& name : filter->unknown_names())
    env_.console->warn(
        fmt::format("no system call is called {}; text~{} looks into texts", name, name));
  const SearchResult found = session_.find(direction, *filter);
  if (found.unreadable > 0)
    env_.console->warn(fmt::format("{} events could not be read", found.unreadable));
  if (!found.event) {
    failed("replay", "no such event in that direction");
    return;
  }
  moved(*found.event);
}

void ReplayShell::find(const Words& words) {
  search(SearchDirection::kForward, words);
}
void ReplayShell::find_back(const Words& words) {
  search(SearchDirection::kBackward, words);
}
void ReplayShell::help(const Words&) {
  print(help_text(replay_commands()));
}

void ReplayShell::quit(const Words&) {
  if (!options_.json) print("[replay] session ended.\n");
  done_ = true;
}

void ReplayShell::fork(const Words&) {
  Result<ForkContext> made = session_.fork();
  if (!made) {
    failed("fork", fmt::format("error: {}", made.error().message));
    return;
  }
  fork_ = std::move(*made);
  if (options_.json) {
    print_json(to_json(*fork_));
    return;
  }
  print(
      fmt::format("[fork] Creating fork from event #{:03}...\n[fork] Original PID: {}\n[fork] "
                  "Intent: {}\n[fork] Messages: {}\n",
                  raw(fork_->seq_num), raw(fork_->original_pid), quoted_text(fork_->intent),
                  fork_->messages.size()));
  if (!fork_->system_prompt.empty())
    print(fmt::format("[fork] System Prompt: len:{}\n", fork_->system_prompt.size()));
  print("[fork]\n" + help_text(fork_commands()));
}

void ReplayShell::set_prompt(const Words& words) {
  const Words operands = words.shift();
  if (operands.command != "prompt" || operands.rest.empty()) {
    failed("fork", "usage: set prompt <text>");
    return;
  }
  fork_->set_system_prompt(std::string(operands.rest));
  if (!options_.json)
    print(fmt::format("[fork] System prompt updated (len:{})\n", operands.rest.size()));
}

void ReplayShell::append(const Words& words) {
  const Words operands = words.shift();
  if (operands.command.empty() || operands.rest.empty()) {
    failed("fork", "usage: append <role> <text>");
    return;
  }
  if (const Status role = check_role(operands.command); !role) {
    failed("fork", role.error().message + "; " + role.error().hint);
    return;
  }
  fork_->append(std::string(operands.command), std::string(operands.rest));
  if (!options_.json)
    print(fmt::format("[fork] Message appended: [{}] {}\n", screen_line(operands.command),
                      screen_line(operands.rest)));
}

void ReplayShell::remove(const Words& words) {
  std::int64_t count = 0;
  const auto [end, error] =
      std::from_chars(words.rest.data(), words.rest.data() + words.rest.size(), count);
  if (error != std::errc() || end != words.rest.data() + words.rest.size() || count < 1) {
    failed("fork", "usage: remove <n>, n from 1");
    return;
  }
  const std::size_t before = fork_->messages.size();
  if (const Status status = fork_->remove_last(count); !status) {
    failed("fork", status.error().message);
    return;
  }
  if (!options_.json)
    print(fmt::format("[fork] Removed last {} message(s). Messages remaining: {}\n",
                      before - fork_->messages.size(), fork_->messages.size()));
}

void ReplayShell::replace(const Words& words) {
  if (words.rest.empty()) {
    failed("fork", "usage: replace <text>");
    return;
  }
  if (!fork_->replace_last(std::string(words.rest))) {
    failed("fork", "there is no message to replace");
    return;
  }
  if (!options_.json)
    print(fmt::format("[fork] Last message replaced with: {}\n", screen_line(words.rest)));
}

void ReplayShell::show_fork(const Words&) {
  if (options_.json) {
    print_json(to_json(*fork_));
  } else {
    print(summary_text(*fork_));
  }
}

void ReplayShell::run_fork_on(const Words&) {
  const ForkContext context = std::move(*fork_);
  fork_.reset();
  if (!options_.json) print("[fork] Creating forked process...\n");
  static_cast<void>(env_.console->finish());
  RunOptions run;
  run.record = true;
  const Result<RunOutcome> outcome = run_fork(recording_, context, run, env_);
  if (!outcome) {
    failed("fork", fmt::format("error: {}", outcome.error().message));
    return;
  }
  if (options_.json) {
    report(*outcome, true, env_);
    return;
  }
  const RunOutcome::Agent& agent = outcome->agents.front();
  print(fmt::format("[fork] New process spawned: PID {} (PPID: {})\n", raw(agent.info.pid),
                    raw(agent.info.parent)));
  print(fmt::format("[fork] It ended: {} ({} steps, {} tokens), recorded as {}\n",
                    agent.info.exit.reason, agent.info.steps, agent.info.tokens_used,
                    agent.record_id));
}

void ReplayShell::fork_help(const Words&) {
  print(help_text(fork_commands()));
}

void ReplayShell::cancel(const Words&) {
  fork_.reset();
  if (!options_.json) print("[fork] Fork cancelled. Returning to replay mode.\n");
}

}  // namespace agdb
