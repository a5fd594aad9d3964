#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "debug/secrets/secret_kind.h"
#include "debug/store/trace_store.h"

namespace agdb {

// Traces for other programs, piece by piece: of any number of them.

enum class ExportFormat { kJsonl, kCsv, kPrometheus };

// "jsonl", "json", "csv", "prometheus", "prom", in any case; an error for others that names them.
Result<ExportFormat> export_format_of(std::string_view name);
// "application/x-ndjson", "text/csv", "text/plain; version=0.0.4; charset=utf-8".
std::string_view content_type_of(ExportFormat format);

// The traces that fit, newest first, as whoever reads them asks for more. The counters of
// kPrometheus are of all traces since the store began: no filter changes them. With `masked` the
// secrets in texts are masked, and added up there.
class RunExport {
 public:
  // `store` and `masked` outlive it.
  RunExport(const TraceStore& store, ExportFormat format, RunFilter filter,
            MaskCounts* masked = nullptr)
      : store_(&store), format_(format), filter_(std::move(filter)), masked_(masked) {}

  // Appends the next piece, of some tens of kilobytes; false: that was the last.
  Result<bool> next(std::string& out);

 private:
  const TraceStore* store_;
  ExportFormat format_;
  RunFilter filter_;
  MaskCounts* masked_;
  StoredId before_{};
  bool begun_ = false;
};

// Takes text in pieces of some tens of kilobytes; false: no more is wanted, and the export ends.
using ExportSink = std::function<bool(std::string_view text)>;

// All pieces of a RunExport.
Status export_traces(const TraceStore& store, ExportFormat format, const RunFilter& filter,
                     const ExportSink& sink, MaskCounts* masked = nullptr);
// The trace with its secrets masked: flow, source, backend, client, steps, details, annotations.
RunTrace masked_trace(RunTrace trace, MaskCounts& counts);

// One trace as a line, with its end. Texts that are not UTF-8 cannot be in a store.
void append_jsonl(std::string& out, const RunTrace& trace);
// By RFC 4180: lines end with CR LF. A text that a spreadsheet would take for a formula (it begins
// with = + - @, a tab or a return) gets a ' in front.
void append_csv(std::string& out, const RunTrace& trace);
std::string csv_header();
std::string prometheus_text(const StoreStats& stats);

}  // namespace agdb
