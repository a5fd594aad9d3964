#include "debug/trace/trace_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "debug/trace/folded.h"
#include "debug/trace/masking.h"
#include "debug/trace/otlp_export.h"
#include "debug/trace/perfetto.h"
#include "debug/trace/recorded_content.h"
#include "debug/trace/span_csv.h"

namespace agdb {

struct ExportJob {
  const TraceSource& source;
  const ExportOptions& options;
  const DeriveProgress& progress;
  ExportTotals totals = {};
  Status written = {};     // the first error of writing, for sinks that do not ask
  std::string piece = {};  // lines that were not written yet

  Status write(std::string_view text) {
    if (written) written = options.write(text);
    return written;
  }

  // Of formats of many short lines: a call of the system for each would take as long as all else.
  void add_line(std::string_view line) {
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    piece += line;
    if (piece.size() >= kPiece) end_lines();
  }
  Status end_lines() {
    if (!piece.empty()) static_cast<void>(write(piece));
    piece.clear();
    return written;
  }

  Status derive(TraceSink& sink, SpanOrder order = SpanOrder::kAsKept) {
    std::optional<MaskingSink> masking;
    if (options.masked != nullptr) masking.emplace(sink, *options.masked);
    Result<DerivedCounts> counts = source.derive(
        masking ? *masking : sink,
        [this](std::uint64_t done, std::uint64_t total) {
          return written && (!progress || progress(done, total));
        },
        order);
    AGDB_CHECK_OK(written);
    if (!counts) return std::unexpected(counts.error());
    totals.counts = *std::move(counts);
    return {};
  }
};

namespace {

Status write_perfetto(ExportJob& job) {
  PerfettoExport trace([&job](std::string_view text) { return job.write(text); },
                       {.zero = job.source.start(), .limit = job.options.limit});
  AGDB_CHECK_OK(job.derive(trace, SpanOrder::kByEnd));
  AGDB_CHECK_OK(trace.finish());
  job.totals.events = trace.events();
  job.totals.dropped = trace.dropped();
  return {};
}

Status write_otlp(ExportJob& job) {
  std::optional<RecordedContent> said;
  std::optional<MaskingContent> masking;
  SpanContentSource* content = nullptr;
  if (job.options.content) {
    content = &said.emplace(job.source.runs());
    if (job.options.masked != nullptr) content = &masking.emplace(*said, *job.options.masked);
  }
  OtlpExport requests(
      [&job](std::string_view request) { return job.write(std::string(request) + "\n"); },
      {.content = content});
  AGDB_CHECK_OK(job.derive(requests));
  AGDB_CHECK_OK(requests.finish());
  job.totals.spans = requests.spans();
  job.totals.requests = requests.requests();
  if (said) job.totals.without_content = said->failures();
  return {};
}

Status write_folded(ExportJob& job) {
  using Weight = FoldedStacks::Weight;
  FoldedStacks stacks(job.options.by_tokens ? Weight::kTokens : Weight::kTime);
  AGDB_CHECK_OK(job.derive(stacks, SpanOrder::kByEnd));
  stacks.finish([&job](std::string_view line) {
    ++job.totals.stacks;
    job.add_line(line);
  });
  return job.end_lines();
}

Status write_csv(ExportJob& job) {
  SpanCsv rows([&job](std::string_view row) { job.add_line(row); });
  AGDB_CHECK_OK(job.derive(rows));
  job.totals.spans = rows.spans();
  return job.end_lines();
}

}  // namespace

const std::vector<TraceFormat>& trace_formats() {
  static const std::vector<TraceFormat> kFormats = {
      {.name = "perfetto",
       .extension = "perfetto.json",
       .media_type = "application/json",
       .takes_limit = true,
       .write = write_perfetto},
      {.name = "otlp",
       .extension = "otlp.jsonl",
       .media_type = "application/x-ndjson",
       .takes_content = true,
       .write = write_otlp},
      {.name = "folded",
       .extension = "folded",
       .media_type = "text/plain; charset=utf-8",
       .takes_weight = true,
       .write = write_folded},
      {.name = "csv", .extension = "spans.csv", .media_type = "text/csv", .write = write_csv},
  };
  return kFormats;
}

const TraceFormat& trace_format(std::string_view name) {
  const auto found = std::ranges::find(trace_formats(), name, &TraceFormat::name);
  AGDB_ASSERT(found != trace_formats().end(), std::string(name));
  return *found;
}

Result<ExportTotals> export_trace(const TraceSource& source, const TraceFormat& format,
                                  const ExportOptions& options, const DeriveProgress& progress) {
  if (options.content && source.runs().empty())
    return fail(Code::kInvalid,
                fmt::format("of {} the spans are kept, but not their content", source.name()),
                "export it without content");
  ExportJob job{.source = source, .options = options, .progress = progress};
  AGDB_CHECK_OK(format.write(job));
  return std::move(job.totals);
}

}  // namespace agdb
