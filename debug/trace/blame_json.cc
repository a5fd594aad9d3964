#include <algorithm>

#include "debug/trace/blame.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxChains = 1000;
constexpr std::size_t kMaxPath = 1000;

Json spans_json(const SpanTree& tree, const std::vector<std::uint32_t>& path) {
  Json spans = Json::array();
  for (std::size_t i = 0; i < std::min(path.size(), kMaxPath); ++i)
    spans.push_back(span_json(*tree.nodes()[path[i]].span));
  return spans;
}

Json hotspots_json(const SpanTree& tree, const std::vector<Blame::Hotspot>& hotspots) {
  Json list = Json::array();
  for (std::size_t i = 0; i < hotspots.size(); ++i) {
    const Span& span = *tree.nodes()[hotspots[i].node].span;
    list.push_back(Json::object({{"trace_id", span.trace_id},
                                 {"span_id", span.span_id},
                                 {"pid", raw(span.pid)},
                                 {"name", span.name},
                                 {"duration_ms", span.duration.count() / 1'000'000},
                                 {"tokens_used", span.tokens_used},
                                 {"status", span_status_name(span.status)},
                                 {"percentage", hotspots[i].percentage},
                                 {"rank", i + 1}}));
  }
  return list;
}

Json chains_json(const SpanTree& tree, const std::vector<Blame::ErrorChain>& chains) {
  if (chains.empty()) return {};
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(chains.size(), kMaxChains); ++i) {
    list.push_back(
        Json::object({{"path", spans_json(tree, path_to(tree, chains[i].end))},
                      {"root_cause", span_json(*tree.nodes()[chains[i].root_cause].span)}}));
  }
  return list;
}

}  // namespace

Json blame_json(const SpanTree& tree, const Blame& blame) {
  const TraceMetadata& all = tree.metadata();
  return Json::object(
      {{"trace_id", tree.trace_id()},
       {"critical_path", spans_json(tree, blame.critical_path)},
       {"critical_duration_ms", blame.critical_duration.count() / 1'000'000},
       {"duration_hotspots", hotspots_json(tree, blame.duration_hotspots)},
       {"token_hotspots", hotspots_json(tree, blame.token_hotspots)},
       {"error_chains", chains_json(tree, blame.error_chains)},
       {"summary", Json::object({{"total_spans", all.total_spans},
                                 {"error_spans", all.error_count},
                                 {"total_duration_ms", all.total_duration.count() / 1'000'000},
                                 {"total_tokens", all.total_tokens},
                                 {"critical_path_pct", blame.critical_path_pct}})}});
}

}  // namespace agdb
