#include "debug/trace/folded.h"

#include <algorithm>
#include <optional>

#include "debug/trace/saturating.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::int64_t kNanosPerMicro = 1000;

std::uint64_t key_of(const std::string& id) {
  if (id.empty()) return 0;
  const std::uint64_t key = std::hash<std::string_view>{}(id);
  return key == 0 ? 1 : key;
}

std::string frame(const Span& span) {
  if (span.kind == SpanKind::kStep) return "step";
  std::string name(prefix_of_bytes(span.name, FoldedStacks::kMaxNameBytes));
  for (char& c : name) {
    if (c == ';') c = ':';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return name.empty() ? std::string(span_kind_name(span.kind)) : name;
}

}  // namespace

void FoldedStacks::Covered::add(std::int64_t begin, std::int64_t end) {
  begin = std::max(begin, floor);
  if (begin >= end) return;
  // The pieces that touch the new one become one with it.
  const auto first =
      std::ranges::lower_bound(pieces, begin, {}, [](const auto& p) { return p.second; });
  auto last = first;
  for (; last != pieces.end() && last->first <= end; ++last) {
    begin = std::min(begin, last->first);
    end = std::max(end, last->second);
  }
  pieces.insert(pieces.erase(first, last), {begin, end});
  if (pieces.size() <= kMaxPieces) return;
  sum = saturating_sum(sum, saturating_difference(pieces.front().second, pieces.front().first));
  floor = pieces.front().second;
  pieces.erase(pieces.begin());
}

std::int64_t FoldedStacks::Covered::total() const {
  std::int64_t all = sum;
  for (const auto& [begin, end] : pieces)
    all = saturating_sum(all, saturating_difference(end, begin));
  return all;
}

void FoldedStacks::on_span_start(const Span& span) {
  const Key parent = key_of(span.parent_span_id);
  const NodeId* above = parent == 0 ? &kRoot : placed_node(parent);
  Open& open = open_[key_of(span.span_id)];
  open.covered.floor = span.start.time_since_epoch().count();
  if (above == nullptr) return;
  open.node = child(*above, name_of(span));
  open.placed = true;
}

void FoldedStacks::on_span(const Span& span) {
  const Key id = key_of(span.span_id);
  const auto found = open_.find(id);
  const Open open = found == open_.end() ? Open{} : std::move(found->second);
  if (found != open_.end()) open_.erase(found);
  const std::int64_t weight = own_weight(span, open);
  if (open.placed) {
    add_weight(open.node, weight);
    if (span.kind == SpanKind::kProcess) processes_[id] = open.node;
  } else {
    unplaced_.push_back({id, key_of(span.parent_span_id), name_of(span), weight});
  }
  give_to_parent(span);
}

std::int64_t FoldedStacks::own_weight(const Span& span, const Open& open) const {
  const std::int64_t own = weight_ == Weight::kTime
                               ? saturating_difference(span.duration.count(), open.covered.total())
                               : saturating_difference(span.tokens_used, open.tokens_below);
  return std::max<std::int64_t>(own, 0);
}

void FoldedStacks::give_to_parent(const Span& span) {
  const Key parent = key_of(span.parent_span_id);
  if (parent == 0 || processes_.contains(parent)) return;
  Open& above = open_[parent];
  if (weight_ == Weight::kTime) {
    above.covered.add(span.start.time_since_epoch().count(), span.end().time_since_epoch().count());
  } else if (span.kind != SpanKind::kProcess) {
    above.tokens_below = saturating_sum(above.tokens_below, span.tokens_used);
  }
}

void FoldedStacks::add_weight(NodeId node, std::int64_t weight) {
  nodes_[node].weight = saturating_sum(nodes_[node].weight, weight);
}

std::uint32_t FoldedStacks::name_of(const Span& span) {
  const auto [at, added] =
      name_ids_.try_emplace(frame(span), static_cast<std::uint32_t>(names_.size()));
  if (added) names_.push_back(at->first);
  return at->second;
}

FoldedStacks::NodeId FoldedStacks::child(NodeId parent, std::uint32_t name) {
  if (nodes_[parent].depth == kMaxDepth) return parent;
  const std::uint64_t key = (std::uint64_t{parent} << 32) | name;
  const auto [at, added] = children_.try_emplace(key, static_cast<NodeId>(nodes_.size()));
  if (added) nodes_.push_back({parent, name, nodes_[parent].depth + 1, 0});
  return at->second;
}

const FoldedStacks::NodeId* FoldedStacks::placed_node(Key id) const {
  if (const auto open = open_.find(id); open != open_.end() && open->second.placed)
    return &open->second.node;
  const auto ended = processes_.find(id);
  return ended == processes_.end() ? nullptr : &ended->second;
}

// Each waits for its parent, up to one whose path is known; a chain that bites its tail begins
// where that is noticed.
void FoldedStacks::place_rest() {
  std::unordered_map<Key, std::size_t> index;
  for (std::size_t i = 0; i < unplaced_.size(); ++i) index.emplace(unplaced_[i].id, i);
  std::vector<std::optional<NodeId>> nodes(unplaced_.size());
  std::vector<bool> on_chain(unplaced_.size());
  for (std::size_t i = 0; i < unplaced_.size(); ++i) {
    std::vector<std::size_t> chain;
    NodeId above = kRoot;
    for (std::size_t at = i;;) {
      if (nodes[at]) {
        above = *nodes[at];
        break;
      }
      if (on_chain[at]) break;
      on_chain[at] = true;
      chain.push_back(at);
      const auto parent = index.find(unplaced_[at].parent);
      if (parent == index.end()) {
        const NodeId* known = placed_node(unplaced_[at].parent);
        above = known == nullptr ? kRoot : *known;
        break;
      }
      at = parent->second;
    }
    for (; !chain.empty(); chain.pop_back()) {
      above = child(above, unplaced_[chain.back()].name);
      nodes[chain.back()] = above;
    }
    add_weight(*nodes[i], unplaced_[i].weight);
  }
}

std::string FoldedStacks::path_of(NodeId node) const {
  std::vector<NodeId> chain;
  for (; node != kRoot; node = nodes_[node].parent) chain.push_back(node);
  std::string path;
  for (; !chain.empty(); chain.pop_back()) {
    if (!path.empty()) path += ';';
    path += names_[nodes_[chain.back()].name];
  }
  return path;
}

void FoldedStacks::finish(const std::function<void(std::string_view)>& write) {
  place_rest();
  const std::int64_t unit = weight_ == Weight::kTime ? kNanosPerMicro : 1;
  std::vector<std::pair<std::string, std::int64_t>> lines;
  for (NodeId node = 1; node < nodes_.size(); ++node)
    if (const std::int64_t weight = nodes_[node].weight / unit; weight > 0)
      lines.emplace_back(path_of(node), weight);
  std::ranges::sort(lines);
  for (const auto& [path, weight] : lines) write(path + " " + std::to_string(weight) + "\n");
}

}  // namespace agdb
