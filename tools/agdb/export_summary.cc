#include "tools/agdb/export_summary.h"

#include <fmt/format.h>

#include "tools/agdb/plural.h"

namespace agdb {
namespace {

std::string perfetto_summary(const ExportTotals& totals) {
  std::string text = plural(totals.events, "trace event");
  if (totals.dropped > 0) text += fmt::format(", {} of them left out (--limit)", totals.dropped);
  return text + "; open it in https://ui.perfetto.dev";
}

std::string otlp_summary(const ExportTotals& totals) {
  std::string text =
      fmt::format("{} in {}", plural(totals.spans, "span"), plural(totals.requests, "request"));
  if (totals.without_content > 0)
    text += fmt::format(", {} without (all of) their content", totals.without_content);
  return text;
}

}  // namespace

std::string export_summary(const TraceFormat& format, const ExportTotals& totals,
                           const ExportOptions& options) {
  if (format.name == "perfetto") return perfetto_summary(totals);
  if (format.name == "otlp") return otlp_summary(totals);
  if (format.name == "folded")
    return fmt::format("{}, weighed in {}", plural(totals.stacks, "stack"),
                       options.by_tokens ? "tokens" : "microseconds");
  return plural(totals.spans, "span");
}

}  // namespace agdb
