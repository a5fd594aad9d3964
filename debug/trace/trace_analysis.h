#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/trace/critical_path.h"
#include "debug/trace/span_tree.h"

namespace agdb {

// What a trace tells beside the reference's figures (blame.h): where the time really went, what
// failed first, what each tool and model took.

// Of each node, the part of its duration in which none of its children ran.
std::vector<Nanoseconds> self_times(const SpanTree& tree);

struct TimeUse {
  Nanoseconds wall{0};  // of the trace
  // Of leaves that are no waits: spans below which nothing takes time.
  Nanoseconds busy{0};     // their durations added up
  Nanoseconds active{0};   // the time in which at least one ran
  std::uint64_t most = 0;  // how many ran at once
  double parallelism = 0;  // busy / wall
  // Waits for other processes and suspensions, none of which is within another one.
  Nanoseconds waiting{0};
  std::uint64_t waits = 0;
};
TimeUse time_use(const SpanTree& tree);

// Something failed, and what failed because of it.
struct Failure {
  // Of the spans that failed and have no child that failed: one that nothing above it overcame (an
  // attempt that was made again with success is no cause), of these the one that ended first, of
  // those that ended together the deepest.
  std::uint32_t origin = 0;
  // The spans above it that failed, and waits for a process that failed; the nearest first.
  std::vector<std::uint32_t> victims;
  // What else failed below the topmost victim, by itself.
  std::vector<std::uint32_t> others;
};
// One for each topmost span that failed, by the time of the origin's end.
std::vector<Failure> find_failures(const SpanTree& tree);

// The spans of one kind and name.
struct NameStats {
  SpanKind kind = SpanKind::kToolCall;
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  Nanoseconds total{0};
  // Of the durations, by nearest rank.
  Nanoseconds p50{0};
  Nanoseconds p95{0};
  Nanoseconds p99{0};
  std::int64_t tokens = 0;
  double cost_usd = 0;  // 0: not known
};
// By total, the largest first.
std::vector<NameStats> stats_by_name(const SpanTree& tree, SpanKind kind);

// The critical path's time by kind and name, the most first.
struct PathShare {
  SpanKind kind = SpanKind::kProcess;
  std::string name;
  std::uint64_t pieces = 0;
  Nanoseconds duration{0};
};
std::vector<PathShare> path_shares(const SpanTree& tree, const std::vector<PathPiece>& path);

// Nodes by a value, the largest first, of equals the first of the tree; none whose value is 0.
struct RankedNode {
  std::uint32_t node = 0;
  std::int64_t value = 0;
};
std::vector<RankedNode> largest(const std::vector<std::int64_t>& values, std::size_t count);

struct TraceAnalysis {
  std::vector<PathPiece> path;
  Nanoseconds path_duration{0};
  std::vector<PathShare> shares;
  TimeUse time;
  std::vector<RankedNode> self_time;  // nanoseconds; at most ten
  std::vector<RankedNode> tokens;     // that none below them has; at most ten
  std::vector<Failure> failures;
  std::vector<NameStats> tools;
  std::vector<NameStats> models;
};
TraceAnalysis analyse(const SpanTree& tree);

// Sections that stand behind blame_text.
std::string analysis_text(const SpanTree& tree, const TraceAnalysis& analysis);
// {"critical_path":[{"span_id","pid","kind","name","from_ns","duration_ns"}],"critical_path_ns",
//  "critical_path_pct","critical_path_by_name","time","self_time_hotspots","own_token_hotspots",
//  "failures","tools","models"}; the path's thousand longest pieces, a thousand failures at most.
Json analysis_json(const SpanTree& tree, const TraceAnalysis& analysis);

}  // namespace agdb
