#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <set>

#include "debug/replay/screen_text.h"
#include "debug/strace/call_stats.h"
#include "debug/strace/event_from_json.h"
#include "debug/strace/event_lines.h"
#include "debug/strace/filter.h"
#include "debug/strace/strace_json.h"
#include "runtime/events/clock.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/daemon_session.h"

namespace agdb {
namespace {

struct StraceArguments {
  std::string socket;
  std::vector<std::string> pids;
  std::vector<std::string> more_pids;  // -p
  std::vector<std::string> filters;
  std::string output;
  std::int64_t wall_clock = 0;  // -t, -tt
  std::int64_t string_limit = 50;
  std::int64_t last = 0;
  bool relative = false;
  bool all = false;
  bool follow = false;
  bool successful = false;
  bool failed = false;
  bool summary_only = false;
  bool summary_too = false;
  bool verbose = false;
  bool json = false;
};

std::chrono::seconds utc_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return std::chrono::seconds(local.tm_gmtoff);
}

// Where the lines go: stdout, or the file of -o.
class Sink {
 public:
  static Result<Sink> open(const std::string& path, Console& console) {
    if (path.empty()) return Sink(nullptr, console);
    std::FILE* file = std::fopen(path.c_str(), "we");
    if (file == nullptr)
      return fail(Code::kIo, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    return Sink(file, console);
  }
  void line(const std::string& text) {
    if (!file_) return console_->print_line(text);
    std::fwrite(text.data(), 1, text.size(), file_.get());
    std::fputc('\n', file_.get());
  }
  Status flush() {
    if (!file_) return console_->finish();
    if (std::fflush(file_.get()) == 0 && std::ferror(file_.get()) == 0) return {};
    return fail(Code::kIo, fmt::format("cannot write the output: {}", std::strerror(errno)));
  }
  bool over() const { return !file_ && console_->reader_gone(); }
  bool is_file() const { return file_ != nullptr; }

 private:
  Sink(std::FILE* file, Console& console) : file_(file), console_(&console) {}
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closer> file_;
  Console* console_;
};

// One view of living processes, from attach to detach.
class View {
 public:
  View(const StraceArguments& arguments, Sink sink, Environment& env)
      : arguments_(arguments), sink_(std::move(sink)), console_(*env.console), lines_(style()) {}

  Result<ExitCode> run(DaemonSession& session) {
    AGDB_TRY(const Json attached, session.call("strace.attach", attach_params()));
    AGDB_CHECK_OK(greet(attached["processes"]));
    const Result<ExitCode> result = follow(session.client());
    AGDB_CHECK_OK(finish(result));
    return or_interrupted(result);
  }

 private:
  StraceOptions style() const {
    StraceOptions options;
    options.color = !sink_.is_file() && console_.color_out();
    options.verbose = arguments_.verbose;
    options.string_limit = static_cast<std::size_t>(arguments_.string_limit);
    options.show_pid = several();
    if (arguments_.wall_clock == 1) options.time = TimeStyle::kWallClock;
    if (arguments_.wall_clock >= 2) options.time = TimeStyle::kWallMicros;
    if (arguments_.relative) options.time = TimeStyle::kSincePrevious;
    options.utc_offset = utc_offset();
    return options;
  }
  bool several() const {
    return arguments_.all || arguments_.follow ||
           arguments_.pids.size() + arguments_.more_pids.size() > 1;
  }

  Json attach_params() const {
    Json pids = Json::array();
    for (const auto* list : {&arguments_.pids, &arguments_.more_pids})
      for (const std::string& pid : *list) pids.push_back(pid_param(pid));
    Json filters = Json::array();
    for (const std::string& filter : arguments_.filters) filters.push_back(filter);
    if (arguments_.successful) filters.push_back("status=successful");
    if (arguments_.failed) filters.push_back("status=failed");
    Json params = Json::object(
        {{"follow", arguments_.follow}, {"last", arguments_.last}, {"filters", filters}});
    if (arguments_.all) {
      params.set("all", true);
    } else {
      params.set("pids", std::move(pids));
    }
    return params;
  }

  Status greet(const Json& processes) {
    for (std::size_t i = 0; i < processes.size(); ++i) {
      const Json& process = processes.items()[i];
      const Pid pid{process["pid"].to_uint().value_or(0)};
      // When a process began is what the wall clock's times count from.
      ProcessStart start;
      if (const auto time = parse_wall_time(process.text("started"))) start.wall_start = *time;
      lines_.skip({pid, 0, Nanoseconds(0), std::move(start)});
      AGDB_CHECK_OK(say(fmt::format("attached to pid {} ({}): {}", raw(pid), process.text("state"),
                                    screen_line(process.text("intent"), 60))));
    }
    if (arguments_.all) AGDB_CHECK_OK(say("attached to every process"));
    return {};
  }
  // Behind the lines of what happened before.
  Status say(const std::string& text) {
    if (arguments_.json) return {};
    AGDB_CHECK_OK(sink_.flush());
    console_.note(text);
    return {};
  }

  // What is there is shown before the next wait, so that a line is never late.
  Result<ExitCode> follow(DaemonClient& client) {
    for (;;) {
      AGDB_TRY(auto notification, client.next(std::chrono::milliseconds(0)));
      if (!notification) {
        AGDB_CHECK_OK(sink_.flush());
        AGDB_TRY(notification, client.next());
      }
      if (sink_.over()) return ExitCode::kDone;
      AGDB_TRY(const bool over, show(*notification));
      if (over) return ExitCode::kDone;
    }
  }

