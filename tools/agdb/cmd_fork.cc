#include <fmt/format.h>

#include <charconv>
#include <map>
#include <memory>

#include "debug/replay/restorer.h"
#include "debug/replay/screen_text.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/edit_text.h"
#include "tools/agdb/fork_run.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct ForkArguments {
  std::string record;
  std::string at;
  bool edit = false;
  bool run = false;
  bool no_record = false;
  bool json = false;
  RunOptions options;
};

// The edits, in the order in which they stand on the command line.
using EditFunction = Status (*)(ForkContext& fork, const std::string& value);

Status set_prompt(ForkContext& fork, const std::string& value) {
  fork.set_system_prompt(value);
  return {};
}

Status append(ForkContext& fork, const std::string& value) {
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos || colon == 0)
    return fail(Code::kInvalid, fmt::format("--append {}: no role", value),
                "give ROLE:TEXT, as in 'user:Try again.'");
  const std::string role = value.substr(0, colon);
  AGDB_CHECK_OK(check_role(role));
  fork.append(role, value.substr(colon + 1));
  return {};
}

Status replace(ForkContext& fork, const std::string& value) {
  if (fork.replace_last(value)) return {};
  return fail(Code::kInvalid, "--replace: the context has no message to replace");
}

Status remove(ForkContext& fork, const std::string& value) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc() || end != value.data() + value.size())
    return fail(Code::kInvalid, fmt::format("--remove {}: not a number", value));
  if (count > std::ssize(fork.messages))
    return fail(Code::kInvalid, fmt::format("--remove {}: the context has only {}", count,
                                            plural(fork.messages.size(), "message")));
  return fork.remove_last(count);
}

const std::map<std::string, EditFunction>& edits() {
  static const std::map<std::string, EditFunction> kEdits = {{"--set-prompt", set_prompt},
                                                             {"--append", append},
                                                             {"--replace", replace},
                                                             {"--remove", remove}};
  return kEdits;
}

Status apply_edits(const CommandLine& line, ForkContext& fork) {
  for (const CommandLine::Given& given : line.in_order())
    AGDB_CHECK_OK(edits().at(given.name)(fork, given.value));
  return {};
}

Status edit_by_hand(ForkContext& fork, const Environment& env) {
  return edit_text(to_editable_text(fork), "context.json", env,
                   [&](std::string_view edited) { return apply_edited_text(fork, edited); });
}

std::string context_lines(const ForkContext& fork, std::size_t width) {
  std::string text = summary_text(fork) + "\n";
  if (!fork.system_prompt.empty())
    text += "[system] " + screen_line(fork.system_prompt, width > 12 ? width - 9 : 0) + "\n";
  for (const Message& message : messages_without_prompt(fork))
    text += screen_message(message, width) + "\n";
  return text;
}

Result<ExitCode> fork(const CommandLine& line, ForkArguments& arguments, Environment& env) {
  AGDB_TRY(const SeqNum seq, parse_seq(arguments.at));
  AGDB_TRY(const Recording recording, open_recording(arguments.record, env));
  AGDB_CHECK_OK(check_seq(recording, seq));
  Result<ForkContext> restored = restore(recording, seq);
  if (!restored) return std::unexpected(with_first_context(restored.error(), recording));
  ForkContext& context = *restored;
  AGDB_CHECK_OK(apply_edits(line, context));
  if (arguments.edit) AGDB_CHECK_OK(edit_by_hand(context, env));
  note_open_calls(context, *env.console);
  if (!arguments.run) {
    if (arguments.json) {
      env.console->print_line(dump(to_chat_messages(context), {.sorted = false, .indent = 2}));
    } else {
      env.console->print(context_lines(context, env.console->width()));
      env.console->note(
          "nothing was run; --run goes on from here, --json prints it for a model's API");
    }
    return ExitCode::kDone;
  }
  arguments.options.record = !arguments.no_record;
  AGDB_TRY(const RunOutcome outcome, run_fork(recording, context, arguments.options, env));
  return report(outcome, arguments.json, env);
}

}  // namespace

Runner declare_fork(CommandLine& line) {
  auto arguments = std::make_shared<ForkArguments>();
  add_recording_argument(line, arguments->record);
  line.option("--at", "SEQ", arguments->at, "the event to fork from")
      .check(event_number)
      .required();
  line.ordered_option("--set-prompt", "TEXT", "replace the system prompt");
  line.ordered_option("--append", "ROLE:TEXT", "add a message at the end");
  line.ordered_option("--replace", "TEXT", "replace the text of the last message");
  line.ordered_option("--remove", "N", "remove the last N messages");
  line.flag("--edit", arguments->edit, "open $VISUAL or $EDITOR on the context, as JSON");
  const Option run = line.flag("--run", arguments->run, "run on from the context, recorded");
  line.flag("--no-record", arguments->no_record, "with --run: do not record").needs(run);
  add_run_options(line, arguments->options, run);
  line.flag("--json", arguments->json,
            "the message array that model APIs take; with --run: one JSON document at the end");
  return [&line, arguments](Environment& env) { return fork(line, *arguments, env); };
}

}  // namespace agdb
