#include "tools/agdb/export_formats.h"

#include <fmt/format.h>

#include "debug/trace/perfetto.h"
#include "tools/agdb/export_span_formats.h"
#include "tools/agdb/plural.h"

namespace agdb {
namespace {

class PerfettoFile final : public TraceExporter {
 public:
  explicit PerfettoFile(const TraceRequest& request)
      : export_(request.write, {.zero = request.start, .limit = request.limit}) {}
  static std::unique_ptr<TraceExporter> make(const TraceRequest& request) {
    return std::make_unique<PerfettoFile>(request);
  }

  TraceSink& sink() override { return export_; }
  bool failed() const override { return export_.failed(); }
  Status finish() override { return export_.finish(); }
  std::string summary() const override {
    std::string text = plural(export_.events(), "trace event");
    if (export_.dropped() > 0)
      text += fmt::format(", {} of them left out (--limit)", export_.dropped());
    return text + "; open it in https://ui.perfetto.dev";
  }

 private:
  PerfettoExport export_;
};

}  // namespace

const std::vector<TraceFormat>& trace_formats() {
  static const std::vector<TraceFormat> kFormats = {
      {.name = "perfetto",
       .extension = "perfetto.json",
       .takes_limit = true,
       .make = PerfettoFile::make},
      {.name = "otlp", .extension = "otlp.jsonl", .takes_content = true, .make = make_otlp},
      {.name = "folded", .extension = "folded", .takes_weight = true, .make = make_folded},
      {.name = "csv", .extension = "spans.csv", .make = make_span_csv},
  };
  return kFormats;
}

}  // namespace agdb
