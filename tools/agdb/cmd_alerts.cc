#include <fmt/format.h>

#include <memory>

#include "debug/replay/screen_text.h"
#include "runtime/events/clock.h"
#include "tools/agdb/alert_hook.h"
#include "tools/agdb/daemon_session.h"
#include "tools/agdb/local_time.h"
#include "tools/agdb/process_table.h"

namespace agdb {
namespace {

constexpr std::chrono::seconds kHookLimit{10};

struct AlertArguments {
  std::string socket;
  std::string on_alert;
  std::int64_t last = 100;
  bool follow = false;
  bool json = false;
};

// The intent takes what is left of the line; where that is next to nothing, it is left out.
std::string alert_line(const Json& told, std::size_t width) {
  constexpr std::size_t kLeastIntent = 12;
  const Json& alert = told["alert"];
  const Result<WallTime> time = parse_wall_time(told.text("time"));
  std::string text = fmt::format("{:<8}  pid {:<3} {:<8} {:<8}  ", time ? short_time(*time) : "",
                                 told.integer("pid"), screen_line(alert.text("kind")),
                                 screen_line(alert.text("level")));
  text += alert.text("kind") == "forecast"
              ? fmt::format("about {} steps left", alert.integer("est_remaining_steps"))
              : fmt::format("{:.1f}% left", alert["remaining_pct"].to_double().value_or(0));
  text += fmt::format(" ({} of {} tokens)", short_count(alert.integer("tokens_used")),
                      short_count(alert.integer("context_budget")));
  const std::size_t taken = text.size() + 2;
  if (width != 0 && width < taken + kLeastIntent) return text;
  return text + "  " + screen_line(told.text("intent"), width == 0 ? 40 : width - taken);
}

// What a program is told, and --json prints: the notification without what is the connection's.
Json without_subscription(Json told) {
  told.erase("subscription");
  told.erase("seq");
  return told;
}

class AlertView {
 public:
  AlertView(const AlertArguments& arguments, std::vector<std::string> hook, Environment& env)
      : arguments_(arguments), hook_(std::move(hook)), console_(*env.console) {}

  Result<ExitCode> run(DaemonClient& client) {
    // Without --follow: what comes before the answer to the next call has been before.
    AGDB_TRY(const Json subscribed,
             client.call("alerts.follow", Json::object({{"last", arguments_.last}})));
    if (!arguments_.follow) {
      AGDB_TRY([[maybe_unused]] const Json status, client.call("daemon.status", {}));
    }
    std::int64_t shown = 0;
    for (;;) {
      AGDB_TRY(auto told, client.next(std::chrono::milliseconds(0)));
      if (!told && !arguments_.follow) break;
      if (!told) {
        AGDB_CHECK_OK(console_.finish());
        AGDB_TRY(told, client.next());
      }
      if (console_.reader_gone()) break;
      show(without_subscription(std::move(told->params)));
      ++shown;
    }
    if (shown == 0 && !arguments_.json)
      console_.note("no alert yet; --follow waits for them, `agdb budget PID N` sets a limit");
    return ExitCode::kDone;
  }

 private:
  void show(const Json& told) {
    const std::string json = dump(told, {.sorted = false});
    console_.print_line(arguments_.json ? json : alert_line(told, console_.width()));
    if (hook_.empty()) return;
    const Status ran = run_with_input(hook_, json + "\n", kHookLimit);
    if (!ran) console_.warn("--on-alert: " + ran.error().message);
  }

  const AlertArguments& arguments_;
  const std::vector<std::string> hook_;
  Console& console_;
};

Result<ExitCode> alerts(const AlertArguments& arguments, Environment& env) {
  std::vector<std::string> hook;
  if (!arguments.on_alert.empty()) {
    AGDB_TRY(hook, split_words(arguments.on_alert));
  }
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  return AlertView(arguments, std::move(hook), env).run(session.client());
}

}  // namespace

Runner declare_alerts(CommandLine& line) {
  auto arguments = std::make_shared<AlertArguments>();
  Option follow = line.flag("--follow", arguments->follow, "wait for more, until Ctrl-C");
  line.option("--last", "N", arguments->last, "begin with the newest N (default 100)")
      .between(0, 1e6);
  line.option("--on-alert", "CMD", arguments->on_alert,
              "run CMD for each alert, without a shell, with the alert as JSON on its stdin; it is "
              "killed after 10 s. Its output goes to stderr")
      .needs(follow);
  line.flag("--json", arguments->json, "one JSON object a line");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(alerts(*arguments, env)); };
}

}  // namespace agdb
