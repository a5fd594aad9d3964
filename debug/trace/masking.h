#pragma once

#include "debug/secrets/secret_kind.h"
#include "debug/trace/span_content.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

// Passes on what is derived with the secrets in its texts masked; ids stay as they are. What is
// told of a span at its start or of a process as well as at the end is counted once. `next` and
// `counts` outlive it. One thread.
class MaskingSink final : public TraceSink {
 public:
  MaskingSink(TraceSink& next, MaskCounts& counts) : next_(next), counts_(counts) {}

  void on_process(const TracedProcess& process) override;
  void on_span_start(const Span& span) override;
  void on_span(const Span& span) override;
  void on_counter(const CounterPoint& point) override { next_.on_counter(point); }
  void on_instant(const TraceInstant& instant) override;

 private:
  TraceSink& next_;
  MaskCounts& counts_;
};

// The same for what was said.
class MaskingContent final : public SpanContentSource {
 public:
  MaskingContent(SpanContentSource& source, MaskCounts& counts)
      : source_(source), counts_(counts) {}

  SpanContent content_of(const Span& span) override;

 private:
  SpanContentSource& source_;
  MaskCounts& counts_;
};

// A span with its secrets masked.
Span masked_span(Span span, MaskCounts& counts);

}  // namespace agdb
