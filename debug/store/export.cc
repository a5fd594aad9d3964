#include "debug/store/export.h"

#include <fmt/format.h>

#include "debug/secrets/mask.h"
#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kTracesOfPiece = 100;

void append_text_member(std::string& out, std::string_view key, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "\"{}\":", key);
  dump_string_to(out, text);
}

void append_event(std::string& out, const RunEvent& event) {
  out += '{';
  append_text_member(out, "name", event.event_type);
  fmt::format_to(std::back_inserter(out), ",\"offset_ms\":{},\"attributes\":{{", event.offset_ms);
  if (!event.step_name.empty()) append_text_member(out, "step", event.step_name);
  if (!event.step_name.empty() && !event.detail.empty()) out += ',';
  if (!event.detail.empty()) append_text_member(out, "detail", event.detail);
  out += "}}";
}

void append_cell(std::string& out, std::string_view text) {
  const bool formula = !text.empty() && std::string_view("=+-@\t\r").contains(text.front());
  if (!formula && text.find_first_of("\",\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  out += '"';
}

std::string escape_label(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// The families of the Prometheus text, each with its head.
class Families {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   type);
  }
  void counter(std::string_view name, std::string_view help, std::int64_t value) {
    begin(name, "counter", help);
    fmt::format_to(std::back_inserter(text), "{} {}\n", name, value);
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    begin(name, "gauge", help);
    fmt::format_to(std::back_inserter(text), "{} {}\n", name, value);
  }
  void labelled(std::string_view name, std::string_view label, std::string_view value,
                std::int64_t number) {
    fmt::format_to(std::back_inserter(text), "{}{{{}=\"{}\"}} {}\n", name, label,
                   escape_label(value), number);
  }

  std::string text;
};

}  // namespace

Result<ExportFormat> export_format_of(std::string_view name) {
  const std::string lower = to_lower_ascii(name);
  if (lower == "jsonl" || lower == "json") return ExportFormat::kJsonl;
  if (lower == "csv") return ExportFormat::kCsv;
  if (lower == "prometheus" || lower == "prom") return ExportFormat::kPrometheus;
  return fail(Code::kInvalid, fmt::format("no export format \"{}\"", name),
              "there are jsonl, csv and prometheus");
}

std::string_view content_type_of(ExportFormat format) {
  switch (format) {
    case ExportFormat::kJsonl:
      return "application/x-ndjson";
    case ExportFormat::kCsv:
      return "text/csv";
    case ExportFormat::kPrometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
  }
  return "text/plain";
}

Result<bool> RunExport::next(std::string& out) {
  if (format_ == ExportFormat::kPrometheus) {
    AGDB_TRY(const StoreStats stats, store_->stats());
    out += prometheus_text(stats);
    return false;
  }
  if (!std::exchange(begun_, true) && format_ == ExportFormat::kCsv) out += csv_header();
  AGDB_TRY(std::vector<RunTrace> traces,
           store_->recent_whole({.limit = kTracesOfPiece, .before = before_}, filter_));
  for (RunTrace& trace : traces) {
    if (masked_ != nullptr) trace = masked_trace(std::move(trace), *masked_);
    if (format_ == ExportFormat::kCsv) {
      append_csv(out, trace);
    } else {
      append_jsonl(out, trace);
    }
  }
  if (traces.size() < kTracesOfPiece) return false;
  before_ = traces.back().id;
  return true;
}

Status export_traces(const TraceStore& store, ExportFormat format, const RunFilter& filter,
                     const ExportSink& sink, MaskCounts* masked) {
  RunExport pieces(store, format, filter, masked);
  std::string piece;
  for (;;) {
    piece.clear();
    AGDB_TRY(const bool more, pieces.next(piece));
    if (!piece.empty() && !sink(piece)) return {};
    if (!more) return {};
  }
}

RunTrace masked_trace(RunTrace trace, MaskCounts& counts) {
  const auto mask = [&counts](std::string& text) {
    if (!text.empty()) text = mask_secrets(text, counts);
  };
  for (std::string* text :
       {&trace.flow_name, &trace.source_file, &trace.backend, &trace.client_key})
    mask(*text);
  for (RunEvent& event : trace.events) {
    mask(event.step_name);
    mask(event.detail);
  }
  for (RunAnnotation& annotation : trace.annotations) mask(annotation.text);
  return trace;
}

