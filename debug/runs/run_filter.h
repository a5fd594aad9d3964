#pragma once

#include <span>
#include <string>

#include "debug/store/trace_store.h"

namespace agdb {

// Filter expressions for runs, in the form of those for events: several are all required.
//
//   flow=NAME  status=success|failed|partial|timeout  client=KEY  tag=TAG  errors=yes|no
//   duration=2s..  duration>=2s  duration>2s          at least so long
//   since=24h  until=1h                               so long ago; or a time, 2026-03-08T10:00:00Z
//
// `now` is in unix seconds. An error names the expression and what was expected.
Result<RunFilter> parse_run_filter(std::span<const std::string> expressions, std::int64_t now);

}  // namespace agdb
