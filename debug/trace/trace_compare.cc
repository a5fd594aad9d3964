#include "debug/trace/trace_compare.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>

#include "debug/trace/saturating.h"
#include "debug/trace/trace_analysis.h"

namespace agdb {
namespace {

using Nodes = std::vector<SpanTree::Node>;

// A place below a node that both trees have: by kind and name, and which of those it is.
struct Place {
  std::uint32_t above = 0;  // in the first tree
  SpanKind kind = SpanKind::kProcess;
  std::string_view name;
  std::uint32_t number = 0;

  bool operator==(const Place&) const = default;
};

struct PlaceHash {
  std::size_t operator()(const Place& place) const {
    std::size_t hash = std::hash<std::string_view>()(place.name);
    for (const std::size_t part : {std::size_t{place.above}, static_cast<std::size_t>(place.kind),
                                   std::size_t{place.number}})
      hash = hash * 0x9e3779b97f4a7c15 + part;
    return hash;
  }
};

// What a process is about may be worded anew; that it is the one process there counts then.
std::string_view place_name(const Span& span) {
  return span.kind == SpanKind::kProcess ? std::string_view() : std::string_view(span.name);
}

class Matcher {
 public:
  Matcher(const SpanTree& before, const SpanTree& after)
      : before_(before.nodes()),
        after_(after.nodes()),
        partner_before_(before_.size(), SpanTree::kNone),
        partner_after_(after_.size(), SpanTree::kNone) {
    places_.reserve(before_.size());
    each_place(before_,
               [this](std::uint32_t at, const Place& place) { places_.emplace(place, at); });
    each_place(after_, [this](std::uint32_t at, Place place) {
      const SpanTree::Node& node = after_[at];
      if (node.parent != SpanTree::kNone && partner_after_[node.parent] == SpanTree::kNone) return;
      place.above = node.parent == SpanTree::kNone ? SpanTree::kNone : partner_after_[node.parent];
      const auto found = places_.find(place);
      if (found == places_.end() || partner_before_[found->second] != SpanTree::kNone) return;
      partner_after_[at] = found->second;
      partner_before_[found->second] = at;
    });
  }

  const std::vector<std::uint32_t>& partner_before() const { return partner_before_; }
  const std::vector<std::uint32_t>& partner_after() const { return partner_after_; }

 private:
  // Numbers the nodes of one kind and name below each node, in the tree's order.
  template <typename Take>
  static void each_place(const Nodes& nodes, Take take) {
    std::unordered_map<Place, std::uint32_t, PlaceHash> numbers;
    numbers.reserve(nodes.size());
    for (std::uint32_t at = 0; at < nodes.size(); ++at) {
      // The roots are each other's, whatever they are.
      if (at == 0) {
        take(at, Place{SpanTree::kNone, SpanKind::kPipeline, "", SpanTree::kNone});
        continue;
      }
      Place place{nodes[at].parent, nodes[at].span->kind, place_name(*nodes[at].span)};
      place.number = numbers[place]++;
      take(at, place);
    }
  }

  const Nodes& before_;
  const Nodes& after_;
  std::vector<std::uint32_t> partner_before_;
  std::vector<std::uint32_t> partner_after_;
  std::unordered_map<Place, std::uint32_t, PlaceHash> places_;  // of the first tree
};

Nanoseconds size_of(Nanoseconds difference) {
  return difference < Nanoseconds(0) ? -difference : difference;
}

// Nodes without a partner, of which the topmost have rows.
template <typename MakeRow>
std::uint64_t add_unmatched(const Nodes& nodes, const std::vector<std::uint32_t>& partners,
                            std::vector<TraceComparison::Row>& rows, MakeRow make_row) {
  std::uint64_t count = 0;
  for (std::uint32_t at = 0; at < nodes.size(); ++at) {
    if (partners[at] != SpanTree::kNone) continue;
    ++count;
    const std::uint32_t parent = nodes[at].parent;
    if (parent == SpanTree::kNone || partners[parent] != SpanTree::kNone)
      rows.push_back(make_row(at, nodes[at].span->duration));
  }
  return count;
}

using NameRows = std::map<std::pair<SpanKind, std::string_view>, TraceComparison::NameRow>;

void add_names(const SpanTree& tree, const std::vector<Nanoseconds>& self, NameRows& rows,
               std::uint64_t TraceComparison::NameRow::* count,
               Nanoseconds TraceComparison::NameRow::* duration) {
  for (std::size_t at = 0; at < tree.nodes().size(); ++at) {
    const Span& span = *tree.nodes()[at].span;
    TraceComparison::NameRow& row = rows[{span.kind, span.name}];
    ++(row.*count);
    row.*duration = saturating_sum(row.*duration, self[at]);
  }
}

}  // namespace

TraceComparison compare_traces(const SpanTree& before, const SpanTree& after) {
  const Matcher matcher(before, after);
  const std::vector<Nanoseconds> self_before = self_times(before);
  const std::vector<Nanoseconds> self_after = self_times(after);
  TraceComparison comparison;
  for (std::uint32_t at = 0; at < after.nodes().size(); ++at) {
    const std::uint32_t partner = matcher.partner_after()[at];
    if (partner == SpanTree::kNone) continue;
    ++comparison.matched;
    const Nanoseconds difference = self_after[at] - self_before[partner];
    if (difference != Nanoseconds(0)) comparison.rows.push_back({partner, at, difference});
  }
  comparison.gone_spans =
      add_unmatched(before.nodes(), matcher.partner_before(), comparison.rows,
                    [](std::uint32_t at, Nanoseconds duration) {
                      return TraceComparison::Row{at, SpanTree::kNone, -duration};
                    });
  comparison.new_spans = add_unmatched(after.nodes(), matcher.partner_after(), comparison.rows,
                                       [](std::uint32_t at, Nanoseconds duration) {
                                         return TraceComparison::Row{SpanTree::kNone, at, duration};
                                       });
  std::stable_sort(comparison.rows.begin(), comparison.rows.end(),
                   [](const TraceComparison::Row& a, const TraceComparison::Row& b) {
                     return size_of(a.difference) > size_of(b.difference);
                   });

  NameRows names;
  add_names(before, self_before, names, &TraceComparison::NameRow::count_before,
            &TraceComparison::NameRow::before);
  add_names(after, self_after, names, &TraceComparison::NameRow::count_after,
            &TraceComparison::NameRow::after);
  for (auto& [key, row] : names) {
    if (row.difference() == Nanoseconds(0) && row.count_before == row.count_after) continue;
    row.kind = key.first;
    row.name = key.second;
    comparison.by_name.push_back(std::move(row));
  }
  std::stable_sort(comparison.by_name.begin(), comparison.by_name.end(),
                   [](const TraceComparison::NameRow& a, const TraceComparison::NameRow& b) {
                     return size_of(a.difference()) > size_of(b.difference());
                   });
  return comparison;
}

}  // namespace agdb
