#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "debug/record/records_dir.h"
#include "debug/record/verify.h"
#include "runtime/events/printable.h"
#include "tools/agdb/command.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct VerifyArguments {
  std::vector<std::string> records;
  bool json = false;
};

Json to_json(const VerifyReport& report, const std::string& folder) {
  Json findings = Json::array();
  for (const VerifyFinding& finding : report.findings)
    findings.push_back(Json::object({{"kind", name_of(finding.kind)},
                                     {"line", finding.line},
                                     {"offset", finding.offset},
                                     {"what", finding.what}}));
  return Json::object({{"folder", folder},
                       {"ok", report.ok()},
                       {"live", report.live},
                       {"events", report.events},
                       {"snapshots", report.snapshots},
                       {"bytes", report.bytes},
                       {"findings", std::move(findings)}});
}

// `name` stands before each line.
std::string to_text(const VerifyReport& report, const std::string& name) {
  std::string text;
  for (const VerifyFinding& finding : report.findings) {
    text += name;
    if (finding.line > 0) {
      text += fmt::format("{}: line {} (byte {}): {}\n", name_of(finding.kind), finding.line,
                          finding.offset, printable(finding.what));
    } else {
      text += fmt::format("{}: {}\n", name_of(finding.kind), printable(finding.what));
    }
  }
  text += fmt::format("{}{}: {}, {} checked against their hash, {}{}\n", name,
                      report.ok() ? "ok" : fmt::format("{} found", report.findings.size()),
                      plural(report.events, "event"), plural(report.snapshots, "snapshot"),
                      plural(report.bytes, "byte"), report.live ? " (still being written)" : "");
  return text;
}

Result<ExitCode> verify_one(const std::string& typed, const VerifyArguments& arguments,
                            Environment& env) {
  AGDB_TRY(const std::string folder, resolve_recording(records_dir(env), env.working_dir, typed));
  AGDB_TRY(const VerifyReport report, [&] {
    Progress progress(*env.console, "verifying", 0, "MB", 1'000'000);
    return verify_recording(folder, progress.updater());
  }());
  const bool one_of_many = arguments.records.size() > 1;
  if (arguments.json) {
    env.console->print_line(
        dump(to_json(report, folder), {.sorted = false, .indent = one_of_many ? 0 : 2}));
  } else {
    env.console->print(to_text(report, one_of_many ? printable(typed) + ": " : ""));
  }
  return report.ok() ? ExitCode::kDone : ExitCode::kFound;
}

// Each is looked at, whatever became of the others; the last error is the command's.
Result<ExitCode> verify(const VerifyArguments& arguments, Environment& env) {
  Result<ExitCode> result = ExitCode::kDone;
  for (const std::string& record : arguments.records) {
    Result<ExitCode> one = verify_one(record, arguments, env);
    if (one == ExitCode::kDone) continue;
    if (!result && one) continue;
    if (!result) env.console->error(result.error());
    result = std::move(one);
  }
  return result;
}

}  // namespace

Runner declare_verify(CommandLine& line) {
  auto arguments = std::make_shared<VerifyArguments>();
  line.argument("RECORD", arguments->records, "record ids, folders, or @ for the newest")
      .required()
      .is(ValueKind::kRecord);
  line.flag("--json", arguments->json, "a JSON document; of several recordings a line each");
  return [arguments](Environment& env) { return verify(*arguments, env); };
}

}  // namespace agdb
