#include <utility>  // before CLI.hpp, which needs std::exchange

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <map>
#include <memory>

#include "debug/replay/restorer.h"
#include "debug/replay/screen_text.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/edit_text.h"
#include "tools/agdb/fork_run.h"
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
  return fork.remove_last(count);
}

const std::map<std::string, EditFunction>& edits() {
  static const std::map<std::string, EditFunction> kEdits = {{"--set-prompt", set_prompt},
                                                             {"--append", append},
                                                             {"--replace", replace},
                                                             {"--remove", remove}};
  return kEdits;
}

// parse_order has an option once an occurrence, so the order of different options is kept.
Status apply_edits(const CLI::App& app, ForkContext& fork) {
  std::map<const CLI::Option*, std::size_t> used;
  for (const CLI::Option* option : app.parse_order()) {
    const auto edit = edits().find(option->get_name());
    if (edit == edits().end()) continue;
    const std::vector<std::string>& values = option->results();
    if (used[option] >= values.size()) continue;
    AGDB_CHECK_OK(edit->second(fork, values[used[option]++]));
  }
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

Result<ExitCode> fork(const CLI::App& app, ForkArguments& arguments, Environment& env) {
  AGDB_TRY(const SeqNum seq, parse_seq(arguments.at));
  AGDB_TRY(const Recording recording, open_recording(arguments.record, env));
  AGDB_CHECK_OK(check_seq(recording, seq));
  AGDB_TRY(ForkContext context, restore(recording, seq));
  AGDB_CHECK_OK(apply_edits(app, context));
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

Runner declare_fork(CLI::App& app) {
  auto arguments = std::make_shared<ForkArguments>();
  add_recording_argument(app, arguments->record)->required();
  app.add_option("--at", arguments->at, "the event to fork from")
      ->check(event_number)
      ->required()
      ->option_text("SEQ");
  const auto edit = [&](const char* name, const char* text, const char* help) {
    const CLI::callback_t taken_later = [](const CLI::results_t&) { return true; };
    app.add_option(name, taken_later, help)
        ->option_text(text)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  edit("--set-prompt", "TEXT", "replace the system prompt");
  edit("--append", "ROLE:TEXT", "add a message at the end");
  edit("--replace", "TEXT", "replace the text of the last message");
  edit("--remove", "N", "remove the last N messages");
  app.add_flag("--edit", arguments->edit, "open $VISUAL or $EDITOR on the context, as JSON");
  CLI::Option* run = app.add_flag("--run", arguments->run, "run on from the context, recorded");
  app.add_flag("--no-record", arguments->no_record, "with --run: do not record")->needs(run);
  add_run_options(app, arguments->options);
  app.add_flag("--json", arguments->json,
               "the message array that model APIs take; with --run: one JSON document at the end");
  return [&app, arguments](Environment& env) { return fork(app, *arguments, env); };
}

}  // namespace agdb
