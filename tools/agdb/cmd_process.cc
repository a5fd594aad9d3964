#include <fmt/format.h>

#include <memory>

#include "debug/replay/screen_text.h"
#include "runtime/events/script.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/daemon_session.h"
#include "tools/agdb/input_file.h"
#include "tools/agdb/process_table.h"

namespace agdb {
namespace {

struct ProcessArguments {
  std::string socket;
  std::vector<std::string> pids;
  std::string script;
  std::string agent;
  std::string intent;
  std::string policy;
  std::string budget;  // empty: not given
  std::string signal = "terminate";
  std::int64_t max_steps = 0;
  bool record = false;
  bool forest = false;
  bool all = false;
  bool json = false;
};

void print_json(const Json& json, Environment& env) {
  env.console->print_line(dump(json, {.sorted = false, .indent = 2}));
}

Result<ExitCode> spawn(const ProcessArguments& arguments, Environment& env) {
  AGDB_TRY(const std::string text, read_input_file(arguments.script));
  // Checked here, so that an error names the file as the person does.
  AGDB_TRY([[maybe_unused]] const Script script, parse_script(text, arguments.script));
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  Json params = Json::object({{"script", text}, {"name", arguments.script}});
  if (!arguments.agent.empty()) params.set("agent", arguments.agent);
  if (!arguments.intent.empty()) params.set("intent", arguments.intent);
  if (!arguments.budget.empty()) params.set("budget", pid_param(arguments.budget));
  if (!arguments.policy.empty()) params.set("policy", arguments.policy);
  if (arguments.max_steps > 0) params.set("max_steps", arguments.max_steps);
  if (arguments.record) params.set("record", true);
  AGDB_TRY(const Json process, session.call("process.spawn", params));
  if (arguments.json) {
    print_json(process, env);
    return ExitCode::kDone;
  }
  env.console->print_line(fmt::format("{}", process.integer("pid")));
  const std::string_view id = process.text("record_id");
  if (id.empty() && arguments.record)
    return fail(Code::kIo, fmt::format("pid {} runs, but is not recorded", process.integer("pid")),
                "the daemon's log says why");
  if (id.empty()) return ExitCode::kDone;
  env.console->note(fmt::format("recorded as {}", id));
  session.note_records_dir(env);
  return ExitCode::kDone;
}

Result<ExitCode> ps(const ProcessArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  AGDB_TRY(const Json told, session.call("process.list", Json::object({{"ended", arguments.all}})));
  const Json& list = told["processes"];
  if (arguments.json) {
    print_json(list, env);
    return ExitCode::kDone;
  }
  Console& console = *env.console;
  const std::vector<Json> processes = list.is_array() ? list.items() : std::vector<Json>();
  if (processes.empty()) {
    console.note(arguments.all ? "no process has run here yet"
                               : "no living process; --all shows those that have ended");
    return ExitCode::kDone;
  }
  console.print_line(table_header(Parents::kShown));
  for (const TableRow& row : table_rows(processes, arguments.forest))
    console.print_line(table_line(row, console.width(), Parents::kShown));
  if (const std::int64_t forgotten = told.integer("forgotten"); forgotten > 0)
    console.note(fmt::format("{} that ended before these are forgotten", forgotten));
  return ExitCode::kDone;
}

bool failed(const Json& process) {
  const std::string_view reason = process.text("exit_reason");
  return reason != "completed" && reason != "completed_with_tool_errors" &&
         reason != "script_exhausted";
}

Result<ExitCode> wait(const ProcessArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  bool any_failed = false;
  Json all = Json::array();
  for (const std::string& pid : arguments.pids) {
    AGDB_TRY(Json process, session.call("process.wait", Json::object({{"pid", pid_param(pid)}})));
    any_failed = any_failed || failed(process);
    if (!arguments.json)
      env.console->print_line(fmt::format(
          "pid {} ended: {} (exit code {}, {} steps, {} tokens)", process.integer("pid"),
          screen_line(process.text("exit_reason")), process.integer("exit_code"),
          process.integer("steps"), process.integer("tokens_used")));
    all.push_back(std::move(process));
  }
  if (arguments.json) print_json(all, env);
  return any_failed ? ExitCode::kAgentFailed : ExitCode::kDone;
}

// Each is tried, whatever became of the others; the first error is the command's.
Result<ExitCode> signal(const ProcessArguments& arguments, const std::string& name,
                        Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  Result<ExitCode> result = ExitCode::kDone;
  for (const std::string& pid : arguments.pids) {
    const Result<Json> told =
        session.call("process.signal", Json::object({{"pid", pid_param(pid)}, {"signal", name}}));
    if (told) continue;
    if (!result) env.console->error(result.error());
    result = std::unexpected(told.error());
  }
  return result;
}

Result<ExitCode> budget(const ProcessArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  Json params = Json::object({{"pid", pid_param(arguments.pids.front())}});
  if (!arguments.budget.empty()) params.set("budget", pid_param(arguments.budget));
  if (!arguments.policy.empty()) params.set("policy", arguments.policy);
  AGDB_TRY(const Json process, session.call("process.budget", params));
  if (arguments.json) {
    print_json(process, env);
    return ExitCode::kDone;
  }
  const std::int64_t limit = process.integer("budget");
  const std::int64_t spent = process.integer("tokens_used");
  env.console->print_line(
      limit == 0 ? fmt::format("pid {}: {} tokens spent, no budget", process.integer("pid"), spent)
                 : fmt::format("pid {}: {} of {} tokens spent ({}), policy {}, {}",
                               process.integer("pid"), spent, limit, budget_share(process),
                               process.text("policy"), process.text("state")));
  return ExitCode::kDone;
}

std::string signal_name(const std::string& word) {
  for (const char* known : {"terminate", "kill", "pause", "resume", "SIGTERM", "SIGKILL",
                            "SIGPAUSE", "SIGRESUME", "TERM", "KILL", "PAUSE", "RESUME"})
    if (word == known) return "";
  return fmt::format("\"{}\" is none of terminate, kill, pause, resume", word);
}

std::string at_least_zero(const std::string& word) {
  return event_number(word).empty() ? "" : "not a whole number from 0";
}

using Arguments = std::shared_ptr<ProcessArguments>;

Arguments with_pids(CommandLine& line) {
  auto arguments = std::make_shared<ProcessArguments>();
  line.argument("PID", arguments->pids, "a pid, or the record id of a living process").required();
  add_socket_option(line, arguments->socket);
  return arguments;
}

void add_policy(CommandLine& line, ProcessArguments& arguments) {
  line.option("--policy", "POLICY", arguments.policy,
              "what an exceeded budget does: kill (default), pause or warn")
      .one_of({"kill", "pause", "warn"});
}

Runner declare_signal(CommandLine& line, const char* name) {
  const Arguments arguments = with_pids(line);
  return
      [arguments, name](Environment& env) { return or_interrupted(signal(*arguments, name, env)); };
}

}  // namespace

Runner declare_spawn(CommandLine& line) {
  auto arguments = std::make_shared<ProcessArguments>();
  line.argument("SCRIPT", arguments->script, "an agent script; - is stdin")
      .is(ValueKind::kFile)
      .required();
  line.flag("--record", arguments->record, "record it and its children from birth");
  line.option("--agent", "NAME", arguments->agent, "which agent of the script (default: its main)");
  line.option("--intent", "TEXT", arguments->intent, "what it is to do (default: the script's)");
  line.option("--budget", "N", arguments->budget,
              "tokens that it may spend (default: the script's)")
      .check(above_zero);
  add_policy(line, *arguments);
  line.option("--max-steps", "N", arguments->max_steps, "steps after which it ends")
      .between(1, 1e15);
  line.flag("--json", arguments->json, "one JSON document");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(spawn(*arguments, env)); };
}

