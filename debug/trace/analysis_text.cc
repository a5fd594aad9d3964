#include <fmt/format.h>

#include <algorithm>

#include "debug/trace/saturating.h"
#include "debug/trace/span_text.h"
#include "debug/trace/trace_analysis.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr int kWidth = 57;  // of a heading
constexpr std::size_t kLabelWidth = 34;
constexpr std::size_t kMaxRows = 10;
constexpr std::size_t kMaxFailures = 20;
constexpr std::size_t kMaxReason = 200;  // characters

double percent(Nanoseconds part, Nanoseconds whole) {
  return percent_of(static_cast<double>(part.count()), static_cast<double>(whole.count()));
}

class AnalysisPrinter {
 public:
  AnalysisPrinter(const SpanTree& tree, const TraceAnalysis& analysis)
      : tree_(tree), analysis_(analysis) {}

  std::string print() {
    add_path();
    add_time();
    add_ranking("Self Time (without what runs below)", analysis_.self_time,
                [](std::int64_t value) { return adaptive_duration(Nanoseconds(value)); });
    add_ranking("Own Tokens (without what runs below)", analysis_.tokens, token_text);
    add_failures();
    add_table("Tools", analysis_.tools, false);
    add_table("Models", analysis_.models, true);
    return std::move(out_);
  }

 private:
  const Span& span_at(std::uint32_t node) const { return *tree_.nodes()[node].span; }
  Nanoseconds wall() const { return analysis_.time.wall; }

  void add_heading(const std::string& title) {
    out_ += '\n';
    const auto used = static_cast<int>(count_characters(title)) + 4;
    append_section(out_, title, std::max(kWidth - used, 3));
  }

  void add_left(std::string_view text) {
    append_left(out_, truncate(text, kLabelWidth - 2), kLabelWidth);
  }

  void add_path() {
    if (analysis_.path.empty()) return;
    add_heading(fmt::format("Time Line: what the end waited for ({} of total)",
                            percent_text(percent(analysis_.path_duration, wall()))));
    const std::size_t shown = std::min(analysis_.shares.size(), kMaxRows);
    for (std::size_t i = 0; i < shown; ++i) {
      const PathShare& share = analysis_.shares[i];
      add_left(kind_label(share.kind, share.name));
      append_right(out_, adaptive_duration(share.duration), 9);
      append_right(out_, percent_text(percent(share.duration, wall())), 8);
      out_ += fmt::format("  {}×\n", share.pieces);
    }
    if (shown < analysis_.shares.size())
      out_ += fmt::format("({} more)\n", analysis_.shares.size() - shown);
  }

  void add_time() {
    const TimeUse& time = analysis_.time;
    add_heading("Time");
    out_ +=
        fmt::format("Working:      {} of {} ({})\n", adaptive_duration(time.active),
                    adaptive_duration(time.wall), percent_text(percent(time.active, time.wall)));
    out_ += fmt::format("Parallelism:  {:.2f}  ({} of work, at most {} at once)\n",
                        time.parallelism, adaptive_duration(time.busy), time.most);
    if (time.waits > 0)
      out_ += fmt::format("Waiting:      {} in {} waits, receipts and suspensions\n",
                          adaptive_duration(time.waiting), time.waits);
  }

  template <typename ToText>
  void add_ranking(const std::string& title, const std::vector<RankedNode>& ranking,
                   ToText to_text) {
    if (ranking.empty()) return;
    add_heading(title);
    for (std::size_t i = 0; i < std::min(ranking.size(), kMaxRows / 2); ++i) {
      out_ += fmt::format("#{}  ", i + 1);
      add_left(span_label(span_at(ranking[i].node)));
      append_right(out_, to_text(ranking[i].value), 9);
      out_ += "  ";
      out_ += span_kind_name(span_at(ranking[i].node).kind);
      out_ += '\n';
    }
  }

  void add_failed(std::string_view mark, std::uint32_t node) {
    const Span& span = span_at(node);
    out_ += mark;
    add_left(span_label(span));
    out_ += span_status_name(span.status);
    out_ += fmt::format("  at {}", adaptive_duration(since_start(span.end())));
    if (!span.error.empty()) out_ += "  " + printable(truncate(span.error, kMaxReason));
    out_ += '\n';
  }

  Nanoseconds since_start(WallTime time) const {
    return saturating_difference(time.time_since_epoch(),
                                 tree_.metadata().start.time_since_epoch());
  }

  void add_some(std::string_view mark, const std::vector<std::uint32_t>& nodes) {
    const std::size_t shown = std::min(nodes.size(), kMaxRows);
    for (std::size_t i = 0; i < shown; ++i) add_failed(mark, nodes[i]);
    if (shown < nodes.size()) out_ += fmt::format("{}({} more)\n", mark, nodes.size() - shown);
  }

  void add_failures() {
    if (analysis_.failures.empty()) return;
    add_heading("Failures: where they began");
    const std::size_t shown = std::min(analysis_.failures.size(), kMaxFailures);
    for (std::size_t i = 0; i < shown; ++i) {
      const Failure& failure = analysis_.failures[i];
      add_failed("✗ origin  ", failure.origin);
      add_some("  victim  ", failure.victims);
      add_some("  also    ", failure.others);
    }
    if (shown < analysis_.failures.size())
      out_ += fmt::format("({} more)\n", analysis_.failures.size() - shown);
  }

  void add_table(const std::string& title, const std::vector<NameStats>& rows, bool models) {
    if (rows.empty()) return;
    add_heading(title);
    append_left(out_, "NAME", kLabelWidth);
    for (const std::string_view column : {"COUNT", "ERRORS", "P50", "P95", "P99", "TOTAL"})
      append_right(out_, column, kColumn);
    if (models) append_right(out_, "TOKENS", kColumn + 3);
    out_ += '\n';
    for (const NameStats& row : rows) add_row(row, models);
  }

  void add_row(const NameStats& row, bool models) {
    add_left(printable(row.name));
    append_right(out_, fmt::format("{}", row.count), kColumn);
    append_right(out_, fmt::format("{}", row.errors), kColumn);
    for (const Nanoseconds duration : {row.p50, row.p95, row.p99, row.total})
      append_right(out_, adaptive_duration(duration), kColumn);
    if (models) append_right(out_, fmt::format("{}", row.tokens), kColumn + 3);
    if (row.cost_usd > 0) out_ += fmt::format("  ${:.4f}", row.cost_usd);
    out_ += '\n';
  }

  static constexpr std::size_t kColumn = 9;

  const SpanTree& tree_;
  const TraceAnalysis& analysis_;
  std::string out_;
};

}  // namespace

std::string analysis_text(const SpanTree& tree, const TraceAnalysis& analysis) {
  return AnalysisPrinter(tree, analysis).print();
}

}  // namespace agdb
