#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "debug/trace/blame.h"
#include "debug/trace/span_line.h"
#include "debug/trace/trace_analysis.h"
#include "debug/trace/tree_json.h"
#include "debug/trace/tree_text.h"
#include "runtime/events/text.h"

namespace {

// What was read is written as one line of UTF-8 that is read again as the same span.
void check_round_trip(const agdb::Span& span) {
  std::string line;
  agdb::append_span_line(line, span);
  AGDB_ASSERT(std::count(line.begin(), line.end(), '\n') == 1, "one line");
  AGDB_ASSERT(agdb::is_utf8(line), "UTF-8");
  line.pop_back();
  const auto again = agdb::SpanLineReader().read(line);
  AGDB_ASSERT(again.has_value(), "what we write we read: " + line);
  AGDB_ASSERT(again->span_id == span.span_id && again->parent_span_id == span.parent_span_id,
              "the same ids");
  AGDB_ASSERT(again->name == span.name && again->error == span.error, "the same texts");
  AGDB_ASSERT(again->start == span.start && again->duration == span.duration, "the same times");
  AGDB_ASSERT(again->kind == span.kind && again->status == span.status, "the same kind");
}

}  // namespace

// Each line is one of a file of spans: whatever they say, each span stands in the tree once, and
// what is told of the trace is told in bounded time and text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  agdb::SpanLineReader reader;
  std::vector<agdb::Span> spans;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    auto span = reader.read(line);
    if (!span) continue;
    check_round_trip(*span);
    spans.push_back(*std::move(span));
  }
  const std::size_t count = spans.size();
  const auto tree = agdb::SpanTree::build(std::move(spans));
  if (!tree) return 0;
  AGDB_ASSERT(tree->nodes().size() == count, "each span once");
  AGDB_ASSERT(agdb::is_utf8(agdb::tree_text(&*tree, {.verbose = true})), "UTF-8");
  AGDB_ASSERT(agdb::is_utf8(agdb::tree_json(&*tree)), "UTF-8");
  const agdb::Blame blame = agdb::find_blame(*tree);
  const agdb::TraceAnalysis analysis = agdb::analyse(*tree);
  AGDB_ASSERT(agdb::is_utf8(agdb::blame_text(&*tree, &blame)), "UTF-8");
  AGDB_ASSERT(agdb::is_utf8(agdb::analysis_text(*tree, analysis)), "UTF-8");
  AGDB_ASSERT(analysis.path_duration <= tree->metadata().total_duration, "no more than the whole");
  return 0;
}
