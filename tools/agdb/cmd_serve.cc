#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "ipc/api/api_server.h"
#include "ipc/daemon/daemon.h"
#include "ipc/http/guard.h"
#include "ipc/ingest/otlp_ingest.h"
#include "runtime/events/clock.h"
#include "tools/agdb/daemon_session.h"
#include "tools/agdb/freed_memory.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/process_table.h"

namespace agdb {
namespace {

constexpr const char* kHttpAddress = "127.0.0.1:7475";
constexpr const char* kOtlpAddress = "127.0.0.1:4318";

// "7475" and ":7475" are ports of this machine.
Result<HttpAddress> listen_address(const std::string& word) {
  const std::string_view port = word.starts_with(':') ? std::string_view(word).substr(1) : word;
  const bool only_port = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
  return parse_http_address(only_port ? fmt::format("127.0.0.1:{}", port) : word);
}

std::string wrong_address(const std::string& word) {
  const Result<HttpAddress> address = listen_address(word);
  return address ? "" : address.error().message + "; " + address.error().hint;
}

struct ServeArguments {
  std::string socket;
  std::string log_level = "info";
  bool detach = false;
  bool record_all = false;
  bool trace_all = false;
  std::string http;  // empty: not served
  std::string http_token_file;
  std::string otlp;  // empty: not served
};

DaemonOptions options_of(const ServeArguments& arguments, const Environment& env) {
  DaemonOptions options;
  options.socket = socket_path(arguments.socket, env);
  options.records_dir = records_dir(env);
  options.record_all = arguments.record_all;
  if (arguments.trace_all) options.traces_dir = traces_dir(env);
  options.version = AGDB_VERSION;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) options.host = host.data();
  options.seed = static_cast<std::uint64_t>(RealClock().wall().time_since_epoch().count());
  options.log = [](DaemonOptions::Level level, const std::string& line) {
    static constexpr std::array kLevels = {spdlog::level::debug, spdlog::level::info,
                                           spdlog::level::warn, spdlog::level::err};
    spdlog::log(kLevels.at(static_cast<std::size_t>(level)), "{}", line);
  };
  return options;
}

void set_up_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("agdb"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

// A connection and a recording take a file descriptor each: as many as the system allows.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    spdlog::warn("cannot raise the limit of open files: {}", std::strerror(errno));
}

// The daemon over HTTP, where that is asked for.
Result<std::unique_ptr<ApiServer>> open_api(const ServeArguments& arguments, Daemon& daemon,
                                            const Environment& env) {
  if (arguments.http.empty()) return nullptr;
  ApiServerOptions options{
      .records_dir = records_dir(env), .traces_dir = traces_dir(env), .version = AGDB_VERSION};
  AGDB_TRY(options.http.address, listen_address(arguments.http));
  if (!arguments.http_token_file.empty()) {
    AGDB_TRY(options.http.token, read_token_file(arguments.http_token_file));
  }
  options.http.trouble = [](const std::string& line) { spdlog::warn("{}", line); };
  AGDB_TRY(std::unique_ptr<ApiServer> api, ApiServer::open(std::move(options), daemon));
  daemon.add_listener("http", api->address().text());
  spdlog::info("serving HTTP on http://{}/", api->address().text());
  return api;
}

// Spans of other programs' agents, where that is asked for.
Result<std::unique_ptr<OtlpIngest>> open_ingest(const ServeArguments& arguments, Daemon& daemon,
                                                const Environment& env) {
  if (arguments.otlp.empty()) return nullptr;
  static const RealClock clock;
  OtlpIngestOptions options{.records_dir = records_dir(env), .traces_dir = traces_dir(env)};
  AGDB_TRY(options.http.address, listen_address(arguments.otlp));
  if (!arguments.http_token_file.empty()) {
    AGDB_TRY(options.http.token, read_token_file(arguments.http_token_file));
  }
  options.http.trouble = [](const std::string& line) { spdlog::warn("{}", line); };
  options.log = options.http.trouble;
  AGDB_TRY(std::unique_ptr<OtlpIngest> ingest, OtlpIngest::open(std::move(options), clock));
  daemon.add_listener("otlp", ingest->address().text());
  daemon.add_report("otlp", [i = ingest.get()] { return i->status(); });
  daemon.at_end([i = ingest.get()] { i->close(); });
  spdlog::info("taking OTLP/JSON at http://{}/v1/traces", ingest->address().text());
  return ingest;
}

// Runs until it is told to end. `ready`: called once it accepts connections.
Result<ExitCode> serve(const ServeArguments& arguments, Environment& env,
                       const std::function<void()>& ready) {
  set_up_log(arguments.log_level);
  raise_file_limit();
  Daemon* running = nullptr;
  // Before the daemon's threads, so that they do not take its signals.
  InterruptGuard guard([&running] {
    if (running != nullptr) running->stop();
  });
  const FreedMemory freed_memory;
  AGDB_TRY(const std::unique_ptr<Daemon> daemon, Daemon::open(options_of(arguments, env)));
  AGDB_TRY(std::unique_ptr<ApiServer> api, open_api(arguments, *daemon, env));
  AGDB_TRY(std::unique_ptr<OtlpIngest> ingest, open_ingest(arguments, *daemon, env));
  running = daemon.get();
  spdlog::info("agdb {} serves {}, recordings in {}", AGDB_VERSION,
               socket_path(arguments.socket, env), records_dir(env));
  ready();
  daemon->run();
  running = nullptr;
  ingest.reset();
  api.reset();
  spdlog::info("all processes have ended, all recordings are closed");
  return ExitCode::kDone;
}

// The way in which a detached daemon tells its parent that it serves, or why not.
struct Report {
  std::array<int, 2> ends = {-1, -1};
  void say(std::string_view text) const {
    [[maybe_unused]] const ssize_t written = ::write(ends[1], text.data(), text.size());
  }
};

// What a daemon without a terminal says goes to a file beside its socket.
Status redirect(const std::string& log) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int file =
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (nothing < 0 || file < 0)
    return fail(Code::kIo, fmt::format("cannot write {}: {}", log, std::strerror(errno)));
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  return {};
}