  Result<bool> show(const DaemonClient::Notification& told) {
    if (told.method == "strace.event") {
      AGDB_CHECK_OK(show_event(told.params["event"], told.params.text("path")));
    } else if (told.method == "strace.lost") {
      show_lost(told.params["lost"].to_uint().value_or(0));
    } else if (told.method == "strace.exit") {
      AGDB_CHECK_OK(show_exit(told.params));
      return told.params.boolean("last");
    }
    return false;
  }

  Status show_event(const Json& json, std::string_view path) {
    AGDB_TRY(const Event event, event_from_json(json));
    if (const auto* start = std::get_if<ProcessStart>(&event.payload)) {
      lines_.skip(event);
      AGDB_CHECK_OK(say(fmt::format(
          "attached to pid {}{}: {}", raw(event.pid),
          start->parent == kRuntimePid ? "" : fmt::format(", a child of {}", raw(start->parent)),
          screen_line(start->intent, 60))));
      if (arguments_.json) sink_.line(json_line(json));
      return {};
    }
    if (const auto* call = std::get_if<Syscall>(&event.payload)) stats_.add(*call);
    newest_ = {event.pid, event.timestamp, event.n};
    if (arguments_.summary_only) {
      lines_.skip(event);
    } else {
      sink_.line(arguments_.json ? json_line(json) : lines_.line(event, path));
    }
    return {};
  }

  // The exit code of a process that the daemon has forgotten is not known.
  Status show_exit(const Json& told) {
    const std::optional<std::int64_t> code = told["exit_code"].to_int();
    const std::string reason = screen_line(told.text("exit_reason"));
    return say(fmt::format("pid {} ended{}{}{}", told.integer("pid"), reason.empty() ? "" : ": ",
                           reason, code ? fmt::format(" (exit code {})", *code) : ""));
  }

  void show_lost(std::uint64_t lost) {
    lost_ += lost;
    stats_.add_lost(lost);
    if (arguments_.json) return sink_.line(fmt::format("{{\"lost\":{}}}", lost));
    if (arguments_.summary_only) return;
    Stamp stamp;
    stamp.pid = newest_.pid;
    stamp.timestamp = newest_.timestamp;
    sink_.line(lines_.lost_line(lost, stamp));
  }

  Status finish(const Result<ExitCode>& result) {
    if (!result && result.error().code == Code::kCancelled) AGDB_CHECK_OK(say("detached"));
    if (lost_ > 0)
      console_.warn(fmt::format(
          "{} events are missing here: this view was not read fast enough; nobody else lost any",
          lost_));
    if (arguments_.summary_only || arguments_.summary_too)
      sink_.line(arguments_.json ? dump(call_stats_json(stats_), {.sorted = false})
                                 : without_end(call_stats_text(stats_)));
    return sink_.flush();
  }
  static std::string without_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  struct Newest {
    Pid pid{};
    Nanoseconds timestamp{0};
    std::uint64_t n = 0;
  };
  const StraceArguments& arguments_;
  Sink sink_;
  Console& console_;
  EventLines lines_;
  CallStats stats_;
  Newest newest_;
  std::uint64_t lost_ = 0;
};

Result<ExitCode> strace(const StraceArguments& arguments, Environment& env) {
  if (arguments.pids.empty() && arguments.more_pids.empty() && !arguments.all) {
    env.console->error(
        {Code::kInvalid, "no process named", "give a PID (`agdb ps` lists them), or --all"});
    return ExitCode::kUsage;
  }
  AGDB_TRY(const Filter filter, Filter::parse_all(arguments.filters));
  for (const std::string& name : filter.unknown_names())
    env.console->warn(fmt::format(
        "no system call is called {}: it matches nothing but an agent's own calls", name));
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  AGDB_TRY(Sink sink, Sink::open(arguments.output, *env.console));
  return View(arguments, std::move(sink), env).run(session);
}

}  // namespace

Runner declare_strace(CommandLine& line) {
  auto arguments = std::make_shared<StraceArguments>();
  line.argument("PID", arguments->pids, "a pid, or the record id of a living process");
  line.option("-p", "PID", arguments->more_pids, "the same (may be repeated)");
  line.flag("--all", arguments->all, "every process, also those to come");
  line.flag("-f,--follow-forks", arguments->follow, "the children too, from their birth");
  line.option("-e", "EXPR", arguments->filters,
              "only events that match: trace=Open,%llm tool=Bash,Read\nstatus=failed text~REGEX "
              "duration=1s.. tokens=1000..\npid=2 (may be repeated; all are required)")
      .check(filter_expression);
  Option successful = line.flag("-z", arguments->successful, "only calls that succeeded");
  line.flag("-Z", arguments->failed, "only calls that failed").excludes(successful);
  Option only = line.flag("-c,--summary-only", arguments->summary_only,
                          "no lines, but a table of the calls at the end");
  line.flag("-C,--summary", arguments->summary_too, "lines, and the table").excludes(only);
  Option wall = line.flag("-t", arguments->wall_clock, "wall clock; -tt with microseconds");
  line.flag("-r", arguments->relative, "time since the line before").excludes(wall);
  line.option("-s", "N", arguments->string_limit, "longest argument in bytes (default 50)")
      .between(8, 1e9);
  line.option("--last", "N", arguments->last,
              "begin with the newest N events (at most 256 a process are kept)")
      .between(0, 1e6);
  line.option("-o", "FILE", arguments->output, "write the lines to a file").is(ValueKind::kFile);
  line.flag("-v,--verbose", arguments->verbose, "arguments and results in full");
  line.flag("--json", arguments->json, "one JSON object a line");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(strace(*arguments, env)); };
}

}  // namespace agdb
