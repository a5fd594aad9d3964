#include <fmt/format.h>

#include <memory>
#include <optional>

#include "debug/replay/recorded_context.h"
#include "debug/replay/screen_text.h"
#include "ipc/daemon/process_profile.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/daemon_session.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct CtxArguments {
  std::string record;
  std::string socket;
  std::string at;
  std::int64_t budget = 0;
  bool json = false;
};

struct Place {
  Recording recording;
  SeqNum seq;  // the last event when none was asked for
};

// Of a living process: the recording that is being made of it.
Result<Recording> recording_of_process(const CtxArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  AGDB_TRY(const Json process,
           session.call("process.info", Json::object({{"pid", pid_param(arguments.record)}})));
  const std::string_view id = process.text("record_id");
  if (id.empty())
    return fail(Code::kInvalid, fmt::format("process {} is not recorded", arguments.record),
                fmt::format("agdb record start {}", arguments.record));
  return open_recording(fmt::format("{}/{}", session.records_dir(), id), env);
}

Result<Place> find_place(const CtxArguments& arguments, Environment& env) {
  AGDB_TRY(Recording recording, is_pid(arguments.record) ? recording_of_process(arguments, env)
                                                         : open_recording(arguments.record, env));
  std::optional<SeqNum> asked;
  if (!arguments.at.empty()) {
    AGDB_TRY(asked, parse_seq(arguments.at));
  }
  AGDB_TRY(const SeqNum seq, seq_or_last(recording, asked));
  return Place{std::move(recording), seq};
}

void tell_gaps(const Spending& spending, Environment& env) {
  if (spending.unreadable > 0)
    env.console->warn(fmt::format("{} could not be read; `agdb verify` says why",
                                  plural(spending.unreadable, "event")));
  if (spending.lost_before > 0)
    env.console->warn(
        fmt::format("{} lost before this recording began: more may have been spent by then",
                    plural(spending.lost_before, "event was", "events were")));
}

Result<ExitCode> print_profile(const ContextProfile& found, const CtxArguments& arguments,
                               Environment& env) {
  if (arguments.json) {
    env.console->print_line(dump(profile_json(found), {.sorted = false, .indent = 2}));
  } else {
    env.console->print(profile_text(found));
  }
  return ExitCode::kDone;
}

// What the daemon says the process knows now, recorded or not.
Result<ExitCode> profile_process(const CtxArguments& arguments, Environment& env) {
  AGDB_TRY(DaemonSession session, DaemonSession::open(arguments.socket, env));
  const Json named = Json::object({{"pid", pid_param(arguments.record)}});
  AGDB_TRY(const Json process, session.call("process.info", named));
  AGDB_TRY(const Json told, session.call("process.context", named));
  const Json& contexts = told["contexts"];
  if (contexts.empty())
    return fail(Code::kNotFound, fmt::format("process {} has no context yet", arguments.record));
  AGDB_TRY(const ContextProfile found,
           profile_of_process(process, contexts.items().back(), arguments.budget));
  return print_profile(found, arguments, env);
}

Result<ExitCode> profile(const CtxArguments& arguments, Environment& env) {
  if (is_pid(arguments.record) && arguments.at.empty()) return profile_process(arguments, env);
  AGDB_TRY(const Place place, find_place(arguments, env));
  AGDB_TRY(const RecordedProfile found, profile_at(place.recording, place.seq, arguments.budget));
  tell_gaps(found.spending, env);
  return print_profile(found.profile, arguments, env);
}

// What the long table below it comes to, in front of it.
std::string growth_summary(const RecordingMetadata& metadata, const Growth& growth) {
  std::string text = fmt::format("{}  {}\n{} tokens spent in {}", metadata.record_id,
                                 screen_line(metadata.intent, 60), growth.tokens_used,
                                 plural(static_cast<std::uint64_t>(growth.current_step), "step"));
  if (growth.context_budget <= 0) return text + "; no budget\n\n";
  text += fmt::format(", {:.1f}% of {}", growth.usage_pct, growth.context_budget);
  if (growth.alert_level != AlertLevel::kNone)
    text += fmt::format(" ({})", name_of(growth.alert_level));
  if (growth.remaining_budget == 0) return text + "; nothing is left\n\n";
  // The forecast is worth more than the linear figure, which the text below has in its place.
  const std::int64_t more =
      growth.forecast ? static_cast<std::int64_t>(growth.forecast->calls) : growth.est_remaining;
  return text +
         fmt::format("; room for ~{}\n\n", plural(static_cast<std::uint64_t>(more), "more call"));
}

Result<ExitCode> growth(const CtxArguments& arguments, Environment& env) {
  AGDB_TRY(const Place place, find_place(arguments, env));
  const RecordingMetadata& metadata = place.recording.metadata();
  const auto [found, spending] = growth_at(place.recording, place.seq, arguments.budget);
  tell_gaps(spending, env);
  if (arguments.json) {
    env.console->print_line(dump(growth_json(found), {.sorted = false, .indent = 2}));
  } else {
    env.console->start_pager();
    env.console->print(growth_summary(metadata, found));
    env.console->print(growth_text(found));
  }
  return ExitCode::kDone;
}

using Report = Result<ExitCode> (*)(const CtxArguments& arguments, Environment& env);

Runner declare(CommandLine& line, Report report) {
  auto arguments = std::make_shared<CtxArguments>();
  line.argument("RECORD", arguments->record,
                "a record id, a folder, @ for the newest; or the pid of a living process")
      .required()
      .is(ValueKind::kRecord);
  line.option("--at", "SEQ", arguments->at, "at this event (default: the last)")
      .check(event_number);
  line.option("--budget", "N", arguments->budget, "another budget than the recorded one")
      .check(above_zero);
  line.flag("--json", arguments->json, "one JSON document");
  add_socket_option(line, arguments->socket);
  return [arguments, report](Environment& env) { return or_interrupted(report(*arguments, env)); };
}

}  // namespace

Runner declare_ctx(CommandLine& line) {
  static const std::vector<Command> kCommands = {
      {.name = "profile",
       .summary = "what fills the context: by age, by source, and what could go",
       .examples = "agdb ctx profile @ --at 20",
       .declare = [](CommandLine& below) { return declare(below, profile); }},
      {.name = "growth",
       .summary = "tokens spent call by call, and when the budget will be spent",
       .examples = "agdb ctx growth @\nagdb ctx growth @ --budget 200000 --json",
       .declare = [](CommandLine& below) { return declare(below, growth); }},
  };
  return declare_commands(line, kCommands);
}

}  // namespace agdb
