#include <fmt/format.h>

#include <algorithm>

#include "debug/trace/blame.h"
#include "debug/trace/span_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"

namespace agdb {
namespace {

constexpr std::size_t kPathWidth = 40;
constexpr std::size_t kHotspotWidth = 34;
constexpr std::size_t kChainWidth = 36;
constexpr std::size_t kMaxChains = 1000;

class BlamePrinter {
 public:
  BlamePrinter(const SpanTree& tree, const Blame& blame) : tree_(tree), blame_(blame) {}

  std::string print() {
    add_header();
    add_critical_path();
    add_hotspots();
    add_chains();
    return std::move(out_);
  }

 private:
  const Span& span_at(std::uint32_t node) const { return *tree_.nodes()[node].span; }

  // These columns count bytes.
  void add_label(const Span& span, std::size_t width) {
    const std::string label = span_label(span);
    out_ += label;
    out_.append(std::max<std::size_t>(label.size() < width ? width - label.size() : 0, 2), ' ');
  }

  void add_header() {
    const TraceMetadata& all = tree_.metadata();
    out_ += "Blame: ";
    append_printable(out_, tree_.trace_id(), EscapeStyle::kPlain);
    out_ += fmt::format("  |  {} spans", all.total_spans);
    if (all.error_count > 0) out_ += fmt::format("  |  {} errors", all.error_count);
    out_ += "\n\n";
  }

  void add_critical_path() {
    append_section(
        out_, fmt::format("Critical Path ({} of total)", percent_text(blame_.critical_path_pct)),
        22);
    for (const std::uint32_t node : blame_.critical_path) {
      const Span& span = span_at(node);
      out_ += "→ ";
      add_label(span, kPathWidth);
      out_ +=
          fmt::format("{}   {}\n", adaptive_duration(span.duration), token_text(span.tokens_used));
    }
    out_ += fmt::format("  Total: {} / {}\n\n", adaptive_duration(blame_.critical_duration),
                        adaptive_duration(tree_.metadata().total_duration));
  }

  void add_hotspots() {
    append_section(out_, "Duration Hotspots", 35);
    for (std::size_t i = 0; i < blame_.duration_hotspots.size(); ++i) {
      const Span& span = span_at(blame_.duration_hotspots[i].node);
      add_hotspot(i, adaptive_duration(span.duration), blame_.duration_hotspots[i]);
    }
    out_ += '\n';
    append_section(out_, "Token Hotspots", 38);
    for (std::size_t i = 0; i < blame_.token_hotspots.size(); ++i) {
      const Span& span = span_at(blame_.token_hotspots[i].node);
      add_hotspot(i, token_text(span.tokens_used), blame_.token_hotspots[i]);
    }
  }

  void add_hotspot(std::size_t i, std::string_view value, const Blame::Hotspot& hotspot) {
    out_ += fmt::format("#{}  ", i + 1);
    add_label(span_at(hotspot.node), kHotspotWidth);
    out_ += fmt::format("{}   {}\n", value, percent_text(hotspot.percentage));
  }

  void add_chains() {
    if (blame_.error_chains.empty()) return;
    out_ += '\n';
    append_section(out_, "Error Chains", 40);
    const std::size_t shown = std::min(blame_.error_chains.size(), kMaxChains);
    for (std::size_t i = 0; i < shown; ++i) {
      out_ += fmt::format("Chain {}:\n", i + 1);
      add_chain(blame_.error_chains[i]);
    }
    if (shown < blame_.error_chains.size())
      out_ += fmt::format("({} more chains)\n", blame_.error_chains.size() - shown);
  }

  void add_chain(const Blame::ErrorChain& chain) {
    const std::vector<std::uint32_t> path = path_to(tree_, chain.end);
    for (auto node = path.rbegin(); node != path.rend(); ++node) {
      const Span& span = span_at(*node);
      out_ += span.failed() ? "  ✗ " : "  ↑ ";
      add_label(span, kChainWidth);
      out_ += span_status_name(span.status);
      if (*node == chain.root_cause) out_ += " [ROOT CAUSE]";
      out_ += '\n';
    }
  }

  const SpanTree& tree_;
  const Blame& blame_;
  std::string out_;
};

}  // namespace

std::string blame_text(const SpanTree* tree, const Blame* blame) {
  if (tree == nullptr || blame == nullptr) return "No blame data available.\n";
  return BlamePrinter(*tree, *blame).print();
}

}  // namespace agdb
