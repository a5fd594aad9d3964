
#include <memory>

#include "tools/agdb/command.h"
#include "tools/agdb/run_session.h"

namespace agdb {
namespace {

struct RunArguments {
  std::vector<std::string> scripts;
  RunOptions options;
  bool json = false;
};

Result<ExitCode> run(const RunArguments& arguments, Environment& env) {
  std::vector<RunRoot> roots;
  for (const std::string& path : arguments.scripts) {
    RunRoot root;
    root.source.emplace();
    AGDB_TRY(root.script, load_script(path, &*root.source));
    roots.push_back(std::move(root));
  }
  AGDB_TRY(const RunOutcome outcome, run_agents(std::move(roots), arguments.options, env));
  return report(outcome, arguments.json, env);
}

}  // namespace

Runner declare_run(CommandLine& line) {
  auto arguments = std::make_shared<RunArguments>();
  line.argument("SCRIPT", arguments->scripts, "agent scripts (fixtures/README.md has the format)")
      .required()
      .is(ValueKind::kFile);
  add_run_options(line, arguments->options);
  line.flag("--json", arguments->json, "one JSON document on stdout at the end");
  return [arguments](Environment& env) { return run(*arguments, env); };
}

}  // namespace agdb
