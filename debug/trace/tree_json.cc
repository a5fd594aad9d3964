#include "debug/trace/tree_json.h"

#include <chrono>

#include "debug/trace/span_line.h"

namespace agdb {
namespace {

std::int64_t milliseconds(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

void append_members(std::string& out, const SpanTree::Node& node) {
  append_span_members(out, *node.span, EmptyParent::kLeftOut);
  if (node.same_id) out += ",\"same_id\":true";
  if (node.top == SpanTree::Top::kOrphan) out += ",\"why\":\"orphan\"";
  if (node.top == SpanTree::Top::kLoop) out += ",\"why\":\"loop\"";
}

// The nodes from `first` to before `last`, which stand beside each other, with all below them.
void append_nodes(std::string& out, const SpanTree& tree, std::size_t first, std::size_t last) {
  const auto& nodes = tree.nodes();
  std::vector<std::uint32_t> open;  // ends of the nodes around the next one
  for (std::size_t at = first; at < last; ++at) {
    if (at != first && nodes[at - 1].end == at) out += ',';
    out += '{';
    append_members(out, nodes[at]);
    if (nodes[at].end > at + 1) {
      out += ",\"children\":[";
      open.push_back(nodes[at].end);
      continue;
    }
    out += '}';
    for (; !open.empty() && open.back() == at + 1; open.pop_back()) out += "]}";
  }
}

}  // namespace

Json metadata_json(const TraceMetadata& metadata) {
  return Json::object({{"total_spans", metadata.total_spans},
                       {"total_tokens", metadata.total_tokens},
                       {"total_duration_ms", metadata.total_duration.count() / 1'000'000},
                       {"start_time_ms", milliseconds(metadata.start)},
                       {"end_time_ms", milliseconds(metadata.end)},
                       {"error_count", metadata.error_count},
                       {"total_duration_ns", metadata.total_duration.count()},
                       {"orphans", metadata.orphans},
                       {"loops", metadata.loops},
                       {"same_ids", metadata.same_ids}});
}

std::string tree_json(const SpanTree* tree) {
  if (tree == nullptr) return "null";
  std::string out = "{\"root\":";
  append_nodes(out, *tree, 0, tree->root_size());
  out += ",\"trace_id\":";
  dump_string_to(out, tree->trace_id());
  out += ",\"metadata\":";
  dump_to(out, metadata_json(tree->metadata()), {.sorted = false});
  if (tree->root_size() < tree->nodes().size()) {
    out += ",\"outside\":[";
    append_nodes(out, *tree, tree->root_size(), tree->nodes().size());
    out += ']';
  }
  return out += '}';
}

}  // namespace agdb
