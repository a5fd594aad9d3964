#include <optional>
#include <utility>

#include "debug/trace/folded.h"
#include "debug/trace/masking.h"
#include "debug/trace/otlp_export.h"
#include "debug/trace/perfetto.h"
#include "debug/trace/recorded_content.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/span_csv.h"
#include "ipc/api/content_answer.h"
#include "ipc/api/recording_parameters.h"
#include "ipc/api/routes.h"
#include "ipc/api/spool.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
using Write = std::function<Status(std::string_view)>;

// The run's spans through `sink`, masked unless they are wanted as they are.
Status derive(const RecordedRun& run, TraceSink& sink, bool raw, MaskCounts& masked) {
  MaskingSink masking(sink, masked);
  const Result<DerivedCounts> counts = run.derive(raw ? sink : static_cast<TraceSink&>(masking));
  return counts ? Status() : std::unexpected(counts.error());
}

Status write_perfetto(const RecordedRun& run, const Write& write, bool raw, MaskCounts& masked) {
  PerfettoExport trace(write, {.zero = run.start()});
  AGDB_CHECK_OK(derive(run, trace, raw, masked));
  return trace.finish();
}

Status write_otlp(const RecordedRun& run, const Write& write, bool content, bool raw,
                  MaskCounts& masked) {
  std::optional<RecordedContent> said;
  std::optional<MaskingContent> masking;
  SpanContentSource* source = nullptr;
  if (content) source = &said.emplace(run);
  if (content && !raw) source = &masking.emplace(*said, masked);
  OtlpExport spans(
      [&write](std::string_view request) -> Status {
        AGDB_CHECK_OK(write(request));
        return write("\n");
      },
      {.content = source});
  AGDB_CHECK_OK(derive(run, spans, raw, masked));
  return spans.finish();
}

// The first error of writing is kept: these two do not ask.
Status write_csv(const RecordedRun& run, const Write& write, bool raw, MaskCounts& masked) {
  Status failed;
  SpanCsv rows([&](std::string_view row) {
    if (failed) failed = write(row);
  });
  AGDB_CHECK_OK(derive(run, rows, raw, masked));
  return failed;
}

Status write_folded(const RecordedRun& run, const Write& write, bool tokens, bool raw,
                    MaskCounts& masked) {
  using Weight = FoldedStacks::Weight;
  FoldedStacks stacks(tokens ? Weight::kTokens : Weight::kTime);
  AGDB_CHECK_OK(derive(run, stacks, raw, masked));
  Status failed;
  stacks.finish([&](std::string_view line) {
    if (failed) failed = write(line);
  });
  return failed;
}

Status write_format(const ApiCall& call, const RecordedRun& run, const Write& write,
                    MaskCounts& masked) {
  const std::string format = call.text("format");
  if (format == "perfetto") return write_perfetto(run, write, is_raw(call), masked);
  if (format == "otlp")
    return write_otlp(run, write, call.boolean("content"), is_raw(call), masked);
  if (format == "csv") return write_csv(run, write, is_raw(call), masked);
  return write_folded(run, write, call.text("weight") == "tokens", is_raw(call), masked);
}

std::string content_type(const std::string& format) {
  if (format == "perfetto") return "application/json";
  if (format == "otlp") return "application/x-ndjson";
  return format == "csv" ? "text/csv" : "text/plain; charset=utf-8";
}

Handled export_run(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::string folder, recording_folder(call, context));
  AGDB_TRY(const RecordedRun run, RecordedRun::of(context.records_dir, folder));
  AGDB_TRY(const std::shared_ptr<Spool> spool, Spool::open());
  MaskCounts masked;
  AGDB_CHECK_OK(
      write_format(call, run, [&](std::string_view text) { return spool->write(text); }, masked));
  HttpResponse response{.headers = {{"Content-Type", content_type(call.text("format"))}},
                        .source = Spool::read(spool)};
  if (!is_raw(call)) response.headers.push_back({kMaskedHeader, masked_header(masked)});
  return response;
}

}  // namespace

void add_export_routes(RouteTable& table, ApiContext& context) {
  table.add({.method = "GET",
             .path = "/v1/recordings/{id}/export",
             .id = "exportRecording",
             .tag = "recordings",
             .summary = "the recording's run as spans, as `agdb export` writes them; of any size",
             .parameters = {record_id_parameter(),
                            {.name = "format",
                             .description = "what to write",
                             .required = true,
                             .words = {"perfetto", "otlp", "folded", "csv"},
                             .example = "csv"},
                            {.name = "content",
                             .description = "with messages, arguments and results of tools (otlp)",
                             .type = Parameter::Type::kBoolean,
                             .otherwise = "false"},
                            {.name = "weight",
                             .description = "what a stack weighs (folded)",
                             .words = {"time", "tokens"},
                             .otherwise = "time"},
                            raw_parameter()},
             .answers = {{.description = "of the format's type: application/json, "
                                         "application/x-ndjson, text/plain or text/csv",
                          .content_type = "text/csv"}},
             .handler = [&context](const ApiCall& call) { return export_run(call, context); }});
}

}  // namespace agdb
