#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "debug/replay/context_json.h"
#include "debug/replay/recorded_subjects.h"
#include "debug/replay/replay_line.h"
#include "debug/replay/screen_text.h"
#include "runtime/events/printable.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/recorded_text.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct ShowArguments {
  std::string record;
  std::string seq;
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
  std::vector<std::string> filters;
  bool verbose = false;
  bool follow = false;
  bool json = false;
};

// A thinking's signature is a kilobyte for machines: only its size is shown.
RecordedEvent without_signature(RecordedEvent event) {
  Syscall* call = std::get_if<Syscall>(&event.payload);
  if (call == nullptr || call->name != "DriverThinking") return event;
  if (const std::string_view signature = call->args.text("signature"); !signature.empty())
    call->args.set("signature", fmt::format("({}; -v shows it)", plural(signature.size(), "byte")));
  return event;
}

std::string no_context_text(const Recording& recording) {
  const std::optional<SeqNum> first = first_context(recording);
  return first ? fmt::format("No context yet; the first is at event {}.\n", raw(*first))
               : "No context: no event of this recording has one.\n";
}

// One event with all that it carries, and what the model knew then.
Result<ExitCode> show_one(const ShowArguments& arguments, const Recording& recording,
                          Environment& env) {
  AGDB_TRY(const SeqNum seq, parse_seq(arguments.seq));
  AGDB_CHECK_OK(check_seq(recording, seq));
  AGDB_TRY(const RecordedEvent event, recording.event(seq));
  const Result<RestoredContext> context = recording.context_at(seq);
  if (!context && context.error().code != Code::kNotFound) return std::unexpected(context.error());
  Console& console = *env.console;
  if (arguments.json) {
    AGDB_TRY(const Json json, event_and_context_json(recording, seq));
    console.print_line(dump(json, {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  console.start_pager();
  console.print_line(
      replay_line(arguments.verbose ? event : without_signature(event), {.verbose = true}));
  console.print("\n");
  console.print(context ? context_text(*context) : no_context_text(recording));
  return ExitCode::kDone;
}

struct Printed {
  std::uint64_t shown = 0;
  std::uint64_t unreadable = 0;
};

// Prints events from `next` on as far as there are any; moves `next` behind them and counts on.
Status print_events(const ShowArguments& arguments, const Filter& filter,
                    const Recording& recording, RecordedSubjects& subjects, std::size_t& next,
                    Printed& printed, Environment& env) {
  Console& console = *env.console;
  RecordedLines lines(recording.metadata(), console.color_out(), arguments.verbose);
  for (; next < recording.size() && !console.reader_gone(); ++next) {
    const SeqNum seq = recording.entry(next).seq_num;
    if (raw(seq) > arguments.to) break;
    const Result<RecordedEvent> event = recording.event_at(next);
    if (!event) {
      ++printed.unreadable;
      continue;
    }
    const FilterSubject subject = subjects.subject(*event);
    if (raw(seq) < arguments.from || !filter.matches(subject)) continue;
    ++printed.shown;
    if (arguments.json) {
      AGDB_TRY(const std::string line, recording.line_at(next));
      console.print_line(line);
    } else {
      console.print_line(lines.line(*event, subject));
    }
  }
  return {};
}

Result<ExitCode> show(const ShowArguments& arguments, Environment& env) {
  AGDB_TRY(const Filter filter, Filter::parse_all(arguments.filters));
  for (const std::string& name : filter.unknown_names())
    env.console->warn(fmt::format(
        "no system call is called {}: it matches nothing but an agent's own calls", name));
  AGDB_TRY(Recording recording, open_recording(arguments.record, env));
  if (!arguments.seq.empty()) return show_one(arguments, recording, env);
  if (!arguments.follow) env.console->start_pager();
  RecordedSubjects subjects;
  std::size_t next = 0;
  Printed printed;
  AGDB_CHECK_OK(print_events(arguments, filter, recording, subjects, next, printed, env));
  while (arguments.follow && recording.live() && !env.console->reader_gone()) {
    AGDB_CHECK_OK(env.console->finish());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    AGDB_TRY([[maybe_unused]] const std::size_t grown, recording.refresh());
    AGDB_CHECK_OK(print_events(arguments, filter, recording, subjects, next, printed, env));
  }
  if (printed.unreadable > 0)
    env.console->warn(fmt::format("{} could not be read; `agdb verify` says why",
                                  plural(printed.unreadable, "event")));
  if (printed.shown == 0)
    env.console->note(fmt::format("none of {} matches", plural(recording.size(), "event")));
  return ExitCode::kDone;
}

}  // namespace

Runner declare_show(CommandLine& line) {
  auto arguments = std::make_shared<ShowArguments>();
  add_recording_argument(line, arguments->record);
  const Option seq =
      line.argument("SEQ", arguments->seq, "show this event in full, and the context at it")
          .check(event_number);
  line.option("--from", "A", arguments->from, "first event to show").excludes(seq);
  line.option("--to", "B", arguments->to, "last event to show").excludes(seq);
  line.option("-e", "EXPR", arguments->filters,
              "only events that match: trace=Open,%llm tool=Bash,Read\nstatus=failed text~REGEX "
              "duration=1s.. tokens=1000..\npid=2 (may be repeated; all are required)")
      .check(filter_expression)
      .excludes(seq);
  line.flag("-v,--verbose", arguments->verbose, "arguments and results in full");
  line.flag("--follow", arguments->follow, "wait for more while it is being recorded")
      .excludes(seq);
  line.flag("--json", arguments->json,
            "the events as they are recorded, one JSON object a line; with SEQ one document");
  return [arguments](Environment& env) { return show(*arguments, env); };
}

}  // namespace agdb
