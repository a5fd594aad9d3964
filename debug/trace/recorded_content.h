#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "debug/record/reader.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/span_content.h"

namespace agdb {

// What was said, read from the recordings of runs by the record_id and the seq of a span. One
// recording is open at a time, since spans come process by process. One thread.
class RecordedContent final : public SpanContentSource {
 public:
  // How far behind a span's first event its answer or its result is looked for.
  static constexpr std::size_t kMaxEvents = 10'000;

  explicit RecordedContent(std::span<const RecordedRun> runs);

  SpanContent content_of(const Span& span) override;
  // Spans whose recording could not be read there; they have less content, or none.
  std::uint64_t failures() const { return failures_; }

 private:
  const Recording* recording_of(const Span& span);
  SpanContent model_call(const Recording& recording, SeqNum seq);
  SpanContent tool_call(const Recording& recording, SeqNum seq);
  std::optional<RecordedEvent> event_at(const Recording& recording, std::size_t index);

  std::unordered_map<std::string, std::string> folders_;  // by record id
  std::string open_id_;
  std::optional<Recording> open_;
  std::uint64_t failures_ = 0;
};

}  // namespace agdb
