#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "debug/trace/trace_export.h"
#include "ipc/otlp/otlp_push.h"
#include "tools/agdb/checks.h"
#include "tools/agdb/command.h"
#include "tools/agdb/export_output.h"
#include "tools/agdb/export_summary.h"
#include "tools/agdb/interrupt.h"
#include "tools/agdb/masked_note.h"
#include "tools/agdb/plural.h"
#include "tools/agdb/trace_argument.h"

namespace agdb {
namespace {

struct ExportArguments {
  std::string run;
  std::string format;
  std::string file;
  std::uint64_t limit = 0;
  bool content = false;
  bool raw = false;
  std::string weight;
  std::string collector;
};

void tell_damage(const DerivedCounts& counts, Environment& env) {
  for (const std::string& note : counts.notes) env.console->note(note);
  if (counts.damaged_lines > 0)
    env.console->warn(fmt::format("{} could not be read and {} left out",
                                  plural(counts.damaged_lines, "line"),
                                  counts.damaged_lines == 1 ? "is" : "are"));
  if (counts.unknown_events > 0)
    env.console->warn(fmt::format("{} of types that this version does not know",
                                  plural(counts.unknown_events, "event")));
}

Status check_options(const ExportArguments& arguments, const TraceFormat& format) {
  const auto refuse = [&format](std::string_view option) {
    return fail(Code::kInvalid, fmt::format("{} is not for the format {}", option, format.name));
  };
  if (arguments.limit != 0 && !format.takes_limit) return refuse("--limit");
  if (arguments.content && !format.takes_content) return refuse("--content");
  if (!arguments.collector.empty() && !format.takes_content) return refuse("--otlp");
  if (!arguments.weight.empty() && !format.takes_weight) return refuse("--weight");
  if (!arguments.collector.empty() && !arguments.file.empty())
    return fail(Code::kInvalid, "--otlp sends to a collector, --output writes a file",
                "leave one of them out");
  return {};
}

// How long it waits between attempts; looks in between whether somebody wants it to end.
bool sleep_unless(const std::atomic<bool>& interrupted, Nanoseconds wait) {
  constexpr Nanoseconds kPiece = std::chrono::milliseconds(100);
  for (; wait > Nanoseconds{0} && !interrupted; wait -= kPiece)
    std::this_thread::sleep_for(std::min(wait, kPiece));
  return !interrupted;
}

// Where requests go instead of into the output, and what became of them.
class Collector {
 public:
  Collector(const OtlpUrl& url, const std::atomic<bool>& interrupted, Environment& env)
      : push_(url, {.wait = [&](Nanoseconds wait) { return sleep_unless(interrupted, wait); },
                    .note = [&env](const std::string& line) { env.console->note(line); }}) {}

  Status send(std::string_view line) { return push_.send(line.substr(0, line.size() - 1)); }

  std::string summary() const {
    std::string text;
    if (push_.retries() > 0)
      text += fmt::format(", {}", plural(push_.retries(), "retry", "retries"));
    if (push_.rejected_spans() > 0)
      text += fmt::format(", {} refused by the collector", plural(push_.rejected_spans(), "span"));
    if (!push_.rejected_why().empty()) text += fmt::format(" ({})", push_.rejected_why());
    return text;
  }

 private:
  OtlpPush push_;
};

// Nobody wants to read the output on a terminal. "-" is stdout.
std::string file_for(const ExportArguments& arguments, const TraceSource& source,
                     const TraceFormat& format, const Environment& env) {
  if (arguments.file == "-") return {};
  if (!arguments.file.empty() || !arguments.collector.empty() || !env.console->out_is_terminal())
    return arguments.file;
  return fmt::format("{}.{}", source.name(), format.extension);
}

Result<ExportTotals> export_with_progress(const TraceSource& source, const TraceFormat& format,
                                          const ExportOptions& options,
                                          const std::atomic<bool>& interrupted, Environment& env) {
  std::optional<Progress> progress;
  return export_trace(source, format, options, [&](std::uint64_t done, std::uint64_t total) {
    if (!progress) progress.emplace(*env.console, "exporting", total, "MB", 1'000'000);
    progress->update(done);
    return !interrupted;
  });
}

Result<ExitCode> write_export(const ExportArguments& arguments, Environment& env) {
  const TraceFormat& format = trace_format(arguments.format);
  AGDB_CHECK_OK(check_options(arguments, format));
  std::optional<OtlpUrl> url;
  if (!arguments.collector.empty()) {
    AGDB_TRY(url, parse_otlp_url(arguments.collector));
  }
  AGDB_TRY(const TraceSource source, find_source(arguments.run, env));
  const std::string file = file_for(arguments, source, format, env);
  std::atomic<bool> interrupted{false};
  InterruptGuard guard([&] { interrupted = true; });
  AGDB_TRY(ExportOutput output, ExportOutput::open(*env.console, file));
  std::optional<Collector> collector;
  if (url) collector.emplace(*url, interrupted, env);
  MaskCounts masked;
  const ExportOptions options{.write =
                                  [&](std::string_view text) {
                                    return collector ? collector->send(text) : output.write(text);
                                  },
                              .limit = arguments.limit,
                              .content = arguments.content,
                              .by_tokens = arguments.weight == "tokens",
                              .masked = arguments.raw ? nullptr : &masked};
  const Result<ExportTotals> totals =
      export_with_progress(source, format, options, interrupted, env);
  if (interrupted) return ExitCode::kInterrupted;
  // Whoever read the output has gone.
  if (!totals && totals.error().code == Code::kCancelled) return ExitCode::kDone;
  if (!totals) return std::unexpected(totals.error());
  AGDB_CHECK_OK(output.commit());
  tell_damage(totals->counts, env);
  tell_masked(masked, env);
  const std::string summary = export_summary(format, *totals, options);
  if (!file.empty()) env.console->note(fmt::format("wrote {}: {}", file, summary));
  if (collector)
    env.console->note(
        fmt::format("sent to {}: {}{}", arguments.collector, summary, collector->summary()));
  return ExitCode::kDone;
}

}  // namespace

Runner declare_export(CommandLine& line) {
  auto arguments = std::make_shared<ExportArguments>();
  line.argument(
          "RECORD", arguments->run,
          "a record id, a folder, @ for the newest; or a run id, trace id or pid; a trace whose "
          "spans are kept")
      .required()
      .is(ValueKind::kRecord);
  std::vector<std::string> names;
  for (const TraceFormat& format : trace_formats()) names.emplace_back(format.name);
  line.option("--format", "F", arguments->format, "what to write").required().one_of(names);
  line.option("-o,--output", "FILE", arguments->file,
              "default: stdout; on a terminal a file that is named for the recording")
      .is(ValueKind::kFile);
  line.option("--limit", "N", arguments->limit,
              "at most so many events: beyond, the older half goes (perfetto)")
      .check(above_zero);
  line.flag("--content", arguments->content,
            "with messages, arguments and results of tools (otlp); they may be private");
  line.flag("--raw", arguments->raw, "leave secrets in texts as they are (default: masked)");
  line.option("--weight", "W", arguments->weight, "time (default) or tokens (folded)")
      .one_of({"time", "tokens"});
  line.option("--otlp", "URL", arguments->collector,
              "send to a collector, as http://localhost:4318, instead of writing (otlp)");
  return [arguments](Environment& env) { return write_export(*arguments, env); };
}

}  // namespace agdb
