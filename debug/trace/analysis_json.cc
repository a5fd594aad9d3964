#include <algorithm>

#include "debug/trace/blame.h"
#include "debug/trace/saturating.h"
#include "debug/trace/span_text.h"
#include "debug/trace/trace_analysis.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxPieces = 1000;
constexpr std::size_t kMaxFailures = 1000;
constexpr std::size_t kMaxSpans = 100;  // of a failure's victims, and of others

double percent(Nanoseconds part, Nanoseconds whole) {
  return percent_of(static_cast<double>(part.count()), static_cast<double>(whole.count()));
}

// The longest, in the order of time.
std::vector<PathPiece> longest_pieces(std::vector<PathPiece> path) {
  if (path.size() <= kMaxPieces) return path;
  std::nth_element(path.begin(), path.begin() + kMaxPieces, path.end(),
                   [](const PathPiece& a, const PathPiece& b) {
                     return a.duration() != b.duration() ? a.duration() > b.duration()
                                                         : a.from < b.from;
                   });
  path.resize(kMaxPieces);
  std::sort(path.begin(), path.end(),
            [](const PathPiece& a, const PathPiece& b) { return a.from < b.from; });
  return path;
}

Json path_json(const SpanTree& tree, const std::vector<PathPiece>& path) {
  const Nanoseconds start = tree.metadata().start.time_since_epoch();
  Json list = Json::array();
  for (const PathPiece& piece : longest_pieces(path)) {
    const Span& span = *tree.nodes()[piece.node].span;
    list.push_back(Json::object(
        {{"span_id", span.span_id},
         {"pid", raw(span.pid)},
         {"kind", span_kind_name(span.kind)},
         {"name", span.name},
         {"from_ns", saturating_difference(piece.from.time_since_epoch(), start).count()},
         {"duration_ns", piece.duration().count()}}));
  }
  return list;
}

Json shares_json(const std::vector<PathShare>& shares, Nanoseconds wall) {
  Json list = Json::array();
  for (const PathShare& share : shares) {
    list.push_back(Json::object({{"kind", span_kind_name(share.kind)},
                                 {"name", share.name},
                                 {"pieces", share.pieces},
                                 {"duration_ns", share.duration.count()},
                                 {"percentage", percent(share.duration, wall)}}));
  }
  return list;
}

Json time_json(const TimeUse& time) {
  return Json::object({{"wall_ns", time.wall.count()},
                       {"busy_ns", time.busy.count()},
                       {"active_ns", time.active.count()},
                       {"parallelism", time.parallelism},
                       {"most_at_once", time.most},
                       {"waiting_ns", time.waiting.count()},
                       {"waits", time.waits}});
}

Json ranking_json(const SpanTree& tree, const std::vector<RankedNode>& ranking,
                  std::string_view key) {
  Json list = Json::array();
  for (const RankedNode& each : ranking) {
    Json item = span_json(*tree.nodes()[each.node].span);
    item.set(key, each.value);
    list.push_back(std::move(item));
  }
  return list;
}

Json some_spans(const SpanTree& tree, const std::vector<std::uint32_t>& nodes) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(nodes.size(), kMaxSpans); ++i)
    list.push_back(span_json(*tree.nodes()[nodes[i]].span));
  return list;
}

Json failures_json(const SpanTree& tree, const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(failures.size(), kMaxFailures); ++i) {
    const Failure& failure = failures[i];
    list.push_back(Json::object({{"origin", span_json(*tree.nodes()[failure.origin].span)},
                                 {"victims", some_spans(tree, failure.victims)},
                                 {"victim_count", failure.victims.size()},
                                 {"others", some_spans(tree, failure.others)},
                                 {"other_count", failure.others.size()}}));
  }
  return list;
}

Json stats_json(const std::vector<NameStats>& rows) {
  Json list = Json::array();
  for (const NameStats& row : rows) {
    list.push_back(Json::object({{"name", row.name},
                                 {"count", row.count},
                                 {"errors", row.errors},
                                 {"total_ns", row.total.count()},
                                 {"p50_ns", row.p50.count()},
                                 {"p95_ns", row.p95.count()},
                                 {"p99_ns", row.p99.count()},
                                 {"tokens", row.tokens},
                                 {"cost_usd", row.cost_usd}}));
  }
  return list;
}

}  // namespace

Json analysis_json(const SpanTree& tree, const TraceAnalysis& analysis) {
  const Nanoseconds wall = analysis.time.wall;
  return Json::object({{"critical_path", path_json(tree, analysis.path)},
                       {"critical_path_ns", analysis.path_duration.count()},
                       {"critical_path_pct", percent(analysis.path_duration, wall)},
                       {"critical_path_by_name", shares_json(analysis.shares, wall)},
                       {"time", time_json(analysis.time)},
                       {"self_time_hotspots", ranking_json(tree, analysis.self_time, "self_ns")},
                       {"own_token_hotspots", ranking_json(tree, analysis.tokens, "own_tokens")},
                       {"failures", failures_json(tree, analysis.failures)},
                       {"failure_count", analysis.failures.size()},
                       {"tools", stats_json(analysis.tools)},
                       {"models", stats_json(analysis.models)}});
}

}  // namespace agdb
