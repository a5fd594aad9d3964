#include "tools/agdb/export_span_formats.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "debug/trace/folded.h"
#include "debug/trace/masking.h"
#include "debug/trace/otlp_export.h"
#include "debug/trace/recorded_content.h"
#include "debug/trace/span_csv.h"
#include "ipc/otlp/otlp_push.h"
#include "tools/agdb/plural.h"

namespace agdb {
namespace {

// Writing that remembers how it failed, for sinks that do not ask.
class Output {
 public:
  explicit Output(std::function<Status(std::string_view)> write) : write_(std::move(write)) {}

  void operator()(std::string_view text) {
    if (status_) status_ = write_(text);
  }
  const Status& status() const { return status_; }

 private:
  std::function<Status(std::string_view)> write_;
  Status status_;
};

class OtlpExporter final : public TraceExporter {
 public:
  explicit OtlpExporter(const TraceRequest& request)
      : write_(request.write), collector_(request.collector) {
    SpanContentSource* content = nullptr;
    if (request.content && request.run != nullptr) content = &content_.emplace(*request.run);
    if (content != nullptr && request.masked != nullptr)
      content = &masking_.emplace(*content, *request.masked);
    if (collector_) push_.emplace(*collector_, request.push);
    export_.emplace([this](std::string_view text) { return send(text); },
                    OtlpOptions{.content = content});
  }

  TraceSink& sink() override { return *export_; }
  bool failed() const override { return failed_; }
  Status finish() override { return export_->finish(); }
  std::string summary() const override {
    std::string text = fmt::format("{} in {}", plural(export_->spans(), "span"),
                                   plural(export_->requests(), "request"));
    if (push_ && push_->retries() > 0)
      text += fmt::format(", {}", plural(push_->retries(), "retry", "retries"));
    if (push_ && push_->rejected_spans() > 0)
      text += fmt::format(", {} refused by the collector", plural(push_->rejected_spans(), "span"));
    if (push_ && !push_->rejected_why().empty())
      text += fmt::format(" ({})", push_->rejected_why());
    if (content_ && content_->failures() > 0)
      text += fmt::format(", {} without (all of) their content", content_->failures());
    return text;
  }

 private:
  Status send(std::string_view text) {
    Status status = push_ ? push_->send(text) : write_(std::string(text) + "\n");
    failed_ = !status;
    return status;
  }

  std::function<Status(std::string_view)> write_;
  std::optional<OtlpUrl> collector_;
  std::optional<RecordedContent> content_;
  std::optional<MaskingContent> masking_;
  std::optional<OtlpPush> push_;
  std::optional<OtlpExport> export_;
  bool failed_ = false;
};

class FoldedExporter final : public TraceExporter {
 public:
  explicit FoldedExporter(const TraceRequest& request)
      : output_(request.write),
        tokens_(request.by_tokens),
        stacks_(tokens_ ? FoldedStacks::Weight::kTokens : FoldedStacks::Weight::kTime) {}

  TraceSink& sink() override { return stacks_; }
  Status finish() override {
    stacks_.finish([this](std::string_view line) {
      output_(line);
      ++lines_;
    });
    return output_.status();
  }
  std::string summary() const override {
    return fmt::format("{}, weighed in {}", plural(lines_, "stack"),
                       tokens_ ? "tokens" : "microseconds");
  }

 private:
  Output output_;
  bool tokens_;
  FoldedStacks stacks_;
  std::uint64_t lines_ = 0;
};

class SpanCsvExporter final : public TraceExporter {
 public:
  explicit SpanCsvExporter(const TraceRequest& request)
      : output_(request.write), csv_([this](std::string_view row) { output_(row); }) {}

  TraceSink& sink() override { return csv_; }
  bool failed() const override { return !output_.status(); }
  Status finish() override { return output_.status(); }
  std::string summary() const override { return plural(csv_.spans(), "span"); }

 private:
  Output output_;
  SpanCsv csv_;
};

}  // namespace

std::unique_ptr<TraceExporter> make_otlp(const TraceRequest& request) {
  return std::make_unique<OtlpExporter>(request);
}

std::unique_ptr<TraceExporter> make_folded(const TraceRequest& request) {
  return std::make_unique<FoldedExporter>(request);
}

std::unique_ptr<TraceExporter> make_span_csv(const TraceRequest& request) {
  return std::make_unique<SpanCsvExporter>(request);
}

}  // namespace agdb
