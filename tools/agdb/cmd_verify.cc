#include <fmt/format.h>

#include <memory>

#include "debug/record/records_dir.h"
#include "debug/record/verify.h"
#include "runtime/events/printable.h"
#include "tools/agdb/command.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct VerifyArguments {
  std::string record;
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

std::string to_text(const VerifyReport& report) {
  std::string text;
  for (const VerifyFinding& finding : report.findings) {
    if (finding.line > 0) {
      text += fmt::format("{}: line {} (byte {}): {}\n", name_of(finding.kind), finding.line,
                          finding.offset, printable(finding.what));
    } else {
      text += fmt::format("{}: {}\n", name_of(finding.kind), printable(finding.what));
    }
  }
  text += fmt::format("{}: {}, {} checked against their hash, {}{}\n",
                      report.ok() ? "ok" : fmt::format("{} found", report.findings.size()),
                      plural(report.events, "event"), plural(report.snapshots, "snapshot"),
                      plural(report.bytes, "byte"), report.live ? " (still being written)" : "");
  return text;
}

Result<ExitCode> verify(const VerifyArguments& arguments, Environment& env) {
  AGDB_TRY(const std::string folder,
           resolve_recording(records_dir(env), env.working_dir, arguments.record));
  AGDB_TRY(const VerifyReport report, [&] {
    Progress progress(*env.console, "verifying", 0, "MB", 1'000'000);
    return verify_recording(folder, progress.updater());
  }());
  if (arguments.json) {
    env.console->print_line(dump(to_json(report, folder), {.sorted = false, .indent = 2}));
  } else {
    env.console->print(to_text(report));
  }
  return report.ok() ? ExitCode::kDone : ExitCode::kFound;
}

}  // namespace

Runner declare_verify(CommandLine& line) {
  auto arguments = std::make_shared<VerifyArguments>();
  add_recording_argument(line, arguments->record);
  line.flag("--json", arguments->json, "one JSON document");
  return [arguments](Environment& env) { return verify(*arguments, env); };
}

}  // namespace agdb