Runner declare_ps(CommandLine& line) {
  auto arguments = std::make_shared<ProcessArguments>();
  line.flag("--forest", arguments->forest, "children below their parents");
  line.flag("--all", arguments->all, "those that have ended too");
  line.flag("--json", arguments->json, "one JSON document");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(ps(*arguments, env)); };
}

Runner declare_wait(CommandLine& line) {
  const Arguments arguments = with_pids(line);
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return or_interrupted(wait(*arguments, env)); };
}

Runner declare_kill(CommandLine& line) {
  const Arguments arguments = with_pids(line);
  line.option("-s,--signal", "SIG", arguments->signal,
              "terminate (default: ends at its next call), kill (at once), pause or resume")
      .check(signal_name);
  return [arguments](Environment& env) {
    std::string name = arguments->signal;
    if (name.starts_with("SIG")) name = name.substr(3);
    if (name == "TERM") name = "terminate";
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return or_interrupted(signal(*arguments, name, env));
  };
}

Runner declare_pause(CommandLine& line) {
  return declare_signal(line, "pause");
}

Runner declare_resume(CommandLine& line) {
  return declare_signal(line, "resume");
}

Runner declare_budget(CommandLine& line) {
  auto arguments = std::make_shared<ProcessArguments>();
  arguments->pids.resize(1);
  line.argument("PID", arguments->pids.front(), "a pid, or the record id of a living process")
      .required();
  line.argument("N", arguments->budget, "tokens that it may spend in all; 0: no limit")
      .check(at_least_zero);
  add_policy(line, *arguments);
  line.flag("--json", arguments->json, "one JSON document");
  add_socket_option(line, arguments->socket);
  return [arguments](Environment& env) { return or_interrupted(budget(*arguments, env)); };
}

}  // namespace agdb
