#pragma once

#include <optional>
#include <vector>

#include "debug/import/foreign_span.h"
#include "debug/import/import_tally.h"
#include "debug/import/session.h"

namespace agdb {

// The run that the spans of one trace tell of: agents' spans are its processes, the model calls and
// tool calls in them what these did (README.md has the rules). Nothing when no agent, model call or
// tool call is among them. REQUIRES: not empty.
std::optional<SessionRun> span_run(const std::vector<const ForeignSpan*>& spans,
                                   ImportTally& tally);

}  // namespace agdb