[[noreturn]] void be_detached(const ServeArguments& arguments, Environment& env,
                              const Report& report, const std::string& log) {
  ::setsid();
  Result<ExitCode> ended = ExitCode::kDone;
  bool served = false;
  if (const Status ready = redirect(log); !ready) {
    ended = std::unexpected(ready.error());
  } else {
    ended = serve(arguments, env, [&] {
      served = true;
      report.say("ok");
      ::close(report.ends[1]);
    });
  }
  if (!ended && !served)
    report.say(ended.error().message + (ended.error().hint.empty() ? "" : "; ") +
               ended.error().hint);
  std::_Exit(ended ? 0 : 1);
}

Result<ExitCode> detach(const ServeArguments& arguments, Environment& env) {
  const std::string socket = socket_path(arguments.socket, env);
  const std::filesystem::path folder = std::filesystem::path(socket).parent_path();
  // The log stands beside the socket, so the folder must be there before the daemon makes it.
  if (!folder.empty()) ::mkdir(folder.c_str(), 0700);
  const std::string log = socket + ".log";
  Report report;
  if (::pipe2(report.ends.data(), O_CLOEXEC) != 0)
    return fail(Code::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) return fail(Code::kIo, std::string("cannot fork: ") + std::strerror(errno));
  if (child == 0) be_detached(arguments, env, report, log);
  ::close(report.ends[1]);
  std::string said;
  std::array<char, 1024> piece{};
  for (ssize_t got = 0; (got = ::read(report.ends[0], piece.data(), piece.size())) > 0;)
    said.append(piece.data(), static_cast<std::size_t>(got));
  ::close(report.ends[0]);
  if (said != "ok") {
    ::waitpid(child, nullptr, 0);
    if (said.empty()) said = "it ended at once; " + log + " says more";
    return fail(Code::kIo, "the daemon did not start: " + said);
  }
  env.console->note(fmt::format("serving {} (process {}), log in {}", socket, child, log));
  return ExitCode::kDone;
}

std::string dropped_text(std::int64_t spans) {
  if (spans <= 0) return "";
  return fmt::format(", {} dropped for an id that was taken: the log says of which trace",
                     plural(static_cast<std::uint64_t>(spans), "span"));
}