void append_jsonl(std::string& out, const RunTrace& trace) {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, "{{\"trace_id\":\"axt-{}\",", raw(trace.id));
  append_text_member(out, "name", trace.flow_name);
  fmt::format_to(end, ",\"start_time_unix_secs\":{},\"duration_ms\":{},\"status\":\"{}\"",
                 trace.timestamp, trace.latency_ms, run_status_name(trace.status));
  out += ",\"resource\":{\"service_name\":\"agdb\",\"service_version\":\"" AGDB_VERSION "\",";
  append_text_member(out, "source_file", trace.source_file);
  out += ',';
  append_text_member(out, "backend", trace.backend);
  out += ',';
  append_text_member(out, "client_key", trace.client_key);
  fmt::format_to(end,
                 "}},\"attributes\":{{\"steps_executed\":{},\"tokens_input\":{},"
                 "\"tokens_output\":{},\"tokens_total\":{},\"anchor_checks\":{},"
                 "\"anchor_breaches\":{},\"errors\":{},\"retries\":{}}},\"events\":[",
                 trace.steps_executed, trace.tokens_input, trace.tokens_output,
                 trace.tokens_input + trace.tokens_output, trace.anchor_checks,
                 trace.anchor_breaches, trace.errors, trace.retries);
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    if (i > 0) out += ',';
    append_event(out, trace.events[i]);
  }
  out += "]}\n";
}

std::string csv_header() {
  return "trace_id,timestamp,flow_name,status,steps_executed,latency_ms,tokens_input,"
         "tokens_output,anchor_checks,anchor_breaches,errors,retries,source_file,backend,"
         "client_key,event_count\r\n";
}

void append_csv(std::string& out, const RunTrace& trace) {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, "{},{},", raw(trace.id), trace.timestamp);
  append_cell(out, trace.flow_name);
  fmt::format_to(end, ",{},{},{},{},{},{},{},{},{},", run_status_name(trace.status),
                 trace.steps_executed, trace.latency_ms, trace.tokens_input, trace.tokens_output,
                 trace.anchor_checks, trace.anchor_breaches, trace.errors, trace.retries);
  append_cell(out, trace.source_file);
  out += ',';
  append_cell(out, trace.backend);
  out += ',';
  append_cell(out, trace.client_key);
  fmt::format_to(end, ",{}\r\n", trace.event_count);
}

std::string prometheus_text(const StoreStats& stats) {
  Families families;
  const RunSums& ever = stats.ever;
  families.counter("agdb_traces_total", "Traces recorded.", ever.count);
  families.gauge("agdb_traces_stored", "Traces that are in the store.",
                 static_cast<double>(stats.buffered.count));
  const double all_seconds = static_cast<double>(ever.latency_ms) / 1000;
  families.gauge("agdb_trace_latency_avg_seconds", "Mean latency of the traces recorded.",
                 ever.count == 0 ? 0 : all_seconds / static_cast<double>(ever.count));
  families.gauge("agdb_trace_latency_max_seconds", "Longest latency of the traces recorded.",
                 static_cast<double>(ever.max_latency_ms) / 1000);
  families.begin("agdb_tokens_total", "counter", "Tokens of the traces recorded, by type.");
  families.labelled("agdb_tokens_total", "type", "input", ever.tokens_input);
  families.labelled("agdb_tokens_total", "type", "output", ever.tokens_output);
  families.counter("agdb_steps_total", "Steps executed.", ever.steps);
  families.counter("agdb_errors_total", "Calls that failed.", ever.errors);
  families.counter("agdb_retries_total", "Attempts beyond the first.", ever.retries);
  families.counter("agdb_anchor_checks_total", "Checks of a flow's output.", ever.anchor_checks);
  families.counter("agdb_anchor_breaches_total", "Checks that failed.", ever.anchor_breaches);
  families.begin("agdb_traces_by_status_total", "counter", "Traces recorded, by status.");
  for (const auto& [status, count] : stats.ever_by_status)
    families.labelled("agdb_traces_by_status_total", "status", status, count);
  return std::move(families.text);
}

}  // namespace agdb
