#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "debug/secrets/secret_kind.h"
#include "debug/trace/recorded_trace.h"
#include "debug/trace/trace_sink.h"
#include "ipc/otlp/otlp_push.h"

namespace agdb {

// What becomes of a run's spans: one make a format of `agdb export`.
class TraceExporter {
 public:
  virtual ~TraceExporter() = default;
  virtual TraceSink& sink() = 0;
  // Whether writing has failed: there is no sense in going on.
  virtual bool failed() const { return false; }
  // Writes what is left. The first error of writing, if there was one.
  virtual Status finish() = 0;
  // A line for the person, behind "wrote FILE: ".
  virtual std::string summary() const = 0;
};

struct TraceRequest {
  const RecordedRun* run = nullptr;  // null: nothing is recorded, its spans are kept
  WallTime start{};                  // nothing happened before
  // Takes the output, piece by piece. Outlives the exporter.
  std::function<Status(std::string_view)> write;
  std::uint64_t limit = 0;  // --limit; 0: none
  bool content = false;     // --content: messages, arguments, results
  MaskCounts* masked =
      nullptr;             // where secrets in content are counted as they are masked; null: --raw
  bool by_tokens = false;  // --weight tokens
  // --otlp: where requests go instead of the output.
  std::optional<OtlpUrl> collector = std::nullopt;
  OtlpPushOptions push = {};
};

struct TraceFormat {
  std::string_view name;       // --format
  std::string_view extension;  // of a file that is named for the recording
  bool takes_limit = false;    // knows --limit
  bool takes_content = false;  // --content and --otlp
  bool takes_weight = false;   // --weight
  std::unique_ptr<TraceExporter> (*make)(const TraceRequest& request) = nullptr;
};

// All of them; a new one is a line in this table.
const std::vector<TraceFormat>& trace_formats();

}  // namespace agdb
