#include <fmt/format.h>

#include <memory>

#include "debug/trace/blame.h"
#include "debug/trace/trace_analysis.h"
#include "debug/trace/trace_compare.h"
#include "debug/trace/tree_json.h"
#include "debug/trace/tree_text.h"
#include "tools/agdb/command.h"
#include "tools/agdb/trace_argument.h"

namespace agdb {
namespace {

struct TraceArguments {
  std::string trace;
  std::string other;
  bool verbose = false;
  bool json = false;
};

void print_json(const Json& json, Environment& env) {
  env.console->print_line(dump(json, {.sorted = false, .indent = 2}));
}

Result<ExitCode> list(const TraceArguments& arguments, Environment& env) {
  AGDB_TRY(const std::vector<TraceSummary> traces, all_traces(env));
  if (arguments.json) {
    Json all = Json::array();
    for (const TraceSummary& trace : traces) all.push_back(trace_summary_json(trace));
    print_json(all, env);
    return ExitCode::kDone;
  }
  env.console->start_pager();
  env.console->print(trace_list_text(traces, env.console->width()));
  return ExitCode::kDone;
}

Result<ExitCode> show(const TraceArguments& arguments, Environment& env) {
  AGDB_TRY(const SpanTree tree, open_trace(arguments.trace, env));
  if (arguments.json) {
    env.console->print_line(tree_json(&tree));
    return ExitCode::kDone;
  }
  env.console->start_pager();
  env.console->print(tree_text(&tree, {.verbose = arguments.verbose}));
  return ExitCode::kDone;
}

Result<ExitCode> compare(const SpanTree& before, const TraceArguments& arguments,
                         Environment& env) {
  AGDB_TRY(const SpanTree after, open_trace(arguments.other, env));
  const TraceComparison comparison = compare_traces(before, after);
  if (arguments.json) {
    print_json(comparison_json(before, after, comparison), env);
    return ExitCode::kDone;
  }
  env.console->start_pager();
  env.console->print(comparison_text(before, after, comparison));
  return ExitCode::kDone;
}

Result<ExitCode> blame(const TraceArguments& arguments, Environment& env) {
  AGDB_TRY(const SpanTree tree, open_trace(arguments.trace, env));
  if (!arguments.other.empty()) return compare(tree, arguments, env);
  const Blame found = find_blame(tree);
  const TraceAnalysis analysis = analyse(tree);
  if (arguments.json) {
    Json json = blame_json(tree, found);
    json.set("analysis", analysis_json(tree, analysis));
    print_json(json, env);
    return ExitCode::kDone;
  }
  env.console->start_pager();
  env.console->print(blame_text(&tree, &found));
  env.console->print(analysis_text(tree, analysis));
  return ExitCode::kDone;
}

Runner declare_trace_list(CommandLine& line) {
  auto arguments = std::make_shared<TraceArguments>();
  line.flag("--json", arguments->json, "one JSON document: a list of summaries");
  return [arguments](Environment& env) { return list(*arguments, env); };
}

Runner declare_trace_show(CommandLine& line) {
  auto arguments = std::make_shared<TraceArguments>();
  add_trace_argument(line, "TRACE", arguments->trace);
  line.flag("-v,--verbose", arguments->verbose,
            "also ids, times, kinds and attributes, below each span");
  line.flag("--json", arguments->json, "the tree as one JSON document");
  return [arguments](Environment& env) { return show(*arguments, env); };
}

Runner declare_trace_blame(CommandLine& line) {
  auto arguments = std::make_shared<TraceArguments>();
  add_trace_argument(line, "TRACE", arguments->trace);
  line.argument("TRACE2", arguments->other, "compare with this one: what got slower, what is new")
      .is(ValueKind::kRecord);
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return blame(*arguments, env); };
}

}  // namespace

Runner declare_trace(CommandLine& line) {
  static const std::vector<Command> kCommands = {
      {.name = "list",
       .summary = "the traces of recorded runs and of files, newest first",
       .examples = "agdb trace list\nagdb trace list --json",
       .declare = declare_trace_list},
      {.name = "show",
       .summary = "a run as a tree: agents, steps, model calls, tools, waits",
       .examples = "agdb trace show @\nagdb trace show @ -v\nagdb trace show @ --json",
       .declare = declare_trace_show},
      {.name = "blame",
       .summary = "critical path, hot spots, where failures began; or two runs compared",
       .examples = "agdb trace blame @\nagdb trace blame @ --json\nagdb trace blame @ @",
       .declare = declare_trace_blame},
  };
  return declare_commands(line, kCommands);
}

}  // namespace agdb
