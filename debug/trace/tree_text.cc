#include "debug/trace/tree_text.h"

#include <fmt/format.h>

#include <vector>

#include "debug/trace/span_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// The second that a moment is in. The first of those that 64 bits of nanoseconds reach into begins
// before them: a moment in it stays as it is.
WallTime whole_second(WallTime time) {
  const Nanoseconds since = time.time_since_epoch();
  Nanoseconds rest = since % std::chrono::seconds(1);
  if (rest < Nanoseconds(0)) rest += std::chrono::seconds(1);
  return since < Nanoseconds::min() + rest ? time : time - rest;
}

constexpr std::size_t kLabelWidth = 35;
constexpr std::size_t kDurationWidth = 8;
constexpr std::size_t kTokenWidth = 7;
constexpr std::size_t kMaxCells = 64;
constexpr std::size_t kMaxReason = 100;     // characters
constexpr std::size_t kMaxAttribute = 200;  // bytes

constexpr std::string_view kBar = "│  ";
constexpr std::string_view kGap = "   ";

// What stands left of the nodes below the current one: a cell for each ancestor from depth 1 on.
class Cells {
 public:
  // Goes to a node whose ancestors from depth 1 on are so many.
  void cut(std::size_t ancestors) {
    ends_.resize(ancestors);
    text_.resize(ancestors == 0 ? 0 : ends_.back());
  }
  void push(bool more_behind) {
    text_ += more_behind ? kBar : kGap;
    ends_.push_back(text_.size());
  }
  void append_to(std::string& out) const {
    if (ends_.size() <= kMaxCells) {
      out += text_;
      return;
    }
    const std::size_t left_out = ends_.size() - kMaxCells;
    fmt::format_to(std::back_inserter(out), "(+{}) ", left_out);
    out.append(text_, ends_[left_out - 1]);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;  // of each cell in text_
};

class TreePrinter {
 public:
  TreePrinter(const SpanTree& tree, const TreeTextOptions& options)
      : tree_(tree), nodes_(tree.nodes()), options_(options) {}

  std::string print() {
    const TraceMetadata& all = tree_.metadata();
    out_.reserve(nodes_.size() * (options_.verbose ? 200 : 100));
    out_ += "Trace: ";
    append_printable(out_, tree_.trace_id(), EscapeStyle::kPlain);
    fmt::format_to(std::back_inserter(out_), "  |  {} spans  |  {}  |  {} tokens\n\n",
                   all.total_spans, adaptive_duration(all.total_duration), all.total_tokens);
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      if (at == tree_.root_size()) add_outside_heading();
      add_node(at);
    }
    return std::move(out_);
  }

 private:
  void add_outside_heading() {
    const TraceMetadata& all = tree_.metadata();
    fmt::format_to(std::back_inserter(out_), "\nOutside the tree: {} spans (parent missing: {}, ",
                   nodes_.size() - tree_.root_size(), all.orphans);
    fmt::format_to(std::back_inserter(out_), "loops: {})\n", all.loops);
  }

  bool is_last(std::size_t at) const {
    const SpanTree::Node& node = nodes_[at];
    return node.parent == SpanTree::kNone || node.end == nodes_[node.parent].end;
  }

  void add_node(std::size_t at) {
    const SpanTree::Node& node = nodes_[at];
    cells_.cut(node.depth == 0 ? 0 : node.depth - 1);
    if (node.depth > 0) {
      cells_.append_to(out_);
      out_ += is_last(at) ? "└─ " : "├─ ";
    } else {
      out_ += "┌─ ";
    }
    const Span& span = *node.span;
    const std::size_t label = out_.size();
    append_label(out_, span);
    pad_left(out_, label, kLabelWidth);
    out_ += ' ';
    append_right(out_, adaptive_duration(span.duration), kDurationWidth);
    out_ += "  ";
    append_right(out_, token_text(span.tokens_used), kTokenWidth);
    out_ += "  ";
    out_ += span_status_name(span.status);
    add_remarks(node);
    out_ += '\n';
    if (options_.verbose) add_details(at);
    if (node.depth > 0) cells_.push(!is_last(at));
  }

  void add_remarks(const SpanTree::Node& node) {
    const Span& span = *node.span;
    if (!span.error.empty()) out_ += "  " + printable(truncate(span.error, kMaxReason));
    if (node.top == SpanTree::Top::kOrphan || node.top == SpanTree::Top::kLoop) {
      out_ += node.top == SpanTree::Top::kOrphan ? "  [parent missing: " : "  [in a loop, parent: ";
      append_printable(out_, span.parent_span_id, EscapeStyle::kPlain);
      out_ += ']';
    }
    if (node.same_id) out_ += "  [id used before]";
  }

  void add_continuation(std::size_t at) {
    const SpanTree::Node& node = nodes_[at];
    if (node.depth == 0) {
      out_ += node.end > at + 1 ? kBar : kGap;
      return;
    }
    cells_.append_to(out_);
    out_ += is_last(at) ? kGap : kBar;
  }

  void add_details(std::size_t at) {
    const Span& span = *nodes_[at].span;
    if (count_characters(span.name) > kNameInText) {
      add_continuation(at);
      out_ += "  Name: ";
      append_printable(out_, span.name, EscapeStyle::kPlain);
      out_ += '\n';
    }
    add_continuation(at);
    out_ += "  SpanID: ";
    append_printable(out_, span.span_id, EscapeStyle::kPlain);
    if (!span.parent_span_id.empty()) {
      out_ += "  Parent: ";
      append_printable(out_, span.parent_span_id, EscapeStyle::kPlain);
    }
    fmt::format_to(std::back_inserter(out_), "  Syscalls: {}  Start: {}\n", span.syscall_count,
                   format_wall_time(whole_second(span.start)));
    add_more(at);
  }

  // A span of the kind and with the members that every tracer knows has no such line.
  void add_more(std::size_t at) {
    const Span& span = *nodes_[at].span;
    const bool has_attributes = span.attributes.is_object() && !span.attributes.empty();
    if (span.kind == SpanKind::kProcess && !has_attributes && span.links.empty() &&
        span.events.empty())
      return;
    add_continuation(at);
    out_ += "  Kind: ";
    out_ += span_kind_name(span.kind);
    if (!span.links.empty())
      fmt::format_to(std::back_inserter(out_), "  Links: {}", span.links.size());
    if (!span.events.empty())
      fmt::format_to(std::back_inserter(out_), "  Events: {}", span.events.size());
    if (has_attributes) {
      for (const Json::Member& member : span.attributes.members()) add_attribute(member);
    }
    out_ += '\n';
  }

  void add_attribute(const Json::Member& member) {
    out_ += "  ";
    append_printable(out_, prefix_of_bytes(member.key, kMaxAttribute), EscapeStyle::kPlain);
    out_ += '=';
    const auto text = member.value.to_string();
    const std::string value = text ? std::string(*text) : dump(member.value);
    append_printable(out_, prefix_of_bytes(value, kMaxAttribute), EscapeStyle::kPlain);
    if (value.size() > kMaxAttribute) out_ += "...";
  }

  const SpanTree& tree_;
  const std::vector<SpanTree::Node>& nodes_;
  TreeTextOptions options_;
  Cells cells_;
  std::string out_;
};

}  // namespace

std::string tree_text(const SpanTree* tree, const TreeTextOptions& options) {
  if (tree == nullptr) return "No spans found for this trace.\n";
  return TreePrinter(*tree, options).print();
}

}  // namespace agdb
