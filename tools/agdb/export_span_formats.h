#pragma once

#include <memory>

#include "tools/agdb/export_formats.h"

namespace agdb {

// OTLP/JSON, a request a line, or to a collector (TraceRequest::collector).
std::unique_ptr<TraceExporter> make_otlp(const TraceRequest& request);
// Folded stacks, by TraceRequest::by_tokens.
std::unique_ptr<TraceExporter> make_folded(const TraceRequest& request);
std::unique_ptr<TraceExporter> make_span_csv(const TraceRequest& request);

}  // namespace agdb
