
#include <memory>
#include <optional>

#include "debug/replay/context_diff.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct DiffArguments {
  std::string record;
  std::string from;
  std::string to;
  std::string other;
  bool exit_code = false;
  bool json = false;
};

Result<ContextDiff> compare(const DiffArguments& arguments, Environment& env) {
  AGDB_TRY(const SeqNum from, parse_seq(arguments.from));
  AGDB_TRY(const SeqNum to, parse_seq(arguments.to));
  AGDB_TRY(const Recording recording, open_recording(arguments.record, env));
  AGDB_CHECK_OK(check_seq(recording, from));
  if (arguments.other.empty()) {
    AGDB_CHECK_OK(check_seq(recording, to));
    return diff_contexts(recording, {from}, {to});
  }
  AGDB_TRY(const Recording other, open_recording(arguments.other, env));
  AGDB_CHECK_OK(check_seq(other, to));
  return diff_contexts(recording, {from}, other, {to});
}

Result<ExitCode> diff(const DiffArguments& arguments, Environment& env) {
  AGDB_TRY(const ContextDiff found, compare(arguments, env));
  if (arguments.json) {
    env.console->print_line(dump(to_json(found), {.sorted = false, .indent = 2}));
  } else {
    const std::size_t width = env.console->width();
    env.console->start_pager();
    env.console->print(diff_text(found, {.width = width}));
  }
  return arguments.exit_code && !is_empty(found) ? ExitCode::kFound : ExitCode::kDone;
}

}  // namespace

Runner declare_diff(CommandLine& line) {
  auto arguments = std::make_shared<DiffArguments>();
  add_recording_argument(line, arguments->record);
  line.argument("A", arguments->from, "number of the event to compare from")
      .check(event_number)
      .required();
  line.argument("B", arguments->to, "number of the event to compare to")
      .check(event_number)
      .required();
  line.argument("RECORD2", arguments->other, "B is an event of this recording")
      .is(ValueKind::kRecord);
  line.flag("--exit-code", arguments->exit_code, "exit with 3 when the contexts differ");
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return diff(*arguments, env); };
}

}  // namespace agdb