Result<ExitCode> status(const std::string& socket, bool json, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(socket, env));
  AGDB_TRY(const Json told, session.call("daemon.status", {}));
  Console& console = *env.console;
  if (json) {
    console.print_line(dump(told, {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  const Json& processes = told["processes"];
  console.print(fmt::format(
      "agdb {} (process {}), up {}\n"
      "socket      {}\n"
      "recordings  {} under way, in {}{}\n"
      "processes   {} alive ({} of other programs), {} ended\n"
      "connections {}, views {}\n",
      told.text("version"), told.integer("os_pid"), clock_text(told.integer("uptime_ns")),
      told.text("socket"), told.integer("recordings"), told.text("records_dir"),
      told.boolean("record_all") ? " (every process)" : "", processes.integer("alive"),
      processes.integer("foreign"), processes.integer("ended"), told.integer("connections"),
      told.integer("views")));
  for (const Json::Member& listener :
       told["listeners"].is_object() ? told["listeners"].members() : Json::Object{})
    console.print(
        fmt::format("{:<11} {}\n", listener.key, listener.value.to_string().value_or("")));
  const Json& events = told["events"];
  const std::int64_t rejected = told.integer("rejected_notifications");
  if (const std::int64_t losing = told.integer("recordings_losing"); losing > 0)
    console.print(fmt::format("lost        events of {} that are under way: the log says why\n",
                              plural(static_cast<std::uint64_t>(losing), "recording")));
  if (events.integer("refused") > 0)
    console.print(
        fmt::format("lost        {} events: the recorder was behind\n", events.integer("refused")));
  if (const Json& otlp = told["otlp"]; otlp.is_object())
    console.print(
        fmt::format("spans       {} in {}, {} open{}\n", otlp.integer("spans"),
                    plural(static_cast<std::uint64_t>(otlp.integer("requests")), "request"),
                    plural(static_cast<std::uint64_t>(otlp.integer("open_traces")), "trace"),
                    dropped_text(otlp.integer("dropped_spans"))));
  const Json& runs = told["runs"];
  if (runs.integer("not_stored") > 0)
    console.print(
        fmt::format("not stored  {}: the log says why; `agdb runs rebuild` brings them\n",
                    plural(static_cast<std::uint64_t>(runs.integer("not_stored")), "run")));
  if (rejected > 0)
    console.print(fmt::format(
        "rejected    {} reports of agents (serve --log-level debug says why)\n", rejected));
  return ExitCode::kDone;
}

Result<ExitCode> shut_down(const std::string& socket, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(socket, env));
  AGDB_TRY([[maybe_unused]] const Json answer, session.call("daemon.shutdown", {}));
  // It is over when the connection is.
  for (;;) {
    const auto more = session.client().next();
    if (!more && more.error().code == Code::kCancelled) return std::unexpected(more.error());
    if (!more) break;
  }
  env.console->note("the daemon has ended; its recordings are closed");
  return ExitCode::kDone;
}

}  // namespace

Runner declare_serve(CommandLine& line) {
  auto arguments = std::make_shared<ServeArguments>();
  line.flag("--detach", arguments->detach, "go on in the background; the log is beside the socket");
  line.flag("--record-all", arguments->record_all, "record every process from its birth");
  line.flag("--trace-all", arguments->trace_all,
            "keep the spans of every process (`agdb trace list`), also of those not recorded");
  line.option("--http", "[ADDR]", arguments->http,
              "serve HTTP there, too (without ADDR: 127.0.0.1:7475; a port alone is one of "
              "this machine, 0 any)")
      .or_alone(kHttpAddress)
      .check(wrong_address);
  line.option("--http-token-file", "FILE", arguments->http_token_file,
              "each HTTP request must bring the token in it; needed for other machines' addresses")
      .is(ValueKind::kFile);
  line.option("--otlp", "[ADDR]", arguments->otlp,
              "take spans of instrumented agents there, OTLP/JSON (without ADDR: 127.0.0.1:4318)")
      .or_alone(kOtlpAddress)
      .check(wrong_address);
  line.option("--log-level", "LEVEL", arguments->log_level,
              "what is logged to stderr: debug, info (default), warning or error")
      .one_of({"debug", "info", "warning", "error"});
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) -> Result<ExitCode> {
    if (!arguments->http_token_file.empty() && arguments->http.empty() && arguments->otlp.empty())
      return fail(Code::kInvalid, "--http-token-file is of no use here",
                  "it goes with --http or --otlp");
    if (arguments->detach) return detach(*arguments, env);
    return serve(*arguments, env, [] {});
  };
}

Runner declare_status(CommandLine& line) {
  auto socket = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  add_socket_option(line, *socket);
  line.flag("--json", *json, "one JSON document");
  return [socket, json](Environment& env) { return or_interrupted(status(*socket, *json, env)); };
}

Runner declare_shutdown(CommandLine& line) {
  auto socket = std::make_shared<std::string>();
  add_socket_option(line, *socket);
  return [socket](Environment& env) { return or_interrupted(shut_down(*socket, env)); };
}

}  // namespace agdb
