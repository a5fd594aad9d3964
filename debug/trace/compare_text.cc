#include <fmt/format.h>

#include <algorithm>

#include "debug/trace/blame.h"
#include "debug/trace/span_text.h"
#include "debug/trace/trace_compare.h"
#include "debug/trace/tree_json.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxRows = 20;
constexpr std::size_t kMaxJsonRows = 1000;
constexpr std::size_t kLabelWidth = 34;
constexpr std::size_t kColumn = 10;
constexpr std::size_t kPathParts = 4;  // of the way to a span, the last

std::string signed_duration(Nanoseconds difference) {
  return difference < Nanoseconds(0) ? "-" + adaptive_duration(-difference)
                                     : "+" + adaptive_duration(difference);
}

const Span& span_of(const SpanTree& before, const SpanTree& after,
                    const TraceComparison::Row& row) {
  return row.after != SpanTree::kNone ? *after.nodes()[row.after].span
                                      : *before.nodes()[row.before].span;
}

std::string_view what(const TraceComparison::Row& row) {
  if (row.before == SpanTree::kNone) return "new";
  if (row.after == SpanTree::kNone) return "gone";
  return row.difference > Nanoseconds(0) ? "slower" : "faster";
}

// "root > step 3 > bash": where in its tree a span is.
std::string way_to(const SpanTree& tree, std::uint32_t node) {
  const std::vector<std::uint32_t> path = path_to(tree, node);
  const std::size_t first = path.size() > kPathParts ? path.size() - kPathParts : 0;
  std::string way = first > 0 ? "… > " : "";
  for (std::size_t i = first; i < path.size(); ++i) {
    if (i > first) way += " > ";
    way += printable(truncate(tree.nodes()[path[i]].span->name, 30));
  }
  return way;
}

std::string way_of(const SpanTree& before, const SpanTree& after, const TraceComparison::Row& row) {
  return row.after != SpanTree::kNone ? way_to(after, row.after) : way_to(before, row.before);
}

void append_totals(std::string& out, std::string_view title, const TraceMetadata& before,
                   const TraceMetadata& after) {
  out += fmt::format("{}  {} → {} ({})  |  {} → {} spans  |  {} → {} tokens  |  {} → {} errors\n",
                     title, adaptive_duration(before.total_duration),
                     adaptive_duration(after.total_duration),
                     signed_duration(after.total_duration - before.total_duration),
                     before.total_spans, after.total_spans, before.total_tokens, after.total_tokens,
                     before.error_count, after.error_count);
}

void append_names(std::string& out, std::vector<TraceComparison::NameRow> rows) {
  // Calls that take no time of their own would fill the table, whatever became of them.
  std::erase_if(rows, [](const auto& row) { return row.difference() == Nanoseconds(0); });
  if (rows.empty()) return;
  out += '\n';
  append_section(out, "By kind and name (own work)", 29);
  const std::size_t shown = std::min(rows.size(), kMaxRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const TraceComparison::NameRow& row = rows[i];
    append_left(out, truncate(kind_label(row.kind, row.name), kLabelWidth - 3), kLabelWidth);
    append_right(out, signed_duration(row.difference()), kColumn);
    out += fmt::format("  {} → {}  ({}× → {}×)\n", adaptive_duration(row.before),
                       adaptive_duration(row.after), row.count_before, row.count_after);
  }
  if (shown < rows.size()) out += fmt::format("({} more)\n", rows.size() - shown);
}

}  // namespace

std::string comparison_text(const SpanTree& before, const SpanTree& after,
                            const TraceComparison& comparison) {
  std::string out;
  append_totals(out, "Compared:", before.metadata(), after.metadata());
  out += fmt::format("{} spans in both, {} new, {} gone\n", comparison.matched,
                     comparison.new_spans, comparison.gone_spans);
  append_names(out, comparison.by_name);
  if (comparison.rows.empty()) return out += "\nNo span took longer or shorter.\n";
  out += '\n';
  append_section(out, "Spans, by what their own work took more or less", 9);
  const std::size_t shown = std::min(comparison.rows.size(), kMaxRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const TraceComparison::Row& row = comparison.rows[i];
    append_left(out, what(row), 7);
    append_right(out, signed_duration(row.difference), kColumn);
    out += fmt::format("  {}  {}\n", span_kind_name(span_of(before, after, row).kind),
                       way_of(before, after, row));
  }
  if (shown < comparison.rows.size())
    out += fmt::format("({} more)\n", comparison.rows.size() - shown);
  return out;
}

Json comparison_json(const SpanTree& before, const SpanTree& after,
                     const TraceComparison& comparison) {
  Json names = Json::array();
  for (const TraceComparison::NameRow& row : comparison.by_name) {
    names.push_back(Json::object({{"kind", span_kind_name(row.kind)},
                                  {"name", row.name},
                                  {"count_before", row.count_before},
                                  {"count_after", row.count_after},
                                  {"before_ns", row.before.count()},
                                  {"after_ns", row.after.count()},
                                  {"difference_ns", row.difference().count()}}));
  }
  Json spans = Json::array();
  for (std::size_t i = 0; i < std::min(comparison.rows.size(), kMaxJsonRows); ++i) {
    const TraceComparison::Row& row = comparison.rows[i];
    const Span& span = span_of(before, after, row);
    Json item = Json::object({{"what", what(row)},
                              {"kind", span_kind_name(span.kind)},
                              {"name", span.name},
                              {"path", way_of(before, after, row)},
                              {"difference_ns", row.difference.count()}});
    if (row.before != SpanTree::kNone) {
      item.set("before_ns", before.nodes()[row.before].span->duration.count());
      item.set("span_id_before", before.nodes()[row.before].span->span_id);
    }
    if (row.after != SpanTree::kNone) {
      item.set("after_ns", after.nodes()[row.after].span->duration.count());
      item.set("span_id_after", after.nodes()[row.after].span->span_id);
    }
    spans.push_back(std::move(item));
  }
  return Json::object({{"before", metadata_json(before.metadata())},
                       {"after", metadata_json(after.metadata())},
                       {"matched", comparison.matched},
                       {"new_spans", comparison.new_spans},
                       {"gone_spans", comparison.gone_spans},
                       {"by_name", std::move(names)},
                       {"spans", std::move(spans)}});
}

}  // namespace agdb
