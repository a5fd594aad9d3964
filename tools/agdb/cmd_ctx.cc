#include <fmt/format.h>

#include <memory>
#include <optional>

#include "debug/context/profile.h"
#include "debug/replay/screen_text.h"
#include "debug/replay/spending.h"
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
  if (recording.empty()) return fail(Code::kNotFound, "the recording is empty");
  if (arguments.at.empty()) {
    const SeqNum last = recording.entry(recording.size() - 1).seq_num;
    return Place{std::move(recording), last};
  }
  AGDB_TRY(const SeqNum seq, parse_seq(arguments.at));
  AGDB_CHECK_OK(check_seq(recording, seq));
  return Place{std::move(recording), seq};
}

Spending spending_at(const Place& place, Environment& env) {
  Spending spending = spending_of(place.recording, place.seq);
  if (spending.unreadable > 0)
    env.console->warn(fmt::format("{} could not be read; `agdb verify` says why",
                                  plural(spending.unreadable, "event")));
  if (spending.lost_before > 0)
    env.console->warn(
        fmt::format("{} lost before this recording began: more may have been spent by then",
                    plural(spending.lost_before, "event was", "events were")));
  return spending;
}

Result<ExitCode> print_profile(const ProfileInput& input, const CtxArguments& arguments,
                               Environment& env) {
  const ContextProfile found = profile_context(input);
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
  const Json& context = contexts.items().back();
  std::vector<Message> messages;
  for (std::size_t i = 0; i < context["messages"].size(); ++i) {
    AGDB_TRY(Message message, message_from_json(context["messages"].items()[i]));
    messages.push_back(std::move(message));
  }
  ProfileInput input;
  input.pid = Pid{process["pid"].to_uint().value_or(0)};
  input.ctx_id = CtxId{context["ctx_id"].to_uint().value_or(0)};
  input.tokens_used = process.integer("tokens_used");
  input.context_budget = arguments.budget != 0 ? arguments.budget : process.integer("budget");
  const std::string prompt(context.text("system_prompt"));
  input.system_prompt = prompt;
  input.messages = borrow(std::span<const Message>(messages));
  return print_profile(input, arguments, env);
}

Result<ExitCode> profile(const CtxArguments& arguments, Environment& env) {
  if (is_pid(arguments.record) && arguments.at.empty()) return profile_process(arguments, env);
  AGDB_TRY(const Place place, find_place(arguments, env));
  const Result<RestoredContext> found_context = place.recording.context_at(place.seq);
  if (!found_context)
    return std::unexpected(with_first_context(found_context.error(), place.recording));
  const RestoredContext& context = *found_context;
  const Spending spending = spending_at(place, env);
  const RecordingMetadata& metadata = place.recording.metadata();
  ProfileInput input;
  input.pid = metadata.pid;
  input.ctx_id = context.ctx_id;
  input.tokens_used = spending.history.tokens_used();
  input.context_budget = arguments.budget != 0 ? arguments.budget : spending.budget;
  input.system_prompt = context.system_prompt;
  input.messages = borrow(std::span<const Message>(context.messages));
  return print_profile(input, arguments, env);
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
  const Spending spending = spending_at(place, env);
  const std::int64_t budget = arguments.budget != 0 ? arguments.budget : spending.budget;
  const Growth found = spending.history.growth(metadata.pid, budget, metadata.max_steps);
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
