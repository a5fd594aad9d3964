#include "tools/agdb/record_living.h"

#include <fmt/format.h>

#include <memory>

#include "tools/agdb/daemon_session.h"

namespace agdb {
namespace {

struct LivingArguments {
  std::string socket;
  std::string pid;
  bool children = false;
  bool json = false;
};

Result<ExitCode> start(const LivingArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  AGDB_TRY(const Json told,
           session.call("record.start", Json::object({{"pid", pid_param(arguments.pid)},
                                                      {"children", arguments.children}})));
  if (arguments.json) {
    env.console->print_line(dump(told, {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  session.note_records_dir(env);
  const Json& begun = told["recordings"];
  for (std::size_t i = 0; i < begun.size(); ++i)
    env.console->print_line(begun.items()[i].text("record_id"));
  return ExitCode::kDone;
}

Result<ExitCode> stop(const LivingArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  AGDB_TRY(const Json told,
           session.call("record.stop", Json::object({{"pid", pid_param(arguments.pid)}})));
  if (arguments.json) {
    env.console->print_line(dump(told, {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  env.console->print_line(told.text("record_id"));
  env.console->note(fmt::format("{} events recorded; pid {} goes on", told.integer("events"),
                                told.integer("pid")));
  return ExitCode::kDone;
}

void declare_common(CommandLine& line, LivingArguments& arguments) {
  line.argument("PID", arguments.pid, "a pid, or the record id of a living process").required();
  line.flag("--json", arguments.json, "one JSON document");
  add_socket_option(line, arguments.socket);
}

}  // namespace

Runner declare_record_start(CommandLine& line) {
  const auto arguments = std::make_shared<LivingArguments>();
  line.flag("--children", arguments->children, "its children too, those alive and those to come");
  declare_common(line, *arguments);
  return [arguments](Environment& env) { return or_interrupted(start(*arguments, env)); };
}

Runner declare_record_stop(CommandLine& line) {
  const auto arguments = std::make_shared<LivingArguments>();
  declare_common(line, *arguments);
  return [arguments](Environment& env) { return or_interrupted(stop(*arguments, env)); };
}

}  // namespace agdb
