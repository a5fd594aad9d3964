#pragma once

#include <string>

#include "debug/trace/trace_export.h"

namespace agdb {

// What was written, for the line behind "wrote FILE: ".
std::string export_summary(const TraceFormat& format, const ExportTotals& totals,
                           const ExportOptions& options);

}  // namespace agdb
