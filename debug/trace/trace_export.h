#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "debug/secrets/secret_kind.h"
#include "debug/trace/trace_source.h"

namespace agdb {

struct ExportOptions {
  // Takes what is written, piece by piece; of otlp each is a whole request and its line end. After
  // its first error it is not called again.
  std::function<Status(std::string_view piece)> write;
  // At most so many events: beyond, the older half goes; 0: all (perfetto).
  std::uint64_t limit = 0;
  bool content = false;    // messages, arguments and results (otlp)
  bool by_tokens = false;  // stacks are weighed in tokens, not in time (folded)
  // Where secrets are counted as they are masked; null: they stay as they are.
  MaskCounts* masked = nullptr;
};

// What was written, as far as the format has it.
struct ExportTotals {
  DerivedCounts counts;
  std::uint64_t spans = 0;            // otlp, csv
  std::uint64_t requests = 0;         // otlp
  std::uint64_t without_content = 0;  // spans that lack (some of) theirs
  std::uint64_t events = 0;           // perfetto, with those that were dropped
  std::uint64_t dropped = 0;          // by the limit
  std::uint64_t stacks = 0;           // folded
};

struct ExportJob;

struct TraceFormat {
  std::string_view name;
  std::string_view extension;  // of a file
  std::string_view media_type;
  bool takes_limit = false;
  bool takes_content = false;
  bool takes_weight = false;
  Status (*write)(ExportJob& job) = nullptr;
};

// All formats that a run is exported in.
const std::vector<TraceFormat>& trace_formats();
// REQUIRES: the name of one.
const TraceFormat& trace_format(std::string_view name);

// Writes all spans of the source. Errors: the first of `write`; content of a trace of which only
// spans are there (kInvalid); kCancelled where the progress says so.
Result<ExportTotals> export_trace(const TraceSource& source, const TraceFormat& format,
                                  const ExportOptions& options,
                                  const DeriveProgress& progress = {});

}  // namespace agdb
