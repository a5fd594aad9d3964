#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/ingest/trace_collector.h"
#include "runtime/events/result.h"

namespace agdb {

// An ExportTraceServiceRequest, parted by traces.
struct OtlpRequest {
  std::vector<TracePiece> pieces;  // of each trace one
  std::uint64_t spans = 0;         // in them
  std::uint64_t rejected = 0;      // spans without the ids that the format asks for
  std::string rejected_why;        // of the first of them
};

// Error (kInvalid): no JSON, or no such request. A request without spans is one.
Result<OtlpRequest> read_otlp_request(std::string_view text);

}  // namespace agdb
